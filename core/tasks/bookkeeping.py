# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a worker does with the ledger: write it as CSV, take exact prices over from a usage file. No bpy here.

Each of these answers with exactly one `LedgerReport`.
"""

from __future__ import annotations

import logging
from decimal import Decimal
from pathlib import Path
from typing import Final

from ..files.library import write_atomically
from . import ledger, usage_file
from .job_context import JobContext
from .journal import JournalError
from .records import LedgerReport
from .spending import dollars
from .task import Task

logger = logging.getLogger(__name__)

_JOURNAL_SECONDS: Final = 30.0
_FAILED: Final = LedgerReport("The ledger could not be put together. Look at Blender's log.", is_bad=True)


def export(context: JobContext, path: Path) -> None:
    """Write the whole journal as CSV."""
    report = _FAILED
    try:
        books = ledger.entries(_tasks(context))
        write_atomically(path, ledger.csv_text(books).encode("utf-8", "replace"))
        every = ledger.total(books)
        report = LedgerReport(f"{path.name} has {_count(every.tasks)}, {every.words} in all.", books=tuple(books))
    except JournalError as error:
        report = LedgerReport(str(error), is_bad=True)
    except OSError as error:
        reason = error.strerror or "the disk refused"
        report = LedgerReport(f"The ledger could not be written ({reason}). Choose another place.", is_bad=True)
    finally:
        context.mailbox.put(report)


def import_usage(context: JobContext, path: Path) -> None:
    """Take the prices over that a usage file of the dashboard has for our tasks."""
    report = _FAILED
    try:
        found = usage_file.match(_tasks(context), usage_file.read_usage(path))
        _keep(context, {local_id: f"{price:f}" for local_id, price in found.prices.items()})
        report = LedgerReport(_said(found), books=tuple(ledger.entries(_tasks(context))))
    except (JournalError, usage_file.UsageFileError) as error:
        report = LedgerReport(str(error), is_bad=True)
    finally:
        context.mailbox.put(report)


def _tasks(context: JobContext) -> list[Task]:
    """Return every task of this computer.

    :raises JournalError: when they cannot be read.
    """
    try:
        return context.records.in_journal().result(_JOURNAL_SECONDS)
    except TimeoutError as error:
        raise JournalError("The task journal did not answer in time. Nothing was changed. Try again later.") from error


def _keep(context: JobContext, prices: dict[str, str]) -> None:
    try:
        context.records.set_prices(prices).result(_JOURNAL_SECONDS)
    except TimeoutError as error:
        raise JournalError("The disk did not take the prices in time. Import the usage file again later.") from error


def _said(found: usage_file.Matched) -> str:
    left_out = (
        (found.unmatched, "belonging to no task of this computer"),
        (found.ambiguous, "that may belong to several tasks or give back too much"),
        (found.unusable, "without an ID or a cost in US dollars"),
    )
    others = ", ".join(f"{_count(number, 'row')} {why}" for number, why in left_out if number)
    said = f" Left out: {others}." if others else ""
    if not found.prices:
        return f"No price was taken over from the usage file. Nothing was changed.{said}"
    exact = sum(found.prices.values(), Decimal(0))
    verb = "costs" if len(found.prices) == 1 else "cost"
    return f"{_count(len(found.prices))} {verb} exactly {dollars(exact)}.{said}"


def _count(number: int, noun: str = "task") -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
