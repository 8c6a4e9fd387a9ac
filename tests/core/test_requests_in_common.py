# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What many tasks share on their way to the service: a budget, a service that is down, a billing id that comes late."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.service.contract import GenerationRequest
from core.tasks.journal import Row
from core.tasks.pacing import REQUESTS_PER_MINUTE, Pacing
from core.tasks.task import Task, TaskState, new_task
from tests.engine_rig import Rig, creates_sent
from tests.loopback import PATIENCE_SECONDS
from tests.simulator.process import SimulatorProcess

S = TaskState


@pytest.fixture
def rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path / "data", simulator.url, simulator.key, max_concurrent_tasks=100)
    yield rig
    rig.engine.stop()


def asked(simulator: SimulatorProcess) -> int:
    return len(simulator.requests("api"))


def resumed(rig: Rig, count: int) -> list[Task]:
    """Tasks of an earlier session that are still running."""
    request = GenerationRequest(prompt="chair")
    tasks = [
        replace(new_task(request, "scene-1"), state=S.PROCESSING, task_id=f"ldtask_{number}", submitted_at=time.time())
        for number in range(count)
    ]
    rig.engine.adopt([Row(task, is_ours=True) for task in tasks], [])
    return tasks


# ---- the budget


def test_tasks_that_are_all_resumed_at_once_are_not_all_asked_about_at_once(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    tasks = resumed(rig, 300)
    rig.run_for(0.5, turns=5)
    assert asked(simulator) < 10
    rig.run_for(59.0, turns=590)
    assert 80 <= asked(simulator) <= REQUESTS_PER_MINUTE
    rig.run_for(200.0, turns=2000)
    assert all(rig.task(task.local_id).state is S.LOST for task in tasks), "the simulator knows none of them"


def test_what_is_asked_for_now_goes_before_what_is_asked_about_again_and_again(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    resumed(rig, 90)
    rig.run_for(5.0, turns=50)
    local_id = rig.submit()
    rig.run_for(3.0, turns=30)
    assert rig.task(local_id).task_id
    assert creates_sent(simulator) == 1


# ---- a service that is down


def test_while_the_service_is_down_queued_tasks_wait_and_are_sent_once_when_it_is_back(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    local_id = rig.submit("a vase")
    rig.run_to(local_id, S.READY)
    simulator.configure(faults=["create-500"])
    uncertain = [rig.submit(f"vase {number}") for number in range(3)]
    for one in uncertain:
        rig.run_to(one, S.UNCERTAIN)
    assert rig.engine._schedule.breaker.is_open
    sent = creates_sent(simulator)
    simulator.configure(faults=["models-500"])
    waiting = [rig.submit(f"chair {number}") for number in range(4)]
    rig.run_for(60.0, turns=120)
    assert {rig.task(one).state for one in waiting} == {S.QUEUED}
    assert creates_sent(simulator) == sent
    assert any("does not answer" in rig.task(one).error for one in waiting)
    simulator.configure(faults=[])
    for one in waiting:
        assert rig.run_to(one, S.READY).error == ""
    assert creates_sent(simulator) == sent + 4


def test_a_service_that_stays_down_ends_a_queued_task_uncharged(rig: Rig, simulator: SimulatorProcess) -> None:
    rig.engine.pacing = Pacing(submit_tries=3)
    simulator.configure(faults=["create-500"])
    for number in range(3):
        rig.run_to(rig.submit(f"vase {number}"), S.UNCERTAIN)
    sent = creates_sent(simulator)
    simulator.configure(faults=["models-500"])
    failed = rig.run_to(rig.submit(), S.FAILED)
    assert "Nothing was charged" in failed.error
    assert creates_sent(simulator) == sent


# ---- a billing id that comes late


def test_a_billing_id_that_comes_late_is_asked_for_while_the_model_goes_on(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    simulator.configure(faults=["late-billing"])
    local_id = rig.submit()
    done = rig.run_to(local_id, S.READY)
    assert done.billing_transaction_id == ""
    polls = simulator.creates()[0]["polls"]
    rig.run_for(120.0, turns=120)
    known = rig.task(local_id)
    assert known.billing_transaction_id.startswith("billtxn_")
    assert known.state is S.READY
    assert simulator.creates()[0]["polls"] - polls <= 3
    facts = json.loads((Path(known.result_path).parent / "task.json").read_text())
    assert facts["billing_transaction_id"] == known.billing_transaction_id
    rig.engine._journal.load().result(PATIENCE_SECONDS)
    row = rig.row(local_id)
    assert row is not None and row.billing_transaction_id == known.billing_transaction_id
    assert not rig.engine.is_busy


def test_a_billing_id_that_never_comes_is_asked_for_three_times_within_two_minutes(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    simulator.configure(faults=["never-billing"])
    rig.run_to(rig.submit(), S.READY)
    polls = simulator.creates()[0]["polls"]
    rig.run_for(120.0, turns=120)
    assert simulator.creates()[0]["polls"] - polls == 3
    assert not rig.engine.is_busy
    rig.run_for(3600.0)
    assert simulator.creates()[0]["polls"] - polls == 3


def test_a_billing_id_that_comes_with_a_fresh_address_is_kept(rig: Rig, simulator: SimulatorProcess) -> None:
    rig.engine.pacing = Pacing(billing=())
    simulator.configure(faults=["asset-403-once"])
    done = rig.run_to(rig.submit(), S.READY)
    assert done.billing_transaction_id.startswith("billtxn_")


def test_of_a_task_that_was_removed_no_billing_id_is_asked_for(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["never-billing"])
    local_id = rig.submit()
    rig.run_to(local_id, S.READY)
    assert rig.engine.remove(local_id)
    polls = simulator.creates()[0]["polls"]
    rig.run_for(120.0, turns=120)
    assert simulator.creates()[0]["polls"] == polls
    assert not rig.engine.is_busy


def test_without_the_way_to_the_service_no_billing_id_is_waited_for(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["never-billing"])
    rig.run_to(rig.submit(), S.READY)
    rig.engine.settings = replace(rig.engine.settings, may_connect=False)
    rig.run_for(1.0)
    assert not rig.engine.is_busy
