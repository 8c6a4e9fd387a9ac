# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routes of the TokenLab API, typed. No bpy here; used on worker threads only.

Every method raises `ServiceError` (see `errors`) and nothing else; a key goes to the service's own origin only.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

from . import errors
from .address import Connection, same_origin
from .catalogue import ModelInfo, parse_model, parse_models
from .connections import TransportStopped
from .contract import (
    CREATE_PATH,
    DELIVERY_POLICIES,
    MODELS_PATH,
    TASK_PATH,
    TaskReply,
    UnreadableReply,
    parse_created,
    parse_task_reply,
    request_id,
    task_id_header,
)
from .errors import During, Refused, ServiceError, Unreachable
from .transport import ExchangeBroken, NotConnected, Reply, Transport

_DELIVERY_HEADER = "X-TokenLab-Delivery-Policy"
_PROBE_TASK = "ldtask_00000000000000000000000000000000"
"""An id that no task has: asking for it tells whether the key is accepted, for free (API notes 10)."""

_Parse = Callable[[object, Mapping[str, str]], TaskReply]
OnExchange = Callable[[Connection, int | None, During], None]


class Client:
    """One connection's worth of calls."""

    def __init__(
        self,
        transport: Transport,
        connection: Connection,
        *,
        on_exchange: OnExchange = lambda _connection, _status, _during: None,
    ) -> None:
        """Keep what is needed for calls.

        :param on_exchange: told the status after each exchange (None when no connection was made), and what for.
        """
        self._transport = transport
        self._connection = connection
        self._on_exchange = on_exchange

    def create(self, body: dict[str, object], *, delivery_policy: str = "") -> TaskReply:
        """Send a create request, once.

        :param delivery_policy: one of `DELIVERY_POLICIES`; anything else is not sent.
        :raises Unreachable, Refused, Busy: the service certainly accepted nothing.
        :raises Unclear, Stopped: it may have.
        """
        payload = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        # The word may come out of somebody else's file, and goes into a header.
        headers = {_DELIVERY_HEADER: delivery_policy} if delivery_policy in DELIVERY_POLICIES else {}
        with self._translated("create"):
            reply = self._post(payload, headers)
        self._on_exchange(self._connection, reply.status, "create")
        answer = self._json(reply, "create", model=str(body.get("model", "")))
        return self._task_reply(parse_created, answer, reply, "create")

    def status(self, task_id: str, poll_url: str = "") -> TaskReply:
        """Ask where a task is, by its `poll_url` when that is of the service's own origin (API notes 3.1).

        :raises Refused: with status 404 when the service no longer knows the task.
        """
        reply = self._get(self._status_url(task_id, poll_url), "status")
        return self._task_reply(parse_task_reply, self._json(reply, "status"), reply, "status")

    def models(self) -> list[ModelInfo]:
        """Return the models that take requests on our endpoint."""
        reply = self._get(self._connection.url(MODELS_PATH), "models", {"category": "3d", "view": "compact"})
        try:
            return parse_models(self._json(reply, "models"))
        except UnreadableReply as error:
            raise errors.no_answer("models", request_id(reply.headers), reply.status) from error

    def model(self, model_id: str) -> ModelInfo:
        """Return what the catalogue says of one model.

        :raises Refused: with code `model_not_found` when it does not know the model.
        """
        reply = self._get(self._connection.url(f"{MODELS_PATH}/{quote(model_id, safe='')}"), "models")
        info = parse_model(self._json(reply, "models", model=model_id))
        if info is None:
            raise errors.no_answer("models", request_id(reply.headers), reply.status)
        return info

    def test_key(self) -> None:
        """Return when the service accepts the key; costs nothing.

        :raises Refused: with status 401 when it does not.
        """
        # Not as a status call: there is no task that a sentence could speak of.
        reply = self._get(self._status_url(_PROBE_TASK, ""), "models")
        try:
            self._json(reply, "models")
        except Refused as error:
            if error.status not in (403, 404):
                raise
            if not error.code:
                # Any web server answers like this; the service gives a code.
                raise Refused(
                    f"{self._connection.host} does not answer like TokenLab. Nothing was charged. "
                    "Check the service address in the preferences.",
                    status=error.status,
                    request_id=error.request_id,
                ) from None

    def _status_url(self, task_id: str, poll_url: str) -> str:
        absolute = self._connection.url_of_answer(poll_url) if poll_url else ""
        if absolute and same_origin(absolute, self._connection.base_url):
            return absolute
        return self._connection.url(TASK_PATH + quote(task_id, safe=""))

    def _post(self, payload: bytes, headers: dict[str, str]) -> Reply:
        """Send a create request, once. Of an answer that breaks off the head will do, if it names the paid task."""
        try:
            return self._transport.post_once(
                self._connection.url(CREATE_PATH), payload, key=self._connection.api_key, headers=headers
            )
        except (ExchangeBroken, TransportStopped) as error:
            head = error.head
            if head is None or not _is_success(head) or not task_id_header(head.headers):
                raise
            return head

    def _get(self, url: str, during: During, params: dict[str, str] | None = None) -> Reply:
        with self._translated(during):
            reply = self._transport.get(url, key=self._connection.api_key, params=params)
        self._on_exchange(self._connection, reply.status, during)
        return reply

    def _task_reply(self, parse: _Parse, body: object, reply: Reply, during: During) -> TaskReply:
        try:
            return parse(body, reply.headers)
        except UnreadableReply as error:
            raise errors.no_answer(during, request_id(reply.headers), reply.status) from error

    def _json(self, reply: Reply, during: During, *, model: str = "") -> object:
        """Return the body of a 2xx; anything else is an error, JSON or not (API notes 10: edge proxies)."""
        try:
            body: object = json.loads(reply.body)
        except (ValueError, RecursionError):
            body = None
        if not _is_success(reply):
            raise errors.from_answer(reply.status, reply.headers, body, during=during, model=model)
        return body

    @contextlib.contextmanager
    def _translated(self, during: During) -> Iterator[None]:
        try:
            with translated(self._connection.host, during):
                yield
        except Unreachable:
            self._on_exchange(self._connection, None, during)
            raise


def _is_success(reply: Reply) -> bool:
    return 200 <= reply.status < 300


@contextlib.contextmanager
def translated(host: str, during: During) -> Iterator[None]:
    """Turn the transport's exceptions into `ServiceError`s. Their own texts may hold URLs, so none is passed on."""
    problem: ServiceError
    try:
        yield
        return
    except NotConnected as error:
        problem = errors.unreachable(host, during, str(error))
    except ExchangeBroken as error:
        problem = errors.no_answer(during, request_id(error.head.headers) if error.head else "")
    except TransportStopped as error:
        problem = errors.stopped(during, sent=error.sent)
    raise problem from None
