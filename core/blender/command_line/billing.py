# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command `billing`: what was asked for, and what it may have cost. bpy is allowed here."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from ...tasks import ledger
from ...tasks.journal_file import FILE_NAME
from ...tasks.journal_view import look
from ...tasks.ledger import Entry
from .. import preferences, scripting, session
from . import workplace
from .answer import Answer
from .exit_status import CommandError, ExitStatus
from .listing import MOST, table
from .progress import Progress

GROUPS: dict[str, Callable[[Entry], str]] = {
    "day": ledger.by_day,
    "month": ledger.by_month,
    "project": ledger.by_project,
    "model": ledger.by_model,
}


def billing(options: argparse.Namespace, _progress: Progress) -> Answer:
    """Say what the tasks of this computer may have cost, and write the ledger where that is wanted.

    :raises CommandError: when the journal cannot be read, or a file is not what it should be.
    """
    if options.usage is not None or options.output is not None:
        workplace.begin(options)
        books = session.current().books
        if options.usage is not None:
            books.import_usage(options.usage.absolute())
            _wait()
        if options.output is not None:
            books.export(options.output.absolute())
            _wait()
    entries = _entries()
    sums = ledger.sums(entries, GROUPS[options.by])
    rows = [*((one.name, str(one.tasks), one.words) for one in sums)]
    every = ledger.total(entries, "in all")
    lines = table((options.by, "tasks", "cost"), [*rows, (every.name, str(every.tasks), every.words)])
    data = {
        "sums": [_record(one) for one in sums],
        "total": _record(every),
        "ledger": str(options.output.absolute()) if options.output else "",
    }
    return Answer(ExitStatus.SUCCESS, lines, data)


def _wait() -> None:
    report = scripting.wait_for_ledger()
    if report.is_bad:
        raise CommandError(report.sentence, ExitStatus.WRONG_USAGE)


def _entries() -> Sequence[Entry]:
    """Return the ledger as the journal has it, taking over nothing."""
    view = look(preferences.data_directory() / FILE_NAME, most=MOST)
    if view.problem:
        raise CommandError(f"The task journal cannot be read ({view.problem}). Look at the data folder.")
    return ledger.entries(seen.task for seen in view.newest)


def _record(one: ledger.Sum) -> dict[str, object]:
    return {
        "name": one.name,
        "tasks": one.tasks,
        "charged": one.charged,
        "min_usd": f"{one.low:f}",
        "max_usd": f"{one.high:f}",
        "exact_usd": f"{one.exact:f}",
        "without_price": one.unknown,
    }
