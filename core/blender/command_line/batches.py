# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command `batch`: a model for each row of a file. bpy is allowed here.

Which rows were sent is known by the journal, before the first byte leaves: so the same command, however it ended, goes
on where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ...service.errors import TokenLabError
from ...tasks.batch import BatchError, BatchRow, read_rows
from ...tasks.batch_lock import BatchLock
from ...tasks.batch_results import (
    RowResult,
    RowStatus,
    batch_name,
    may_repeat,
    newest_by_row,
    status_of,
    write_results,
)
from ...tasks.task import Task, TaskState
from .. import scripting, session
from ..pump import pump
from ..task_handle import TaskHandle
from . import generating, outputs, workplace
from .answer import Answer
from .arguments import SUFFIXES
from .exit_status import CommandError, ExitStatus
from .progress import Progress
from .resuming import bring, clear

logger = logging.getLogger(__name__)

_WRITE_SECONDS = 2.0
"""Between two versions of the result file, while rows change."""
_AT_SERVICE = frozenset({TaskState.QUEUED, TaskState.SUBMITTING, TaskState.PENDING, TaskState.PROCESSING})


def batch(options: argparse.Namespace, progress: Progress) -> Answer:
    """Send the rows that were not sent yet, wait for all of them, and write their models and the result file.

    :raises CommandError: when nothing can be sent.
    :raises KeyboardInterrupt: at Ctrl C; the same command goes on.
    """
    folder = options.output_dir.absolute()
    results = options.results or folder / "results.csv"
    try:
        rows = read_rows(options.file, suffix=options.suffix)
        _check_outputs(rows)
        _check_results(results, options.file)
    except BatchError as error:
        raise CommandError(str(error), ExitStatus.WRONG_USAGE) from error
    workplace.require_service(options.model)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(BatchLock(folder))
        except OSError as error:
            reason = error.strerror or "the disk refused"
            raise CommandError(
                f"The output folder cannot be written to ({reason}). Nothing was sent.", ExitStatus.WRONG_USAGE
            ) from error
        workplace.open_empty_file()
        current = workplace.begin(options)
        return _Batch(current, rows, folder, results, options).run(progress)


def _check_outputs(rows: tuple[BatchRow, ...]) -> None:
    for row in rows:
        if Path(row.output).suffix.lower() not in SUFFIXES:
            raise BatchError(f"The output {row.output} has no known suffix.", f"Use one of {', '.join(SUFFIXES)}.")


def _check_results(results: Path, file: Path) -> None:
    """Keep the user's own table: what is known of its rows is written again and again."""
    with contextlib.suppress(OSError):  # It is not there yet, or in a folder that says nothing.
        if results.samefile(file):
            raise BatchError(
                f"The result file would take the place of {file.name}.", "Name another one with --results."
            )


