# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tasks of this Blender in memory, the one place where they change. No bpy here.

Any thread may change a task; each change is one step under a lock that is held for microseconds. In the same step the
new record is ordered into the journal and put into the mailbox, so that all three see the same order.
"""

from __future__ import annotations

import enum
import queue
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..files.disk_use import LibraryUse
from ..service.address import Connection
from ..service.catalogue import Catalogue
from .journal import Journal, Row
from .ledger import Entry
from .task import LEASED, IllegalTransition, Task, TaskState, merge

_DECISIONS = frozenset(
    {(TaskState.QUEUED, TaskState.SUBMITTING)} | {(TaskState.UNCERTAIN, state) for state in TaskState}
)
"""Steps that can cost money: they count only if the journal too is still where they begin."""


@dataclass(frozen=True, slots=True)
class TaskChanged:
    """A record changed."""

    task: Task


@dataclass(frozen=True, slots=True)
class JobDone:
    """A worker has ended a job for a task; exactly one for each job that the engine starts."""

    local_id: str
    failed: bool = False
    """Nothing came of it, and it may be tried again later."""
    retry_after: float | None = None
    """Seconds that the service asked for."""
    is_followed: bool = False
    """Another Blender was faster and works on it now."""
    answered: bool | None = None
    """Whether the service answered, whatever it said; None when it was not asked."""
    is_unbilled: bool = False
    """The service says that the task is completed, and gave no billing id yet."""
    wants_preview: bool = False
    """A model was prepared that has no picture yet."""


@dataclass(frozen=True, slots=True)
class BillAsked:
    """The service was asked for the billing id of a completed task; the record has it now if it was there."""

    local_id: str
    answered: bool | None = None
    """As in `JobDone`."""


@dataclass(frozen=True, slots=True)
class PreviewMade:
    """A picture of a prepared model was tried; exactly one for each that was ordered."""

    local_id: str
    is_there: bool


@dataclass(frozen=True, slots=True)
class PreviewsFound:
    """Pictures that are there already: local ids and paths."""

    pictures: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class JournalLoaded:
    """What the journal held when it was asked."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class OthersSeen:
    """What the journal held of tasks that other Blenders work on, when it was asked about these alone."""

    asked: frozenset[str]
    """Local ids."""
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class JournalFailed:
    """The journal cannot be used. The text is a user's sentence."""

    sentence: str
    is_answer: bool = False
    """It was asked for what it holds, and this is the answer."""


@dataclass(frozen=True, slots=True)
class JournalRebuilt:
    """A damaged journal was begun anew. The text is a user's sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Another Blender has decided something about a task before us, or works on it by now."""

    local_id: str


@dataclass(frozen=True, slots=True)
class Woken:
    """This computer slept for so long that another Blender may have taken over what we worked on."""


@dataclass(frozen=True, slots=True)
class ConnectionTested:
    """The answer to `test_connection`, as a user's sentence."""

    sentence: str
    accepted: bool


class ServiceState(enum.Enum):
    """What the latest exchange with the service has shown of it."""

    UNKNOWN = ""
    ANSWERS = "ANSWERS"
    KEY_REFUSED = "KEY_REFUSED"
    UNREACHABLE = "UNREACHABLE"
    """No connection was made."""


@dataclass(frozen=True, slots=True)
class ServiceSeen:
    """The service is seen in another state than before."""

    state: ServiceState
    connection: Connection


@dataclass(frozen=True, slots=True)
class ModelsLoaded:
    """What is known of the service's models, and a user's sentence when they could not be asked for."""

    catalogue: Catalogue
    error: str = ""
    is_answer: bool = False
    """A question for them is answered by this; else something new became known on the way."""


