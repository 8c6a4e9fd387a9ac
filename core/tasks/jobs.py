# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a worker does for a task: submit, poll, download. No bpy here; nothing of this runs on the main thread.

The order of the steps is the submission protocol (architecture, section 3): the journal knows of a request before its
first byte leaves, and knows the answer before anything else is done with it.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..files import archive, formats, images, library
from ..service import errors
from ..service.address import is_loopback
from ..service.contract import AUTO, ModelInfo, RemoteStatus, TaskReply, choose_asset, create_body
from ..service.errors import Busy, Refused, ServiceError, Stopped, Unclear, Unreachable
from .journal import JournalError
from .records import ConnectionTested, JobDone, Mailbox, ModelsLoaded, Records
from .task import Task, TaskState

if TYPE_CHECKING:
    from ..service.address import Connection
    from ..service.client import Client
    from ..service.transport import Transport

_COMMIT_SECONDS: Final = 30.0
"""Longest wait for the disk before a task is given up rather than sent unrecorded."""
_PROGRESS_SECONDS: Final = 0.5
"""Shortest time between two progress reports of a download."""
_QUEUED: Final = frozenset({TaskState.QUEUED})
_SUBMITTING: Final = frozenset({TaskState.SUBMITTING})
_POLLED: Final = frozenset({TaskState.PENDING, TaskState.PROCESSING})
_DOWNLOADING: Final = frozenset({TaskState.DOWNLOADING})
"""States in which an answer is still of use: the user may have stopped waiting meanwhile."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """What the jobs of one session share."""

    records: Records
    mailbox: Mailbox
    transport: Callable[[], Transport]
    """Returns the one transport, made (and requests imported) by the first worker that asks."""
    models: ModelCache


class ModelCache:
    """What the service said of its models in this session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], ModelInfo] = {}

    def get(self, client: Client, base_url: str, model_id: str) -> ModelInfo | None:
        """Return what is known of a model, asking once; None when the service gives no clear answer.

        :raises Refused, Busy, Unreachable, Stopped: as the client does.
        """
        with self._lock:
            known = self._known.get((base_url, model_id))
        if known is not None:
            return known
        try:
            info = client.model(model_id)
        except Unclear:
            return None
        with self._lock:
            self._known[base_url, model_id] = info
        return info


def _client(context: JobContext, connection: Connection) -> Client:
    from ..service.client import Client  # noqa: PLC0415  # imports requests: workers only

    return Client(context.transport(), connection)


# ------------------------------------------------------------------------------
# Submit


def submit(context: JobContext, local_id: str, connection: Connection, data_directory: Path) -> JobDone:
    """Send a `QUEUED` task, once. Whatever happens, its state says afterwards what it may have cost."""
    task = context.records.get(local_id)
    if task is None or task.state is not TaskState.QUEUED:
        return JobDone(local_id)
    try:
        picture = _keep_picture(context, task, data_directory)
        client = _client(context, connection)
        model = context.models.get(client, connection.base_url, task.request.model)
        _check(task, model)
        body = create_body(task.request, model, images.data_url(picture) if picture else "")
        if not _commit(context, local_id, expect=_QUEUED, state=TaskState.SUBMITTING, submitted_at=time.time()):
            now = context.records.get(local_id)
            return JobDone(local_id, is_followed=now is not None and now.state is TaskState.SUBMITTING)
    except Busy as error:
        context.records.change(local_id, error=str(error))
        return JobDone(local_id, failed=True, retry_after=error.retry_after)
    except Stopped:
        return JobDone(local_id)
    except (ServiceError, images.PictureError, JournalError, OSError) as error:
        _fail(context, local_id, error)
        return JobDone(local_id)
    return _create(context, local_id, client, body)


