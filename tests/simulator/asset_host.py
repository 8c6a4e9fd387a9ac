# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host that hands files and a picture out, on a port of its own. It must never see a key. No bpy here."""

from __future__ import annotations

import mimetypes
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from .faults import Moment, Stage
from .picture_host import PICTURES_PATH, picture_reply
from .recording import exchange_of
from .service import Service

MEDIA_TYPES = {".glb": "model/gltf-binary", ".usdz": "model/vnd.usdz+zip", ".zip": "application/zip"}


class AssetHost:
    def __init__(self, service: Service) -> None:
        self._service = service

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/3d/{token}/{name}", self.download)
        app.router.add_get(PICTURES_PATH + "picture.png", self.picture)
        # Where a redirected download ends.
        app.router.add_get("/elsewhere/{token}/{name}", self.plain_download)

    @web.middleware
    async def around(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """A body belongs to no download; it is read for the journal all the same."""
        exchange = exchange_of(request)
        exchange.raw = await request.read()
        if exchange.raw:
            exchange.entry.body = {"bytes": len(exchange.raw)}
        self._service.capture(exchange)
        return await handler(request)

    async def download(self, request: web.Request) -> web.StreamResponse:
        service = self._service
        grant = service.addresses.find(request.match_info["token"])
        if grant is None or request.query.get("signature") != grant.signature:
            return refused()
        moment = Moment(service, exchange_of(request), service.tasks.get(grant.task_id), grant.path)
        reply = await service.faults.answer(Stage.ASSET, moment)
        return reply if reply is not None else file_reply(grant.path)

    async def picture(self, request: web.Request) -> web.StreamResponse:
        reply = await self._service.faults.answer(Stage.PICTURE, Moment(self._service, exchange_of(request)))
        return reply if reply is not None else picture_reply(request)

    async def plain_download(self, request: web.Request) -> web.StreamResponse:
        grant = self._service.addresses.find(request.match_info["token"])
        if grant is None or request.query.get("signature") != grant.signature:
            return refused()
        return file_reply(grant.path)


def media_type(path: Path) -> str:
    guessed = MEDIA_TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0]
    return guessed or "application/octet-stream"


def file_reply(path: Path) -> web.FileResponse:
    """aiohttp answers Range and Content-Length for a file by itself."""
    return web.FileResponse(path, headers={"Content-Type": media_type(path)})


def refused() -> web.Response:
    text = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code></Error>'
    return web.Response(status=403, text=text, content_type="application/xml")
