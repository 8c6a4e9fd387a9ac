# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When and how often the service may be asked: intervals, one budget for all, a breaker. No bpy and no clock here."""

from __future__ import annotations

import math
import random
import threading
from dataclasses import dataclass, field
from typing import Final

from .converter import Limits

REQUESTS_PER_MINUTE: Final = 100
"""For all tasks together, far below the service's 1,000 per minute and key (API notes 5.3)."""
_BURST: Final = 3
"""How many requests may follow each other without a pause."""
_RATE: Final = (REQUESTS_PER_MINUTE - 2 * _BURST) / 60.0
"""Requests per second in the long run: a minute that begins with a burst, and ends with one that goes beyond the
budget (`Budget.spend`), has no more than allowed."""

_FEW: Final = 8
"""So many tasks keep within the budget at the usual interval; that of more is shared out evenly."""

_SHORTEST_WAIT: Final = 1.0
"""Seconds after a failure for which the service named a pause, also if that is none."""
_LONGEST_WAIT: Final = 3600.0
"""Seconds after which we try again, whatever longer pause the service named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """The intervals, in seconds. Tests use shorter ones."""

    usual: float = 5.0
    """Between two polls, and between the create answer and the first poll (API notes 3.3)."""
    slow: float = 9.0
    """For a task that has run for longer than `slow_after`: its completion is known within ten seconds."""
    slow_after: float = 120.0
    longest_back_off: float = 60.0
    download_tries: int = 5
    """After so many failed tries in a row a download waits for the user."""
    submit_tries: int = 8
    """After so many busy answers in a row a task is given up; nothing was accepted, so nothing was charged."""
    billing: tuple[float, ...] = (4.0, 30.0, 100.0)
    """After the completion, when it is asked for a billing id that was not there yet (API notes 5.4)."""
    converter: Limits = field(default_factory=Limits)
    """What the second Blender may take."""


def poll_delay(pacing: Pacing, *, age: float, running: int) -> float:
    """Return the seconds until a running task is asked about again.

    :param age: seconds since the task was submitted.
    :param running: how many tasks are polled at present, at least 1.
    """
    interval = pacing.usual if age < pacing.slow_after else pacing.slow
    return max(interval, running / _RATE) if running > _FEW else interval


def back_off(
    pacing: Pacing, *, failures: int, retry_after: float | None = None, random_source: random.Random | None = None
) -> float:
    """Return the seconds to wait after `failures` (at least 1) failed tries in a row.

    What the service asks for wins, up to an hour; otherwise exponential with full jitter, so that many Blenders do not
    knock at once.
    """
    if retry_after is not None:
        return min(_LONGEST_WAIT, max(_SHORTEST_WAIT, retry_after))
    ceiling = min(pacing.longest_back_off, pacing.usual * 2.0 ** min(failures - 1, 16))
    # Not for secrets: any generator does.
    chance = (random_source or random).random()
    return max(ceiling * chance, min(_SHORTEST_WAIT, ceiling))


class Budget:
    """How many requests may go to the service, for all tasks together. May be used by several threads.

    A bucket of tokens that fills evenly, so that many tasks are asked about one after the other and not in bursts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens = float(_BURST)
        self._filled_at = -math.inf

    def take(self, now: float) -> bool:
        """Whether one more request may go out now; if so, it counts.

        :param now: seconds of any clock that only runs forward.
        """
        with self._lock:
            self._fill(now)
            if self._tokens < 1.0:
                return False
            self._tokens -= 1.0
            return True

    def spend(self) -> None:
        """Count a request that could not wait; later ones wait for it."""
        with self._lock:
            self._tokens -= 1.0

    def wait(self, now: float) -> float:
        """Return the seconds until one more request may go out."""
        with self._lock:
            self._fill(now)
            return max(0.0, (1.0 - self._tokens) / _RATE)

    def _fill(self, now: float) -> None:
        if now > self._filled_at:
            self._tokens = min(float(_BURST), self._tokens + (now - self._filled_at) * _RATE)
            self._filled_at = now


class Breaker:
    """Holds everything back while the service gives no answers, but for one request at a time that finds out."""

    TRIES: Final = 3
    """So many requests in a row without an answer are no accident."""

    def __init__(self) -> None:
        self._failures = 0
        self._closed_until = 0.0
        self._is_trying = False

    @property
    def is_open(self) -> bool:
        """Whether the service is taken for down."""
        return self._failures >= self.TRIES

    def lets_through(self, now: float) -> bool:
        """Whether a request may begin now."""
        return not self.is_open or (now >= self._closed_until and not self._is_trying)

    def wait(self, now: float) -> float:
        """Return the seconds until a request may find out whether the service is there again."""
        return max(0.0, self._closed_until - now) if self.is_open else 0.0

    def begun(self) -> None:
        """Take notice of a request that was let through."""
        self._is_trying = self.is_open

    def ended(self, now: float, pacing: Pacing, *, answered: bool | None) -> None:
        """Take notice of how a request ended.

        :param answered: whether the service answered, whatever it said; None when it was not asked after all.
        """
        self._is_trying = False
        if answered:
            self._failures = 0
        elif answered is False:
            self._failures += 1
            if self.is_open:
                self._closed_until = now + back_off(pacing, failures=self._failures - self.TRIES + 1)