@dataclass(frozen=True, slots=True)
class LibraryReport:
    """How large the library on disk is now, and what was done with it; None when that cannot be told."""

    use: LibraryUse | None
    sentence: str = ""
    """A user's sentence about what was done, or ""."""
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class DiagnosticsSaved:
    """The file about this installation was written to `path`, or could not be, and then there is none."""

    path: str
    sentence: str
    """A user's sentence about that."""


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What was done with the ledger."""

    sentence: str
    """A user's sentence."""
    is_bad: bool = False
    books: tuple[Entry, ...] = ()
    """The ledger as it is now, oldest first."""


Event = (
    TaskChanged
    | JobDone
    | BillAsked
    | PreviewMade
    | PreviewsFound
    | JournalLoaded
    | OthersSeen
    | JournalFailed
    | JournalRebuilt
    | Overtaken
    | Woken
    | ConnectionTested
    | ServiceSeen
    | ModelsLoaded
    | LibraryReport
    | DiagnosticsSaved
    | LedgerReport
)
Mailbox = queue.SimpleQueue[Event]
_ANSWERS = (JournalLoaded, OthersSeen, ConnectionTested, LibraryReport, DiagnosticsSaved, LedgerReport)


def is_answer(event: Event) -> bool:
    """Whether a question is answered by this: each of them is by exactly one event."""
    return isinstance(event, _ANSWERS) or (isinstance(event, JournalFailed | ModelsLoaded) and event.is_answer)


