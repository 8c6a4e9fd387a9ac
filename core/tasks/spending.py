# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tasks may have cost at most, in this session and in this month. No bpy here; main thread only.

The service tells this kind of key no exact price (API notes 6): the upper end of what a model publishes is what counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

from .duplicates import FIRST_TRY
from .task import Task, TaskState

_Month = tuple[int, int]


@lru_cache(maxsize=256)
def upper_price(text: str) -> Decimal | None:
    """Return a published price in USD, or None when there is none that can be reckoned with."""
    try:
        price = Decimal(text)
    except InvalidOperation:
        return None
    return price if price.is_finite() and price >= 0 else None


def times_charged(task: Task) -> int:
    """Return how often a task may be charged: not at all when it was never sent or has failed."""
    if task.is_stand_in:
        return 0
    earlier = int(FIRST_TRY in task.note)
    if task.state is TaskState.FAILED or task.state is TaskState.QUEUED:
        return earlier
    return 1 + earlier


def dollars(amount: Decimal) -> str:
    """Return an amount in words."""
    return f"${amount:.2f}"


@dataclass(frozen=True, slots=True)
class Spent:
    """What may have been spent."""

    most: Decimal = Decimal(0)
    """USD."""
    unknown: int = 0
    """Requests whose price nobody has published."""

    @property
    def words(self) -> str:
        """Such as "at most $1.20, and 2 requests without a published price"."""
        said = f"at most {dollars(self.most)}"
        if self.unknown:
            said += f", and {self.unknown} request{'' if self.unknown == 1 else 's'} without a published price"
        return said


class _Cost(NamedTuple):
    month: _Month
    price: Decimal | None
    times: int


class Spending:
    """What every task of the journal, and of this session, may have cost."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Know of nothing yet.

        :param clock: unix seconds.
        """
        self._clock = clock
        self._costs: dict[str, _Cost] = {}
        self._revisions: dict[str, int] = {}
        """Of the tasks as they were last seen."""
        self._own: dict[str, Decimal | None] = {}
        """What was generated in this session, with the upper price as it was known then."""
        self.command_limit: Decimal | None = None
        """USD that a command allows, on top of the preferences."""
        self._before_command: frozenset[str] = frozenset()
        """What was generated in this session before the command began."""
        self.is_complete = False
        """The journal was read. What other Blenders of this computer send later is known when it is read again."""

    def take(self, tasks: Iterable[Task]) -> None:
        """Learn what the journal has."""
        for task in tasks:
            # The journal is read often, and little of it is new.
            if self._revisions.get(task.local_id) != task.revision:
                self.note(task)
        self.is_complete = True

    def generated(self, task: Task, price: Decimal | None) -> None:
        """Count a task of this session from now on, though it was not sent yet."""
        self._own[task.local_id] = price
        self.note(task)

    def begin_command(self, limit: Decimal | None) -> None:
        """Count what is generated from now on for a command, which may have a limit of its own."""
        self.command_limit, self._before_command = limit, frozenset(self._own)

    def end_command(self) -> None:
        """What is generated from now on is no command's."""
        self.command_limit = None

    def is_counted(self, local_id: str) -> bool:
        """Whether a task counts towards this session already, sent or not."""
        return local_id in self._own

    def note(self, task: Task) -> None:
        """Learn what has become of a task."""
        times = times_charged(task)
        is_own = task.local_id in self._own
        if is_own and task.state is TaskState.QUEUED and not task.removed and not task.is_stand_in:
            times += 1  # It is sent as soon as there is room.
        price = upper_price(task.max_price)
        if price is None:
            price = self._own.get(task.local_id)
        moment = time.localtime(task.submitted_at or task.created_at)
        self._revisions[task.local_id] = task.revision
        self._costs[task.local_id] = _Cost((moment.tm_year, moment.tm_mon), price, times)

    @property
    def this_session(self) -> Spent:
        """What was generated since this Blender began."""
        return _sum(self._costs[local_id] for local_id in self._own)

    @property
    def this_command(self) -> Spent:
        """What was generated since the command began, or since this Blender began."""
        return _sum(self._costs[local_id] for local_id in self._own.keys() - self._before_command)

    @property
    def this_month(self) -> Spent:
        """What was sent in this calendar month, from all files."""
        moment = time.localtime(self._clock())
        month = moment.tm_year, moment.tm_mon
        return _sum(cost for cost in self._costs.values() if cost.month == month)


def _sum(costs: Iterable[_Cost]) -> Spent:
    most, unknown = Decimal(0), 0
    for cost in costs:
        if cost.price is None:
            unknown += cost.times
        elif cost.times:
            most += cost.price * cost.times
    return Spent(most, unknown)
