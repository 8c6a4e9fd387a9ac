# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk or a lock that refuses a row of the journal for a while: it is saved once more, above all the task's id."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from core.service.contract import GenerationRequest
from core.tasks import journal_file
from core.tasks.journal_file import FILE_NAME
from core.tasks.records import JournalFailed
from core.tasks.task import Task, TaskState, new_task
from tests.engine_rig import Blender, Gate, creates_sent, flush
from tests.loopback import PATIENCE_SECONDS, wait_for
from tests.simulator.process import SimulatorProcess

S = TaskState


@pytest.fixture
def blender(simulator: SimulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Blender]:
    monkeypatch.setattr(journal_file, "_BUSY_SECONDS", 0.3)
    blender = Blender(tmp_path, simulator)
    yield blender
    assert blender.engine.stop()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Something else, such as a backup, writes into the journal for longer than anybody waits."""
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def ordered(blender: Blender) -> None:
    """Wait until the journal has answered everything that was ordered, whatever it says."""
    blender.engine._journal.tasks().exception(PATIENCE_SECONDS)


def known(blender: Blender, state: TaskState) -> Task:
    """Take in a task that is in the journal."""
    task = replace(new_task(GenerationRequest(prompt="chair"), "scene-1"), state=state, task_id="ldtask_1")
    blender.engine.records.add(task).result(PATIENCE_SECONDS)
    return task


def test_an_id_that_could_not_be_saved_is_saved_with_the_next_answer_though_it_says_the_same(
    blender: Blender, simulator: SimulatorProcess
) -> None:
    simulator.configure(seconds=600)
    gate = Gate()
    blender.transport.before_post = gate
    local_id = blender.submit()
    blender.turn()
    assert gate.reached.wait(PATIENCE_SECONDS)
    with locked(blender.folder):
        gate.opened.set()
        blender.run_until(lambda: bool(blender.events_of(JournalFailed)))
        blender.settle()
    row, task = blender.row(local_id), blender.task(local_id)
    assert row is not None and (row.state, row.task_id) == (S.SUBMITTING, "")
    assert (task.state, task.task_id) == (S.PENDING, simulator.creates()[0]["id"])
    blender.run_for(20.0)
    flush(blender)
    row = blender.row(local_id)
    assert row is not None and (row.state, row.task_id) == (S.PENDING, task.task_id)
    assert creates_sent(simulator) == 1


def test_a_model_whose_arrival_could_not_be_saved_is_saved_when_the_journal_answers(blender: Blender) -> None:
    task = known(blender, S.DOWNLOADING)
    with locked(blender.folder):
        blender.engine.records.change(task.local_id, state=S.READY, result_path="/models/a.glb")
        ordered(blender)
    row = blender.row(task.local_id)
    assert row is not None and row.state is S.DOWNLOADING
    blender.open()
    flush(blender)
    assert blender.row(task.local_id) == blender.task(task.local_id)
    assert blender.task(task.local_id).state is S.READY


def test_while_a_row_waits_for_the_disk_the_same_change_orders_no_other(blender: Blender) -> None:
    task = known(blender, S.PENDING)
    with locked(blender.folder):
        for _ in range(20):
            blender.engine.records.change(task.local_id, progress=5)
        assert blender.task(task.local_id).revision == task.revision + 1
        ordered(blender)
        wait_for(lambda: blender.engine.records.change(task.local_id, progress=5) is not None)
        assert blender.task(task.local_id).revision == task.revision + 2
        for progress in (10, 10, 10):
            blender.engine.records.change(task.local_id, durable=False, progress=progress)
        ordered(blender)
    blender.engine.records.change(task.local_id, progress=10)
    flush(blender)
    assert blender.row(task.local_id) == blender.task(task.local_id)
    assert blender.engine.records.change(task.local_id, progress=10) is None


def test_a_row_that_is_saved_at_the_second_try_is_not_saved_a_third_time(blender: Blender) -> None:
    task = known(blender, S.PENDING)
    with locked(blender.folder):
        blender.engine.records.change(task.local_id, state=S.PROCESSING)
        ordered(blender)
    wait_for(lambda: blender.engine.records.change(task.local_id, state=S.PROCESSING) is not None)
    flush(blender)
    assert blender.row(task.local_id) == blender.task(task.local_id)
    assert blender.engine.records.change(task.local_id, state=S.PROCESSING) is None


def test_a_change_after_the_end_is_refused_and_nobody_waits_for_ever(blender: Blender) -> None:
    task = known(blender, S.PENDING)
    assert blender.engine.stop()
    saved = blender.engine.records.change(task.local_id, state=S.PROCESSING)
    assert saved is not None and saved.exception(PATIENCE_SECONDS) is not None
