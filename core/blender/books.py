# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger of this computer, and what was done with it last. bpy is allowed here; the work is a worker's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from ..tasks import bookkeeping
from ..tasks.engine import Engine
from ..tasks.job_context import JobContext
from ..tasks.ledger import Entry, entry_of, total
from ..tasks.records import LedgerReport
from ..tasks.task import Task
from . import task_list
from .properties import session_list


class Books:
    """Has the ledger written, or prices taken over, and remembers what came of it."""

    def __init__(self, engine: Engine, wake: Callable[[], None]) -> None:
        """Ask for nothing yet. `wake` makes the tick run, which brings the answer."""
        self._engine = engine
        self._wake = wake
        self.report: LedgerReport | None = None
        """The last answer; None while there is none yet."""
        self._recent: dict[str, Entry] = {}
        """What was sent since the month began in which this session did, by local id."""
        self._since = _month_began()
        self._words: tuple[float, str] | None = None
        """When the month began, and its sum in words, until something changes: the preferences ask at every redraw."""

    def export(self, path: Path) -> None:
        """Have the ledger written as CSV."""
        self._ask(partial(bookkeeping.export, path=path))

    def import_usage(self, path: Path) -> None:
        """Have the exact prices taken over from a usage file of the dashboard."""
        self._ask(partial(bookkeeping.import_usage, path=path))

    def note(self, tasks: Iterable[Task]) -> None:
        """Learn what has become of tasks."""
        for task in tasks:
            if (task.submitted_at or task.created_at) < self._since:
                continue
            known = self._recent.get(task.local_id)
            # The journal is read often, and little of it is new. A price comes without a new revision.
            if known is None or _version(known.task) != _version(task):
                self._learn(task)

    def _learn(self, task: Task) -> None:
        entry = entry_of(task)
        if entry is not None:
            self._recent[task.local_id] = entry
            self._words = None

    @property
    def month_words(self) -> str:
        """What this month's tasks cost together, as a sentence, or "" when there are none."""
        since = _month_began()
        if self._words is None or self._words[0] != since:
            every = total(entry for entry in self._recent.values() if entry.moment >= since)
            count = f"{every.tasks} task{'' if every.tasks == 1 else 's'}"
            self._words = since, f"In the ledger for this month: {count}, {every.words}." if every.tasks else ""
        return self._words[1]

    def _ask(self, job: Callable[[JobContext], None]) -> None:
        self.report = None
        session_list().ledger_status = ""
        self._engine.run(job, is_answered=True)
        self._wake()

    def take(self, report: LedgerReport) -> None:
        """Say what came of it."""
        self.report = report
        self.note(entry.task for entry in report.books)
        session_list().ledger_status = report.sentence
        task_list.tag_redraw()


def _version(task: Task) -> tuple[int, str]:
    return task.revision, task.exact_price


def _month_began() -> float:
    """Return when this calendar month began, in unix seconds."""
    now = time.localtime()
    return time.mktime((now.tm_year, now.tm_mon, 1, 0, 0, 0, 0, 0, -1))
