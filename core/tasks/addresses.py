# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a worker does about addresses of a model that have brought none, though nothing says that they ended.

No bpy here; workers only. A host may be gone, or answer with a page: the service may know of another address. What is
known is not forgotten for that, since the service may have forgotten the task before its host forgets the model.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from ..service.errors import ServiceError
from . import downloads
from .job_context import JobContext, answerer_for
from .records import JobDone
from .task import Task, TaskState

if TYPE_CHECKING:
    from ..service.address import Connection
    from .settings import Settings

logger = logging.getLogger(__name__)

_DOWNLOADING: Final = frozenset({TaskState.DOWNLOADING})


def download_anew(context: JobContext, local_id: str, settings: Settings) -> JobDone:
    """Ask the service for addresses of a model, then fetch it from there, or from where it was said to be before."""
    task = context.records.get(local_id)
    if task is not None and task.state is TaskState.DOWNLOADING and not task.is_stand_in:
        _ask(context, task, settings.connection)
    return downloads.download(context, local_id, settings)


def _ask(context: JobContext, task: Task, connection: Connection) -> None:
    """Take over what the service says now; when it says nothing, the download tells the user what is wrong."""
    context.budget.spend()
    try:
        reply = answerer_for(context, connection, task).status(task.task_id, task.poll_url)
    except ServiceError as error:
        logger.info("No other address of a model was got: %s", type(error).__name__)
        return
    if reply.asset_urls:
        bill = reply.billing_transaction_id or task.billing_transaction_id
        urls = dict(reply.asset_urls)
        context.records.change(task.local_id, expect=_DOWNLOADING, asset_urls=urls, billing_transaction_id=bill)
