# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a worker asks the service for a task: submit, poll. No bpy here; nothing of this runs on the main thread.

The order of the steps is the submission protocol (architecture, section 3): the journal knows of a request before its
first byte leaves, and knows the answer before anything else is done with it.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..files import images, library
from ..service import errors
from ..service.address import is_loopback
from ..service.catalogue import ModelInfo, create_body, left_out, objection
from ..service.contract import RemoteStatus, TaskReply
from ..service.errors import Busy, Refused, ServiceError, Stopped, Unclear, Unreachable
from ..service.stand_in import is_task_id
from .job_context import JobContext, answerer_for, client_for, folder_of
from .journal import JournalError
from .records import BillAsked, ConnectionTested, JobDone, ModelsLoaded
from .task import Task, TaskState, add_note

if TYPE_CHECKING:
    from ..service.address import Connection
    from ..service.client import Client

    _Create = Callable[[dict[str, object]], TaskReply]

logger = logging.getLogger(__name__)

_COMMIT_SECONDS: Final = 30.0
"""Longest wait for the disk before a task is given up rather than sent unrecorded."""
_QUEUED: Final = frozenset({TaskState.QUEUED})
_SUBMITTING: Final = frozenset({TaskState.SUBMITTING})
_POLLED: Final = frozenset({TaskState.PENDING, TaskState.PROCESSING})
"""States in which an answer is still of use: the user may have stopped waiting meanwhile."""
_SILENT: Final = "The service does not answer at present. Nothing was sent or charged. It is tried again by itself."


# ------------------------------------------------------------------------------
# Submit


def try_service(context: JobContext, local_id: str, connection: Connection) -> JobDone:
    """Find out, by a question that costs nothing, whether a `QUEUED` task can be sent to a service that was silent."""
    task = context.records.get(local_id)
    if task is None or task.state is not TaskState.QUEUED:
        return JobDone(local_id)
    try:
        answerer_for(context, connection, task).model(task.request.model)
        answered: bool | None = True
    except ServiceError as error:
        # What it refuses now, it says again to the request itself.
        answered = _is_answer(error)
    context.records.change(local_id, error=_SILENT if answered is False else "")
    return JobDone(local_id, failed=answered is False, answered=answered)


def submit(
    context: JobContext, local_id: str, connection: Connection, data_directory: Path, *, is_online: bool = True
) -> JobDone:
    """Send a `QUEUED` task, once. Whatever happens, its state says afterwards what it may have cost.

    :param is_online: other hosts than the service may be asked, for the picture behind an image URL.
    """
    task = context.records.get(local_id)
    if task is None or task.state is not TaskState.QUEUED:
        return JobDone(local_id)
    try:
        picture = _keep_picture(context, task, data_directory)
        client = answerer_for(context, connection, task)
        model = context.models.get(client, connection.base_url, task.request.model, context.budget)
        _check(task, model)
        body = create_body(task.request, model, images.data_url(picture) if picture else "")
        doubt = _look_at_image_url(context, body, connection, is_online=is_online)
        note = _note(task, body, doubt)
        price = {"min_price": model.min_price, "max_price": model.max_price} if model else {}
        if not _commit(
            context, local_id, expect=_QUEUED, state=TaskState.SUBMITTING, submitted_at=time.time(), note=note, **price
        ):
            now = context.records.get(local_id)
            return JobDone(local_id, is_followed=now is not None and now.state is TaskState.SUBMITTING)
    except Busy as error:
        context.records.change(local_id, error=str(error))
        return JobDone(local_id, failed=True, retry_after=error.retry_after, answered=True)
    except Stopped:
        return JobDone(local_id)
    except (ServiceError, images.PictureError, JournalError, OSError) as error:
        _fail(context, local_id, error)
        return JobDone(local_id, answered=_is_answer(error))
    create = partial(client.create, delivery_policy=task.request.delivery_policy)
    return _create(context, local_id, create, body)


def _is_answer(error: Exception) -> bool | None:
    """Whether an error is the service's word, or the lack of one; None when it has nothing to do with it."""
    if isinstance(error, Unreachable | Unclear):
        return False
    return True if isinstance(error, Refused | Busy) else None


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
        copy = folder_of(task, data_directory) / f"source.{mime.rpartition('/')[2]}"
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
    found = objection(model, prompt=task.request.prompt, picture_field=task.request.picture_field)
    if found:
        raise Refused(f"{found.what} Nothing was sent or charged. {found.advice}")


def _look_at_image_url(context: JobContext, body: dict[str, object], connection: Connection, *, is_online: bool) -> str:
    """Return what makes it doubtful that the service gets the picture, as a clause, or "".

    The host of the picture is not the service: this counts for neither its budget nor its breaker.

    :raises PictureError, Stopped: as `image_url.look` does.
    """
    url = body.get("image_url")
    if not isinstance(url, str):
        return ""
    from ..service import image_url  # noqa: PLC0415  # imports requests: workers only

    reach = image_url.Reach(is_local=is_loopback(connection.base_url), is_online=is_online)
    return image_url.look(context.transport(), url, reach)


def _note(task: Task, body: dict[str, object], doubt: str) -> str:
    """Return the task's note, which says what of the user's choices does not go along, or may be of no use."""
    note = task.note
    if names := left_out(task.request, body):
        said = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        verb = "Made" if task.is_stand_in else "Sent"
        note = add_note(note, f"{verb} without {said}, which {task.request.model} does not list.")
    return add_note(note, f"Sent with an image URL that may not work: {doubt}.") if doubt else note


