# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the create request. bpy is not allowed here."""

from __future__ import annotations

from decimal import Decimal

from aiohttp import web

from ..configuration import CREATE_PATH
from ..journal import body_for_journal
from ..replies import ServiceError, json_reply
from ..tasks import Plan
from ..validation import invalid, payload_too_large
from .answers import (
    drip,
    gzip_bomb,
    html,
    refusing,
    reset,
    reset_after_naming,
    reset_in_body,
    server_error,
    silence,
    too_many,
    unavailable,
    without,
)
from .registry import AnswerHook, Moment, Stage, define_answer, define_plan, define_shape

BURST = 2


async def _no_money(moment: Moment) -> web.StreamResponse:
    refusal = moment.service.insufficient_balance(Decimal("0.4"))
    refusal.body["error"]["balance_usd"] = 0.05
    return refusal.reply()


async def _gateway_unavailable(_moment: Moment) -> web.StreamResponse:
    """An error object too, and not the service's."""
    error = {"code": 503, "message": "The service is currently unavailable.", "status": "UNAVAILABLE"}
    return json_reply({"error": error}, status=503)


async def _named_and_empty(moment: Moment) -> web.StreamResponse:
    return web.Response(headers={"X-Task-ID": moment.the_task.id})


def _redirect_once(*, to_other_origin: bool) -> AnswerHook:
    """A client that follows is let through, so that the journal shows what following does."""

    async def answer(moment: Moment) -> web.StreamResponse | None:
        if "redirected" in moment.request.query:
            return None
        origin = moment.service.addresses.base_url if to_other_origin else ""
        return web.Response(status=307, headers={"Location": f"{origin}{CREATE_PATH}?redirected=1"})

    return answer


def _refuse_encoding(encoding: str) -> AnswerHook:
    """Which of the two encodings the service wants is unknown (API notes 2.1)."""

    async def answer(moment: Moment) -> web.StreamResponse | None:
        picture = body_for_journal(moment.exchange.raw).get("image")
        if picture is None or picture["encoding"] != encoding:
            return None
        return invalid("image", "Invalid image").reply()

    return answer


def _complete_at_once(plan: Plan) -> None:
    plan.completes_at_once = True


def _bad_key() -> ServiceError:
    return ServiceError(401, "invalid_api_key", "Invalid API key provided", code="invalid_api_key")


def _quota() -> ServiceError:
    return ServiceError(402, "quota_exceeded", "The spending limit of this API key is reached.", code="quota_exceeded")


def _forbidden() -> ServiceError:
    return ServiceError(403, "access_denied", "This API key may not use the model.", code="model_not_allowed")


def _timed_out() -> ServiceError:
    return ServiceError(504, "timeout_error", "The upstream service did not answer in time.")


_REFUSALS: tuple[tuple[str, str, AnswerHook], ...] = (
    ("create-401", "A create is refused because of the key.", refusing(_bad_key)),
    ("create-402", "A create is refused because the balance is too low.", _no_money),
    ("create-402-quota", "A create is refused because the key's own limit is reached.", refusing(_quota)),
    ("create-403", "A create is refused because the key may not use the model.", refusing(_forbidden)),
    ("create-413", "A create is refused as too large.", refusing(payload_too_large)),
    ("create-500", "A create ends in a 500; there is no task.", refusing(server_error)),
    ("create-502-html", "A create gets an HTML 502 of a proxy; there is no task.", html(502, "Bad Gateway")),
    ("create-503", "A create gets the service's own, retryable 503.", refusing(unavailable)),
    ("create-503-html", "A create gets an HTML 503 of a proxy.", html(503, "Service Unavailable")),
    ("create-503-gateway", "A create gets a 503 of a gateway, with an error in JSON.", _gateway_unavailable),
    ("create-307", "A create is redirected on the same host.", _redirect_once(to_other_origin=False)),
    ("create-307-foreign", "A create is redirected to another origin.", _redirect_once(to_other_origin=True)),
    ("image-not-data-url", "A picture as data URL is refused with 400.", _refuse_encoding("data-url")),
    ("image-not-base64", "A picture as plain base64 is refused with 400.", _refuse_encoding("base64")),
)
_BURSTS: tuple[tuple[str, str, AnswerHook], ...] = (
    (
        "create-429",
        "The first two creates get 429 with Retry-After and retry_after.",
        refusing(lambda: too_many(in_header=True, in_body=True)),
    ),
    (
        "create-429-header-only",
        "The first two creates get 429 with the delay only in the header.",
        refusing(lambda: too_many(in_header=True, in_body=False)),
    ),
    (
        "create-429-body-only",
        "The first two creates get 429 with the delay only in the body.",
        refusing(lambda: too_many(in_header=False, in_body=True)),
    ),
    (
        "create-429-http-date",
        "The first two creates get 429 with Retry-After as an HTTP date.",
        refusing(lambda: too_many(in_header=True, in_body=False, as_date=True)),
    ),
)
_AFTER_THE_TASK: tuple[tuple[str, str, AnswerHook], ...] = (
    ("create-never-answers", "A create makes a task and is never answered.", silence),
    ("create-reset-after-body", "A create makes a task and the connection is reset.", reset),
    ("create-reset-in-body", "A create makes a task and the connection is reset within its answer.", reset_in_body),
    (
        "create-reset-after-naming",
        "A create makes a task, a header names it, and the connection is reset.",
        reset_after_naming,
    ),
    ("create-empty-200", "A create makes a task and gets an empty 200, of which a header names it.", _named_and_empty),
    ("create-drips", "A create makes a task, and its answer drips for ever.", drip),
    ("create-gzip-bomb", "A create makes a task and a few KB come back that become 64 MB.", gzip_bomb),
    ("create-500-after-task", "A create makes a task and ends in a 500.", refusing(server_error)),
    ("create-504-after-task", "A create makes a task and ends in a 504.", refusing(_timed_out)),
    ("create-unreadable-200", "A create makes a task and gets 200 with an HTML page.", html(200, "Welcome")),
)

for _name, _description, _hook in _REFUSALS:
    define_answer(_name, _description, Stage.CREATE, _hook)
for _name, _description, _hook in _BURSTS:
    define_answer(_name, _description, Stage.CREATE, _hook, times=BURST)
for _name, _description, _hook in _AFTER_THE_TASK:
    define_answer(_name, _description, Stage.CREATED, _hook)
define_answer(
    "create-reset-before-body-read",
    "The connection of a create is reset before its body is read; there is no task.",
    Stage.CREATE_HEAD,
    reset,
)
define_shape(
    "create-200-without-id",
    "A create makes a task and its answer lacks every id.",
    Stage.CREATE_BODY,
    without("id", "task_id", "poll_url"),
)
define_shape(
    "create-200-without-status",
    "A create makes a task and its answer lacks the status.",
    Stage.CREATE_BODY,
    without("status"),
)
define_plan("create-completed", "A create's answer is already the completed task.", _complete_at_once)
