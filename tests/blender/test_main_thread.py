# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""P1: the main thread never asks the network and never waits for a thread, however slow the service is."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.blender.support import pump
from tests.simulator.process import SimulatorProcess

TASKS = 20
SECONDS = 6.0
"""How long the service is watched: enough for three answers of 2 s each."""
NETWORK_AND_FILES = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "sqlite3.connect", "open")
WAITING = ("acquire", "sleep", "join", "recv", "recv_into", "connect", "sendall", "select", "poll")
"""C functions that wait. A lock taken by `with` shows as `__enter__`: the records' one is held for microseconds."""


class Watch:
    """Notes what happens on the main thread while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self._audit)  # There is no way to take one away again, hence `on`.

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on or threading.current_thread() is not threading.main_thread():
            return
        if event in NETWORK_AND_FILES:
            self.seen.append(event)
        elif event == "import" and str(arguments[0]).split(".")[0] in ("requests", "urllib3"):
            self.seen.append(f"import {arguments[0]}")

    def _profile(self, frame: Any, event: str, function: Any) -> None:
        if event != "c_call":
            return
        name = getattr(function, "__name__", "")
        owner = type(getattr(function, "__self__", None)).__name__
        if (name in WAITING and owner not in ("str", "bytes")) or (name == "get" and owner == "SimpleQueue"):
            callers = _callers(frame)
            # Starting a thread waits until it has begun: microseconds, once a session, and no other way exists.
            if "threading.py:start" not in callers:
                self.seen.append(f"{owner}.{name} in {callers}")

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        # Whatever thread finds garbage clears it up: log handlers of earlier tests, connection pools no longer used.
        gc.disable()
        self.on = True
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(None)
            self.on = False
            gc.enable()


def _callers(frame: Any) -> str:
    names: list[str] = []
    while frame is not None and len(names) < 4:
        names.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}")
        frame = frame.f_back
    return " < ".join(names)


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture
def request_threads(extension: ModuleType, simulator: SimulatorProcess, session: Any) -> list[str]:
    """The names of the threads on which requests were made, from a transport that notes them."""
    names: list[str] = []

    def make(user_agent: str) -> Any:
        from importlib import import_module  # noqa: PLC0415  # on a worker, as the extension does

        real = import_module(f"{extension.__name__}.core.service.transport").Transport

        class RecordingTransport(real):  # type: ignore[misc]
            def _exchange(self, *limits: Any, **options: Any) -> Any:
                names.append(threading.current_thread().name)
                return super()._exchange(*limits, **options)

        return RecordingTransport(user_agent)

    session.engine._transport._make = make
    return names


def tick_for(extension: ModuleType, seconds: float, watch: Watch) -> int:
    """Call the tick as Blender would, watched; return how often."""
    count = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with watch.watching():
            extension.core.blender.tick.tick()
        count += 1
        time.sleep(0.02)
    return count


def test_no_request_and_no_wait_happens_on_the_main_thread(
    extension: ModuleType,
    simulator: SimulatorProcess,
    preferences: Any,
    request_threads: list[str],
    session: Any,
    watch: Watch,
) -> None:
    simulator.configure(faults=["slow-answers", "never-completes"])
    preferences.max_concurrent_tasks = TASKS
    # Without a window the first request waits for the journal; with one nobody does.
    pump(extension, lambda: session.has_read_journal)
    watch.seen.clear()
    with watch.watching():
        for number in range(TASKS):
            extension.generate(f"cube {number}")
    ticks = tick_for(extension, SECONDS, watch)
    assert watch.seen == []
    assert len(request_threads) > TASKS / 4, "as many as the budget of all tasks allows"
    assert threading.main_thread().name not in request_threads
    assert ticks > 50
    pump(extension, lambda: {task.state for task in extension.tasks()} <= {"PENDING", "PROCESSING"})
    assert len(simulator.creates()) == TASKS


@pytest.mark.parametrize("planted", ["request", "sleep", "future", "thread", "file"])
def test_the_watch_sees_what_is_planted(
    extension: ModuleType,
    simulator: SimulatorProcess,
    session: Any,
    request_threads: list[str],
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    planted: str,
) -> None:
    extension.generate("a cube").wait(timeout=60)
    thread = threading.Thread(target=time.sleep, args=(0.05,))
    thread.start()
    plants: dict[str, Callable[[], object]] = {
        "request": lambda: session.engine._transport.get().get(f"{simulator.url}/v1/models"),
        "sleep": lambda: time.sleep(0.001),
        "future": lambda: session.engine._journal.load().result(10),
        "thread": thread.join,
        "file": lambda: open(__file__).close(),
    }
    request_threads.clear()
    watch.seen.clear()
    monkeypatch.setattr(session.engine, "pump", plants[planted])
    with watch.watching():
        extension.core.blender.tick.tick()
    thread.join()
    assert watch.seen != [], planted
    if planted == "request":
        assert threading.main_thread().name in request_threads
