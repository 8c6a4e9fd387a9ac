# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a command needs before it begins: a way to the service, an open file, a journal that was read.

bpy is allowed here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import bpy

from ...service import stand_in
from ...tasks.task import Task
from .. import preferences, session
from ..pump import pump
from .exit_status import CommandError

_JOURNAL_SECONDS = 60.0
_BILL_SECONDS = 6.0
"""A little longer than until the service is asked for the first time."""
_SILENT = "The task journal did not answer in time. Nothing was sent. Try again later."


def require_service(model: str | None) -> None:
    """Make sure that a model can be asked for now.

    :raises CommandError: when it cannot.
    """
    sentence = "" if stand_in.is_model(model or "") else preferences.problem()
    if sentence:
        raise CommandError(f"{sentence}{_HINTS.get(sentence, '')} Nothing was sent or charged.")


_HINTS = {
    preferences.NO_KEY: " On a farm, set TOKENLAB_API_KEY.",
    preferences.OFFLINE: " On the command line, --online-mode before --command allows it.",
}


def open_empty_file() -> None:
    """Open an empty file; the startup file's cube is nobody's model."""
    bpy.ops.wm.read_homefile(use_empty=True)


def begin(options: argparse.Namespace) -> session.Session:
    """Return the session, with its journal read and the limits of this command.

    :raises CommandError: when the journal cannot be used.
    """
    current = session.current()
    current.max_concurrent_tasks = getattr(options, "concurrency", None)
    current.spending.command_limit = getattr(options, "budget", None)
    pump(lambda: current.is_restored, _JOURNAL_SECONDS)
    if current.engine.journal_problem or not current.is_restored:
        raise CommandError(current.engine.journal_problem or _SILENT)
    return current


def settle() -> None:
    """Wait until the journal has everything: whoever called the command may end the process as roughly as they like."""
    # The journal does one thing after the other, so what was ordered before this is on the disk.
    future = session.current().engine.records.in_journal()
    pump(future.done, _JOURNAL_SECONDS)


def wait_for_bills(local_ids: Sequence[str]) -> None:
    """Wait a little for the billing ids of completed tasks, which the service names a moment later."""
    engine = session.current().engine
    pump(lambda: not any(map(engine.awaits_bill, local_ids)), _BILL_SECONDS)


def take_up(is_wanted: Callable[[Task], bool]) -> list[Task]:
    """Have the engine know the tasks of the journal that are wanted, also of files that are not open; return them.

    Those that are over are of no interest to an open file; a command may have to write their models once more.

    :raises CommandError: when the journal does not answer.
    """
    engine = session.current().engine
    future = engine.journal_rows()
    pump(future.done, _JOURNAL_SECONDS)
    if not future.done():
        raise CommandError(_SILENT)
    rows = [row for row in future.result() if is_wanted(row.task)]
    engine.adopt([row for row in rows if not row.task.removed and engine.records.get(row.task.local_id) is None], [])
    return [engine.records.get(row.task.local_id) or row.task for row in rows]