class _Batch:
    """One run."""

    def __init__(
        self,
        current: session.Session,
        rows: tuple[BatchRow, ...],
        folder: Path,
        results: Path,
        options: argparse.Namespace,
    ) -> None:
        self._session = current
        self._rows = rows
        self._folder = folder
        self._options = options
        self._name = batch_name(folder)
        self._results = results
        self._refused: dict[str, str] = {}
        """Why rows were not sent, by key."""
        self._tasks: dict[str, Task] = {}
        """As they were last seen, by key."""
        self._done: set[str] = set()
        """Rows whose models were seen in their files, by key: the disk is asked once."""
        self._written_at = -math.inf
        self._written: list[RowResult] = []
        self._problem = ""
        """Why the result file is not what it should be."""

    def run(self, progress: Progress) -> Answer:
        """Go on until every row is settled, or the time is up."""
        self._take_up()

        def go_on() -> None:
            self._send_next()
            self._bring_next()
            self._show(progress)
            self._write_results()

        try:
            pump(self._is_over, self._options.timeout, each=go_on)
            workplace.wait_for_answers()
            workplace.wait_for_bills([task.local_id for task in self._tasks.values()])
        finally:
            self._written_at = -math.inf
            self._write_results()
        return self._answer()

    # What there is

    def _take_up(self) -> None:
        """Find the tasks of the rows in the journal, and go on with them."""
        found = newest_by_row(workplace.take_up(lambda task: task.batch == self._name), self._name)
        for row in self._rows:
            task = found.get(row.key)
            if task is not None and not (self._options.retry_failed and may_repeat(task)):
                self._tasks[row.key] = task
                self._go_on(row, task)

    def _go_on(self, row: BatchRow, task: Task) -> None:
        if task.state in (TaskState.QUEUED, TaskState.STOPPED) and not self._session.engine.is_followed(task.local_id):
            try:
                scripting.resume(task.local_id)
            except TokenLabError as error:
                self._refused[row.key] = workplace.in_words(error)
        elif task.state is TaskState.READY and self._status(row) is not RowStatus.DONE:
            # The import failed the last time: perhaps Blender is another one now. Or the model was not fetched.
            self._session.engine.records.change(task.local_id, error="")
            if workplace.is_to_be_fetched(task):
                self._session.engine.resume(task.local_id)

    def _task(self, row: BatchRow) -> Task | None:
        known = self._tasks.get(row.key)
        if known is not None and not known.removed:
            records = self._session.engine.records
            # Known and not to be had: the user has taken it off the list, in another Blender.
            is_removed = records.knows(known.local_id) and records.get(known.local_id) is None
            known = replace(known, removed=True) if is_removed else records.get(known.local_id) or known
            self._tasks[row.key] = known
        return known

    def _status(self, row: BatchRow) -> RowStatus:
        if row.key in self._refused:
            return RowStatus.NOT_SENT
        if row.key in self._done:
            return RowStatus.DONE
        task = self._task(row)
        is_worked_on = task is not None and self._session.engine.is_working_on(task.local_id)
        status = status_of(task, self._folder / row.output, is_worked_on=is_worked_on)
        if status is RowStatus.DONE:
            self._done.add(row.key)
        return status

    def _is_over(self) -> bool:
        return all(self._status(row).is_settled for row in self._rows)

    # What is done

    def _send_next(self) -> None:
        """Send as many rows as the service may work on."""
        begun = [self._task(row) for row in self._rows if row.key not in self._refused]
        running = sum(task is not None and task.state in _AT_SERVICE for task in begun)
        room = self._session.engine.settings.max_concurrent_tasks - running
        for row in self._rows:
            if room <= 0:
                return
            if self._status(row) is RowStatus.WAITING:
                room -= self._send(row)

    def _send(self, row: BatchRow) -> bool:
        taken = outputs.taken(self._folder / row.output)
        if taken is not None and not self._options.overwrite:
            # The journal knows of nothing that was sent for this row: it is work of others, or paid for already.
            self._refused[row.key] = (
                f"{taken.relative_to(self._folder)} is there already, and not of this batch. Nothing was sent or "
                "charged. Move it, or add --overwrite."
            )
            return False
        # A scene that is gone when the model comes: each model is imported when it is its turn, and the file that it is
        # saved in knows of no other row.
        scene = bpy.data.scenes.new("Batch")
        try:
            handle = scripting.generate_for(
                {"output_path": str(self._folder / row.output), "batch": self._name, "batch_row": row.key},
                scene=scene,
                confirm_duplicate=True,
                **self._arguments(row),
            )
        except TokenLabError as error:
            self._refused[row.key] = workplace.in_words(error)
            return False
        finally:
            bpy.data.scenes.remove(scene)
        self._tasks[row.key] = handle.record
        return True

    def _arguments(self, row: BatchRow) -> dict[str, Any]:
        """Return what to ask for: what the row says wins, the command's options are for all rows."""
        said = {name: value for name, value in row.fields.items() if name != "output"}
        arguments = {"prompt": "", **generating.given(self._options), **said}
        arguments.setdefault("format", generating.format_for(Path(row.output)))
        return arguments

    def _bring_next(self) -> None:
        """Write the model of one row that is there."""
        for row in self._rows:
            task = self._task(row)
            if task is None or task.state is not TaskState.READY or self._status(row).is_settled:
                continue
            handle = TaskHandle(task.local_id)
            try:
                bring(handle)
                outputs.write(handle, self._folder / row.output, may_replace=self._options.overwrite)
            except TokenLabError as error:
                self._session.engine.records.change(task.local_id, error=str(error))
            clear(handle)
            return

    # What is said

    def _show(self, progress: Progress) -> None:
        counts = {status: 0 for status in RowStatus}
        for row in self._rows:
            counts[self._status(row)] += 1
        words = ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
        settled = sum(count for status, count in counts.items() if status.is_settled)
        progress.show(words, 100.0 * settled / len(self._rows))

    def _row_results(self) -> list[RowResult]:
        refused = self._refused
        return [RowResult(row, self._status(row), self._task(row), refused.get(row.key, "")) for row in self._rows]

    def _write_results(self) -> None:
        """Write the result file anew if something has changed, not too often."""
        now = time.monotonic()
        if now - self._written_at < _WRITE_SECONDS:
            return
        results = self._row_results()
        self._written_at = now
        if results == self._written:
            return
        try:
            write_results(self._results, results)
        except OSError as error:
            # The rows are in the journal: this file is made of it, and can be made again.
            logger.warning("The result file could not be written: %s", error)
            self._problem = (
                f"{self._results.name} could not be written ({error.strerror or 'the disk refused'}). Nothing is lost: "
                "use the same command again."
            )
        else:
            self._written, self._problem = results, ""

    def _answer(self) -> Answer:
        results = self._row_results()
        statuses = [result.status for result in results]
        counts = {status.value: statuses.count(status) for status in RowStatus if status in statuses}
        status = _exit_status(statuses)
        lines = [f"{count} {name}" for name, count in counts.items()]
        data = {"counts": counts, "results": str(self._results), "rows": [dict(result.values()) for result in results]}
        refused = (result.error for result in results if result.status is RowStatus.NOT_SENT)
        problem = self._problem or next(refused, "")
        if self._problem and status is ExitStatus.SUCCESS:
            status = ExitStatus.FAILED
        return Answer(status, [*lines, str(self._results)], data, problem)


def _exit_status(statuses: list[RowStatus]) -> ExitStatus:
    """Return what a user has to look at first."""
    if RowStatus.UNCERTAIN in statuses:
        return ExitStatus.UNCERTAIN
    if {RowStatus.FAILED, RowStatus.NOT_WRITTEN, RowStatus.LOST, RowStatus.REMOVED} & set(statuses):
        return ExitStatus.FAILED
    return ExitStatus.SUCCESS if set(statuses) == {RowStatus.DONE} else ExitStatus.NOT_NOW