def _keep_picture(context: JobContext, task: Task, data_directory: Path) -> bytes | None:
    """Copy the picture beside the coming model, and note where it is."""
    picture, is_made_for_this = None, False
    request, path = task.request, task.picture_path
    if request.image_name and not request.image_url and not path:
        raise images.PictureError(
            f"The picture {request.image_name} is not on this computer. Nothing was sent or charged. "
            "Choose it again and generate."
        )
    if task.picture_path:
        picture = images.read_picture(Path(task.picture_path))
        mime = images.image_type(picture) or ""
        copy = _folder(task, data_directory) / f"source.{mime.rpartition('/')[2]}"
        if Path(task.picture_path) != copy:
            library.write_atomically(copy, picture)
            is_made_for_this = Path(task.picture_path).parent == data_directory / library.PICTURES
        request, path = replace(request, image_sha256=hashlib.sha256(picture).hexdigest()), str(copy)
    is_noted = _commit(context, task.local_id, request=request, picture_path=path, error="")
    if is_made_for_this and is_noted:
        # Not before: a task whose Blender is killed in between still names this one.
        Path(task.picture_path).unlink(missing_ok=True)
    return picture


def _check(task: Task, model: ModelInfo | None) -> None:
    """Refuse before sending what the model certainly does not take."""
    request = task.request
    if model is None:
        return
    if request.has_picture and model.takes_pictures is False:
        raise Refused(
            f"The model {model.id} takes no picture. Nothing was sent or charged. Choose another model, or use text."
        )
    if not request.has_picture and model.takes_text_only is False:
        raise Refused(
            f"The model {model.id} needs a picture. Nothing was sent or charged. Choose one, or another model."
        )
    limit = model.prompt_max_characters
    if limit is not None and len(request.prompt) > limit:
        raise Refused(
            f"The prompt has {len(request.prompt)} characters, and {model.id} takes {limit}. "
            "Nothing was sent or charged. Shorten it and generate again."
        )


def _create(context: JobContext, local_id: str, client: Client, body: dict[str, object]) -> JobDone:
    records = context.records
    try:
        reply = _send(context, local_id, client, body)
    except Busy as error:
        records.change(local_id, state=TaskState.QUEUED, error=str(error), request_id=error.request_id)
        return JobDone(local_id, failed=True, retry_after=error.retry_after)
    except (Unreachable, Refused) as error:
        _fail(context, local_id, error)
        return JobDone(local_id)
    except Stopped as error:
        state = TaskState.UNCERTAIN if error.sent else TaskState.QUEUED
        sentence = str(errors.no_answer("create")) if error.sent else ""
        _commit(context, local_id, state=state, error=sentence)
        return JobDone(local_id)
    except ServiceError as error:
        _commit(context, local_id, state=TaskState.UNCERTAIN, error=str(error), request_id=error.request_id)
        return JobDone(local_id)
    except Exception:
        # Not foreseen, so nobody knows what was sent.
        _commit(context, local_id, state=TaskState.UNCERTAIN, error=str(errors.no_answer("create")))
        raise
    _commit(
        context,
        local_id,
        state=TaskState.PENDING,
        task_id=reply.task_id,
        poll_url=reply.poll_url,
        request_id=reply.request_id,
        error="",
    )
    _take_status(context, local_id, reply)
    return JobDone(local_id)


def _send(context: JobContext, local_id: str, client: Client, body: dict[str, object]) -> TaskReply:
    """Send a create request; once more only where the service has clearly refused how its picture is written.

    Nobody says whether it wants a data URL or bare base64 (API notes 2.1). A 400 has accepted nothing, so the second
    request is the only one that can be paid for; the journal says SUBMITTING for it as well.
    """
    try:
        return client.create(body)
    except Refused as error:
        picture = body.get("image")
        names_picture = error.status == HTTPStatus.BAD_REQUEST and error.param == "image"
        if not (names_picture and isinstance(picture, str) and picture.startswith("data:")):
            raise
        try:
            is_noted = _commit(context, local_id, expect=_SUBMITTING, submitted_at=time.time())
        except JournalError:
            is_noted = False
        if not is_noted:
            raise
    return client.create({**body, "image": picture.partition(",")[2]})


def _fail(context: JobContext, local_id: str, error: Exception) -> None:
    sentence = str(error)
    if isinstance(error, OSError):
        reason = error.strerror or "the disk refused"
        sentence = (
            f"The picture could not be copied to the data folder ({reason}). Nothing was sent or charged. "
            "Make room or choose another folder in the preferences."
        )
    request_id = getattr(error, "request_id", "")
    context.records.change(
        local_id, state=TaskState.FAILED, error=sentence, request_id=request_id, settled_at=time.time()
    )


