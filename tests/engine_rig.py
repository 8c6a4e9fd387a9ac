# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine with a clock that only the test moves, and a transport that can be watched and held. No bpy."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.service.address import Connection
from core.service.contract import GenerationRequest
from core.service.transport import Reply, Transport
from core.tasks.engine import Engine
from core.tasks.journal_file import FILE_NAME
from core.tasks.pacing import Pacing
from core.tasks.records import Event, JournalLoaded, OthersSeen, TaskChanged
from core.tasks.settings import Settings
from core.tasks.task import Task, TaskState, from_text
from tests.loopback import PATIENCE_SECONDS, wait_for
from tests.simulator.process import SimulatorProcess

PROMPT = "a small wooden chair"
LOOK = 2.1
"""A little more than the pause between two looks at the journal."""
Hook = Callable[[str], None]

LATE_BILLS = Pacing(billing=(10.0, 40.0, 100.0))
"""Billing ids are asked for when a test has long seen what it looks at."""


class Gate:
    """Holds whoever comes until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, _url: str) -> None:
        self.reached.set()
        assert self.opened.wait(PATIENCE_SECONDS)


class WatchedTransport(Transport):
    """The real transport; calls hooks with the URL before each exchange and remembers the threads."""

    def __init__(
        self,
        user_agent: str,
        *,
        read_seconds: float = PATIENCE_SECONDS,
        total_seconds: float = 2 * PATIENCE_SECONDS,
        piece_seconds: float = 2 * PATIENCE_SECONDS,
    ) -> None:
        super().__init__(
            user_agent, read_seconds=read_seconds, total_seconds=total_seconds, piece_seconds=piece_seconds
        )
        self.before_post: Hook = lambda url: None
        self.before_get: Hook = lambda url: None
        self.before_peek: Hook = lambda url: None
        self.threads: set[threading.Thread] = set()

    def get(self, url: str, **options: Any) -> Reply:
        self.threads.add(threading.current_thread())
        self.before_get(url)
        return super().get(url, **options)

    def peek(self, url: str, **options: Any) -> Reply:
        self.threads.add(threading.current_thread())
        self.before_peek(url)
        return super().peek(url, **options)

    def post_once(self, url: str, body: bytes, **options: Any) -> Reply:
        self.threads.add(threading.current_thread())
        self.before_post(url)
        return super().post_once(url, body, **options)


class Rig:
    """Drives an engine as the tick does, and moves its clock on whenever nothing is under way."""

    def __init__(self, folder: Path, url: str, key: str, *, pacing: Pacing | None = None, **settings: Any) -> None:
        self.folder = folder
        self.now = 1000.0
        self.events: list[Event] = []
        self.transport = WatchedTransport("tokenlab-test/1")
        self.engine = Engine(
            Settings(Connection(url, key), folder, may_connect=True, **settings),
            user_agent="tokenlab-test/1",
            pacing=pacing or LATE_BILLS,
            clock=lambda: self.now,
            make_transport=lambda _user_agent: self.transport,
        )

    def submit(self, prompt: str = PROMPT, *, picture_path: str = "", **fields: Any) -> str:
        request = GenerationRequest(prompt=prompt, **fields)
        return self.engine.submit(request, "scene-1", picture_path=picture_path).local_id

    def task(self, local_id: str) -> Task:
        task = self.engine.records.get(local_id)
        assert task is not None
        return task

    def turn(self) -> None:
        """One tick."""
        self.engine.pump()
        while (event := self.engine.next_event()) is not None:
            self.events.append(event)

    def run_until(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < until, "what the test waits for did not happen"
            self.turn()
            if self.is_at_rest():
                self.now += self.engine.seconds_until_due() + 0.001
            else:
                time.sleep(0.002)

    def run_to(self, local_id: str, *states: TaskState) -> Task:
        self.run_until(lambda: self.task(local_id).state in states)
        self.settle()
        return self.task(local_id)

    def settle(self) -> None:
        """Let everything end that was begun, and begin nothing."""
        wait_for(lambda: self.drain() and self.is_at_rest())

    def drain(self) -> bool:
        while (event := self.engine.next_event()) is not None:
            self.events.append(event)
        return True

    def run_for(self, seconds: float, turns: int = 20) -> None:
        """Let the clock run on in steps, with everything that this starts."""
        for _ in range(turns):
            self.now += seconds / turns
            self.turn()
            self.settle()

    def is_at_rest(self) -> bool:
        is_working = any(activity.in_flight for activity in self.engine._activities.values())
        return not (is_working or self.engine._bills.is_asking or self.engine._previews.is_making)

    def states(self, local_id: str) -> list[TaskState]:
        """The states that were announced, in order, without repetitions."""
        states: list[TaskState] = []
        for event in self.events:
            if (
                isinstance(event, TaskChanged)
                and event.task.local_id == local_id
                and event.task.state not in states[-1:]
            ):
                states.append(event.task.state)
        return states

    def row(self, local_id: str) -> Task | None:
        """What the disk holds, read through a connection of its own."""
        connection = sqlite3.connect(self.folder / FILE_NAME)
        try:
            found = connection.execute("SELECT record FROM tasks WHERE local_id = ?", (local_id,)).fetchone()
        except sqlite3.OperationalError:
            return None
        finally:
            connection.close()
        return from_text(found[0]) if found else None

    def use_key(self, key: str) -> None:
        settings = self.engine.settings
        self.engine.settings = replace(settings, connection=Connection(settings.connection.base_url, key))


def creates_sent(simulator: SimulatorProcess) -> int:
    return sum(entry["method"] == "POST" for entry in simulator.requests("api"))


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("tokenlab-")]


class Blender(Rig):
    """A rig that takes in what the journal holds, as a session does."""

    def __init__(
        self, folder: Path, simulator: SimulatorProcess, owner: str = "", pacing: Pacing | None = None
    ) -> None:
        super().__init__(folder, simulator.url, simulator.key, pacing=pacing)
        if owner:
            self.engine._journal.owner = owner

    def open(self) -> None:
        self.engine.load_journal()
        self.settle()

    def look(self) -> None:
        """Wait for the next look at the journal, and for all that comes of it."""
        self.run_for(LOOK, turns=1)
        self.turn()
        self.settle()

    def turn(self) -> None:
        self.engine.pump()
        self.drain()

    def drain(self) -> bool:
        while (event := self.engine.next_event()) is not None:
            self.events.append(event)
            if isinstance(event, JournalLoaded | OthersSeen):
                self.engine.adopt(event.rows, [])
        return True

    def is_at_rest(self) -> bool:
        return super().is_at_rest() and not self.engine._questions

    def events_of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def end_leases(folder: Path) -> None:
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE tasks SET lease_until = ?", (time.time() - 1,))


def asset_requests(simulator: SimulatorProcess) -> int:
    return len(simulator.requests("assets"))


def flush(blender: Blender) -> None:
    """Wait until everything that was ordered is in the journal."""
    blender.engine._journal.load().result(PATIENCE_SECONDS)
