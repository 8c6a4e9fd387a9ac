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
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from ..service.errors import TokenLabError
from ..text import clean_text
from .spending import upper_price
from .task import Task

_MAX_BYTES: Final = 64 * 1024 * 1024
_BILL: Final = ("billingtransactionid", "transactionid", "billingid")
_REQUEST: Final = ("requestid",)
_TASK: Final = ("taskid",)
_COST: Final = ("costdecimal", "cost", "costusd", "amount", "amountusd", "charge", "chargeusd")
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
class Matched:
    """What a usage file says of our tasks."""

    prices: Mapping[str, Decimal]
    """Exact prices in USD by local id."""
    unmatched: int
    """Rows that belong to no task of this computer."""


def read_usage(path: Path) -> list[UsageRow]:
    """Read a usage file, CSV or JSON.

    :raises UsageFileError: when it is none.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageFileError(
                f"{path.name} is too large for a usage file. Nothing was changed. Choose another file."
            )
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        reason = error.strerror or "the disk refused"
        raise UsageFileError(f"{path.name} cannot be read ({reason}). Nothing was changed.") from error
    found = _from_json(text) if text.lstrip()[:1] in ("[", "{") else _from_csv(text)
    rows = [row for row in map(_row, found) if row is not None]
    if not rows:
        raise UsageFileError(
            f"{path.name} has no rows with an ID and a cost, so it is no usage file of the service. Nothing was "
            "changed. Download one from the dashboard, and choose that."
        )
    return rows


def _from_csv(text: str) -> Iterable[Mapping[str, object]]:
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    try:
        return [dict(row) for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)]
    except csv.Error:
        return []


def _from_json(text: str) -> Iterable[Mapping[str, object]]:
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
    if cost is None or not (bill or request or task):
        return None
    return UsageRow(bill, request, task, cost)


def _price(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    return upper_price(str(value).strip().removeprefix("$"))


def _first(known: Mapping[str, object], names: Iterable[str]) -> str:
    return next((text for name in names if (text := clean_text(known.get(name)))), "")


def match(tasks: Iterable[Task], rows: Iterable[UsageRow]) -> Matched:
    """Return what the rows say of the tasks; several rows of one task add up."""
    known = [task for task in tasks if not task.is_stand_in]
    by_bill = {task.billing_transaction_id: task.local_id for task in known if task.billing_transaction_id}
    by_request = {task.request_id: task.local_id for task in known if task.request_id}
    by_task = {task.task_id: task.local_id for task in known if task.task_id}
    prices: defaultdict[str, Decimal] = defaultdict(Decimal)
    unmatched = 0
    for row in rows:
        local_id = by_bill.get(row.bill) or by_task.get(row.task) or by_request.get(row.request)
        if local_id is None:
            unmatched += 1
        else:
            prices[local_id] += row.cost
    return Matched(dict(prices), unmatched)
