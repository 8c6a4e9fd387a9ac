# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a worker does to fetch the model of a completed task. No bpy here; nothing of this runs on the main thread."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..files import archive, checks, formats, gltf, library
from ..service import stand_in
from ..service.address import is_loopback
from ..service.contract import AUTO, choose_asset
from ..service.errors import Refused, ServiceError, Stopped
from .job_context import JobContext, answerer_for, folder_of
from .records import JobDone
from .task import Task, TaskState, add_note

if TYPE_CHECKING:
    from ..service.address import Connection
    from .converter import Command
    from .settings import Settings

_PROGRESS_SECONDS: Final = 0.5
"""Shortest time between two progress reports of a download."""
_DOWNLOADING: Final = frozenset({TaskState.DOWNLOADING})
"""The state in which a result is still of use: the user may have stopped waiting meanwhile."""


class _Unwanted(Exception):
    """The user has stopped waiting, or removed the task."""


def download(context: JobContext, local_id: str, settings: Settings) -> JobDone:
    """Fetch the model of a completed task; it is to be prepared by a second Blender then, or is ready.

    The second Blender is started here, so that it is there when the model is.
    """
    from ..service import transfer  # noqa: PLC0415  # imports requests: workers only

    task = context.records.get(local_id)
    if task is None or task.state is not TaskState.DOWNLOADING:
        return JobDone(local_id)
    command = settings.converter
    if command is not None and command.formats is None:
        context.converter.warm_up(command)
    try:
        try:
            file = _fetch(context, task, settings)
        except transfer.Expired:
            task = _with_fresh_urls(context, task, settings.connection)
            file = _fetch(context, task, settings)
    except (Stopped, _Unwanted):
        return JobDone(local_id)
    except ServiceError as error:
        # Only the service's own word about the task: a download that finds nothing is `Expired`.
        is_lost = isinstance(error, Refused) and error.status == HTTPStatus.NOT_FOUND
        state = TaskState.LOST if is_lost else TaskState.DOWNLOADING
        context.records.change(local_id, expect=_DOWNLOADING, state=state, error=str(error))
        return JobDone(local_id, failed=not is_lost, retry_after=error.retry_after)
    _finish(context, task, file, command)
    return JobDone(local_id)


def _fetch(context: JobContext, task: Task, settings: Settings) -> Path:
    """Download the best asset, or have the stand-in write its model, and return the file."""
    from ..service import transfer  # noqa: PLC0415

    target = folder_of(task, settings.data_directory) / "original.download"
    if task.is_stand_in:
        return stand_in.deliver(task.request.prompt, task.request.seed, target)
    url = choose_asset(task.asset_urls, task.request.format)
    if not url:
        raise transfer.Expired("No address of the model is known. The model is safe at the service. Try again.")
    reported = 0.0

    def progress(done: int, total: int | None) -> None:
        nonlocal reported
        now = context.records.get(task.local_id)
        if now is None or now.state not in _DOWNLOADING:
            raise _Unwanted  # Its worker is of more use to another task.
        if total and time.monotonic() - reported > _PROGRESS_SECONDS:
            reported = time.monotonic()
            context.records.change(task.local_id, expect=_DOWNLOADING, durable=False, progress=int(100 * done / total))

    # A service out there gets nobody to open addresses of this machine.
    is_local, is_online = is_loopback(settings.connection.base_url), settings.is_online
    transport = context.transport()
    return transfer.download(transport, url, target, progress, is_local=is_local, is_online=is_online).path


def _with_fresh_urls(context: JobContext, task: Task, connection: Connection) -> Task:
    """Ask once for new addresses: signed URLs end after a while (API notes 3.4)."""
    context.budget.spend()
    reply = answerer_for(context, connection, task).status(task.task_id, task.poll_url)
    bill = reply.billing_transaction_id or task.billing_transaction_id
    context.records.change(task.local_id, asset_urls=dict(reply.asset_urls), billing_transaction_id=bill)
    return replace(task, asset_urls=reply.asset_urls, billing_transaction_id=bill)


def _finish(context: JobContext, task: Task, file: Path, command: Command | None) -> None:
    """Name the file after what it is, unpack it, look whether it is whole, and mark the task accordingly."""
    try:
        path, model_format, problem = _identify(file, task.request.format)
        library.write_provenance(
            file.parent, _provenance(context.records.get(task.local_id) or task, path.name, model_format)
        )
    except OSError as error:
        _ready_without_model(context, task, f"The delivered file cannot be stored ({error.strerror}).")
        return
    if problem or model_format is None:
        _ready_without_model(context, task, problem)
        return
    wanted = task.request.format
    note = task.note
    if wanted not in (AUTO, model_format.name):
        who = "TokenLab 3D" if task.is_stand_in else "The service"
        note = add_note(note, f"{who} delivered {model_format.label} instead of {wanted}.")
    context.records.change(
        task.local_id,
        expect=_DOWNLOADING,
        state=TaskState.CONVERTING if command and command.takes(model_format.name) else TaskState.READY,
        result_path=str(path),
        result_format=model_format.name,
        blend_path="",
        blend_version="",
        blend_units="",
        facts=None,
        progress=100,
        note=note,
        error="",
    )


def _identify(file: Path, wanted: str) -> tuple[Path, formats.ModelFormat | None, str]:
    """Return the file to import, its format, and a sentence if that cannot be done.

    The download itself is renamed, never altered.

    :param wanted: name of the format that was asked for.
    """
    model_format = formats.sniff(file)
    path = file.with_name(f"original{model_format.value}" if model_format else "original.bin")
    os.replace(file, path)
    if model_format is None:
        return path, None, f"The service delivered {formats.describe_unknown(path)}, not a 3D model."
    try:
        if model_format is formats.ModelFormat.ZIP:
            path, model_format = archive.unpack(path, path.with_name("unpacked"), wanted)
        else:
            checks.check(path, model_format)
        if model_format is formats.ModelFormat.GLB:
            path = gltf.without_trailer(path)
    except archive.ArchiveError as error:
        return path, model_format, f"The delivered archive {error}."
    except formats.Implausible as error:
        return path, model_format, f"The delivered {model_format.label} file {error}."
    return path, model_format, ""


def _ready_without_model(context: JobContext, task: Task, what: str) -> None:
    sentence = f"{what} It is kept on disk, and nothing is charged again. Try again to fetch it once more."
    context.records.change(
        task.local_id, expect=_DOWNLOADING, state=TaskState.READY, result_path="", result_format="", error=sentence
    )


def _provenance(task: Task, file_name: str, model_format: formats.ModelFormat | None) -> dict[str, object]:
    request = task.request
    return {
        "prompt": request.prompt,
        "model": request.model,
        "format": request.format,
        "quality": request.quality,
        "style": request.style,
        "seed": request.seed,
        "delivery_policy": request.delivery_policy,
        "picture_sha256": request.image_sha256,
        "local_id": task.local_id,
        "task_id": task.task_id,
        "billing_transaction_id": task.billing_transaction_id,
        "is_trial": task.is_stand_in,
        "created_at": task.created_at,
        "file": file_name,
        "file_format": model_format.name if model_format else "",
    }
