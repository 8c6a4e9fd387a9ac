# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts every request of both hosts into the journal. bpy is not allowed here."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from .configuration import CONTROL_PREFIX
from .journal import Exchange
from .service import Service

# Under which a request carries its exchange. aiohttp before 3.14 knows no typed keys, later ones warn of others.
_EXCHANGE: Any = web.RequestKey("exchange", Exchange) if hasattr(web, "RequestKey") else "exchange"


def exchange_of(request: web.Request) -> Exchange:
    exchange: Exchange = request[_EXCHANGE]
    return exchange


def record(app: web.Application, service: Service, origin: str) -> None:
    """The status is noted when the answer begins, so that it is known before the client can ask for the journal."""
    app.middlewares.append(_opening(service, origin))
    app.on_response_prepare.append(_note_status)


def _opening(service: Service, origin: str) -> Any:
    @web.middleware
    async def opening(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if not request.path.startswith(CONTROL_PREFIX):
            request[_EXCHANGE] = Exchange(
                request, service.journal.open(request, origin), f"req_{secrets.token_hex(10)}"
            )
        return await handler(request)

    return opening


async def _note_status(request: web.Request, reply: web.StreamResponse) -> None:
    exchange: Exchange | None = request.get(_EXCHANGE)
    if exchange is not None and not exchange.withheld:
        exchange.entry.status = reply.status
