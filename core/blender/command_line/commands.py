# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry out one command, and say how it ended. bpy is allowed here."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Sequence
from typing import TextIO

import bpy

from ...service.errors import TokenLabError
from .. import interrupts
from . import batches, billing, generating, listing, resuming, workplace
from .answer import Answer
from .arguments import parser
from .exit_status import CommandError, ExitStatus
from .progress import Progress
from .streams import result_stream

_COMMANDS: dict[str, Callable[..., Answer]] = {
    "generate": generating.generate,
    "batch": batches.batch,
    "resume": resuming.resume,
    "list": listing.list_tasks,
    "models": listing.list_models,
    "billing": billing.billing,
}
_CHANGING = ("generate", "batch", "resume")
_INTERRUPTED = "Interrupted. What was sent goes on at the service, and the command resume finishes it."
_LAST_ANSWERS = "A request is on its way. Wait for its answer, or press Ctrl C again: then it may be charged unseen."

_IN_A_WINDOW = (
    "Commands begin with an empty file, so they do nothing in a window. Nothing was sent. Use generate() and the other "
    "functions of the module."
)


def carry_out(arguments: Sequence[str]) -> int:
    """Carry out a command, and return its exit status (`ExitStatus`)."""
    if not bpy.app.background:
        sys.stderr.write(f"{_IN_A_WINDOW}\n")
        return int(ExitStatus.NOT_NOW)
    try:
        options = parser().parse_args(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    with result_stream() as stream, interrupts.noted():
        progress = Progress(sys.stderr, is_quiet=options.quiet)
        try:
            answer = _COMMANDS[options.command](options, progress)
            if options.command in _CHANGING:
                workplace.settle()
        except KeyboardInterrupt:
            answer = Answer(ExitStatus.INTERRUPTED, problem=_INTERRUPTED)
            if options.command in _CHANGING:
                _end_in_peace(progress)
        except TokenLabError as error:
            status = error.status if isinstance(error, CommandError) else ExitStatus.NOT_NOW
            answer = Answer(status, problem=str(error))
        finally:
            workplace.end()
        progress.end()
        if answer.problem:
            progress.say(answer.problem)
        _print(answer, stream, is_json=options.json)
    return int(answer.status)


def _end_in_peace(progress: Progress) -> None:
    """Hear the answers to what is being sent, unless somebody is in a hurry."""
    with contextlib.suppress(KeyboardInterrupt):
        if workplace.is_sending():
            progress.say(_LAST_ANSWERS)
            workplace.wait_for_answers()
        workplace.settle()


def _print(answer: Answer, stream: TextIO, *, is_json: bool) -> None:
    if is_json:
        data = {"exit_status": int(answer.status), **answer.data}
        if answer.problem:
            data["problem"] = answer.problem
        stream.write(f"{json.dumps(data, ensure_ascii=False)}\n")
    else:
        stream.writelines(f"{line}\n" for line in answer.lines)
