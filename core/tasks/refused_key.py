# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of tasks that are not asked about any more because the service refused to answer. No bpy here."""

from __future__ import annotations

from ..service.address import Connection
from .engine import Engine
from .task import Task, TaskState


def has_stopped_by_itself(task: Task) -> bool:
    """Whether a task is not asked about for a reason, and not because the user has stopped waiting for it."""
    return task.state is TaskState.STOPPED and bool(task.error)


def is_another_key(before: Connection, now: Connection) -> bool:
    """Whether there is another key for the same service; at another address nobody knows the tasks of this one."""
    return bool(now.api_key) and now.api_key != before.api_key and now.base_url == before.base_url


def ask_again(engine: Engine) -> list[str]:
    """Have the service asked once more about the tasks that have stopped by themselves; return their local ids."""
    stopped = [
        task.local_id for task in engine.records.all() if has_stopped_by_itself(task) or _was_not_fetched(engine, task)
    ]
    return [local_id for local_id in stopped if not engine.is_followed(local_id) and engine.resume(local_id)]


def _was_not_fetched(engine: Engine, task: Task) -> bool:
    """Whether a model was given up on its way: perhaps the service has refused to say where it is by now."""
    return task.state is TaskState.DOWNLOADING and bool(task.error) and not engine.is_working_on(task.local_id)
