# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of several Blenders that decide the same about a task, or slept while others did, one decides and pays."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import replace

from core.service.contract import GenerationRequest
from core.tasks.journal_file import FILE_NAME
from core.tasks.task import TaskState, new_task
from tests.engine_rig import Blender, Gate, asset_requests, creates_sent, end_leases, flush
from tests.loopback import PATIENCE_SECONDS
from tests.simulator.process import SimulatorProcess

S = TaskState


def test_an_uncertain_task_sent_again_by_two_blenders_at_once_is_sent_by_one(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, second = blenders
    lost = replace(new_task(GenerationRequest(prompt="chair"), "scene-1"), state=S.UNCERTAIN, revision=3)
    first.engine._journal.save(lost).result(PATIENCE_SECONDS)
    for blender in blenders:
        blender.open()
    for blender in blenders:
        assert blender.engine.submit_again(lost.local_id)
    for _ in range(4):
        for blender in blenders:
            blender.look()
            flush(blender)
    assert creates_sent(simulator) == 1
    assert [blender.task(lost.local_id).task_id for blender in blenders] == [simulator.creates()[0]["id"]] * 2
    for _ in range(4):
        for blender in blenders:
            blender.look()
            flush(blender)
    assert [blender.task(lost.local_id).state for blender in blenders] == [S.READY, S.READY]
    assert asset_requests(simulator) == 1
    assert second.task(lost.local_id) == first.task(lost.local_id)


def test_an_uncertain_task_that_one_attaches_is_not_sent_again_by_the_other(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, second = blenders
    simulator.configure(seconds=600)
    created = second.run_to(second.submit("a vase"), S.PENDING).task_id
    lost = replace(new_task(GenerationRequest(prompt="chair"), "scene-1"), state=S.UNCERTAIN, revision=3)
    first.engine._journal.save(lost).result(PATIENCE_SECONDS)
    for blender in blenders:
        blender.open()
    assert first.engine.attach(lost.local_id, created)
    flush(first)
    assert second.engine.submit_again(lost.local_id)
    for _ in range(4):
        for blender in blenders:
            blender.look()
            flush(blender)
    assert creates_sent(simulator) == 1
    assert [blender.task(lost.local_id).task_id for blender in blenders] == [created, created]
    assert second.engine.is_followed(lost.local_id)


def test_an_uncertain_task_that_one_sends_again_is_not_attached_by_the_other(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, second = blenders
    simulator.configure(seconds=600)
    other_id = second.run_to(second.submit("a vase"), S.PENDING).task_id
    lost = replace(new_task(GenerationRequest(prompt="chair"), "scene-1"), state=S.UNCERTAIN, revision=3)
    first.engine._journal.save(lost).result(PATIENCE_SECONDS)
    for blender in blenders:
        blender.open()
    assert first.engine.submit_again(lost.local_id)
    flush(first)
    assert second.engine.attach(lost.local_id, other_id)
    flush(second)
    second.settle()
    assert second.engine.is_followed(lost.local_id)
    first.run_to(lost.local_id, S.PENDING, S.PROCESSING)
    flush(first)
    second.look()
    assert second.task(lost.local_id).task_id == first.task(lost.local_id).task_id != other_id
    assert creates_sent(simulator) == 2


def test_a_task_that_another_blender_sent_while_we_slept_is_not_sent_again(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, second = blenders
    first.engine.settings = replace(first.engine.settings, may_connect=False)
    local_id = first.submit()
    flush(first)
    end_leases(first.folder)
    second.open()
    assert second.engine.resume(local_id)
    second.run_to(local_id, S.READY)
    flush(second)
    first.engine.settings = replace(first.engine.settings, may_connect=True)
    for _ in range(3):
        first.look()
        flush(first)
    assert first.task(local_id) == second.task(local_id)
    assert (creates_sent(simulator), asset_requests(simulator)) == (1, 1)


def test_a_blender_that_slept_while_another_took_over_leaves_the_task_to_it(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, second = blenders
    simulator.configure(seconds=600)
    local_id = first.submit()
    task_id = first.run_to(local_id, S.PENDING).task_id
    flush(first)
    end_leases(first.folder)
    second.open()
    assert not second.engine.is_followed(local_id)
    now = time.time
    first.engine._journal._clock = lambda: now() + 3600.0  # It wakes an hour later; the other's lease is as fresh.
    with closing(sqlite3.connect(first.folder / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE tasks SET lease_until = ?", (now() + 3625.0,))
    flush(first)
    first.settle()
    assert first.engine.is_followed(local_id)
    polls = simulator.creates()[0]["polls"]
    first.run_for(60.0)
    assert simulator.creates()[0]["polls"] == polls
    simulator.steer(task_id, status="completed")
    second.run_to(local_id, S.READY)


def test_who_lost_a_task_without_having_slept_leaves_it_at_the_next_answer(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, second = blenders
    simulator.configure(faults=["never-completes"])
    local_id = first.submit()
    task_id = first.run_to(local_id, S.PENDING, S.PROCESSING).task_id
    flush(first)
    # As when the journal's drive was away for longer than a lease.
    end_leases(first.folder)
    second.open()
    assert not second.engine.is_followed(local_id)
    simulator.steer(task_id, progress=40)
    first.run_until(lambda: first.engine.is_followed(local_id))
    first.settle()
    polls = simulator.creates()[0]["polls"]
    first.run_for(60.0)
    assert simulator.creates()[0]["polls"] == polls
    simulator.steer(task_id, status="completed")
    done = second.run_to(local_id, S.READY)
    flush(second)
    first.look()
    assert first.task(local_id) == done
    assert (creates_sent(simulator), asset_requests(simulator)) == (1, 1)


def test_an_id_that_only_one_knows_is_not_given_up_for_what_another_has_sent_again(
    blenders: tuple[Blender, Blender], simulator: SimulatorProcess
) -> None:
    first, second = blenders
    simulator.configure(faults=["never-completes"])
    gate = Gate()
    first.transport.before_post = gate
    local_id = first.submit()
    first.turn()
    assert gate.reached.wait(PATIENCE_SECONDS)
    second.open()
    end_leases(first.folder)
    second.look()
    assert second.engine.submit_again(local_id)
    second_id = second.run_to(local_id, S.PENDING, S.PROCESSING).task_id
    flush(second)
    gate.opened.set()
    first_id = first.run_to(local_id, S.PENDING, S.PROCESSING).task_id
    simulator.steer(first_id, progress=40)
    first.run_until(lambda: first.task(local_id).progress == 40)
    for _ in range(3):
        flush(first)
        first.look()
    assert first.task(local_id).task_id == first_id != second_id
    simulator.steer(first_id, status="completed")
    assert first.run_to(local_id, S.READY).task_id == first_id
