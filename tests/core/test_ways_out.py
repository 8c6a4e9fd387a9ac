# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may do about a task that may be paid for, and what asks before it is paid for twice."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.service.contract import GenerationRequest
from core.tasks import journal_file
from core.tasks.duplicates import DUPLICATE_SECONDS
from core.tasks.journal import Row
from core.tasks.journal_file import FILE_NAME
from core.tasks.records import JournalLoaded, JournalRebuilt
from core.tasks.task import Task, TaskState, new_task
from tests.engine_rig import PROMPT, Rig, creates_sent
from tests.loopback import PATIENCE_SECONDS
from tests.simulator.process import SimulatorProcess
from tests.tiny_pictures import png

S = TaskState
REQUEST = GenerationRequest(prompt=PROMPT)


@pytest.fixture
def rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Rig]:
    simulator.configure(seconds=0)
    rig = Rig(tmp_path / "data", simulator.url, simulator.key)
    yield rig
    assert rig.engine.stop()


def flush(rig: Rig) -> None:
    """Wait until everything that was ordered is in the journal."""
    rig.engine._journal.load().result(PATIENCE_SECONDS)


def uncertain(rig: Rig, simulator: SimulatorProcess) -> str:
    """Return a task whose answer was lost; the service works on it, and answers again from now on."""
    simulator.configure(faults=["create-500-after-task"])
    local_id = rig.submit()
    rig.run_to(local_id, S.UNCERTAIN)
    simulator.configure(faults=[])
    return local_id


def known(rig: Rig, state: TaskState = S.READY, *, age: float = 1.0, key: str = "", **changes: Any) -> Task:
    """Take in a task that was asked for `age` seconds ago."""
    task = new_task(REQUEST, "scene-1", now=time.time() - age, picture_key=key)
    task = replace(task, state=state, revision=5, **changes)
    rig.engine.records.adopt(task)
    return task


# ---- the three ways out of UNCERTAIN


def test_sending_again_sends_exactly_one_more(rig: Rig, simulator: SimulatorProcess) -> None:
    local_id = uncertain(rig, simulator)
    assert rig.engine.submit_again(local_id)
    assert not rig.engine.submit_again(local_id)
    done = rig.run_to(local_id, S.READY)
    rig.run_for(3600.0)
    assert (creates_sent(simulator), len(simulator.creates())) == (2, 2)
    assert done.task_id == simulator.creates()[1]["id"]
    assert (done.error, len(simulator.requests("assets"))) == ("", 1)


def test_sending_again_may_be_uncertain_again_and_is_then_not_repeated(rig: Rig, simulator: SimulatorProcess) -> None:
    local_id = uncertain(rig, simulator)
    simulator.configure(faults=["create-500-after-task"])
    assert rig.engine.submit_again(local_id)
    rig.run_until(lambda: creates_sent(simulator) == 2)
    rig.run_to(local_id, S.UNCERTAIN)
    rig.run_for(3600.0)
    assert creates_sent(simulator) == 2
    assert "may have started a paid task" in rig.task(local_id).error


