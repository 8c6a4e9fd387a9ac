# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that several faults share. bpy is not allowed here."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any

from aiohttp import web

from ..replies import ServiceError, html_reply, rate_limit_headers, reset_connection, stay_silent
from .registry import AnswerHook, Body, Moment, ShapeHook

RETRY_SECONDS = 1
DRIP_SECONDS = 0.1
BOMB_BYTES = 64 * 1024 * 1024


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


async def reset_in_body(moment: Moment) -> web.StreamResponse:
    return await reset(await _begun(moment))


async def reset_after_naming(moment: Moment) -> web.StreamResponse:
    return await reset(await _begun(moment, {"X-Task-ID": moment.the_task.id}))


async def end_in_body(moment: Moment) -> web.StreamResponse:
    """An orderly end in the middle, as when a proxy gives up."""
    await _begun(moment)
    moment.withhold()
    if moment.request.transport is not None:
        moment.request.transport.close()
    return web.Response()


async def drip(moment: Moment) -> web.StreamResponse:
    """An answer of which a byte comes now and then, for as long as anybody listens."""
    moment.withhold()
    reply = web.StreamResponse(headers={"Content-Type": "application/json"})
    await reply.prepare(moment.request)
    while True:
        await reply.write(b" ")
        await asyncio.sleep(DRIP_SECONDS)


async def _begun(moment: Moment, headers: Mapping[str, str] | None = None) -> Moment:
    """Send the beginning of an answer that announces more."""
    reply = web.StreamResponse(headers={"Content-Type": "application/json", **(headers or {})})
    reply.content_length = 1000
    await reply.prepare(moment.request)
    await reply.write(b'{"id": "ldtask_')
    # A reset throws away what is still on its way; let the beginning arrive.
    await asyncio.sleep(0.05)
    return moment


async def gzip_bomb(_moment: Moment) -> web.StreamResponse:
    """A few KB that become 64 MB, though nobody asked for an encoding."""
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    return web.Response(body=gzip.compress(bytes(BOMB_BYTES)), headers=headers)


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
