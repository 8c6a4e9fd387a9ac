# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of tasks that are not asked about any more because the service refused to answer. No bpy here."""

from __future__ import annotations

from ..service.address import Connection
from .engine import Engine
from .records import ServiceSeen, ServiceState
from .task import Task, TaskState


def has_stopped_by_itself(task: Task) -> bool:
    """Whether a task is not asked about for a reason, and not because the user has stopped waiting for it."""
    return task.state is TaskState.STOPPED and bool(task.error)


def may_know_more(before: Connection, now: Connection, seen: ServiceSeen | None = None) -> bool:
    """Whether there is another key for the same service, or another service in the place of one that refused the key.

    Anywhere else nobody knows the tasks that have stopped: they would be lost there.

    :param seen: what was last seen of a service.
    """
    if not now.api_key or now.base_url == before.base_url:
        return bool(now.api_key) and now.api_key != before.api_key
    return seen == ServiceSeen(ServiceState.KEY_REFUSED, before)


def ask_again(engine: Engine) -> list[str]:
    """Have the service asked once more about the tasks that have stopped by themselves; return their local ids."""
    stopped = [
        task.local_id for task in engine.records.all() if has_stopped_by_itself(task) or _was_not_fetched(engine, task)
    ]
    return [local_id for local_id in stopped if not engine.is_followed(local_id) and engine.resume(local_id)]


def _was_not_fetched(engine: Engine, task: Task) -> bool:
    """Whether a model was given up on its way: perhaps the service has refused to say where it is by now."""
    return task.state is TaskState.DOWNLOADING and bool(task.error) and not engine.is_working_on(task.local_id)
