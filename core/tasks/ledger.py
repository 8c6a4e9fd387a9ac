# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was asked for and what it may have cost, out of the journal, for bookkeeping. No bpy here.

The service tells this kind of key no price of a task (API notes 6). So a task costs between the ends of what its model
published when it was sent, until a usage file of the dashboard says more (`usage_file`).
"""

from __future__ import annotations

import csv
import enum
import io
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath
from typing import Final

from ..service.contract import AUTO
from ..text import spreadsheet_cell
from .duplicates import FIRST_TRY
from .spending import dollars, times_charged, upper_price
from .task import Task, TaskState

COLUMNS: Final = (
    "time",
    "project",
    "model",
    "format",
    "quality",
    "style",
    "seed",
    "delivery_tier",
    "state",
    "charged",
    "min_price_usd",
    "max_price_usd",
    "exact_price_usd",
    "task_id",
    "billing_transaction_id",
    "request_id",
    "local_id",
)
_UNSURE: Final = frozenset({TaskState.SUBMITTING, TaskState.UNCERTAIN, TaskState.STOPPED, TaskState.LOST})
"""States of tasks that may, or may not, be completed at the service."""


class Charged(enum.Enum):
    """Whether money was taken."""

    YES = "yes"
    NO = "no"
    """It failed, or was never sent."""
    PERHAPS = "perhaps"
    """Nobody knows whether the service accepted or completed it, or it is not over."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One task in the books."""

    task: Task
    charged: Charged
    low: Decimal | None
    high: Decimal | None
    """What it costs, in USD, at least and at most; None where no price was published."""
    exact: Decimal | None
    """What the service's own books say, or None."""

    @property
    def moment(self) -> float:
        """When it was sent, or asked for if it never was, in unix seconds."""
        return self.task.submitted_at or self.task.created_at


def entry_of(task: Task) -> Entry | None:
    """Return what the books say of a task; None for a trial, with which the service has nothing to do."""
    if task.is_stand_in:
        return None
    times, exact = times_charged(task), upper_price(task.exact_price)
    if exact is not None:
        return Entry(task, Charged.YES if exact else Charged.NO, exact, exact, exact)
    if not times:
        return Entry(task, Charged.NO, Decimal(0), Decimal(0), None)
    low, high = upper_price(task.min_price), upper_price(task.max_price)
    charged = _charged(task)
    if charged is not Charged.YES or times > 1:
        # Of two tries one may not have been accepted.
        low = low if charged is Charged.YES else Decimal(0)
    return Entry(task, charged, low, high if high is None else high * times, None)


def _charged(task: Task) -> Charged:
    if task.state in _UNSURE or task.state is TaskState.FAILED or FIRST_TRY in task.note:
        return Charged.YES if task.billing_transaction_id else Charged.PERHAPS
    is_over = task.state in (TaskState.DOWNLOADING, TaskState.CONVERTING, TaskState.READY, TaskState.IMPORTED)
    return Charged.YES if is_over else Charged.PERHAPS


def entries(tasks: Iterable[Task]) -> list[Entry]:
    """Return the books, oldest first."""
    found = [entry for entry in map(entry_of, tasks) if entry is not None]
    return sorted(found, key=lambda entry: entry.moment)


# ------------------------------------------------------------------------------
# As a table


def csv_text(books: Sequence[Entry]) -> str:
    """Return the books as CSV: no prompt, no address, no key."""
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(COLUMNS)
    writer.writerows(map(_cells, books))
    return output.getvalue()


def _cells(entry: Entry) -> list[str]:
    task, request = entry.task, entry.task.request
    return [
        time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(entry.moment)),
        *map(
            spreadsheet_cell,
            (task.project, request.model, _chosen(request.format), _chosen(request.quality), request.style),
        ),
        "" if request.seed is None else str(request.seed),
        spreadsheet_cell(request.delivery_policy),
        task.state.value,
        entry.charged.value,
        *("" if price is None else f"{price:f}" for price in (entry.low, entry.high, entry.exact)),
        *map(spreadsheet_cell, (task.task_id, task.billing_transaction_id, task.request_id, task.local_id)),
    ]


def _chosen(value: str) -> str:
    return "" if value == AUTO else value


# ------------------------------------------------------------------------------
# Sums


@dataclass(frozen=True, slots=True)
class Sum:
    """What several tasks cost together."""

    name: str
    tasks: int
    low: Decimal
    high: Decimal
    unknown: int
    """Tasks that may be charged, and for which no price was published."""

    @property
    def words(self) -> str:
        """Such as "between $0.20 and $0.80"."""
        ends = list(dict.fromkeys((dollars(self.low), dollars(self.high))))
        said = ends[0] if len(ends) == 1 else f"between {ends[0]} and {ends[1]}"
        if self.unknown:
            said += f", and {self.unknown} task{'' if self.unknown == 1 else 's'} without a published price"
        return said


def by_day(entry: Entry) -> str:
    """Return the local day of an entry."""
    return time.strftime("%Y-%m-%d", time.localtime(entry.moment))


def by_month(entry: Entry) -> str:
    """Return the local month of an entry."""
    return time.strftime("%Y-%m", time.localtime(entry.moment))


def by_model(entry: Entry) -> str:
    """Return the model of an entry."""
    return entry.task.request.model


def by_project(entry: Entry) -> str:
    """Return the file that an entry was generated in."""
    return entry.task.project or "Unsaved File"


def project_name(project: str) -> str:
    """Return a project as it is shown where there is little room."""
    return PurePath(project).name


def total(books: Iterable[Entry], name: str = "") -> Sum:
    """Return what these entries cost together."""
    low = high = Decimal(0)
    count = unknown = 0
    for entry in books:
        count += 1
        if entry.low is None or entry.high is None:
            unknown += 1
        low += entry.low or 0
        high += entry.high or 0
    return Sum(name, count, low, high, unknown)


def sums(books: Sequence[Entry], key: Callable[[Entry], str]) -> list[Sum]:
    """Return one sum for each day, project or model, in the order of their names."""
    groups: dict[str, list[Entry]] = {}
    for entry in books:
        groups.setdefault(key(entry), []).append(entry)
    return [total(group, name) for name, group in sorted(groups.items())]
