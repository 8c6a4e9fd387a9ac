# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command `generate`: one model. bpy is allowed here."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ...service.contract import FORMATS
from ...service.errors import Duplicate, OverBudget, TokenLabError
from ...tasks.task import TaskState
from .. import scripting, session
from ..pump import pump
from ..task_handle import TaskHandle
from . import outputs, workplace
from .answer import Answer
from .exit_status import CommandError, ExitStatus
from .progress import Progress
from .task_results import problem_of, result_of, status_of

IMPORT_SECONDS = 600.0
"""How long a second Blender may take to prepare a model."""
_OPTIONS = ("model", "format", "quality", "style", "seed", "size", "height", "facing")


def generate(options: argparse.Namespace, progress: Progress) -> Answer:
    """Generate one model, wait for it, and write it where it is wanted.

    :raises CommandError: when nothing can be sent.
    :raises KeyboardInterrupt: at Ctrl C; the task is kept.
    """
    _check(options)
    if bpy.data.filepath:
        workplace.use_object_mode()
    else:
        workplace.open_empty_file()
    current = workplace.begin(options)
    handle = _send(options)
    wait(handle, progress, options.timeout)
    workplace.wait_for_answers()
    answer = finish(handle, options.output, may_replace=options.overwrite)
    workplace.wait_for_bills([handle.local_id])
    if handle.record.note:
        progress.say(handle.record.note)
    bill = {"billing_transaction_id": handle.record.billing_transaction_id}
    if handle.record.state is TaskState.QUEUED and options.output is None:
        # Nobody would ever send it.
        current.engine.remove(handle.local_id)
    return replace(answer, data={**answer.data, **bill})


def _check(options: argparse.Namespace) -> None:
    """Refuse what is wrong before anything is sent.

    :raises CommandError: with a status of its own.
    """
    if not (options.prompt.strip() or options.image or options.image_url):
        raise CommandError("There is neither a prompt nor a picture. Nothing was sent.", ExitStatus.WRONG_USAGE)
    workplace.require_service(options.model)
    if options.output is not None:
        _check_output(options.output, may_replace=options.overwrite)


def _check_output(path: Path, *, may_replace: bool) -> None:
    if not path.parent.is_dir():
        raise CommandError(
            f"There is no folder {path.parent}. Nothing was sent. Make it, or choose another.", ExitStatus.WRONG_USAGE
        )
    objection = outputs.objection_to(path.parent)
    if objection:
        raise CommandError(
            f"The folder {path.parent} cannot be written to ({objection}). Nothing was sent. Choose another.",
            ExitStatus.WRONG_USAGE,
        )
    taken = outputs.taken(path)
    if taken is not None and not may_replace:
        raise CommandError(
            f"{taken} is there already. Nothing was sent. Choose another name, or add --overwrite.",
            ExitStatus.WRONG_USAGE,
        )


def _send(options: argparse.Namespace) -> TaskHandle:
    """Send the request.

    :raises CommandError: `WRONG_USAGE` for a request that would never be right.
    """
    arguments = given(options)
    arguments.setdefault("format", format_for(options.output))
    purpose = {"output_path": str(options.output)} if options.output else {}
    try:
        return scripting.generate_for(
            purpose,
            options.prompt,
            image=options.image or None,
            image_url=options.image_url,
            confirm_duplicate=options.confirm_duplicate,
            **arguments,
        )
    except Duplicate as error:
        raise CommandError(f"{error} On the command line --confirm-duplicate says so.") from error
    except OverBudget as error:
        raise CommandError(workplace.in_words(error)) from error
    except TokenLabError as error:
        raise CommandError(str(error), ExitStatus.WRONG_USAGE) from error


def given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the model that were given."""
    return {name: value for name in _OPTIONS if (value := getattr(options, name, None)) is not None}


def format_for(output: Path | None) -> str:
    """Return the format to ask the service for, so that as little as possible has to be converted."""
    name = "" if output is None else output.suffix[1:].upper()
    return name if name in FORMATS else "GLB"


def wait(handle: TaskHandle, progress: Progress, timeout: float) -> None:
    """Wait until nothing more comes of a task by itself, or the time is up."""

    def show() -> None:
        state = handle.state.capitalize()
        progress.show(f"{state}: {handle.title}", 100 if handle.is_over else handle.progress)

    pump(lambda: handle.is_over, timeout, each=show)
    show()


def finish(handle: TaskHandle, output: Path | None, *, may_replace: bool) -> Answer:
    """Write the model of a task that is over, and say what came of it.

    :param may_replace: also a file that somebody has made since it was ordered.
    """
    status = status_of(handle)
    problem = problem_of(handle, status)
    path = None
    if status is ExitStatus.SUCCESS and output is not None:
        try:
            outputs.write(handle, output, may_replace=may_replace)
            path = output
        except TokenLabError as error:
            status, problem = ExitStatus.FAILED, str(error)
    elif status is ExitStatus.SUCCESS:
        path = handle.result_path
        # Whoever gave the command is told where it is.
        session.current().engine.records.change(handle.local_id, delivered=True)
    return Answer(status, [str(path)] if path else [], result_of(handle, path), problem)