def _commit(context: JobContext, local_id: str, **changes: Any) -> bool:
    """Change a task and wait until that is on the disk.

    :return: False when there was nothing to change, it may not be, or another Blender was faster.
    :raises JournalError: when it does not get there.
    """
    future = context.records.change(local_id, **changes)
    if future is None:
        return False
    try:
        return future.result(_COMMIT_SECONDS)
    except TimeoutError as error:
        raise JournalError(
            "The disk did not take the task journal in time. Nothing new is sent until it does. Keep Blender open, and "
            "look at the list before you send anything again."
        ) from error


# ------------------------------------------------------------------------------
# Poll


def poll(context: JobContext, local_id: str, connection: Connection) -> JobDone:
    """Ask once where a task is, and take over the answer."""
    task = context.records.get(local_id)
    if task is None:
        return JobDone(local_id)
    try:
        reply = _client(context, connection).status(task.task_id, task.poll_url)
    except Refused as error:
        state = TaskState.LOST if error.status == HTTPStatus.NOT_FOUND else TaskState.STOPPED
        context.records.change(local_id, expect=_POLLED, state=state, error=str(error), request_id=error.request_id)
        return JobDone(local_id)
    except Stopped:
        return JobDone(local_id)
    except ServiceError as error:
        context.records.change(local_id, expect=_POLLED, durable=False, error=str(error))
        return JobDone(local_id, failed=True, retry_after=error.retry_after)
    _take_status(context, local_id, reply)
    return JobDone(local_id)


def _take_status(context: JobContext, local_id: str, reply: TaskReply) -> None:
    records = context.records
    if reply.status is RemoteStatus.FAILED:
        reason = f" ({reply.error.rstrip('.')})" if reply.error else ""
        sentence = (
            f"The service could not make this model{reason}. You are not charged. Change the prompt or the model."
        )
        records.change(local_id, expect=_POLLED, state=TaskState.FAILED, error=sentence, settled_at=time.time())
    elif reply.status is not RemoteStatus.COMPLETED:
        state = TaskState.PENDING if reply.status is RemoteStatus.PENDING else TaskState.PROCESSING
        records.change(local_id, expect=_POLLED, state=state, progress=reply.progress, error="")
    elif reply.asset_urls:
        records.change(
            local_id,
            expect=_POLLED,
            state=TaskState.DOWNLOADING,
            asset_urls=dict(reply.asset_urls),
            billing_transaction_id=reply.billing_transaction_id,
            progress=0,
            error="",
            settled_at=time.time(),
        )
    else:
        sentence = (
            "The service says that the model is complete, but gave no address for it. The task is kept. "
            "Resume it later to ask again."
        )
        records.change(local_id, expect=_POLLED, state=TaskState.STOPPED, error=sentence)


# ------------------------------------------------------------------------------
# Download


def download(context: JobContext, local_id: str, connection: Connection, data_directory: Path) -> JobDone:
    """Fetch the model of a completed task and make it ready for the import."""
    from ..service import transfer  # noqa: PLC0415  # imports requests: workers only

    task = context.records.get(local_id)
    if task is None or task.state is not TaskState.DOWNLOADING:
        return JobDone(local_id)
    try:
        try:
            file = _fetch(context, task, connection, data_directory)
        except transfer.Expired:
            task = _with_fresh_urls(context, task, connection)
            file = _fetch(context, task, connection, data_directory)
    except Stopped:
        return JobDone(local_id)
    except ServiceError as error:
        # Only a status call says 404 here: a download that finds nothing is `Expired`.
        is_lost = error.status == HTTPStatus.NOT_FOUND and not isinstance(error, transfer.Expired)
        state = TaskState.LOST if is_lost else TaskState.DOWNLOADING
        context.records.change(local_id, expect=_DOWNLOADING, state=state, error=str(error))
        return JobDone(local_id, failed=not is_lost, retry_after=error.retry_after)
    _finish(context, task, file)
    return JobDone(local_id)


def _fetch(context: JobContext, task: Task, connection: Connection, data_directory: Path) -> Path:
    """Download the best asset and return the file."""
    from ..service import transfer  # noqa: PLC0415

    url = choose_asset(task.asset_urls, task.request.format)
    if not url:
        raise transfer.Expired("No address of the model is known. The model is safe at the service. Try again.")
    target = _folder(task, data_directory) / "original.download"
    reported = 0.0

    def progress(done: int, total: int | None) -> None:
        nonlocal reported
        if total and time.monotonic() - reported > _PROGRESS_SECONDS:
            reported = time.monotonic()
            context.records.change(task.local_id, expect=_DOWNLOADING, durable=False, progress=int(100 * done / total))

    # A service out there gets nobody to open addresses of this machine.
    is_local = is_loopback(connection.base_url)
    return transfer.download(context.transport(), url, target, progress, is_local=is_local).path


