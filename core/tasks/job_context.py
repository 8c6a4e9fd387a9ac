# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the jobs of one session share. No bpy here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import library
from ..service.stand_in import StandIn
from .converter import Converter
from .journal import JournalError
from .model_cache import ModelCache
from .pacing import Budget
from .records import Event, JournalFailed, Mailbox, Records
from .service_watch import ServiceWatch
from .task import Task
from .workers import Job

if TYPE_CHECKING:
    from ..service.address import Connection
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
    converter: Converter
    service: ServiceWatch
    stand_in: StandIn


def client_for(context: JobContext, connection: Connection) -> Client:
    """Return a client for one job that belongs to no task; workers only."""
    from ..service.client import Client  # noqa: PLC0415  # imports requests: workers only

    return Client(context.transport(), connection, on_exchange=context.service.note)


def reporting(mailbox: Mailbox, job: Callable[[], Event], otherwise: Event) -> Job:
    """Make sure that a job is followed by exactly one event: what it returns, or `otherwise`."""

    def run() -> None:
        event = otherwise
        try:
            event = job()
        except JournalError as error:
            mailbox.put(JournalFailed(str(error)))
        finally:
            mailbox.put(event)

    return run


def answerer_for(context: JobContext, connection: Connection, task: Task) -> Client | StandIn:
    """Return whom to ask about a task, the service or its stand-in: decided here and nowhere else. Workers only."""
    return context.stand_in if task.is_stand_in else client_for(context, connection)


def folder_of(task: Task, data_directory: Path) -> Path:
    """Return the folder of a task's files (not created)."""
    return library.generation_folder(data_directory, task.title, task.local_id, task.created_at)
