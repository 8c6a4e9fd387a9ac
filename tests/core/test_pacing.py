# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the service is asked again."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tasks.pacing import Pacing, back_off, poll_delay

PACING = Pacing()


@pytest.mark.parametrize(
    ("age", "running", "seconds"),
    [
        (0.0, 1, 5.0),
        (119.9, 1, 5.0),
        (120.0, 1, 10.0),
        (3600.0, 1, 10.0),
        (0.0, 8, 5.0),
        (0.0, 10, 6.0),
        (0.0, 100, 60.0),
        (3600.0, 10, 10.0),
    ],
)
def test_polls_get_rarer_with_the_age_and_the_number_of_tasks(age: float, running: int, seconds: float) -> None:
    assert poll_delay(PACING, age=age, running=running) == seconds


@given(st.integers(1, 5_000), st.floats(0, 1e6))
def test_all_tasks_together_stay_within_one_budget(running: int, age: float) -> None:
    assert running * 60.0 / poll_delay(PACING, age=age, running=running) <= 100.001


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [(1, 2.5, 5.0), (2, 5.0, 10.0), (3, 10.0, 20.0), (5, 30.0, 60.0), (10_000, 30.0, 60.0)],
)
def test_failures_wait_longer_and_longer_up_to_a_limit(failures: int, least: float, most: float) -> None:
    sources = [random.Random(seed) for seed in range(200)]  # noqa: S311  # the same in every run
    delays = [back_off(PACING, failures=failures, random_source=source) for source in sources]
    assert least <= min(delays)
    assert max(delays) <= most
    assert len(set(delays)) > 100


def test_what_the_service_asks_for_wins() -> None:
    assert back_off(PACING, failures=9, retry_after=3.5) == 3.5
    assert back_off(PACING, failures=1, retry_after=600.0) == 600.0


def test_a_wait_of_nothing_does_not_make_us_ask_without_a_pause() -> None:
    assert back_off(PACING, failures=1, retry_after=0.0) == 1.0
