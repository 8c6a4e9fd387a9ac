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
from datetime import UTC, datetime
from decimal import Decimal
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
_COMPLETED: Final = frozenset({TaskState.DOWNLOADING, TaskState.CONVERTING, TaskState.READY, TaskState.IMPORTED})
"""States of tasks that the service has completed, which is what it charges for."""


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
    low, high = _published(task)
    if exact is not None:
        return _exact(task, exact, high)
    if not times:
        return Entry(task, Charged.NO, Decimal(0), Decimal(0), None)
    charged = _charged(task)
    # What may not be charged may cost nothing; each of two tries may be charged.
    return Entry(task, charged, low if charged is Charged.YES else Decimal(0), high and high * times, None)


def _exact(task: Task, exact: Decimal, high: Decimal | None) -> Entry:
    """Return an entry for what the service's books say, which is one try's price and not an earlier one's."""
    has_earlier = FIRST_TRY in task.note
    if not has_earlier:
        return Entry(task, Charged.YES if exact else Charged.NO, exact, exact, exact)
    most = None if high is None else exact + high
    return Entry(task, Charged.YES if exact else Charged.PERHAPS, exact, most, exact)


def _published(task: Task) -> tuple[Decimal | None, Decimal | None]:
    """Return the ends of what was published; without a lower one it is nothing, without an upper one nobody knows."""
    low, high = upper_price(task.min_price), upper_price(task.max_price)
    if high is None:
        return low, None
    low = low or Decimal(0)
    return min(low, high), max(low, high)


def _charged(task: Task) -> Charged:
    """Return whether money was taken for a task that was sent; for a failed one, whether for an earlier try."""
    if task.state is TaskState.FAILED:
        return Charged.PERHAPS
    is_charged = task.state in _COMPLETED or bool(task.billing_transaction_id)
    return Charged.YES if is_charged else Charged.PERHAPS


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
        datetime.fromtimestamp(entry.moment, UTC).astimezone().isoformat(timespec="seconds"),
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
    charged: int
    """How many of them are charged for certain."""
    low: Decimal
    high: Decimal
    """What those cost at least and at most for which that is known."""
    exact: Decimal
    """What of it the service's own books say."""
    unknown: int
    """Tasks that may be charged, and for which no price was published."""

    @property
    def words(self) -> str:
        """Such as "between $0.20 and $0.80"."""
        ends = list(dict.fromkeys((dollars(self.low), dollars(self.high))))
        said = ends[0] if len(ends) == 1 else f"between {ends[0]} and {ends[1]}"
        if not self.unknown:
            return said
        unknown = f"{self.unknown} task{'' if self.unknown == 1 else 's'} without a published price"
        # A price that is not known is not zero.
        return f"{said}, and {unknown}" if self.high else unknown


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


def total(books: Iterable[Entry], name: str = "") -> Sum:
    """Return what these entries cost together."""
    low = high = exact = Decimal(0)
    count = charged = unknown = 0
    for entry in books:
        count += 1
        charged += entry.charged is Charged.YES
        known = entry.exact or Decimal(0)
        exact += known
        if entry.low is None or entry.high is None:
            unknown += 1
            # Half a range would make the lower end of a sum larger than its upper one.
            low, high = low + known, high + known
        else:
            low, high = low + entry.low, high + entry.high
    return Sum(name, count, charged, low, high, exact, unknown)


def sums(books: Sequence[Entry], key: Callable[[Entry], str]) -> list[Sum]:
    """Return one sum for each day, project or model, in the order of their names."""
    groups: dict[str, list[Entry]] = {}
    for entry in books:
        groups.setdefault(key(entry), []).append(entry)
    return [total(group, name) for name, group in sorted(groups.items())]
