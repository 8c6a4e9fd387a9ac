# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the simulator in a process of its own, for tests. Standard library only; bpy is not allowed here."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from .configuration import DEFAULT_KEY

REPOSITORY = Path(__file__).resolve().parents[2]
# The first start may have to make the models with Blender.
START_SECONDS = 300.0
STOP_SECONDS = 10.0
# Without proxies: an environment's http_proxy must not come between us and loopback.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SimulatorProcess:
    """A context manager. `url` is known inside; with `port=` it can be started again at the same address."""

    def __init__(
        self,
        *,
        assets: Path | None = None,
        seconds: float = 0.2,
        faults: Sequence[str] = (),
        key: str = DEFAULT_KEY,
        port: int = 0,
    ) -> None:
        self.key = key
        self.url = ""
        self._command = _command(assets, seconds, faults, key, port)
        self._process: subprocess.Popen[str] | None = None
        self._log: IO[str] | None = None

    def __enter__(self) -> SimulatorProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def start(self) -> None:
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed by stop
        self._process = subprocess.Popen(
            self._command,
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.url = self._first_line().strip()
        if not self.url:
            log = self._log_text()
            self.kill()
            raise RuntimeError(f"the simulator did not start:\n{log}")

    def stop(self) -> int | None:
        """End it in an orderly way, by closing its standard input; return its exit status."""
        process = self._process
        if process is None:
            return None
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._forget()
        return process.returncode

    def kill(self) -> None:
        """End it at once, as when the service goes down."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._forget()

    @property
    def picture_url(self) -> str:
        """A picture on the second host, for an image URL."""
        return str(self.journal()["picture_url"])

    def journal(self) -> dict[str, Any]:
        return self._call("GET", "journal")

    def creates(self) -> list[dict[str, Any]]:
        """The tasks: one for each create that the service accepted, whether or not its answer went out."""
        return list(self.journal()["tasks"])

    def requests(self, origin: str | None = None) -> list[dict[str, Any]]:
        return [entry for entry in self.journal()["requests"] if origin in (None, entry["origin"])]

    def configure(self, **changes: Any) -> None:
        """seconds, delay, faults, assets."""
        self._call("POST", "configure", {name: _plain(value) for name, value in changes.items()})

    def reset(self) -> None:
        self._call("POST", "reset", {})

    def steer(self, task_id: str, **changes: Any) -> dict[str, Any]:
        """seconds, progress, status of one task."""
        return self._call("POST", f"tasks/{urllib.parse.quote(task_id, safe='')}", changes)

    def _first_line(self) -> str:
        """On a thread, because a pipe cannot be read with a time limit everywhere."""
        if self._process is None or self._process.stdout is None:
            return ""
        output = self._process.stdout
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=lambda: lines.put(output.readline()), daemon=True).start()
        try:
            return lines.get(timeout=START_SECONDS)
        except queue.Empty:
            return ""

    def _log_text(self) -> str:
        if self._log is None:
            return ""
        self._log.seek(0)
        return self._log.read()

    def _forget(self) -> None:
        if self._process is not None:
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    stream.close()
        if self._log is not None:
            self._log.close()
        self._process = None
        self._log = None

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.url}/_simulator/{path}", data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with _OPENER.open(request, timeout=30) as reply:
                answer = json.loads(reply.read())
        except urllib.error.HTTPError as problem:
            raise ValueError(f"{path}: {problem.read().decode()}") from problem
        if not isinstance(answer, dict):
            raise TypeError(f"{path}: expected an object")
        return answer


def _command(assets: Path | None, seconds: float, faults: Sequence[str], key: str, port: int) -> list[str]:
    command = [sys.executable, "-m", "tests.simulator", "--until-stdin-closes"]
    command += ["--port", str(port), "--seconds", str(seconds), "--key", key]
    if assets is not None:
        command += ["--assets", str(Path(assets).resolve())]
    for name in faults:
        command += ["--fault", name]
    return command


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value.resolve())
    return list(value) if isinstance(value, tuple) else value
