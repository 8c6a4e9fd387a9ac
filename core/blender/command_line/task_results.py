# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a command says of a task: an exit status, a sentence, a record. bpy is allowed here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...tasks.task import Task, TaskState
from ..task_handle import TaskHandle
from .exit_status import ExitStatus

_STATUS = {
    TaskState.FAILED: ExitStatus.FAILED,
    TaskState.LOST: ExitStatus.FAILED,
    TaskState.UNCERTAIN: ExitStatus.UNCERTAIN,
}
_RUNNING = "The task still runs at the service and may be charged. The command resume goes on with it."
_ON_ITS_WAY = "The model is complete, and paid for. The command resume goes on with fetching it."
_KEPT = "The model is complete, and paid for, but was not imported in time. It is kept in the library."
_WAITING = "The request was not sent yet, and nothing was charged. The command resume sends it."
_NOT_SENT = "The request was not sent in time, and nothing was charged. Use the same command again."


def status_of(handle: TaskHandle) -> ExitStatus:
    """Return what a task that nobody waits for any more means for the command."""
    if handle.objects:
        return ExitStatus.SUCCESS
    task = handle.record
    if task.state is TaskState.READY:
        # It is there, but Blender could not import it.
        return ExitStatus.FAILED
    return _STATUS.get(task.state, ExitStatus.NOT_NOW)


def problem_of(handle: TaskHandle, status: ExitStatus) -> str:
    """Return a user's sentence about a task that did not succeed, or ""."""
    if status is ExitStatus.SUCCESS:
        return ""
    task = handle.record
    return task.error or _sentence(task)


def _sentence(task: Task) -> str:
    """Say where a task is of which nothing went wrong but the time."""
    if task.state is TaskState.QUEUED:
        return _WAITING if task.output_path else _NOT_SENT
    if task.state in (TaskState.DOWNLOADING, TaskState.CONVERTING):
        return _ON_ITS_WAY
    if task.state is TaskState.READY:
        return f"{_KEPT} The command resume writes it." if task.output_path else _KEPT
    return _RUNNING


def result_of(handle: TaskHandle, path: Path | None) -> dict[str, Any]:
    """Return a task as a record for programs.

    :param path: the file that was written.
    """
    task = handle.record
    is_timed = task.submitted_at is not None and task.settled_at is not None
    return {
        "local_id": task.local_id,
        "task_id": task.task_id,
        "state": handle.state,
        "prompt": task.request.prompt,
        "model": task.request.model,
        "path": str(path) if path else "",
        "library_path": task.result_path,
        "billing_transaction_id": task.billing_transaction_id,
        "request_id": task.request_id,
        "seconds": round((task.settled_at or 0.0) - (task.submitted_at or 0.0), 1) if is_timed else None,
        "note": task.note,
        "error": task.error,
    }