def _create(context: JobContext, local_id: str, create: _Create, body: dict[str, object]) -> JobDone:
    records = context.records
    try:
        reply = _send(context, local_id, create, body)
    except Busy as error:
        records.change(local_id, state=TaskState.QUEUED, error=str(error), request_id=error.request_id)
        return JobDone(local_id, failed=True, retry_after=error.retry_after, answered=True)
    except (Unreachable, Refused) as error:
        _fail(context, local_id, error)
        return JobDone(local_id, answered=_is_answer(error))
    except Stopped as error:
        state = TaskState.UNCERTAIN if error.sent else TaskState.QUEUED
        sentence = str(errors.no_answer("create")) if error.sent else ""
        _commit(context, local_id, state=state, error=sentence)
        return JobDone(local_id)
    except ServiceError as error:
        _commit(context, local_id, state=TaskState.UNCERTAIN, error=str(error), request_id=error.request_id)
        return JobDone(local_id, answered=_is_answer(error))
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
    return JobDone(local_id, answered=True, is_unbilled=_is_unbilled(reply))


def _send(context: JobContext, local_id: str, create: _Create, body: dict[str, object]) -> TaskReply:
    """Send a create request; once more only where the service has clearly refused how its picture is written.

    Nobody says whether it wants a data URL or bare base64 (API notes 2.1). A 400 has accepted nothing, so the second
    request is the only one that can be paid for; the journal says SUBMITTING for it as well.
    """
    try:
        return create(body)
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
    return create({**body, "image": picture.partition(",")[2]})


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
        reply = answerer_for(context, connection, task).status(task.task_id, task.poll_url)
    except Refused as error:
        state = TaskState.LOST if error.status == HTTPStatus.NOT_FOUND else TaskState.STOPPED
        context.records.change(local_id, expect=_POLLED, state=state, error=str(error), request_id=error.request_id)
        return JobDone(local_id, answered=True)
    except Stopped:
        return JobDone(local_id)
    except ServiceError as error:
        context.records.change(local_id, expect=_POLLED, durable=False, error=str(error))
        return JobDone(local_id, failed=True, retry_after=error.retry_after, answered=_is_answer(error))
    _take_status(context, local_id, reply)
    return JobDone(local_id, answered=True, is_unbilled=_is_unbilled(reply))


def _is_unbilled(reply: TaskReply) -> bool:
    """Whether a bill is still to come; the stand-in sends none."""
    is_over = reply.status is RemoteStatus.COMPLETED and not is_task_id(reply.task_id)
    return is_over and not reply.billing_transaction_id


def ask_bill(context: JobContext, local_id: str, connection: Connection, data_directory: Path) -> BillAsked:
    """Ask once for the billing id of a completed task; what goes wrong means nothing to the user."""
    task = context.records.get(local_id)
    if task is None or task.billing_transaction_id:
        return BillAsked(local_id)
    try:
        reply = answerer_for(context, connection, task).status(task.task_id, task.poll_url)
    except ServiceError as error:
        return BillAsked(local_id, answered=_is_answer(error))
    if reply.billing_transaction_id:
        context.records.change(local_id, billing_transaction_id=reply.billing_transaction_id)
        bill = {"billing_transaction_id": reply.billing_transaction_id}
        try:
            library.amend_provenance(folder_of(task, data_directory), bill)
        except OSError as error:
            logger.warning("The billing id was not written beside the model: %s", error.strerror)
    return BillAsked(local_id, answered=True)


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
# Questions that belong to no task


def test_connection(context: JobContext, connection: Connection) -> None:
    """Tell whether the service is there and takes the key; costs nothing."""
    answer = ConnectionTested("The service could not be asked. Look at Blender's log.", accepted=False)
    context.budget.spend()
    try:
        client_for(context, connection).test_key()
        answer = ConnectionTested(f"{connection.host} accepts the API key.", accepted=True)
    except ServiceError as error:
        answer = ConnectionTested(str(error), accepted=False)
    finally:
        context.mailbox.put(answer)


def ask_models(context: JobContext, connection: Connection, *, with_list: bool, names: Sequence[str]) -> None:
    """Tell what is known of the service's models, having asked for the list and for those that are named."""
    error = "The models could not be asked for. Look at Blender's log."
    try:
        error = _renew_models(context, connection, with_list=with_list, names=names)
    finally:
        # What was known before is known all the same, whatever the service says.
        context.mailbox.put(ModelsLoaded(context.models.known(connection.base_url), error, is_answer=True))


def _renew_models(context: JobContext, connection: Connection, *, with_list: bool, names: Sequence[str]) -> str:
    """Ask, and return a user's sentence about the first thing that went wrong, or ""."""
    cache, base_url, error_met = context.models, connection.base_url, ""
    questions: list[Callable[[Client], object]] = []
    if with_list:
        questions.append(partial(cache.refresh, base_url=base_url))
    questions += [partial(cache.ask, base_url=base_url, model_id=name) for name in names]
    for ask in questions:
        context.budget.spend()
        try:
            ask(client_for(context, connection))
        except Refused as error:
            error_met = error_met or str(error)
        except ServiceError as error:
            return error_met or str(error)  # The others would fare no better.
    return error_met
