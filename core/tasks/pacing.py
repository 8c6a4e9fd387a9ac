# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When to ask the service again: pure functions of ages and counts. No bpy, no clock here."""

from __future__ import annotations

import random
from dataclasses import dataclass

_POLLS_PER_MINUTE = 100
"""One budget for all tasks together, far below the service's 1,000 per minute (API notes 5.3)."""

_SHORTEST_WAIT = 1.0
"""Seconds after a failure, also when the service asks for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """The intervals, in seconds. Tests use shorter ones."""

    usual: float = 5.0
    """Between two polls, and between the create answer and the first poll (API notes 3.3)."""
    slow: float = 10.0
    """For a task that has run for longer than `slow_after`."""
    slow_after: float = 120.0
    longest_back_off: float = 60.0
    download_tries: int = 5
    """After so many failed tries in a row a download waits for the user."""
    submit_tries: int = 8
    """After so many busy answers in a row a task is given up; nothing was accepted, so nothing was charged."""


def poll_delay(pacing: Pacing, *, age: float, running: int) -> float:
    """Return the seconds until a running task is asked about again.

    :param age: seconds since the task was submitted.
    :param running: how many tasks are polled at present, at least 1.
    """
    interval = pacing.usual if age < pacing.slow_after else pacing.slow
    return max(interval, running * 60.0 / _POLLS_PER_MINUTE)


def back_off(
    pacing: Pacing, *, failures: int, retry_after: float | None = None, random_source: random.Random | None = None
) -> float:
    """Return the seconds to wait after `failures` (at least 1) failed tries in a row.

    What the service asks for wins; otherwise exponential with full jitter, so that many Blenders do not knock at once.
    """
    if retry_after is not None:
        return max(_SHORTEST_WAIT, retry_after)
    ceiling = min(pacing.longest_back_off, pacing.usual * 2.0 ** min(failures - 1, 16))
    # Not for secrets: any generator does.
    chance = (random_source or random).random()
    return ceiling * (0.5 + chance / 2)
