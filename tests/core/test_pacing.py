# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the service is asked again."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.tasks.pacing import REQUESTS_PER_MINUTE, Breaker, Budget, Pacing, back_off, poll_delay

PACING = Pacing()


@pytest.mark.parametrize(
    ("age", "running", "seconds"),
    [
        (0.0, 1, 5.0),
        (119.9, 1, 5.0),
        (120.0, 1, 9.0),
        (3600.0, 1, 9.0),
        (0.0, 8, 5.0),
        (3600.0, 10, 9.0),
    ],
)
def test_polls_get_rarer_with_the_age_and_the_number_of_tasks(age: float, running: int, seconds: float) -> None:
    assert poll_delay(PACING, age=age, running=running) == seconds


@given(st.integers(1, 5_000), st.floats(0, 1e6))
def test_all_tasks_together_stay_within_one_budget(running: int, age: float) -> None:
    assert running * 60.0 / poll_delay(PACING, age=age, running=running) <= 100.001


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [(1, 1.0, 5.0), (2, 1.0, 10.0), (3, 1.0, 20.0), (5, 1.0, 60.0), (10_000, 1.0, 60.0)],
)
def test_failures_wait_longer_and_longer_up_to_a_limit(failures: int, least: float, most: float) -> None:
    sources = [random.Random(seed) for seed in range(200)]  # noqa: S311  # the same in every run
    delays = [back_off(PACING, failures=failures, random_source=source) for source in sources]
    assert least <= min(delays)
    assert max(delays) <= most
    assert max(delays) - min(delays) > 0.75 * (most - least), "full jitter"
    assert len(set(delays)) > 100


def test_what_the_service_asks_for_wins() -> None:
    assert back_off(PACING, failures=9, retry_after=3.5) == 3.5
    assert back_off(PACING, failures=1, retry_after=600.0) == 600.0


def test_nobody_is_waited_for_longer_than_an_hour() -> None:
    assert back_off(PACING, failures=1, retry_after=1e9) == 3600.0


def test_a_wait_of_nothing_does_not_make_us_ask_without_a_pause() -> None:
    assert back_off(PACING, failures=1, retry_after=0.0) == 1.0


# ---- one budget for all


@given(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=600), st.integers(0, 3))
def test_no_minute_has_more_requests_than_the_budget(pauses: list[float], spent: int) -> None:
    budget, now, times = Budget(), 0.0, []
    for pause in pauses:
        now += pause
        if budget.take(now):
            times.append(now)
    for first in times:
        assert sum(first <= time < first + 60.0 for time in times) + spent <= REQUESTS_PER_MINUTE


def test_a_budget_that_is_used_up_says_when_it_is_not() -> None:
    budget = Budget()
    while budget.take(0.0):
        pass
    wait = budget.wait(0.0)
    assert not budget.take(wait - 0.001)
    assert budget.take(wait + 0.001)


def test_what_could_not_wait_is_waited_for_by_the_next() -> None:
    budget = Budget()
    while budget.take(0.0):
        pass
    wait = budget.wait(0.0)
    budget.spend()
    assert budget.wait(0.0) == pytest.approx(wait * 2)


# ---- a service that is down


def failing(breaker: Breaker, now: float) -> None:
    breaker.begun()
    breaker.ended(now, PACING, answered=False)


def test_after_three_requests_without_an_answer_one_at_a_time_finds_out() -> None:
    breaker = Breaker()
    for _ in range(2):
        failing(breaker, 0.0)
    assert breaker.lets_through(0.0) and not breaker.is_open
    failing(breaker, 0.0)
    assert breaker.is_open and not breaker.lets_through(0.0)
    later = breaker.wait(0.0)
    assert 0.0 < later <= PACING.usual
    assert breaker.lets_through(later)
    breaker.begun()
    assert not breaker.lets_through(later), "the others wait for what it finds out"
    breaker.ended(later, PACING, answered=True)
    assert breaker.lets_through(later) and not breaker.is_open


def test_a_service_that_stays_away_is_asked_ever_more_rarely() -> None:
    breaker, now = Breaker(), 0.0
    for _ in range(2000):
        now += breaker.wait(now)
        failing(breaker, now)
    assert now / 2000 > PACING.longest_back_off / 3


def test_an_answer_in_between_begins_the_count_anew() -> None:
    breaker = Breaker()
    for _ in range(5):
        failing(breaker, 0.0)
        failing(breaker, 0.0)
        breaker.begun()
        breaker.ended(0.0, PACING, answered=True)
    assert breaker.lets_through(0.0)


def test_a_trial_that_was_not_made_after_all_leaves_the_way_open_for_the_next() -> None:
    breaker = Breaker()
    for _ in range(3):
        failing(breaker, 0.0)
    now = breaker.wait(0.0)
    breaker.begun()
    breaker.ended(now, PACING, answered=None)
    assert breaker.is_open and breaker.lets_through(now)
