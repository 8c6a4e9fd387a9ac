# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every task on disk, before and after each step that could cost money. SQLite, one writer thread. No bpy here.

The journal survives undo, crashes and unsaved files (architecture, section 4). It holds asset URLs and paths, never a
key. Nobody waits for it on the main thread: `save` and `load` return futures.

Several Blenders share one journal. A row that somebody still works on has an owner with a lease, which the owner's
writer thread renews for as long as the process lives; only a row without an owner, or with a lease that has ended, is
taken over.
"""

from __future__ import annotations

import logging
import math
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from . import lease
from .journal_file import FILE_NAME, JournalFile
from .lease import LEASE_SECONDS
from .task import LEASED, UNFINISHED, Task, TaskState, from_text, newer, to_text

logger = logging.getLogger(__name__)

_UPSERT: Final = """
INSERT INTO tasks (local_id, scene_id, state, revision, updated_at, record, owner, lease_until)
VALUES (:local_id, :scene_id, :state, :revision, :now, :record, :owner, :lease_until)
ON CONFLICT (local_id) DO UPDATE SET
    scene_id = excluded.scene_id, state = excluded.state, revision = excluded.revision,
    updated_at = excluded.updated_at, record = excluded.record,
    owner = excluded.owner, lease_until = excluded.lease_until
"""
_READ: Final = "SELECT record, owner, lease_until FROM tasks"
_FIND: Final = "SELECT record, revision, owner, lease_until FROM tasks WHERE local_id = ?"
_RENEW: Final = "UPDATE tasks SET lease_until = ? WHERE owner = ?"
_CLAIM: Final = "UPDATE tasks SET owner = ?, lease_until = ? WHERE local_id = ?"
_RELEASE: Final = "UPDATE tasks SET owner = '', lease_until = 0 WHERE owner = ?"

_RENEW_SECONDS: Final = LEASE_SECONDS / 3
_CLAIMED: Final = UNFINISHED | {TaskState.SUBMITTING}
"""What is gone on with without being asked: a queued task stays with whoever sends it."""

_T = TypeVar("_T")


class JournalError(Exception):
    """The journal cannot be written or read. The text is a user's sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """A task as the journal has it."""

    task: Task
    is_ours: bool
    """Nobody else works on it. A task that is not ours is followed and not touched."""
    owner: str = ""
    """Who works on it, when it is not ours."""


@dataclass(frozen=True, slots=True)
class _Order:
    work: Callable[[sqlite3.Connection], object]
    future: Future[object]