def _with_fresh_urls(context: JobContext, task: Task, connection: Connection) -> Task:
    """Ask once for new addresses: signed URLs end after a while (API notes 3.4)."""
    reply = _client(context, connection).status(task.task_id, task.poll_url)
    context.records.change(task.local_id, asset_urls=dict(reply.asset_urls))
    return replace(task, asset_urls=reply.asset_urls)


def _finish(context: JobContext, task: Task, file: Path) -> None:
    """Name the file after what it is, unpack it if need be, and mark the task `READY`."""
    try:
        path, model_format = _identify(file)
        library.write_provenance(file.parent, _provenance(task, path.name, model_format))
    except archive.ArchiveError as error:
        _ready_without_model(context, task, f"The delivered archive {error}.")
        return
    except OSError as error:
        _ready_without_model(context, task, f"The delivered file cannot be stored ({error.strerror}).")
        return
    if model_format is None:
        _ready_without_model(context, task, f"The service delivered {formats.describe_unknown(path)}, not a 3D model.")
        return
    wanted = task.request.format
    note = task.note
    if wanted not in (AUTO, model_format.name):
        delivered = f"The service delivered {model_format.label} instead of {wanted}."
        note = delivered if not note or note == delivered else f"{note} {delivered}"
    context.records.change(
        task.local_id,
        expect=_DOWNLOADING,
        state=TaskState.READY,
        result_path=str(path),
        result_format=model_format.name,
        progress=100,
        note=note,
        error="",
    )


def _identify(file: Path) -> tuple[Path, formats.ModelFormat | None]:
    """Return the file to import and its format; the download itself is renamed, never altered."""
    model_format = formats.sniff(file)
    named = file.with_name(f"original{model_format.value}" if model_format else "original.bin")
    os.replace(file, named)
    if model_format is formats.ModelFormat.ZIP:
        return archive.unpack(named, named.with_name("unpacked"))
    return named, model_format


def _ready_without_model(context: JobContext, task: Task, what: str) -> None:
    sentence = f"{what} It was kept, and nothing is charged again. Try again to fetch it once more."
    context.records.change(
        task.local_id, expect=_DOWNLOADING, state=TaskState.READY, result_path="", result_format="", error=sentence
    )


def _folder(task: Task, data_directory: Path) -> Path:
    return library.generation_folder(data_directory, task.title, task.local_id, task.created_at)


def _provenance(task: Task, file_name: str, model_format: formats.ModelFormat | None) -> dict[str, object]:
    request = task.request
    return {
        "prompt": request.prompt,
        "model": request.model,
        "format": request.format,
        "quality": request.quality,
        "style": request.style,
        "seed": request.seed,
        "picture_sha256": request.image_sha256,
        "local_id": task.local_id,
        "task_id": task.task_id,
        "billing_transaction_id": task.billing_transaction_id,
        "created_at": task.created_at,
        "file": file_name,
        "file_format": model_format.name if model_format else "",
    }


# ------------------------------------------------------------------------------
# Questions that belong to no task


def test_connection(context: JobContext, connection: Connection) -> None:
    """Tell whether the service is there and takes the key; costs nothing."""
    answer = ConnectionTested("The service could not be asked. Look at Blender's log.", accepted=False)
    try:
        _client(context, connection).test_key()
        answer = ConnectionTested(f"{connection.host} accepts the API key.", accepted=True)
    except ServiceError as error:
        answer = ConnectionTested(str(error), accepted=False)
    finally:
        context.mailbox.put(answer)


def load_models(context: JobContext, connection: Connection) -> None:
    """Fetch the list of models."""
    answer = ModelsLoaded((), "The models could not be asked for. Look at Blender's log.")
    try:
        answer = ModelsLoaded(tuple(_client(context, connection).models()))
    except ServiceError as error:
        answer = ModelsLoaded((), str(error))
    finally:
        context.mailbox.put(answer)
