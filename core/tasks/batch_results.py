# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has become of the rows of a batch, out of the journal's tasks, and the file that says so. No bpy here."""

from __future__ import annotations

import csv
import enum
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..files.library import write_atomically
from ..text import one_line, spreadsheet_cell
from .batch import BatchRow
from .duplicates import FIRST_TRY
from .task import Task, TaskState

COLUMNS: Final = (
    "row",
    "prompt",
    "status",
    "task_id",
    "billing_transaction_id",
    "path",
    "seconds",
    "request_id",
    "error",
    "note",
)


class RowStatus(enum.Enum):
    """Where a row is."""

    WAITING = "waiting"
    """Nothing was sent."""
    NOT_SENT = "not sent"
    """It was refused before anything was sent, because of what it asks for or of a limit."""
    RUNNING = "running"
    DONE = "done"
    """The model is in its file."""
    FAILED = "failed"
    """The service refused or failed it: not charged."""
    UNCERTAIN = "uncertain"
    """Nobody knows whether the service accepted it: it may be charged, and is not repeated."""
    NOT_WRITTEN = "not written"
    """The model is there, and paid for, but could not be fetched, imported or written."""
    LOST = "lost"
    """The service accepted it, and knows nothing of it any more."""
    STOPPED = "stopped"
    """It goes on at the service, and nobody waits for it."""
    REMOVED = "removed"
    """The user took it off the list."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is done for it in this run."""
        return self not in (RowStatus.WAITING, RowStatus.RUNNING)


_STATUS: Final = {
    TaskState.FAILED: RowStatus.FAILED,
    TaskState.UNCERTAIN: RowStatus.UNCERTAIN,
    TaskState.LOST: RowStatus.LOST,
    TaskState.STOPPED: RowStatus.STOPPED,
}


def status_of(task: Task | None, output: Path, *, is_worked_on: bool) -> RowStatus:
    """Return where a row with this task is.

    :param output: the file of its model.
    :param is_worked_on: something is planned or under way for the task.
    """
    if task is None:
        return RowStatus.WAITING
    if task.removed:
        return RowStatus.REMOVED
    if task.state is TaskState.DOWNLOADING and task.error and not is_worked_on:
        # Given up for now: nothing comes of it by itself, and the same command fetches it once more.
        return RowStatus.NOT_WRITTEN
    if task.state is not TaskState.READY:
        return _STATUS.get(task.state, RowStatus.RUNNING)
    if not task.output_path and output.is_file():
        return RowStatus.DONE
    return RowStatus.NOT_WRITTEN if task.error else RowStatus.RUNNING


def batch_name(folder: Path) -> str:
    """Return what tells a batch from others: its output folder, however that is spelled."""
    return os.path.normcase(os.path.realpath(folder))


def newest_by_row(tasks: Iterable[Task], batch: str) -> dict[str, Task]:
    """Return the newest task of each row of a batch, by the row's key.

    One that may be paid for is newer than any that may be repeated, whatever the clock said: no row is sent after it.
    """
    found: dict[str, Task] = {}
    for task in sorted(tasks, key=lambda task: (not may_repeat(task), task.created_at)):
        if task.batch == batch and task.batch_row:
            found[task.batch_row] = task
    return found


def may_repeat(task: Task) -> bool:
    """Whether a row can be sent anew without the risk of paying twice: the service has never accepted this task."""
    if FIRST_TRY in task.note:
        # What became of the second try says nothing of the first.
        return False
    return task.state is TaskState.FAILED or (task.state is TaskState.QUEUED and task.removed)


# ------------------------------------------------------------------------------
# The result file


@dataclass(frozen=True, slots=True)
class RowResult:
    """A line of the result file."""

    row: BatchRow
    status: RowStatus
    task: Task | None = None
    error: str = ""
    """A user's sentence, or ""."""

    def values(self) -> Mapping[str, str | int | float]:
        """Return the line's cells by column."""
        task = self.task
        prompt = task.request.prompt if task else str(self.row.fields.get("prompt", ""))
        return {
            "row": self.row.number,
            "prompt": one_line(prompt),
            "status": self.status.value,
            "task_id": task.task_id if task else "",
            "billing_transaction_id": task.billing_transaction_id if task else "",
            "path": self.row.output if self.status is RowStatus.DONE else "",
            "seconds": _seconds(task),
            "request_id": task.request_id if task else "",
            "error": self.error or (task.error if task else ""),
            "note": task.note if task else "",
        }


def _seconds(task: Task | None) -> float | str:
    """Return how long the service took."""
    if task is None or task.submitted_at is None or task.settled_at is None:
        return ""
    return round(max(0.0, task.settled_at - task.submitted_at), 1)


def write_results(path: Path, results: Iterable[RowResult]) -> None:
    """Write the result file anew, as CSV, or as JSON Lines where its name says so.

    :raises OSError: when it cannot be written.
    """
    lines = [result.values() for result in results]
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
    else:
        output = io.StringIO()
        writer = csv.writer(output)
        writer.writerow(COLUMNS)
        writer.writerows([_cell(line[name]) for name in COLUMNS] for line in lines)
        text = output.getvalue()
    # Readable by whom all new files are: it is for others as well.
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    write_atomically(path, text.encode("utf-8", "replace"))


def _cell(value: str | float) -> str | float:
    return spreadsheet_cell(value) if isinstance(value, str) else value
