# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client without any intelligence, for the simulator's own tests. bpy is not allowed here.

The product's client must not be used there: the simulator is what that client is measured with.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import requests

from .configuration import CREATE_PATH
from .process import SimulatorProcess

MODEL = "tripo-h3.1"
PROMPT = "a small wooden chair"
# Generous, because it only ends tests that fail.
PATIENCE_SECONDS = 30.0


class PlainClient:
    def __init__(self, simulator: SimulatorProcess, key: str | None = None) -> None:
        self.url = simulator.url
        self.headers = {"Authorization": f"Bearer {simulator.key if key is None else key}"}
        self._session = requests.Session()
        # An environment's proxy must not come between us and loopback.
        self._session.trust_env = False

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        options = {"timeout": PATIENCE_SECONDS, "headers": self.headers, "allow_redirects": False, **options}
        address = path if path.startswith("http") else self.url + path
        return self._session.request(method, address, **options)

    def create(self, *, timeout: float = PATIENCE_SECONDS, stream: bool = False, **fields: Any) -> requests.Response:
        body = {"model": MODEL, "prompt": PROMPT, **fields}
        return self.call("POST", CREATE_PATH, json=body, timeout=timeout, stream=stream)

    def create_task(self, **fields: Any) -> str:
        reply = self.create(**fields)
        reply.raise_for_status()
        return str(reply.json()["id"])

    def status(self, task_id: str, **options: Any) -> requests.Response:
        return self.call("GET", f"/v1/tasks/{quote(task_id, safe='')}", **options)

    def wait(self, task_id: str, *states: str) -> dict[str, Any]:
        """Poll until the status is one of these; by default completed or failed."""
        wanted = states or ("completed", "failed")
        limit = time.monotonic() + PATIENCE_SECONDS
        body: dict[str, Any] = {}
        while time.monotonic() < limit:
            body = self.status(task_id).json()
            if body.get("status") in wanted:
                return body
            time.sleep(0.02)
        raise TimeoutError(f"the task did not become {wanted}: {body}")

    def finished(self, **fields: Any) -> dict[str, Any]:
        return self.wait(self.create_task(**fields))

    def download(self, address: str, **options: Any) -> requests.Response:
        """Without the key, which belongs to the API alone."""
        return self.call("GET", address, **{"headers": {}, **options})
