# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's own routes, for tests. They are not journalled. bpy is not allowed here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web

from .faults import FAULTS, UnknownFaultError
from .replies import json_reply
from .service import Service
from .tasks import TERMINAL_STATES, finish


class Control:
    def __init__(self, service: Service) -> None:
        self._service = service

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/_simulator/journal", self.journal)
        app.router.add_get("/_simulator/faults", self.faults)
        app.router.add_post("/_simulator/configure", self.configure)
        app.router.add_post("/_simulator/reset", self.reset)
        app.router.add_post("/_simulator/tasks/{id}", self.steer)

    async def journal(self, _request: web.Request) -> web.Response:
        return json_reply(self._service.report())

    async def faults(self, _request: web.Request) -> web.Response:
        return json_reply({name: fault.description for name, fault in sorted(FAULTS.items())})

    async def configure(self, request: web.Request) -> web.Response:
        changes = await _json_object(request)
        unknown = set(changes) - {"seconds", "delay", "faults", "assets"}
        if unknown:
            return _mistake(f"cannot configure {', '.join(sorted(unknown))}")
        if "faults" in changes:
            changes["faults"] = tuple(changes["faults"])
        if "assets" in changes:
            changes["assets"] = Path(changes["assets"])
            if not changes["assets"].is_dir():
                return _mistake(f"{changes['assets']} is not a directory")
        try:
            self._service.configure(replace(self._service.configuration, **changes))
        except UnknownFaultError as problem:
            return _mistake(str(problem))
        return json_reply({"ok": True})

    async def reset(self, _request: web.Request) -> web.Response:
        self._service.reset()
        return json_reply({"ok": True})

    async def steer(self, request: web.Request) -> web.Response:
        """Set one task's duration, progress or end."""
        service = self._service
        task = service.tasks.get(request.match_info["id"])
        if task is None:
            return _mistake("no such task")
        changes = await _json_object(request)
        if "seconds" in changes:
            task.seconds = float(changes["seconds"])
        if "progress" in changes:
            task.steered_progress = int(changes["progress"])
        status = changes.get("status")
        if status in TERMINAL_STATES and not task.is_terminal:
            finish(task, status, service.faults.plan(), service.ledger, task.updated)
        service.bring_up_to_date(task)
        return json_reply(task.as_json())


async def _json_object(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    body = json.loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="expected a JSON object")
    return body


def _mistake(message: str) -> web.Response:
    return json_reply({"error": {"message": message}}, status=400)
