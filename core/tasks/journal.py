# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every task on disk, before and after each step that could cost money. SQLite, one writer thread. No bpy here.

The journal survives undo, crashes and unsaved files (architecture, section 4). It holds asset URLs and paths, never a
key. Nobody waits for it on the main thread: `save` and `load` return futures.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from .task import Task, from_text, to_text

logger = logging.getLogger(__name__)

FILE_NAME: Final = "journal.sqlite3"
SCHEMA_VERSION: Final = 1
_BUSY_SECONDS: Final = 5.0
"""How long a commit waits for another Blender's commit."""

_CREATE: Final = """
CREATE TABLE IF NOT EXISTS tasks (
    local_id TEXT PRIMARY KEY,
    scene_id TEXT NOT NULL,
    state TEXT NOT NULL,
    revision INTEGER NOT NULL,
    updated_at REAL NOT NULL,
    record TEXT NOT NULL
) STRICT
"""
_UPSERT: Final = """
INSERT INTO tasks (local_id, scene_id, state, revision, updated_at, record) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (local_id) DO UPDATE SET
    scene_id = excluded.scene_id, state = excluded.state, revision = excluded.revision,
    updated_at = excluded.updated_at, record = excluded.record
WHERE excluded.revision > tasks.revision
"""

_T = TypeVar("_T")


class JournalError(Exception):
    """The journal cannot be written or read. The text is a user's sentence."""


@dataclass(frozen=True, slots=True)
class _Order:
    work: Callable[[sqlite3.Connection], object]
    future: Future[object]


class Journal:
    """The journal in one folder. The writer thread is started by the first call."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def save(self, task: Task) -> Future[object]:
        """Commit `task`, unless a higher revision is there. The future holds `JournalError` when that failed."""
        row = (task.local_id, task.scene_id, task.state.value, task.revision, time.time(), to_text(task))

        def work(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute(_UPSERT, row)

        return self._order(work)

    def load(self) -> Future[list[Task]]:
        """Return every task in the journal, the removed ones too; rows that cannot be read are passed over."""

        def work(connection: sqlite3.Connection) -> list[Task]:
            rows = connection.execute("SELECT record FROM tasks ORDER BY updated_at").fetchall()
            tasks = [from_text(text) for (text,) in rows]
            return [task for task in tasks if task is not None]

        return self._order(work)

    def stop(self, timeout: float) -> bool:
        """Finish what was ordered and close. May be called twice; returns whether the thread has ended."""
        with self._lock:
            self._stopped = True
            thread = self._thread
        if thread is None:
            return True
        self._orders.put(None)
        thread.join(timeout)
        return not thread.is_alive()

    def _order(self, work: Callable[[sqlite3.Connection], _T]) -> Future[_T]:
        future: Future[_T] = Future()
        with self._lock:
            if self._stopped:
                future.set_exception(JournalError("The journal is closed because TokenLab 3D was stopped."))
                return future
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tokenlab-journal", daemon=True)
                self._thread.start()
        self._orders.put(_Order(work, future))  # type: ignore[arg-type]  # the queue mixes result types
        return future

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while (order := self._orders.get()) is not None:
            try:
                if connection is None:
                    connection = _open(self.path)
                order.future.set_result(order.work(connection))
            except Exception as error:
                # Whatever it is: without this thread every later task would wait in vain.
                logger.error("The journal failed: %s", error)
                order.future.set_exception(_unavailable(self.path, error))
        if connection is not None:
            connection.close()


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # A task id that was paid for must survive a power cut: 0.2 ms per commit (FULL), off the main thread.
        connection.execute("PRAGMA synchronous = FULL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise sqlite3.DatabaseError("written by a newer version of TokenLab 3D")
        with connection:
            connection.execute(_CREATE)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION:d}")
    except BaseException:
        connection.close()
        raise
    return connection


def _unavailable(path: Path, error: Exception) -> JournalError:
    return JournalError(
        f"The task journal in {path.parent} cannot be used ({error}), so nothing new is sent: a paid task could be "
        "lost. Choose another data folder in the preferences."
    )
