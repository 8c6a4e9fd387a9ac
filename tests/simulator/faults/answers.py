# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that several faults share. bpy is not allowed here."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from aiohttp import web

from ..replies import ServiceError, html_reply, rate_limit_headers, reset_connection, stay_silent
from .registry import AnswerHook, Body, Moment, ShapeHook

RETRY_SECONDS = 1


def refusing(build: Callable[[], ServiceError]) -> AnswerHook:
    async def answer(moment: Moment) -> web.StreamResponse:
        refusal = build()
        refusal.body["error"].setdefault("request_id", moment.exchange.request_id)
        return refusal.reply()

    return answer


def html(status: int, title: str) -> AnswerHook:
    async def answer(_moment: Moment) -> web.StreamResponse:
        return html_reply(status, title)

    return answer


async def silence(moment: Moment) -> web.StreamResponse:
    moment.withhold()
    return await stay_silent(moment.request)


async def reset(moment: Moment) -> web.StreamResponse:
    moment.withhold()
    return reset_connection(moment.request)


def server_error() -> ServiceError:
    return ServiceError(500, "server_error", "An internal error occurred")


def unavailable() -> ServiceError:
    return ServiceError(
        503,
        "all_channels_failed",
        "All channels are temporarily unavailable.",
        code="all_channels_failed",
        retryable=True,
        retry_after=RETRY_SECONDS,
        alternatives=[{"id": "tripo-p1.0", "status": "available", "tags": ["3d"]}],
    )


def too_many(*, in_header: bool, in_body: bool, as_date: bool = False) -> ServiceError:
    headers = rate_limit_headers()
    if in_header:
        date = formatdate(time.time() + RETRY_SECONDS + 1, usegmt=True)
        headers["Retry-After"] = date if as_date else str(RETRY_SECONDS)
    details: dict[str, Any] = {"code": "rate_limit_exceeded", "retryable": True}
    if in_body:
        details["retry_after"] = RETRY_SECONDS
    message = "Rate limit exceeded. Please slow down."
    return ServiceError(429, "rate_limit_exceeded", message, headers=headers, **details)


def without(*names: str) -> ShapeHook:
    def shape(_moment: Moment, body: Body) -> Body:
        return {key: value for key, value in body.items() if key not in names}

    return shape
