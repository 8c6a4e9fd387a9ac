# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The usage file that the service's dashboard gives: what was really charged. No bpy here.

Its rows are documented (API notes 6: `request_id`, `billing_transaction_id`, `cost`, `cost_decimal`, ...), the columns
of its CSV form are not: so names are compared without case, blanks and punctuation.
"""

from __future__ import annotations

import csv
import io
import json
import re
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from ..service.errors import TokenLabError
from ..text import clean_text
from .spending import upper_price
from .task import Task

_MAX_BYTES: Final = 64 * 1024 * 1024
_MOST: Final = Decimal(1_000_000)
"""What is dearer, in USD, is no price of a request."""
_DIGITS: Final = 12
"""What has more of them behind the point is none either; written out it could fill the memory."""
_BILL: Final = ("billingtransactionid", "transactionid", "billingid")
_REQUEST: Final = ("requestid",)
_TASK: Final = ("taskid",)
_COST: Final = ("costdecimal", "cost", "costusd", "amount", "amountusd", "charge", "chargeusd")
_CURRENCY: Final = ("currency", "costcurrency")
_DOLLARS: Final = ("", "USD", "US$", "$")
_LISTS: Final = ("data", "rows", "usage", "items")
"""Where an object of JSON may hold its rows."""


class UsageFileError(TokenLabError):
    """A file that is no usage file. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one row says."""

    bill: str
    request: str
    task: str
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Usage:
    """What a usage file says."""

    rows: tuple[UsageRow, ...]
    unusable: int
    """Rows without an ID, or without a cost in US dollars."""


@dataclass(frozen=True, slots=True)
class Matched:
    """What a usage file says of our tasks."""

    prices: Mapping[str, Decimal]
    """Exact prices in USD by local id."""
    unmatched: int
    """Rows that belong to no task of this computer."""
    ambiguous: int = 0
    """Rows that could belong to several tasks, or give back more than was taken; no price was made of them."""
    unusable: int = 0
    """As in `Usage`."""


def read_usage(path: Path) -> Usage:
    """Read a usage file, CSV or JSON.

    :raises UsageFileError: when it is none.
    """
    text = _text_of(path)
    found = _from_json(text) if text.lstrip()[:1] in ("[", "{") else _from_csv(text)
    rows = tuple(row for row in map(_row, found) if row is not None)
    if not rows:
        raise UsageFileError(
            f"{path.name} has no rows with an ID and a cost in US dollars, so it is no usage file of the service. "
            "Nothing was changed. Download one from the dashboard, and choose that."
        )
    return Usage(rows, len(found) - len(rows))


def _text_of(path: Path) -> str:
    try:
        # A pipe or a device would never end, or never begin.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageFileError(f"{path.name} is no file that can be read. Nothing was changed. Choose a file.")
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "the disk refused"
        raise UsageFileError(f"{path.name} cannot be read ({reason}). Nothing was changed.") from error
    if len(data) > _MAX_BYTES:
        raise UsageFileError(f"{path.name} is too large for a usage file. Nothing was changed. Choose another file.")
    return data.decode("utf-8-sig", "replace")


def _from_csv(text: str) -> Sequence[Mapping[str, object]]:
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    try:
        return [dict(row) for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)]
    except csv.Error:
        return []


def _from_json(text: str) -> Sequence[Mapping[str, object]]:
    try:
        data: Any = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return []
    if isinstance(data, dict):
        data = next((data[name] for name in _LISTS if isinstance(data.get(name), list)), [])
    return [item for item in data if isinstance(item, dict)]


def _row(item: Mapping[str, object]) -> UsageRow | None:
    known = {re.sub(r"[^a-z]", "", str(name).lower()): value for name, value in item.items()}
    cost = next((price for name in _COST if (price := _price(known.get(name))) is not None), None)
    bill, request, task = (_first(known, names) for names in (_BILL, _REQUEST, _TASK))
    currency = _first(known, _CURRENCY).upper()
    if cost is None or currency not in _DOLLARS or not (bill or request or task):
        return None
    return UsageRow(bill, request, task, cost)


def _price(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    text = re.sub(r"US\$|USD|\$|\s", "", str(value), flags=re.IGNORECASE)
    # What was given back has a minus.
    price = upper_price(text.removeprefix("-"))
    if price is None or price > _MOST or price != round(price, _DIGITS):
        return None
    return -price if text.startswith("-") else price


def _first(known: Mapping[str, object], names: Iterable[str]) -> str:
    return next((text for name in names if (text := clean_text(known.get(name)))), "")


def match(tasks: Iterable[Task], usage: Usage) -> Matched:
    """Return what the rows say of the tasks; several rows of one task add up, the same transaction twice is one."""
    known = [task for task in tasks if not task.is_stand_in]
    by_bill = _by(known, lambda task: task.billing_transaction_id)
    by_request = _by(known, lambda task: task.request_id)
    by_task = _by(known, lambda task: task.task_id)
    rows_of: defaultdict[str, list[UsageRow]] = defaultdict(list)
    unmatched = ambiguous = 0
    for row in usage.rows:
        local_ids = by_bill.get(row.bill) or by_request.get(row.request) or by_task.get(row.task) or []
        if len(local_ids) == 1:
            rows_of[local_ids[0]].append(row)
        elif local_ids:
            ambiguous += 1
        else:
            unmatched += 1
    prices = {}
    for local_id, rows in rows_of.items():
        price = _sum(rows)
        if price < 0:
            ambiguous += len(rows)
        else:
            prices[local_id] = price
    return Matched(prices, unmatched, ambiguous, usage.unusable)


def _by(tasks: Iterable[Task], key: Callable[[Task], str]) -> Mapping[str, list[str]]:
    """Return the local ids of the tasks under each id of the service."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for task in tasks:
        if key(task):
            found[key(task)].append(task.local_id)
    return found


def _sum(rows: Iterable[UsageRow]) -> Decimal:
    once = {row if row.bill else index: row.cost for index, row in enumerate(rows)}
    return sum(once.values(), Decimal(0))
