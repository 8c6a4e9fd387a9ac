# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a command needs before it begins: a way to the service, an open file, a journal that was read.

bpy is allowed here.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import bpy

from ...service import stand_in
from ...service.errors import OverBudget, TokenLabError
from ...tasks.task import Task, TaskState
from .. import importing, preferences, session
from ..budget import COMMAND_LIMIT
from ..pump import pump
from .exit_status import CommandError

_JOURNAL_SECONDS = 60.0
_BILL_SECONDS = 6.0
"""A little longer than until the service is asked for the first time."""
_ANSWER_SECONDS = 130.0
"""A little longer than the longest exchange with the service (`core.service.transport`)."""
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


def use_object_mode() -> None:
    """Leave the mode that a .blend was saved in: a model can be imported in Object Mode alone.

    :raises CommandError: when that is not possible.
    """
    if importing.blocked_reason():
        with contextlib.suppress(RuntimeError):
            bpy.ops.object.mode_set(mode="OBJECT")
    if importing.blocked_reason():
        raise CommandError("The file is not in Object Mode. Nothing was sent. Save it in Object Mode, then try again.")


def begin(options: argparse.Namespace) -> session.Session:
    """Return the session, with its journal read and the limits of this command.

    :raises CommandError: when the journal cannot be used.
    """
    current = session.current()
    current.max_concurrent_tasks = getattr(options, "concurrency", None)
    current.spending.begin_command(getattr(options, "budget", None))
    pump(lambda: current.is_restored, _JOURNAL_SECONDS)
    if current.engine.journal_problem or not current.is_restored:
        raise CommandError(current.engine.journal_problem or _SILENT)
    return current


def end() -> None:
    """Take back what the limits of a command were: whoever called it may go on in the same process."""
    if session.is_enabled():
        current = session.current()
        current.max_concurrent_tasks = None
        current.spending.end_command()


def settle() -> None:
    """Wait until the journal has everything: whoever called the command may end the process as roughly as they like."""
    # The journal does one thing after the other, so what was ordered before this is on the disk.
    future = session.current().engine.records.in_journal()
    pump(future.done, _JOURNAL_SECONDS)


def is_to_be_fetched(task: Task) -> bool:
    """Whether the model of a completed task is not on this computer (any more)."""
    return task.state is TaskState.READY and not (task.result_path and Path(task.result_path).is_file())


def wait_for_answers() -> None:
    """Send nothing more, and wait for the answers to what is being sent: cut off, they would all be uncertain.

    :raises KeyboardInterrupt: at Ctrl C, for whoever does not want to wait.
    """
    current = session.current()
    current.max_concurrent_tasks = 0
    current.refresh_settings()
    if is_sending():
        pump(lambda: not is_sending(), _ANSWER_SECONDS)


def is_sending() -> bool:
    """Whether a request of ours is on its way."""
    engine = session.current().engine
    tasks = (task for task in engine.records.all() if not engine.is_followed(task.local_id))
    return any(task.state is TaskState.SUBMITTING for task in tasks)


def in_words(error: TokenLabError) -> str:
    """Return what an error says to somebody who has no panel, and nothing to click on."""
    if not isinstance(error, OverBudget):
        return str(error)
    is_own = error.name == COMMAND_LIMIT
    return f"{error.reason} {'Give a higher --budget.' if is_own else 'Raise the limit in the preferences.'}"


def wait_for_bills(local_ids: Sequence[str]) -> None:
    """Wait a little for the billing ids of completed tasks, which the service names a moment later.

    Ctrl C ends this and nothing else: all that the command was for is done.
    """
    engine = session.current().engine
    with contextlib.suppress(KeyboardInterrupt):
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
