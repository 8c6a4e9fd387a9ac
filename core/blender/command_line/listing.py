# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands that only look: `list` and `models`. bpy is allowed here."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from ...service.catalogue import ModelInfo
from ...tasks.journal_file import FILE_NAME
from ...tasks.journal_view import look
from ...tasks.task import LEASED, Task, TaskState
from .. import preferences, scripting
from .answer import Answer
from .exit_status import CommandError, ExitStatus
from .progress import Progress

MOST = 100_000
_WANTING = LEASED | {TaskState.UNCERTAIN, TaskState.STOPPED}
"""States of tasks that want something of somebody."""


def list_tasks(options: argparse.Namespace, _progress: Progress) -> Answer:
    """List the tasks of the journal, oldest first, and touch none of them.

    :raises CommandError: when the journal cannot be read.
    """
    view = look(preferences.data_directory() / FILE_NAME, most=MOST)
    if view.problem:
        raise CommandError(f"The task journal cannot be read ({view.problem}). Look at the data folder.")
    tasks = sorted((seen.task for seen in view.newest if not seen.task.removed), key=lambda task: task.created_at)
    if options.unfinished:
        tasks = [task for task in tasks if _wants_something(task)]
    lines = table(("id", "created", "state", "model", "task id", "prompt"), [_line(task) for task in tasks])
    return Answer(ExitStatus.SUCCESS, lines, {"tasks": [_record(task) for task in tasks]})


def _wants_something(task: Task) -> bool:
    return task.state in _WANTING or (task.state is TaskState.READY and not task.delivered)


def _line(task: Task) -> Sequence[str]:
    state = task.state.value.capitalize()
    if task.progress is not None and task.state in LEASED:
        state = f"{state} {task.progress} %"
    created = time.strftime("%Y-%m-%d %H:%M", time.localtime(task.created_at))
    return task.local_id[:8], created, state, task.request.model, task.task_id or "-", task.title[:60]


def _record(task: Task) -> dict[str, object]:
    return {
        "local_id": task.local_id,
        "task_id": task.task_id,
        "state": task.state.value,
        "progress": task.progress,
        "created_at": task.created_at,
        "prompt": task.request.prompt,
        "model": task.request.model,
        "path": task.result_path,
        "output": task.output_path,
        "project": task.project,
        "billing_transaction_id": task.billing_transaction_id,
        "request_id": task.request_id,
        "error": task.error,
    }


def list_models(_options: argparse.Namespace, _progress: Progress) -> Answer:
    """List the models of the service, or what is known of them where it cannot be asked.

    :raises TokenLabError: when nothing is known.
    """
    models = scripting.models()
    lines = table(("model", "price", "inputs", "formats"), [_model_line(model) for model in models])
    return Answer(ExitStatus.SUCCESS, lines, {"models": [_model_record(model) for model in models]})


def _inputs(model: ModelInfo) -> list[str]:
    known = (("text", model.takes_text_only), ("image", model.takes_pictures))
    return [name for name, is_taken in known if is_taken]


def _model_line(model: ModelInfo) -> Sequence[str]:
    return model.id, model.price or "-", ", ".join(_inputs(model)) or "-", ", ".join(model.output_formats) or "-"


def _model_record(model: ModelInfo) -> dict[str, object]:
    return {
        "id": model.id,
        "name": model.name,
        "provider": model.provider,
        "inputs": _inputs(model),
        "formats": list(model.output_formats),
        "options": sorted(model.parameters),
        "min_price_usd": model.min_price,
        "max_price_usd": model.max_price,
        "prompt_max_characters": model.prompt_max_characters,
        "is_ending": model.is_ending,
        "replacement": model.replacement,
    }


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with the columns below one another."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    cells = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (header, *rows)]
    return ["  ".join(row).rstrip() for row in cells]
