# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which job comes next for a task: its state alone says so. No bpy here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from . import addresses, conversions, downloads, jobs
from .job_context import JobContext
from .records import JobDone
from .settings import Settings
from .task import Task, TaskState


def job_for(
    task: Task, context: JobContext, settings: Settings, *, is_silent: bool, asks_anew: bool = False
) -> Callable[[], JobDone]:
    """Return what a worker is to do for a task that is due.

    :param is_silent: the service has not answered lately, so that it is first asked something that costs nothing.
    :param asks_anew: the known addresses of the model have brought none.
    """
    local_id, connection, folder = task.local_id, settings.connection, settings.data_directory
    if task.state is TaskState.CONVERTING:
        return partial(conversions.convert, context, local_id, settings.converter, folder)
    if task.state is TaskState.DOWNLOADING:
        download = addresses.download_anew if asks_anew else downloads.download
        return partial(download, context, local_id, settings)
    if task.state is TaskState.QUEUED and is_silent and not task.is_stand_in:
        return partial(jobs.try_service, context, local_id, connection)
    if task.state is TaskState.QUEUED:
        return partial(jobs.submit, context, local_id, connection, folder, is_online=settings.is_online)
    return partial(jobs.poll, context, local_id, connection)
