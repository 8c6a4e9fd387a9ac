# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several Blenders with one journal: one works on a task, the others see it arrive, and the dead are followed on."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from core.service.contract import GenerationRequest
from core.tasks.journal import Row
from core.tasks.journal_file import FILE_NAME
from core.tasks.lease import LEASE_SECONDS
from core.tasks.pacing import Pacing
from core.tasks.records import JournalFailed, JournalLoaded, JournalRebuilt, OthersSeen
from core.tasks.task import TaskState, new_task
from tests.engine_rig import Blender, Gate, asset_requests, creates_sent, end_leases, flush
from tests.loopback import PATIENCE_SECONDS
from tests.simulator.process import SimulatorProcess

S = TaskState
REPOSITORY = Path(__file__).resolve().parents[2]


# ---- one works, the other looks


def test_a_task_that_another_blender_is_sending_is_left_alone_and_its_result_arrives(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, second = blenders
    gate = Gate()
    first.transport.before_post = gate
    local_id = first.submit()
    first.turn()
    assert gate.reached.wait(PATIENCE_SECONDS)
    second.open()
    assert (second.task(local_id).state, second.engine.is_followed(local_id)) == (S.SUBMITTING, True)
    assert second.engine.is_busy and second.engine.is_working_on(local_id)
    second.run_for(60.0)
    assert second.states(local_id) == [S.SUBMITTING]
    assert second.transport.threads == set()

    simulator.configure(faults=["never-completes"])
    gate.opened.set()
    first.run_to(local_id, S.PENDING, S.PROCESSING)
    simulator.steer(first.task(local_id).task_id, progress=40)
    first.run_until(lambda: first.task(local_id).progress == 40)
    flush(first)
    second.look()
    assert (second.task(local_id).state, second.task(local_id).progress) == (S.PROCESSING, 40)
    second.run_for(60.0)

    simulator.steer(first.task(local_id).task_id, status="completed")
    done = first.run_to(local_id, S.READY)
    flush(first)
    second.look()
    assert second.task(local_id) == done
    assert Path(second.task(local_id).result_path).is_file()
    second.run_for(60.0)
    assert second.transport.threads == set()
    assert not second.engine.is_followed(local_id) and not second.engine.is_busy
    assert (creates_sent(simulator), asset_requests(simulator)) == (1, 1)
    assert len(simulator.creates()) == 1


def test_the_journal_is_looked_at_every_two_seconds_and_not_more_often(blenders: tuple[Blender, Blender]) -> None:
    first, second = blenders
    first.engine.settings = replace(first.engine.settings, may_connect=False)
    first.submit()
    flush(first)
    second.open()
    looks = len(second.events_of(OthersSeen))
    second.run_for(20.2, turns=202)
    assert len(second.events_of(OthersSeen)) - looks in (9, 10)


def test_a_look_for_what_is_followed_reads_and_takes_over_nothing_else(blenders: tuple[Blender, Blender]) -> None:
    first, second = blenders
    first.engine.settings = replace(first.engine.settings, may_connect=False)
    local_id = first.submit()
    flush(first)
    second.open()
    free = replace(new_task(GenerationRequest(prompt="vase"), "scene-2"), state=S.PENDING, task_id="ldtask_1")
    first.engine._journal.save(free, owner="gone/1/x").result(PATIENCE_SECONDS)
    with closing(sqlite3.connect(first.folder / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE tasks SET owner = '', lease_until = 0 WHERE local_id = ?", (free.local_id,))
    whole = len(second.events_of(JournalLoaded))
    second.look()
    (seen,) = [event for event in second.events if isinstance(event, OthersSeen)]
    assert [row.task.local_id for row in seen.rows] == [local_id]
    assert len(second.events_of(JournalLoaded)) == whole
    with closing(sqlite3.connect(first.folder / FILE_NAME)) as connection:
        found = connection.execute("SELECT owner FROM tasks WHERE local_id = ?", (free.local_id,)).fetchall()
    assert found == [("",)]


def test_after_a_look_that_failed_the_whole_journal_is_read(blenders: tuple[Blender, Blender]) -> None:
    first, second = blenders
    first.engine.settings = replace(first.engine.settings, may_connect=False)
    first.submit()
    flush(first)
    second.open()
    whole = len(second.events_of(JournalLoaded))
    second.engine._mailbox.put(JournalFailed("The disk is full."))
    second.drain()
    assert second.engine.journal_problem
    second.look()
    assert len(second.events_of(JournalLoaded)) == whole + 1
    assert not second.engine.journal_problem


def test_what_is_watched_is_looked_at_when_its_lease_could_have_ended(blenders: tuple[Blender, Blender]) -> None:
    first, second = blenders
    first.engine.settings = replace(first.engine.settings, may_connect=False)
    local_id = first.submit()
    flush(first)
    second.engine.watch([local_id])
    assert second.engine.is_busy and not second.engine.has_tasks
    second.run_for(LEASE_SECONDS)
    assert second.events_of(OthersSeen) == []
    second.run_for(6.0, turns=1)
    assert len(second.events_of(OthersSeen)) == 1


def test_nobody_looks_at_the_journal_for_tasks_of_its_own(blenders: tuple[Blender, Blender]) -> None:
    first, _ = blenders
    first.run_to(first.submit(), S.READY)
    first.open()
    looks = len(first.events_of(JournalLoaded))
    first.run_for(60.0)
    assert len(first.events_of(JournalLoaded)) == looks
    assert first.events_of(OthersSeen) == []


def test_what_was_given_up_is_not_begun_again_because_something_else_is_followed(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, second = blenders
    first.engine.settings = replace(first.engine.settings, may_connect=False)
    first.submit("another chair")
    flush(first)
    second.open()
    second.engine.pacing = Pacing(download_tries=1)
    simulator.configure(faults=["asset-500"])
    local_id = second.submit()
    second.run_until(lambda: "several tries" in second.task(local_id).error)
    second.settle()
    asked = asset_requests(simulator)
    second.run_for(20.0)
    assert len(second.events_of(OthersSeen)) > 5
    assert asset_requests(simulator) == asked


def test_a_task_removed_by_its_owner_is_followed_no_more(blenders: tuple[Blender, Blender]) -> None:
    first, second = blenders
    first.engine.settings = replace(first.engine.settings, may_connect=False)
    local_id = first.submit()
    flush(first)
    second.open()
    assert second.engine.is_busy
    first.engine.remove(local_id)
    flush(first)
    second.look()
    assert (second.engine.records.get(local_id), second.engine.is_busy) == (None, False)


def test_of_a_followed_task_the_journal_is_believed_whatever_was_thought_here(
    blenders: tuple[Blender, Blender],
) -> None:
    _, second = blenders
    task = replace(new_task(GenerationRequest(prompt="chair"), "scene-1"), state=S.SUBMITTING, revision=12)
    second.engine.adopt([Row(task, is_ours=False, owner="first/1/a")], [])
    done = replace(task, state=S.READY, revision=9)
    second.engine.adopt([Row(done, is_ours=True)], [])
    assert second.task(task.local_id) == done


def test_a_task_that_was_taken_from_us_is_asked_about_no_more(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, _ = blenders
    simulator.configure(seconds=600)
    task = first.run_to(first.submit(), S.PENDING)
    flush(first)
    with closing(sqlite3.connect(first.folder / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE tasks SET owner = 'second/1/b'")
    first.engine.adopt([Row(task, is_ours=False, owner="second/1/b")], [])
    polls = simulator.creates()[0]["polls"]
    first.run_for(20.0)
    assert simulator.creates()[0]["polls"] == polls


# ---- taking over


def test_when_a_lease_ends_one_other_takes_over_and_nothing_is_sent_twice(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, second = blenders
    simulator.configure(seconds=600)
    local_id = first.submit()
    first.run_to(local_id, S.PENDING)
    flush(first)
    second.open()
    end_leases(first.folder)
    second.look()
    assert not second.engine.is_followed(local_id)
    simulator.steer(first.task(local_id).task_id, status="completed")
    second.run_to(local_id, S.READY)
    flush(second)
    assert (creates_sent(simulator), asset_requests(simulator)) == (1, 1)
    # The first one slept. It looks at the journal before it goes on only when it follows something; its late word of
    # the task is not taken.
    row = second.row(local_id)
    assert row is not None and row.state is S.READY


def test_a_task_that_was_being_sent_when_the_lease_ended_is_uncertain_and_the_late_answer_is_kept(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, second = blenders
    gate = Gate()
    first.transport.before_post = gate
    local_id = first.submit()
    first.turn()
    assert gate.reached.wait(PATIENCE_SECONDS)
    second.open()
    end_leases(first.folder)
    second.look()
    assert second.task(local_id).state is S.UNCERTAIN
    flush(second)
    gate.opened.set()
    first.settle()
    flush(first)
    row = first.row(local_id)
    assert row is not None
    assert row.task_id == simulator.creates()[0]["id"]
    assert creates_sent(simulator) == 1


def test_a_clean_end_hands_over_at_once(blenders: tuple[Blender, Blender], simulator: SimulatorProcess) -> None:
    first, second = blenders
    simulator.configure(seconds=600)
    local_id = first.submit()
    task_id = first.run_to(local_id, S.PENDING).task_id
    second.open()
    assert second.engine.is_followed(local_id)
    assert first.engine.stop()
    simulator.steer(task_id, status="completed")
    second.look()
    second.run_to(local_id, S.READY)
    assert (creates_sent(simulator), asset_requests(simulator)) == (1, 1)


def test_two_that_open_at_once_after_a_crash_fetch_the_model_once(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(seconds=600)
    dead = Blender(tmp_path, simulator, "dead/1/x")
    local_id = dead.submit()
    simulator.steer(dead.run_to(local_id, S.PENDING).task_id, status="completed")
    flush(dead)
    end_leases(tmp_path)
    for blender in blenders:
        blender.engine.load_journal()
    for blender in blenders:
        blender.settle()
    assert sorted(blender.engine.is_followed(local_id) for blender in blenders) == [False, True]
    for _ in range(5):
        for blender in blenders:
            blender.look()
            flush(blender)
    assert [blender.task(local_id).state for blender in blenders] == [S.READY, S.READY]
    assert (creates_sent(simulator), asset_requests(simulator)) == (1, 1)
    assert dead.engine.stop()


# ---- a real process that is killed

CHILD = """
import sys
from pathlib import Path
from core.tasks.task import TaskState
from tests.engine_rig import Rig
folder, url, key, until = sys.argv[1:]
rig = Rig(Path(folder), url, key)
sent = lambda _url: print(local_id, flush=True) or sys.stdin.read()
if until == "SUBMITTING":
    rig.transport.before_post = sent
local_id = rig.submit()
rig.run_until(lambda: rig.task(local_id).state.value == "PENDING")
rig.engine._journal.load().result(20)
print(local_id, flush=True)
sys.stdin.read()
"""


@contextmanager
def other_process(folder: Path, simulator: SimulatorProcess, until: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Run another Blender up to a state; yields the task's local id, and how to kill that Blender."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), simulator.url, simulator.key, until],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def kill() -> None:
        process.kill()
        process.wait()

    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), kill
    finally:
        process.kill()
        process.communicate()


needs_process_numbers = pytest.mark.skipif(
    sys.platform == "win32", reason="on Windows nobody can ask whether a process lives, so the lease has to end first"
)


@needs_process_numbers
def test_a_process_killed_while_sending_leaves_an_uncertain_task_and_not_before(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    blender = Blender(tmp_path, simulator)
    with other_process(tmp_path, simulator, "SUBMITTING") as (local_id, kill):
        blender.open()
        blender.run_for(60.0)
        assert (blender.task(local_id).state, blender.engine.is_followed(local_id)) == (S.SUBMITTING, True)
        kill()
        blender.look()
    assert blender.task(local_id).state is S.UNCERTAIN
    assert "Blender ended while this request was being sent" in blender.task(local_id).error
    blender.run_for(3600.0)
    assert blender.transport.threads == set()
    assert creates_sent(simulator) == 0
    flush(blender)
    row = blender.row(local_id)
    assert row is not None and row.state is S.UNCERTAIN
    assert blender.engine.stop()


@needs_process_numbers
def test_a_process_killed_while_waiting_is_followed_on_and_the_model_arrives_once(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(seconds=600)
    blender = Blender(tmp_path, simulator)
    with other_process(tmp_path, simulator, "PENDING") as (local_id, kill):
        blender.open()
        blender.run_for(60.0)
        assert blender.engine.is_followed(local_id)
        assert blender.transport.threads == set()
        simulator.steer(blender.task(local_id).task_id, status="completed")
        kill()
        blender.look()
    blender.run_to(local_id, S.READY)
    assert (creates_sent(simulator), asset_requests(simulator), len(simulator.creates())) == (1, 1, 1)
    assert blender.engine.stop()


# ---- a journal that is damaged or gone, with two Blenders


def test_a_journal_that_is_gone_is_begun_anew_with_all_tasks_and_nobody_takes_what_is_not_theirs(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, second = blenders
    gate = Gate()
    first.transport.before_post = gate
    local_id = first.submit()
    first.turn()
    assert gate.reached.wait(PATIENCE_SECONDS)
    second.open()
    for file in first.folder.glob(f"{FILE_NAME}*"):
        file.rename(file.with_name(f"put aside {file.name}"))
    for _ in range(4):
        second.look()
    assert (second.task(local_id).state, second.engine.is_followed(local_id)) == (S.SUBMITTING, True)
    assert len(second.events_of(JournalRebuilt)) == 1
    gate.opened.set()
    done = first.run_to(local_id, S.READY)
    flush(first)
    second.look()
    second.look()
    assert second.task(local_id) == done
    assert len(first.events_of(JournalRebuilt)) == 1
    assert (creates_sent(simulator), asset_requests(simulator)) == (1, 1)
    assert second.states(local_id).count(S.UNCERTAIN) == 0
