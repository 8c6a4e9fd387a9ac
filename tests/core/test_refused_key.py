# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks are asked about again when there is another key, and when there is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.service.address import Connection
from core.tasks.records import ServiceSeen, ServiceState
from core.tasks.refused_key import ask_again, may_know_more
from core.tasks.task import TaskState
from tests.engine_rig import Rig
from tests.loopback import LoopbackServer, answering, reply
from tests.simulator.process import SimulatorProcess

S = TaskState
HERE, ELSEWHERE = "https://service.invalid", "https://elsewhere.invalid"


@pytest.fixture
def rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Rig]:
    simulator.configure(seconds=1000.0)
    rig = Rig(tmp_path, simulator.url, simulator.key)
    yield rig
    assert rig.engine.stop()


@pytest.mark.parametrize(
    ("now", "is_another"),
    [
        (Connection(HERE, "sk-two"), True),
        (Connection(HERE, "sk-one"), False),
        (Connection(HERE, ""), False),
        (Connection("https://other.invalid", "sk-two"), False),
    ],
    ids=["another key", "the same", "none", "another service"],
)
def test_only_another_key_of_the_same_service_is_one_to_ask_with(now: Connection, is_another: bool) -> None:
    assert may_know_more(Connection(HERE, "sk-one"), now) is is_another


@pytest.mark.parametrize(
    ("seen", "is_another"),
    [
        (ServiceSeen(ServiceState.KEY_REFUSED, Connection(ELSEWHERE, "sk-one")), True),
        (ServiceSeen(ServiceState.ANSWERS, Connection(ELSEWHERE, "sk-one")), False),
        (ServiceSeen(ServiceState.KEY_REFUSED, Connection(HERE, "sk-one")), False),
        (None, False),
    ],
    ids=["refused there", "taken there", "refused before that", "nothing known"],
)
def test_an_address_that_takes_the_place_of_one_where_the_key_was_refused_is_asked(
    seen: ServiceSeen | None, is_another: bool
) -> None:
    assert may_know_more(Connection(ELSEWHERE, "sk-one"), Connection(HERE, "sk-one"), seen) is is_another
    assert not may_know_more(Connection(ELSEWHERE, "sk-one"), Connection(HERE, ""), seen)


def test_a_server_that_knows_nothing_at_all_loses_no_model_that_is_to_be_fetched(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    rig.engine.pacing = replace(rig.engine.pacing, download_tries=2)
    simulator.configure(seconds=0.0, faults=["asset-403"])
    local_id = rig.submit("a fox")
    rig.run_to(local_id, S.DOWNLOADING)
    settings = rig.engine.settings
    with LoopbackServer(answering(reply(b"<html>", status="404 Not Found", headers="Connection: close\r\n"))) as other:
        rig.engine.settings = replace(settings, connection=Connection(other.url, simulator.key))
        rig.run_until(lambda: not rig.engine.has_tasks)
    assert rig.task(local_id).state is S.DOWNLOADING and rig.task(local_id).error
    simulator.configure(faults=[])
    rig.engine.settings = settings
    assert rig.engine.resume(local_id)
    rig.run_to(local_id, S.READY)
    assert len(simulator.creates()) == 1


def test_what_was_refused_is_asked_about_once_for_each_key_and_what_the_user_stopped_is_not(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    refused, stopped = rig.submit("a fox"), rig.submit("a hen")
    rig.run_until(lambda: bool(rig.task(refused).task_id and rig.task(stopped).task_id))
    assert rig.engine.stop_waiting(stopped)
    for key in ("sk-mistyped", "sk-mistyped-again"):
        rig.use_key(key)
        ask_again(rig.engine)
        assert rig.run_to(refused, S.STOPPED).error
    simulator.steer(rig.task(refused).task_id, seconds=0.0)
    rig.use_key(simulator.key)
    assert ask_again(rig.engine) == [refused]
    assert rig.run_to(refused, S.READY).error == ""
    assert rig.task(stopped).state is S.STOPPED
    assert len(simulator.creates()) == 2


def test_a_model_whose_fresh_address_was_refused_for_the_key_is_fetched_with_another(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    rig.engine.pacing = replace(rig.engine.pacing, download_tries=2)
    simulator.configure(seconds=0.0, faults=["asset-403"])
    local_id = rig.submit("a fox")
    rig.run_to(local_id, S.DOWNLOADING)
    rig.use_key("sk-mistyped")
    rig.run_until(lambda: not rig.engine.has_tasks)
    assert rig.task(local_id).error
    simulator.configure(faults=[])
    rig.use_key(simulator.key)
    assert ask_again(rig.engine) == [local_id]
    assert rig.run_to(local_id, S.READY).error == ""
    assert ask_again(rig.engine) == []
    assert len(simulator.creates()) == 1
