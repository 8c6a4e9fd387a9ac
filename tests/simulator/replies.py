# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building answers, and ways of not answering. bpy is not allowed here."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

RATE_LIMIT_PER_MINUTE = 1000
# On, with no time: two numbers that Windows packs more tightly.
NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
HTML_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1><p>edge proxy</p></body></html>"


class ServiceError(Exception):
    """An error answer of the service: {"error": {...}} with the optional keys of API notes 5.1."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        validation_errors: list[dict[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {"error": {"message": message, "type": kind, **details}}
        if validation_errors:
            self.body["validation_errors"] = validation_errors

    def reply(self) -> web.Response:
        return json_reply(self.body, status=self.status, headers=self.headers)


def json_reply(body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type="application/json", headers=headers)


def html_reply(status: int, title: str) -> web.Response:
    return web.Response(text=HTML_PAGE.format(title), status=status, content_type="text/html")


def rate_limit_headers() -> dict[str, str]:
    """The three headers that every 429 carries (API notes 1.4)."""
    return {
        "X-RateLimit-Limit": str(RATE_LIMIT_PER_MINUTE),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(time.time()) + 60),
    }


async def stay_silent(request: web.Request) -> web.Response:
    """Hold the connection without a word until the other side goes away."""
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.05)
    return web.Response()


def reset_connection(request: web.Request) -> web.Response:
    """Cut the connection with a TCP reset. The returned answer has nowhere to go."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            # Zero linger makes the close a reset instead of an orderly end.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        transport.abort()
    return web.Response()