class Journal:
    """The journal in one folder. The writer thread is started by the first call."""

    def __init__(
        self,
        folder: Path,
        *,
        on_rebuilt: Callable[[str], None] | None = None,
        on_woken: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Touch nothing yet.

        :param on_rebuilt: called on the writer thread with a user's sentence, after a damaged journal was put aside and
            a new one begun; whoever knows tasks saves them once more.
        :param on_woken: called on the writer thread when this computer slept for longer than a lease, so that others
            may have taken over what is ours.
        :param clock: unix seconds.
        """
        self.path = folder / FILE_NAME
        self.owner = lease.new_owner()
        self._on_rebuilt = on_rebuilt
        self._on_woken = on_woken
        self._clock = clock
        self._woken_at = -math.inf
        """Unix seconds of the end of the last sleep."""
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def save(
        self,
        task: Task,
        *,
        owner: str = "",
        expect: TaskState | None = None,
        on_overtaken: Callable[[], None] | None = None,
    ) -> Future[bool]:
        """Commit `task`, unless a newer record is there or another Blender works on it.

        :param owner: who works on it, when that is not this Blender.
        :param expect: the state that the journal must have for it, if it has any: of those who decide the same thing
            about one task, only the first does.
        :param on_overtaken: called on the writer thread when another Blender has decided before us, or works on it.
        :return: whether this record is in the journal now; the future holds `JournalError` when that failed.
        """
        is_leased = task.state in LEASED and not task.removed

        def work(connection: sqlite3.Connection) -> bool:
            with connection:
                # At once, so that what is decided here still holds when it is written.
                connection.execute("BEGIN IMMEDIATE")
                now = self._clock()
                found = connection.execute(_FIND, (task.local_id,)).fetchone()
                known = from_text(found[0]) if found is not None else None
                if found is not None and not self._may_replace(task, known, found, now, expect):
                    if on_overtaken is not None and (expect is not None or _is_ahead(known, task)):
                        on_overtaken()
                    return False
                row = {
                    "local_id": task.local_id,
                    "scene_id": task.scene_id,
                    "state": task.state.value,
                    "revision": task.revision,
                    "now": now,
                    "record": to_text(_with_price(task, known)),
                    "owner": (owner or self.owner) if is_leased else "",
                    "lease_until": now + LEASE_SECONDS if is_leased else 0.0,
                }
                connection.execute(_UPSERT, row)
            return True

        return self._order(work)

    def _may_replace(
        self,
        task: Task,
        known: Task | None,
        found: tuple[str, int, str, float],
        now: float,
        expect: TaskState | None,
    ) -> bool:
        _, revision, owner, until = found
        if known is None:
            return task.revision > revision
        if newer(known, task) is known or expect not in (None, known.state):
            return False
        is_free = self._is_free(owner, until, now)
        # Whoever sent it brings the id, even if it was given up meanwhile because this Blender slept.
        return is_free or bool(task.task_id and not known.task_id)

    def _is_free(self, owner: str, until: float, now: float) -> bool:
        """Whether nobody else works on a row."""
        if owner == self.owner:
            return True
        if lease.has_ended(owner, until, now):
            # Another Blender of this computer slept as long as we did: give it the time to say that it lives.
            return now >= self._woken_at + LEASE_SECONDS or not lease.is_alive_here(owner)
        return False

    def load(self, only: Collection[str] | None = None) -> Future[list[Row]]:
        """Return every task in the journal, the removed ones too, having taken over what nobody works on any more.

        Rows that cannot be read are passed over.

        :param only: local ids of the tasks that are wanted, and nothing else is read or taken over; None for all.
        """
        return self._order(partial(self._load, only=only))

    def _load(self, connection: sqlite3.Connection, only: Collection[str] | None) -> list[Row]:
        found = []
        with connection:
            # At once, so that two Blenders cannot both find the same row free. That may take a while: look at the clock
            # afterwards, or a lease that began meanwhile ends too late to be true.
            connection.execute("BEGIN IMMEDIATE")
            now = self._clock()
            for record, owner, until in _read(connection, only):
                task = from_text(record)
                if task is None:
                    continue
                is_free = self._is_free(owner, until, now)
                if is_free and task.state in _CLAIMED and not task.removed:
                    connection.execute(_CLAIM, (self.owner, now + LEASE_SECONDS, task.local_id))
                found.append(Row(task, is_free, "" if is_free else owner))
        return found

    def tasks(self) -> Future[list[Task]]:
        """Return every task in the journal, the removed ones too, and take over nothing."""

        def read(connection: sqlite3.Connection) -> list[Task]:
            tasks = (from_text(record) for (record,) in connection.execute("SELECT record FROM tasks"))
            return [task for task in tasks if task is not None]

        return self._order(read)

    def set_prices(self, prices: Mapping[str, str]) -> Future[int]:
        """Write what tasks have cost exactly into their rows, and leave all else of them as it is; return how many."""

        def work(connection: sqlite3.Connection) -> int:
            count = 0
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for local_id, price in prices.items():
                    found = connection.execute(_FIND, (local_id,)).fetchone()
                    task = from_text(found[0]) if found is not None else None
                    if task is not None:
                        # The same revision: whoever has changed the task meanwhile keeps the price (`_with_price`).
                        text = to_text(replace(task, exact_price=price))
                        connection.execute("UPDATE tasks SET record = ? WHERE local_id = ?", (text, local_id))
                        count += 1
            return count

        return self._order(work)

    def stop(self, timeout: float) -> bool:
        """Finish what was ordered, give up what we own, and close. May be called twice.

        :return: whether the thread has ended.
        """
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
        writer = JournalFile(self.path, self._on_rebuilt)
        renewed_at, awake_at = time.monotonic(), self._clock()
        while True:
            order = self._next_order(renewed_at + _RENEW_SECONDS - time.monotonic())
            if order is None:
                break
            # By the clock on the wall, since the other one stands still while the computer sleeps.
            if self._clock() - awake_at > LEASE_SECONDS:
                self._wake_up(writer)
            awake_at = self._clock()
            if order.work is not _nothing:
                self._carry_out(order, writer)
            if time.monotonic() - renewed_at >= _RENEW_SECONDS:
                renewed_at = time.monotonic()
                writer.try_quietly(lambda connection: connection.execute(_RENEW, self._renewed()))
        writer.try_quietly(lambda connection: connection.execute(_RELEASE, (self.owner,)))
        writer.close()

    def _wake_up(self, writer: JournalFile) -> None:
        """Keep what nobody has taken over, and have the rest found."""
        self._woken_at = self._clock()
        writer.try_quietly(lambda connection: connection.execute(_RENEW, self._renewed()))
        if self._on_woken is not None:
            self._on_woken()

    def _next_order(self, timeout: float) -> _Order | None:
        """Return the next order, an empty one when none came in time, or None at the end."""
        try:
            return self._orders.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return _Order(_nothing, Future())

    def _carry_out(self, order: _Order, writer: JournalFile) -> None:
        try:
            order.future.set_result(writer.do(order.work))
        except Exception as error:
            # Whatever it is: without this thread every later task would wait in vain.
            logger.error("The journal failed: %s", error)
            order.future.set_exception(_unavailable(error))

    def _renewed(self) -> tuple[float, str]:
        return self._clock() + LEASE_SECONDS, self.owner


def _read(connection: sqlite3.Connection, only: Collection[str] | None) -> list[tuple[str, str, float]]:
    if only is None:
        return connection.execute(f"{_READ} ORDER BY updated_at").fetchall()
    return [row for local_id in only for row in connection.execute(f"{_READ} WHERE local_id = ?", (local_id,))]


def _with_price(task: Task, known: Task | None) -> Task:
    """Return a record with the exact price that only the row in the journal has."""
    if known is None or task.exact_price or not known.exact_price:
        return task
    return replace(task, exact_price=known.exact_price)


def _is_ahead(known: Task | None, task: Task) -> bool:
    """Whether a row that was not replaced is of the same task of the service, and of another moment.

    Whoever has an id of the service that the row has not is the only one who knows it, and goes on with it.
    """
    if known is None or known.task_id != task.task_id:
        return False
    return (known.revision, known.state) != (task.revision, task.state)


def _nothing(_connection: sqlite3.Connection) -> None:
    """The work of an order that is none."""


def _unavailable(error: Exception) -> JournalError:
    # No path: the sentence becomes a part of the task, and with it of the .blend.
    reason = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
    return JournalError(
        f"The task journal in the data folder cannot be used ({reason}), so nothing new is sent: a paid task could be "
        "lost. Choose another data folder in the preferences."
    )