def test_a_task_that_is_attached_to_its_id_arrives_without_another_create(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    local_id = uncertain(rig, simulator)
    task_id = simulator.creates()[0]["id"]
    assert rig.engine.attach(local_id, task_id)
    assert not rig.engine.attach(local_id, "ldtask_other")
    done = rig.run_to(local_id, S.READY)
    assert (done.task_id, done.error, creates_sent(simulator)) == (task_id, "", 1)
    flush(rig)
    assert rig.row(local_id) == done


def test_an_id_that_the_service_does_not_know_is_told_and_nothing_is_sent(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    local_id = uncertain(rig, simulator)
    assert rig.engine.attach(local_id, "ldtask_of_nobody")
    assert "no longer knows this task" in rig.run_to(local_id, S.LOST).error
    assert creates_sent(simulator) == 1


def test_a_removed_uncertain_task_is_off_the_list_but_not_out_of_the_journal(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    local_id = uncertain(rig, simulator)
    assert rig.engine.remove(local_id)
    assert not rig.engine.submit_again(local_id)
    assert not rig.engine.attach(local_id, "ldtask_1")
    rig.run_for(3600.0)
    assert rig.engine.records.all() == []
    assert (creates_sent(simulator), rig.engine.is_busy) == (1, False)
    flush(rig)
    row = rig.row(local_id)
    assert row is not None
    assert (row.removed, row.state) == (True, S.UNCERTAIN)


@pytest.mark.parametrize("state", [state for state in TaskState if state not in (S.UNCERTAIN, S.IMPORTED)])
def test_only_an_uncertain_task_can_be_sent_again_or_attached(
    rig: Rig, simulator: SimulatorProcess, state: TaskState
) -> None:
    task = known(rig, state)
    assert not rig.engine.submit_again(task.local_id)
    assert not rig.engine.attach(task.local_id, "ldtask_1")
    rig.run_for(60.0)
    assert (rig.task(task.local_id), simulator.requests()) == (task, [])


def test_a_task_of_the_service_that_nobody_knew_is_taken_in_by_its_id(rig: Rig, simulator: SimulatorProcess) -> None:
    local_id = uncertain(rig, simulator)
    rig.engine.remove(local_id)
    task_id = simulator.creates()[0]["id"]
    task = rig.engine.adopt_task_id(task_id, GenerationRequest(prompt="found"), "scene-1")
    assert rig.run_to(task.local_id, S.READY).task_id == task_id
    assert creates_sent(simulator) == 1


# ---- a queued task after a restart


def test_a_queued_task_is_not_sent_after_a_restart_and_says_nothing_of_being_tried_again(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    task = replace(new_task(REQUEST, "scene-1"), revision=3, error="The service is busy. It is tried again by itself.")
    rig.engine.adopt([Row(task, is_ours=True)], [task])
    assert (rig.task(task.local_id).state, rig.task(task.local_id).error) == (S.QUEUED, "")
    rig.run_for(3600.0)
    assert simulator.requests() == []
    assert rig.engine.resume(task.local_id)
    rig.run_to(task.local_id, S.READY)
    assert creates_sent(simulator) == 1


def test_a_queued_task_that_another_blender_is_about_to_send_keeps_what_it_says(rig: Rig) -> None:
    task = replace(new_task(REQUEST, "scene-1"), revision=3, error="The service is busy. It is tried again by itself.")
    rig.engine.adopt([Row(task, is_ours=False, owner="elsewhere/1/x")], [task])
    assert rig.task(task.local_id) == task


# ---- the same again, by accident


@pytest.mark.parametrize("state", [state for state in TaskState if state is not S.FAILED])
def test_the_same_request_within_ten_minutes_is_a_duplicate(rig: Rig, state: TaskState) -> None:
    task = known(rig, state, age=DUPLICATE_SECONDS - 5.0)
    found = rig.engine.recent_duplicate(REQUEST, "")
    assert found is not None
    assert found.local_id == task.local_id


def test_what_was_taken_off_the_list_may_be_asked_for_again_though_the_journal_was_read_before(rig: Rig) -> None:
    task = known(rig)
    rig.engine.load_journal()
    rig.run_until(lambda: any(isinstance(event, JournalLoaded) for event in rig.events))
    assert rig.engine.recent_duplicate(REQUEST, "") is not None
    rig.engine.remove(task.local_id)
    assert rig.engine.recent_duplicate(REQUEST, "") is None


def test_after_ten_minutes_it_is_meant(rig: Rig) -> None:
    known(rig, age=DUPLICATE_SECONDS + 1.0)
    assert rig.engine.recent_duplicate(REQUEST, "") is None


def test_what_failed_is_not_paid_for_and_may_be_tried_again(rig: Rig) -> None:
    known(rig, S.FAILED)
    assert rig.engine.recent_duplicate(REQUEST, "") is None


def test_what_failed_after_a_first_try_that_may_be_paid_for_is_asked_about(rig: Rig) -> None:
    known(rig, S.UNCERTAIN)
    (task,) = rig.engine.records.all()
    assert rig.engine.submit_again(task.local_id)
    rig.engine.records.change(task.local_id, state=S.FAILED)
    assert rig.engine.recent_duplicate(REQUEST, "") is not None


@pytest.mark.parametrize(
    "request_", [replace(REQUEST, prompt="x"), replace(REQUEST, format="FBX"), replace(REQUEST, seed=1)]
)
def test_another_prompt_or_option_is_another_request(rig: Rig, request_: GenerationRequest) -> None:
    known(rig)
    assert rig.engine.recent_duplicate(request_, "") is None
    assert rig.engine.recent_duplicate(REQUEST, "") is not None


def test_another_picture_is_another_request_whatever_it_is_called(rig: Rig) -> None:
    known(rig, key="/cat.png 10 1")
    assert rig.engine.recent_duplicate(REQUEST, "/cat.png 10 2") is None
    assert rig.engine.recent_duplicate(REQUEST, "") is None
    assert rig.engine.recent_duplicate(REQUEST, "/cat.png 10 1") is not None


def test_the_newest_of_several_is_told_of(rig: Rig) -> None:
    known(rig, age=300.0)
    newest = known(rig, age=100.0)
    known(rig, age=200.0)
    assert rig.engine.recent_duplicate(REQUEST, "") == newest


def test_what_the_user_removed_is_not_asked_about(rig: Rig) -> None:
    """It may be paid for; but whoever took it off the list knows of it, and wants something else from the next."""
    task = known(rig, S.PENDING)
    assert rig.engine.remove(task.local_id)
    assert rig.engine.recent_duplicate(REQUEST, "") is None


def test_a_task_with_a_picture_is_found_after_its_hash_was_noted(
    rig: Rig, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(png())
    request = replace(REQUEST, image_name="cat.png")
    task = rig.engine.submit(request, "scene-1", picture_path=str(picture), picture_key="cat")
    rig.run_until(lambda: bool(rig.task(task.local_id).request.image_sha256))
    rig.settle()
    task = replace(rig.task(task.local_id), state=S.READY, local_id=new_task(REQUEST, "x").local_id)
    rig.engine.records.adopt(task)
    assert rig.engine.recent_duplicate(request, "cat") is not None


# ---- without a journal nothing is sent


def test_a_journal_that_is_locked_for_long_sends_nothing_and_says_so(
    rig: Rig, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "_BUSY_SECONDS", 0.05)
    rig.engine.load_journal()
    rig.run_until(lambda: not rig.engine._questions)
    with closing(sqlite3.connect(rig.folder / FILE_NAME)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = rig.run_to(rig.submit(), S.FAILED)
    assert "journal" in done.error and "nothing new is sent" in done.error
    assert creates_sent(simulator) == 0
    rig.run_to(rig.submit(), S.READY)
    assert creates_sent(simulator) == 1


def test_a_journal_that_is_lost_at_the_last_moment_sends_nothing(
    rig: Rig, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "_BUSY_SECONDS", 0.05)
    locks: list[sqlite3.Connection] = []

    def lock(_url: str) -> None:
        flush(rig)
        locks.append(sqlite3.connect(rig.folder / FILE_NAME, check_same_thread=False))
        locks[-1].execute("BEGIN IMMEDIATE")

    rig.transport.before_get = lock
    done = rig.run_to(rig.submit(), S.FAILED)
    for connection in locks:
        connection.close()
    assert "journal" in done.error
    assert len(locks) == 1
    assert creates_sent(simulator) == 0


def test_a_journal_that_was_deleted_is_begun_anew_before_anything_is_sent(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    first = rig.run_to(rig.submit(), S.READY)
    flush(rig)
    for file in rig.folder.glob(f"{FILE_NAME}*"):
        file.unlink()
    rows: list[Task | None] = []
    rig.transport.before_post = lambda url: rows.append(rig.row(local_id))
    local_id = rig.submit("another chair")
    rig.run_to(local_id, S.READY)
    assert [row and row.state for row in rows] == [S.SUBMITTING]
    flush(rig)
    assert rig.row(first.local_id) == first
    assert sum(isinstance(event, JournalRebuilt) for event in rig.events) == 1


# ---- a damaged journal


def test_a_page_that_is_damaged_in_the_middle_costs_no_task_that_is_known(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    tasks = [known(rig, S.READY, note=f"{number}" + " long" * 200) for number in range(60)]
    flush(rig)
    journal = rig.folder / FILE_NAME
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'tasks'").fetchone()[0]
    with journal.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(bytes(range(256)) * (size // 256))
    # The page is read anew by whoever comes next; the open connection may have it in memory still.
    rig.engine._journal._order(lambda connection: connection.execute("PRAGMA shrink_memory")).result(PATIENCE_SECONDS)
    for _ in range(3):
        rig.engine.load_journal()
        rig.run_until(lambda: not rig.engine._questions)
    flush(rig)
    assert [rig.row(task.local_id) for task in tasks] == tasks
    (rebuilt,) = [event for event in rig.events if isinstance(event, JournalRebuilt)]
    (aside,) = rig.folder.glob("journal.damaged-*.sqlite3")
    assert aside.name in rebuilt.sentence


def test_random_bytes_cost_no_task_that_is_known(rig: Rig, simulator: SimulatorProcess) -> None:
    rig.folder.mkdir()
    (rig.folder / FILE_NAME).write_bytes(bytes(range(1, 256)) * 40)
    task = known(rig, S.PENDING, task_id="ldtask_1")
    rig.engine.load_journal()
    rig.run_until(lambda: not rig.engine._questions)
    flush(rig)
    assert rig.row(task.local_id) == task
    assert sum(isinstance(event, JournalRebuilt) for event in rig.events) == 1


# ---- what need not survive does not stand in the way of what must


def test_a_change_that_must_survive_is_kept_after_one_that_need_not(rig: Rig) -> None:
    task = known(rig, S.DOWNLOADING)
    for progress in (10, 20, 30):
        rig.engine.records.change(task.local_id, durable=False, progress=progress)
    rig.engine.records.change(task.local_id, state=S.READY, result_path="/models/a.glb")
    flush(rig)
    assert rig.row(task.local_id) == rig.task(task.local_id)
    assert rig.task(task.local_id).revision == 6


def test_the_same_change_once_more_but_to_survive_is_kept(rig: Rig) -> None:
    task = known(rig, S.DOWNLOADING)
    rig.engine.records.change(task.local_id, durable=False, error="It failed.")
    flush(rig)
    row = rig.row(task.local_id)
    assert row is not None and row.error == ""
    assert rig.engine.records.change(task.local_id, error="It failed.") is not None
    flush(rig)
    assert rig.row(task.local_id) == rig.task(task.local_id)
    assert rig.engine.records.change(task.local_id, error="It failed.") is None
