# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks may have cost at most: the upper price of each that may be charged, by session and by calendar month."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.service.contract import GenerationRequest
from core.service.stand_in import MODEL
from core.tasks.duplicates import FIRST_TRY
from core.tasks.spending import Spending, upper_price
from core.tasks.task import Task, TaskState, new_task

NOW = time.mktime((2026, 3, 15, 12, 0, 0, 0, 0, -1))
LAST_MONTH = time.mktime((2026, 2, 28, 23, 59, 59, 0, 0, -1))
FIRST_OF_MONTH = time.mktime((2026, 3, 1, 0, 0, 0, 0, 0, -1))


def task(state: TaskState = TaskState.READY, **changes: Any) -> Task:
    known = {"min_price": "0.1", "max_price": "0.4", "submitted_at": NOW, "state": state, **changes}
    return replace(new_task(GenerationRequest(prompt="a chair"), "scene", now=NOW), **known)


def month(*tasks: Task) -> tuple[str, int]:
    spending = Spending(lambda: NOW)
    spending.take(tasks)
    return str(spending.this_month.most), spending.this_month.unknown


@pytest.mark.parametrize(
    "state", [TaskState.SUBMITTING, TaskState.UNCERTAIN, TaskState.PENDING, TaskState.STOPPED, TaskState.LOST]
)
def test_what_may_be_charged_counts_with_its_upper_price(state: TaskState) -> None:
    assert month(task(state)) == ("0.4", 0)


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.QUEUED])
def test_what_failed_or_was_never_sent_costs_nothing(state: TaskState) -> None:
    assert month(task(state)) == ("0", 0)


def test_a_request_that_was_sent_twice_counts_twice_and_once_if_the_second_try_failed() -> None:
    assert month(task(note=FIRST_TRY)) == ("0.8", 0)
    assert month(task(TaskState.FAILED, note=FIRST_TRY)) == ("0.4", 0)


def test_the_month_is_the_one_of_the_calendar_and_holds_what_was_removed_from_the_list() -> None:
    assert month(task(submitted_at=LAST_MONTH)) == ("0", 0)
    assert month(task(submitted_at=FIRST_OF_MONTH, removed=True)) == ("0.4", 0)


@pytest.mark.parametrize("price", ["", "free", "NaN", "-1", "Infinity"])
def test_a_price_that_says_nothing_is_unknown_and_not_zero(price: str) -> None:
    assert upper_price(price) is None
    assert month(task(max_price=price)) == ("0", 1)


def test_cents_add_up_exactly() -> None:
    assert month(*(task(max_price="0.1") for _ in range(3))) == ("0.3", 0)


def test_a_trial_costs_nothing() -> None:
    assert month(replace(task(), request=GenerationRequest(prompt="a chair", model=MODEL))) == ("0", 0)


def test_the_session_counts_its_own_from_the_click_on_and_nothing_of_before() -> None:
    spending = Spending(lambda: NOW)
    spending.take([task()])
    mine = task(TaskState.QUEUED, max_price="", submitted_at=None)
    spending.generated(mine, Decimal("0.5"))
    assert (spending.this_session.most, spending.this_month.most) == (Decimal("0.5"), Decimal("0.9"))
    # What the service says at the sending is what counts from there on.
    spending.note(replace(mine, state=TaskState.PENDING, max_price="0.6", submitted_at=NOW))
    assert spending.this_session.most == Decimal("0.6")
    spending.note(replace(mine, state=TaskState.FAILED, max_price="0.6", submitted_at=NOW))
    assert spending.this_session.most == 0


def test_a_queued_request_that_is_taken_off_the_list_is_not_sent_and_costs_nothing() -> None:
    spending = Spending(lambda: NOW)
    mine = task(TaskState.QUEUED)
    spending.generated(mine, Decimal("0.5"))
    spending.note(replace(mine, removed=True))
    assert spending.this_session.most == 0


def test_the_words_tell_what_is_not_known() -> None:
    spending = Spending(lambda: NOW)
    assert spending.this_month.words == "at most $0.00" and not spending.is_complete
    spending.take([task(), task(max_price="")])
    assert spending.is_complete
    assert spending.this_month.words == "at most $0.40, and 1 request without a published price"
