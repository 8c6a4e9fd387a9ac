# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger of this computer, and what was done with it last. bpy is allowed here; the work is a worker's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..tasks import bookkeeping
from ..tasks.engine import Engine
from ..tasks.records import LedgerReport
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

    def export(self, path: Path) -> None:
        """Have the ledger written as CSV."""
        self._ask(partial(bookkeeping.export, path=path))

    def import_usage(self, path: Path) -> None:
        """Have the exact prices taken over from a usage file of the dashboard."""
        self._ask(partial(bookkeeping.import_usage, path=path))

    def _ask(self, job: partial[None]) -> None:
        self.report = None
        session_list().ledger_status = ""
        self._engine.run(job, is_answered=True)
        self._wake()

    def take(self, report: LedgerReport) -> None:
        """Say what came of it."""
        self.report = report
        session_list().ledger_status = report.sentence
        task_list.tag_redraw()