class Records:
    """All tasks that this Blender knows, by `local_id`."""

    def __init__(self, journal: Journal, mailbox: Mailbox) -> None:
        self._journal = journal
        self._mailbox = mailbox
        # Entered twice by one thread when the journal's answer is there before anybody waits for it.
        self._lock = threading.RLock()
        self._tasks: dict[str, Task] = {}
        self._unsaved: set[str] = set()
        """Local ids whose last change was not ordered into the journal."""
        self._failed: set[str] = set()
        """Local ids whose last row did not get onto the disk, and was not ordered once more since."""

    def get(self, local_id: str) -> Task | None:
        """Return the task, or None when it is not known or was removed."""
        task = self._tasks.get(local_id)
        return None if task is None or task.removed else task

    def knows(self, local_id: str) -> bool:
        """Whether this Blender knows the task, removed or not."""
        return local_id in self._tasks

    def all(self) -> list[Task]:
        """Return the tasks that were not removed, oldest first."""
        with self._lock:
            tasks = [task for task in self._tasks.values() if not task.removed]
        return sorted(tasks, key=lambda task: task.created_at)

    def scene_id(self, local_id: str) -> str:
        """Return the scene that a task belongs to, removed or not, or ""."""
        task = self._tasks.get(local_id)
        return task.scene_id if task else ""

    def removed(self) -> list[str]:
        """Return the local ids of what the user took off the list."""
        with self._lock:
            return [local_id for local_id, task in self._tasks.items() if task.removed]

    def without_project(self) -> list[Task]:
        """Return the tasks, the removed ones too, that were generated in a file that had no name."""
        with self._lock:
            return [task for task in self._tasks.values() if not task.project]

    def in_journal(self) -> Future[list[Task]]:
        """Return what the journal has of all tasks of this computer, the removed ones too."""
        return self._journal.tasks()

    def read_journal(self, event: Callable[[tuple[Row, ...]], Event], only: Collection[str] | None = None) -> None:
        """Have what the journal has, of all tasks or of these, put into the mailbox as an event, or `JournalFailed`.

        What nobody works on any more is taken over (`Journal.load`).
        """

        def pass_on(read: Future[list[Row]]) -> None:
            error = read.exception()
            self._mailbox.put(JournalFailed(str(error), is_answer=True) if error else event(tuple(read.result())))

        self._journal.load(only).add_done_callback(pass_on)

    def set_prices(self, prices: Mapping[str, str]) -> Future[int]:
        """Keep what tasks have cost exactly, also of those that only the journal knows.

        :param prices: decimal strings in USD, by local id.
        :return: how many the journal has.
        """
        with self._lock:
            for local_id in prices.keys() & self._tasks.keys():
                self._tasks[local_id] = replace(self._tasks[local_id], exact_price=prices[local_id])
                self._mailbox.put(TaskChanged(self._tasks[local_id]))
        return self._journal.set_prices(prices)

    def save_all(self, owners: Mapping[str, str]) -> None:
        """Order a row for every task, after the journal was begun anew.

        :param owners: by local id, which other Blender works on a task.
        """
        with self._lock:
            for task in self._tasks.values():
                self._journal.save(task, owner=owners.get(task.local_id, ""))

    def save_failed(self) -> None:
        """Order the rows once more that did not get onto the disk, now that the journal answers again."""
        with self._lock:
            for local_id in list(self._failed):
                self._save(self._tasks[local_id])

    def add(self, task: Task) -> Future[bool]:
        """Take in a new task and order its row; the future tells when that is on the disk."""
        with self._lock:
            return self._set(task)

    def adopt(self, task: Task, *, durable: bool = True, is_followed: bool = False) -> bool:
        """Merge a record that came from a scene, or (then not `durable`, since it is there) from the journal.

        `IMPORTED` belongs to a file: for all others such a task is `READY` (architecture, section 4).

        :param is_followed: another Blender works or worked on it, so that its word counts, whatever we thought.
        :return: whether that brought anything new.
        """
        if task.state is TaskState.IMPORTED:
            task = replace(task, state=TaskState.READY)
        with self._lock:
            known = self._tasks.get(task.local_id)
            merged = task if known is None or is_followed else merge(known, task)
            if is_followed:
                self._failed.discard(task.local_id)
            if merged == known:
                return False
            self._set(merged, durable=durable)
            return True

    def change(
        self, local_id: str, *, expect: Collection[TaskState] = (), durable: bool = True, **changes: Any
    ) -> Future[bool] | None:
        """Change a task; None when there is nothing to change or the table does not allow it.

        :param expect: change it only in one of these states, and not when it was removed: what a worker brings may
            come too late.
        :param durable: False for what need not survive, such as the progress of a download. It keeps the revision, or a
            scene that was saved in between would outlive what the journal has from then on.
        """
        with self._lock:
            task = self._tasks.get(local_id)
            if task is None or (expect and (task.removed or task.state not in expect)):
                return None
            is_saved = local_id not in self._unsaved and local_id not in self._failed
            if _same(task, changes) and (is_saved or not durable):
                return None
            try:
                changed = task.evolve(**changes)
            except IllegalTransition:
                return None
            if not durable:
                changed = replace(changed, revision=task.revision)
            is_decision = changed.state is not task.state and (task.state, changed.state) in _DECISIONS
            return self._set(changed, durable=durable, expect=task.state if is_decision else None)

    def _set(self, task: Task, *, durable: bool = True, expect: TaskState | None = None) -> Future[bool]:
        self._tasks[task.local_id] = task
        future: Future[bool] = Future()
        if durable:
            future = self._save(task, expect=expect)
        else:
            self._unsaved.add(task.local_id)
            future.set_result(True)
        self._mailbox.put(TaskChanged(task))
        return future

    def _save(self, task: Task, *, expect: TaskState | None = None) -> Future[bool]:
        self._unsaved.discard(task.local_id)
        self._failed.discard(task.local_id)
        told = partial(self._mailbox.put, Overtaken(task.local_id))
        is_leased = task.state in LEASED and not task.removed
        future = self._journal.save(task, expect=expect, on_overtaken=told if is_leased or expect is not None else None)
        future.add_done_callback(partial(self._note_failure, task.local_id))
        return future

    def _note_failure(self, local_id: str, saved: Future[bool]) -> None:
        """Remember what is to be saved once more. Called on the journal's thread, or at once."""
        if saved.exception() is not None:
            with self._lock:
                self._failed.add(local_id)


def _same(task: Task, changes: dict[str, Any]) -> bool:
    return all(getattr(task, name) == value for name, value in changes.items())
