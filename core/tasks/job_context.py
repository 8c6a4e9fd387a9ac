# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the jobs of one session share. No bpy here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import library
from ..service.errors import Unclear
from .pacing import Budget
from .records import Mailbox, Records
from .task import Task

if TYPE_CHECKING:
    from ..service.address import Connection
    from ..service.catalogue import ModelInfo
    from ..service.client import Client
    from ..service.transport import Transport


@dataclass(frozen=True, slots=True)
class JobContext:
    """What the jobs of one session share."""

    records: Records
    mailbox: Mailbox
    transport: Callable[[], Transport]
    """Returns the one transport, made (and requests imported) by the first worker that asks."""
    models: ModelCache
    budget: Budget
    """Of requests to the service. The engine takes from it before a job begins; a job that asks more spends that."""


class ModelCache:
    """What the service said of its models in this session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], ModelInfo] = {}

    def get(self, client: Client, base_url: str, model_id: str, budget: Budget) -> ModelInfo | None:
        """Return what is known of a model, asking once; None when the service gives no clear answer.

        :param budget: one request of it is spent when the service has to be asked.
        :raises Refused, Busy, Unreachable, Stopped: as the client does.
        """
        with self._lock:
            known = self._known.get((base_url, model_id))
        if known is not None:
            return known
        budget.spend()
        try:
            info = client.model(model_id)
        except Unclear:
            return None
        with self._lock:
            self._known[base_url, model_id] = info
        return info


def client_for(context: JobContext, connection: Connection) -> Client:
    """Return a client for one job; workers only."""
    from ..service.client import Client  # noqa: PLC0415  # imports requests: workers only

    return Client(context.transport(), connection)


def folder_of(task: Task, data_directory: Path) -> Path:
    """Return the folder of a task's files (not created)."""
    return library.generation_folder(data_directory, task.title, task.local_id, task.created_at)
