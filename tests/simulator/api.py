# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API host: routes, keys, headers and what surrounds every answer. bpy is not allowed here."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from aiohttp import web

from . import catalogue
from .configuration import (
    CONTROL_PREFIX,
    CREATE_PATH,
    EXPIRED_KEY,
    MANAGEMENT_TOKEN,
    OTHER_WORKSPACE_KEY,
    RESTRICTED_KEY,
    RESTRICTED_KEY_MODELS,
)
from .faults import Moment, Stage
from .journal import Exchange, body_for_journal
from .recording import exchange_of
from .replies import ServiceError, json_reply
from .service import Service
from .tasks import Task, count_completed_call
from .validation import check_create, model_not_found, payload_too_large

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# The picture limit in base64, plus room for the rest of the request.
MAX_BODY_BYTES = 28 * 1024 * 1024
WORKSPACE = "main"
OTHER_WORKSPACE = "other"
SIMPLE_ERRORS = {404: ("not_found_error", "No such route."), 405: ("invalid_request_error", "Method not allowed.")}


class Api:
    def __init__(self, service: Service) -> None:
        self._service = service

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post(CREATE_PATH, self.create)
        app.router.add_get("/v1/tasks/{id}", self.status)
        app.router.add_get(CREATE_PATH + "/{id}", self.status)
        app.router.add_delete("/v1/tasks/{id}", self.cancel)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/v1/models/{model}", self.model)
        app.router.add_get("/v1/models/{model}/pricing", self.model_pricing)
        app.router.add_get("/v1/pricing", self.pricing)
        app.router.add_get("/v1/management/balance", self.balance)

    # ---- what surrounds every answer

    @web.middleware
    async def around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        moment = Moment(self._service, exchange_of(request))
        reply = await self._answer(moment, handler)
        if not moment.exchange.withheld:
            await self._before_sending(moment, reply)
        return reply

    async def _answer(self, moment: Moment, handler: Handler) -> web.StreamResponse:
        faults, exchange = self._service.faults, moment.exchange
        is_create = exchange.request.method == "POST" and exchange.request.path == CREATE_PATH
        reply = await faults.answer(Stage.CREATE_HEAD, moment) if is_create else None
        if reply is not None:
            return reply
        try:
            await self._read_body(exchange)
            reply = await faults.answer(Stage.ANY_API, moment)
            return reply if reply is not None else await handler(exchange.request)
        except ServiceError as refusal:
            refusal.body["error"].setdefault("request_id", exchange.request_id)
            return refusal.reply()
        except web.HTTPException as problem:
            kind, message = SIMPLE_ERRORS.get(problem.status, ("server_error", problem.reason))
            return ServiceError(problem.status, kind, message).reply()

    async def _read_body(self, exchange: Exchange) -> None:
        try:
            exchange.raw = await exchange.request.read()
        except web.HTTPRequestEntityTooLarge as problem:
            raise payload_too_large() from problem
        exchange.entry.body = body_for_journal(exchange.raw)
        if exchange.raw:
            with contextlib.suppress(ValueError):
                body = json.loads(exchange.raw)
                entry = exchange.entry
                self._report(
                    exchange, "request", self._service.contract.request_problems(entry.method, entry.path, body)
                )

    async def _before_sending(self, moment: Moment, reply: web.StreamResponse) -> None:
        exchange = moment.exchange
        if not exchange.faulted and isinstance(reply, web.Response):
            raw = reply.body if isinstance(reply.body, bytes) else b""
            entry = exchange.entry
            problems = self._service.contract.reply_problems(
                entry.method, entry.path, reply.status, reply.content_type, raw
            )
            self._report(exchange, "reply", problems)
        if not reply.prepared:
            reply.headers["X-Request-ID"] = exchange.request_id
            reply.headers.setdefault("X-Routing-Time-MS", "3")
        await self._service.faults.answer(Stage.LATE, moment)
        if self._service.configuration.delay > 0:
            await asyncio.sleep(self._service.configuration.delay)

    def _report(self, exchange: Exchange, part: str, problems: list[str]) -> None:
        for problem in problems:
            entry = exchange.entry
            self._service.journal.contract_violations.append(
                {"n": entry.n, "part": part, "method": entry.method, "path": entry.path, "problem": problem}
            )

    # ---- keys

    def _workspace(self, request: web.Request) -> str:
        key = _bearer(request)
        if key == EXPIRED_KEY:
            raise ServiceError(401, "expired_api_key", "The API key has expired.", code="expired_api_key")
        if key in (self._service.key, RESTRICTED_KEY):
            return WORKSPACE
        if key == OTHER_WORKSPACE_KEY:
            return OTHER_WORKSPACE
        raise ServiceError(401, "invalid_api_key", "Invalid API key provided", code="invalid_api_key")

    def _allowed_models(self, request: web.Request) -> tuple[str, ...] | None:
        return RESTRICTED_KEY_MODELS if _bearer(request) == RESTRICTED_KEY else None

    def _own_task(self, request: web.Request) -> Task:
        workspace = self._workspace(request)
        task = self._service.tasks.get(request.match_info["id"])
        if task is None:
            raise task_not_found()
        if task.workspace != workspace:
            message = "The task does not belong to this workspace."
            raise ServiceError(403, "permission_error", message, code="task_not_owned")
        return task

    # ---- generation

    async def create(self, request: web.Request) -> web.StreamResponse:
        service, exchange = self._service, exchange_of(request)
        workspace = self._workspace(request)
        wanted = check_create(
            exchange.raw, request.headers, self._allowed_models(request), own_picture=service.picture_url
        )
        reply = await service.faults.answer(Stage.CREATE, Moment(service, exchange))
        if reply is not None:
            return reply
        task = service.create_task(exchange, wanted, workspace)
        moment = Moment(service, exchange, task)
        reply = await service.faults.answer(Stage.CREATED, moment)
        if reply is not None:
            return reply
        body = service.faults.shape(Stage.CREATE_BODY, moment, self._task_body(moment, is_create=True))
        return json_reply(body, headers=_task_headers(task))

    async def status(self, request: web.Request) -> web.StreamResponse:
        service = self._service
        task = self._own_task(request)
        task.polls += 1
        service.bring_up_to_date(task)
        moment = Moment(service, exchange_of(request), task)
        reply = await service.faults.answer(Stage.STATUS, moment)
        if reply is not None:
            return reply
        count_completed_call(task, service.faults.plan())
        body = service.faults.shape(Stage.STATUS_BODY, moment, self._task_body(moment, is_create=False))
        return json_reply(body, headers=_task_headers(task))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Never possible for 3D (API notes 3.5)."""
        task = self._own_task(request)
        self._service.bring_up_to_date(task)
        if task.is_terminal:
            message = "The task is no longer cancellable."
            raise ServiceError(409, "invalid_request_error", message, code="task_not_cancellable")
        message = "This task type does not support cancellation."
        raise ServiceError(400, "invalid_request_error", message, code="unsupported_task_cancel")

    def _task_body(self, moment: Moment, *, is_create: bool) -> dict[str, Any]:
        """Nothing but what the task has at this moment (API notes 3.1)."""
        task = moment.the_task
        body: dict[str, Any] = {
            "id": task.id,
            "task_id": task.id,
            "poll_url": f"/v1/tasks/{quote(task.id, safe='')}",
            "status": task.state,
            "created": int(task.started),
            "model": task.model,
        }
        if not is_create:
            body["updated"] = int(task.updated)
        if task.state == "processing":
            body["progress"] = task.progress
        elif task.state == "completed":
            address = self._service.addresses.for_task(task)
            body["model_url"] = address
            if task.asset_format != "zip":
                body[f"{task.asset_format}_url"] = address
        elif task.state == "failed":
            body["error"] = task.error
        if task.billing_transaction_id:
            body["billing_transaction_id"] = task.billing_transaction_id
        return self._service.faults.shape(Stage.TASK_BODY, moment, body)

    # ---- models and money

    async def models(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        category, recommended_for = query.get("category"), query.get("recommended_for")
        if category and recommended_for and category != recommended_for:
            message = "category and recommended_for must be equal when both are given."
            raise ServiceError(400, "invalid_request_error", message, param="recommended_for")
        view = query.get("view", "full")
        if view not in ("full", "compact"):
            raise ServiceError(400, "invalid_request_error", "view must be full or compact.", param="view")
        allowed = self._key_for_discovery(request)
        chosen = catalogue.select_models(category, recommended_for, query.get("provider"))
        chosen = [model for model in chosen if allowed is None or model.id in allowed]
        show = catalogue.compact_list if view == "compact" else catalogue.full_list
        return await self._about_models(request, lambda: show(chosen, recommended_for))

    async def model(self, request: web.Request) -> web.StreamResponse:
        model = self._known_model(request)
        return await self._about_models(request, lambda: catalogue.detail(model))

    async def model_pricing(self, request: web.Request) -> web.StreamResponse:
        model = self._known_model(request)
        return await self._about_models(request, lambda: catalogue.pricing(model))

    async def pricing(self, request: web.Request) -> web.StreamResponse:
        chosen = catalogue.select_models(request.query.get("tag"), None, request.query.get("provider"))
        return await self._about_models(request, lambda: catalogue.pricing_list(chosen))

    async def _about_models(self, request: web.Request, body: Callable[[], dict[str, Any]]) -> web.StreamResponse:
        service = self._service
        moment = Moment(service, exchange_of(request))
        reply = await service.faults.answer(Stage.MODELS, moment)
        if reply is not None:
            return reply
        return json_reply(service.faults.shape(Stage.MODELS_BODY, moment, body()))

    def _known_model(self, request: web.Request) -> catalogue.Model:
        identifier = request.match_info["model"]
        model = catalogue.find_model(identifier)
        if model is None:
            raise model_not_found(identifier, status=404)
        return model

    def _key_for_discovery(self, request: web.Request) -> tuple[str, ...] | None:
        """Public without a key; a key that is sent must be a good one and narrows the list (API notes 1.2)."""
        if "Authorization" not in request.headers:
            return None
        self._workspace(request)
        return self._allowed_models(request)

    async def balance(self, request: web.Request) -> web.StreamResponse:
        if _bearer(request) != MANAGEMENT_TOKEN:
            message = "A management token is required."
            raise ServiceError(401, "invalid_api_key", message, code="invalid_api_key")
        ledger = self._service.ledger
        amounts = {"balance": ledger.balance, "total_recharge": ledger.recharged, "total_used": ledger.used}
        body: dict[str, Any] = {"object": "organization_balance", "organization_id": "org_simulator"}
        for name, amount in amounts.items():
            body[name] = float(amount)
            body[f"{name}_decimal"] = str(amount)
        return json_reply(body)


def task_not_found() -> ServiceError:
    message = "Task not found or no longer available."
    return ServiceError(404, "invalid_request_error", message, code="async_task_not_found")


def _bearer(request: web.Request) -> str | None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" and key.strip() else None


def _task_headers(task: Task) -> dict[str, str]:
    headers = {"X-Task-ID": task.id}
    if task.billing_transaction_id:
        headers["X-Billing-Transaction-ID"] = task.billing_transaction_id
    return headers
