# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""“Try Again” for a model that did not come from where it was said to be: the service is asked where else it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.service.address import Connection
from core.tasks.task import TaskState
from tests.engine_rig import LATE_BILLS, Rig, asset_requests, creates_sent
from tests.loopback import LoopbackServer, answering, refused_port, reply
from tests.simulator.process import SimulatorProcess

S = TaskState
TWO_TRIES = replace(LATE_BILLS, download_tries=2)


@pytest.fixture
def rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Rig]:
    simulator.configure(seconds=0)
    rig = Rig(tmp_path, simulator.url, simulator.key, pacing=TWO_TRIES)
    yield rig
    assert rig.engine.stop()


def said_to_be_at(rig: Rig, url: str) -> str:
    """Return a task that is completed, and whose model is said to be at `url`; its download has begun."""
    local_id = rig.submit()
    done = rig.run_to(local_id, S.READY)
    Path(done.result_path).unlink()
    rig.engine.records.change(local_id, result_path="", asset_urls={"model": url})
    assert rig.engine.resume(local_id)
    return local_id


def give_up(rig: Rig, local_id: str) -> None:
    rig.run_until(lambda: rig.task(local_id).state is S.DOWNLOADING and not rig.engine.is_working_on(local_id))
    assert "after several tries" in rig.task(local_id).error


def assert_fetched(rig: Rig, local_id: str, simulator: SimulatorProcess) -> None:
    done = rig.run_to(local_id, S.READY)
    assert (done.error, Path(done.result_path).is_file()) == ("", True)
    assert creates_sent(simulator) == 1


def test_a_host_that_is_gone_is_not_tried_for_ever(rig: Rig, simulator: SimulatorProcess) -> None:
    local_id = said_to_be_at(rig, f"http://127.0.0.1:{refused_port()}/a.glb")
    give_up(rig, local_id)
    assert rig.engine.resume(local_id)
    assert_fetched(rig, local_id, simulator)


def test_an_address_that_has_become_a_page_is_not_tried_for_ever(rig: Rig, simulator: SimulatorProcess) -> None:
    with LoopbackServer(answering(reply(b"<!DOCTYPE html><html>Welcome</html>"))) as server:
        local_id = said_to_be_at(rig, f"{server.url}/a.glb")
        rig.run_to(local_id, S.READY)
        assert "not a 3D model" in rig.task(local_id).error
        assert rig.engine.resume(local_id)
        assert_fetched(rig, local_id, simulator)


def test_while_the_service_is_away_too_the_task_waits_for_the_user(rig: Rig, simulator: SimulatorProcess) -> None:
    local_id = said_to_be_at(rig, f"http://127.0.0.1:{refused_port()}/a.glb")
    give_up(rig, local_id)
    settings = rig.engine.settings
    rig.engine.settings = replace(settings, connection=Connection(f"http://127.0.0.1:{refused_port()}", simulator.key))
    assert rig.engine.resume(local_id)
    give_up(rig, local_id)
    rig.engine.settings = settings
    assert rig.engine.resume(local_id)
    assert_fetched(rig, local_id, simulator)


def test_a_model_whose_host_is_back_is_fetched_though_the_service_has_forgotten_the_task(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    simulator.configure(faults=["asset-500"])
    local_id = rig.submit()
    give_up(rig, local_id)
    simulator.configure(faults=["record-expires"])
    assert rig.engine.resume(local_id)
    assert_fetched(rig, local_id, simulator)


def test_a_model_that_was_deleted_here_is_fetched_from_where_it_came_from(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    local_id = rig.submit()
    Path(rig.run_to(local_id, S.READY).result_path).unlink()
    polls = simulator.creates()[0]["polls"]
    assert rig.engine.resume(local_id)
    assert_fetched(rig, local_id, simulator)
    assert (simulator.creates()[0]["polls"], asset_requests(simulator)) == (polls, 2)
