# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the two hosts on loopback and stops them. bpy is not allowed here."""

from __future__ import annotations

from aiohttp import web

from .api import MAX_BODY_BYTES, Api
from .asset_host import AssetHost
from .control import Control
from .recording import record
from .service import Service

HOST = "127.0.0.1"
# Requests that a fault keeps waiting must not hold up the end.
SHUTDOWN_SECONDS = 0.2


class Server:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._runners: list[web.AppRunner] = []

    async def start(self, port: int) -> None:
        service = self._service
        # The asset host first: API answers name its address.
        service.addresses.base_url = await self._listen(asset_app(service), 0)
        service.base_url = await self._listen(api_app(service), port)

    async def stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()

    async def _listen(self, app: web.Application, port: int) -> str:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        self._runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        return f"http://{HOST}:{runner.addresses[0][1]}"


def api_app(service: Service) -> web.Application:
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    record(app, service, "api")
    api = Api(service)
    app.middlewares.append(api.around)
    api.add_routes(app)
    Control(service).add_routes(app)
    return app


def asset_app(service: Service) -> web.Application:
    app = web.Application()
    record(app, service, "assets")
    host = AssetHost(service)
    app.middlewares.append(host.around)
    host.add_routes(app)
    return app
