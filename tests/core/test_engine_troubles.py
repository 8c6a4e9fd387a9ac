# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen to a task that was accepted, and what a user may do meanwhile: it is never lost."""

from __future__ import annotations

import errno
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.files import library
from core.service.address import Connection
from core.service.contract import GenerationRequest
from core.tasks.engine import Engine
from core.tasks.journal import Row
from core.tasks.pacing import Pacing
from core.tasks.task import TaskState, new_task
from tests.engine_rig import Gate, Rig, creates_sent
from tests.loopback import PATIENCE_SECONDS, LoopbackServer, answering, reply, wait_for
from tests.simulator.configuration import OTHER_WORKSPACE_KEY
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import glb

S = TaskState
LONG = 600.0


@pytest.fixture
def rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Rig]:
    simulator.configure(seconds=0)
    rig = Rig(tmp_path / "data", simulator.url, simulator.key)
    yield rig
    assert rig.engine.stop()


def begin_running(rig: Rig, simulator: SimulatorProcess) -> str:
    """Return a task that the service is working on."""
    simulator.configure(seconds=LONG)
    local_id = rig.submit()
    rig.run_to(local_id, S.PENDING)
    return local_id


def only_at(part: str, hook: Callable[[str], None]) -> Callable[[str], None]:
    return lambda url: hook(url) if part in url else None


# ---- while it runs


@pytest.mark.parametrize("fault", ["poll-500-once", "poll-429"])
def test_a_poll_that_fails_is_repeated(rig: Rig, simulator: SimulatorProcess, fault: str) -> None:
    simulator.configure(faults=[fault])
    local_id = rig.submit()
    rig.run_to(local_id, S.READY)
    assert rig.task(local_id).error == ""
    assert len(simulator.creates()) == 1


@pytest.mark.parametrize("fault", ["poll-500", "poll-502-html", "poll-unreadable", "poll-missing-status"])
def test_polls_that_go_on_failing_get_rarer_and_lose_nothing(rig: Rig, simulator: SimulatorProcess, fault: str) -> None:
    simulator.configure(faults=[fault])
    local_id = rig.submit()
    rig.run_until(lambda: bool(rig.task(local_id).error))
    assert "The task goes on at the service." in rig.task(local_id).error
    rig.run_for(3600.0, turns=200)
    assert rig.task(local_id).state is S.PENDING
    assert 60 <= simulator.creates()[0]["polls"] <= 130
    simulator.configure(faults=[])
    rig.run_to(local_id, S.READY)


@pytest.mark.parametrize("fault", ["task-fails", "task-fails-string", "status-canceled", "status-expired"])
def test_a_task_that_the_service_fails_is_not_charged_and_says_why(
    rig: Rig, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.configure(faults=[fault])
    done = rig.run_to(rig.submit(), S.FAILED)
    assert done.error.startswith("The service could not make this model (")
    assert "You are not charged." in done.error
    assert done.settled_at is not None
    assert simulator.creates()[0]["released"]


def test_a_task_that_the_service_forgot_is_lost_but_can_be_asked_for_again(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    local_id = begin_running(rig, simulator)
    simulator.configure(faults=["record-expires"])
    done = rig.run_to(local_id, S.LOST)
    assert "no longer knows this task" in done.error
    simulator.configure(faults=[], seconds=0)
    simulator.steer(done.task_id, status="completed")
    assert rig.engine.resume(local_id)
    rig.run_to(local_id, S.READY)
    assert len(simulator.creates()) == 1


def test_a_mistyped_service_address_that_knows_nothing_at_all_loses_no_task(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    local_id = begin_running(rig, simulator)
    settings = rig.engine.settings
    with LoopbackServer(answering(reply(b"<html>", status="404 Not Found", headers="Connection: close\r\n"))) as other:
        rig.engine.settings = replace(settings, connection=Connection(other.url, simulator.key))
        rig.run_until(lambda: bool(rig.task(local_id).error))
    assert rig.task(local_id).state is S.PENDING
    assert "The task goes on at the service." in rig.task(local_id).error
    rig.engine.settings = settings
    simulator.steer(rig.task(local_id).task_id, status="completed")
    rig.run_to(local_id, S.READY)
    assert creates_sent(simulator) == 1


def test_a_key_of_another_workspace_stops_the_polls_but_loses_nothing(rig: Rig, simulator: SimulatorProcess) -> None:
    local_id = begin_running(rig, simulator)
    rig.use_key(OTHER_WORKSPACE_KEY)
    done = rig.run_to(local_id, S.STOPPED)
    assert "The task goes on at the service." in done.error
    rig.use_key(simulator.key)
    simulator.steer(done.task_id, status="completed")
    assert rig.engine.resume(local_id)
    rig.run_to(local_id, S.READY)


def test_a_completed_task_without_an_address_is_kept(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["completed-without-url"])
    local_id = rig.submit()
    assert "gave no address" in rig.run_to(local_id, S.STOPPED).error
    simulator.configure(faults=[])
    assert rig.engine.resume(local_id)
    rig.run_to(local_id, S.READY)


def test_a_create_that_is_answered_with_the_result_goes_straight_on(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["create-completed"])
    local_id = rig.submit()
    rig.run_to(local_id, S.READY)
    assert simulator.creates()[0]["polls"] == 0


# ---- what the user does meanwhile


def test_stopping_to_wait_holds_although_a_poll_brings_news(rig: Rig, simulator: SimulatorProcess) -> None:
    local_id = begin_running(rig, simulator)
    gate = Gate()
    rig.transport.before_get = gate
    rig.now += 10.0
    rig.turn()
    assert gate.reached.wait(PATIENCE_SECONDS)
    assert rig.engine.stop_waiting(local_id)
    simulator.steer(rig.task(local_id).task_id, status="completed")
    gate.opened.set()
    rig.settle()
    rig.run_for(LONG)
    assert rig.task(local_id).state is S.STOPPED
    assert simulator.requests("assets") == []
    assert rig.engine.resume(local_id)
    rig.run_to(local_id, S.READY)


def test_removing_while_sending_keeps_the_row_with_the_paid_task(rig: Rig, simulator: SimulatorProcess) -> None:
    gate = Gate()
    rig.transport.before_post = gate
    local_id = rig.submit()
    rig.turn()
    assert gate.reached.wait(PATIENCE_SECONDS)
    assert rig.engine.remove(local_id)
    assert rig.engine.records.get(local_id) is None
    gate.opened.set()
    rig.settle()
    row = rig.row(local_id)
    assert row is not None
    assert (row.removed, row.task_id) == (True, simulator.creates()[0]["id"])


def test_removing_before_sending_means_that_nothing_is_sent(rig: Rig, simulator: SimulatorProcess) -> None:
    gate = Gate()
    rig.transport.before_get = only_at("/v1/models", gate)
    local_id = rig.submit()
    rig.turn()
    assert gate.reached.wait(PATIENCE_SECONDS)
    assert rig.engine.remove(local_id)
    gate.opened.set()
    rig.settle()
    rig.run_for(60.0)
    assert creates_sent(simulator) == 0


def test_a_removed_task_does_not_come_back_by_a_scenes_copy(rig: Rig) -> None:
    local_id = rig.submit()
    done = rig.run_to(local_id, S.READY)
    rig.engine.remove(local_id)
    rig.engine.adopt([], [replace(done, revision=done.revision + 5)])
    assert rig.engine.records.get(local_id) is None
    wait_for(lambda: bool((row := rig.row(local_id)) and row.removed))


def test_while_blender_is_offline_nothing_is_begun(rig: Rig, simulator: SimulatorProcess) -> None:
    rig.engine.settings = replace(rig.engine.settings, may_connect=False)
    local_id = rig.submit()
    rig.run_for(3600.0)
    assert simulator.requests() == []
    assert rig.engine.is_busy
    rig.engine.settings = replace(rig.engine.settings, may_connect=True)
    rig.run_to(local_id, S.READY)


# ---- the download


@pytest.mark.parametrize("fault", ["asset-html", "asset-wrong-length"])
def test_a_result_that_is_no_model_is_kept_and_fetched_again_without_a_new_task(
    rig: Rig, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.configure(faults=[fault])
    prompt = "triangle.zip" if fault == "asset-wrong-length" else "a chair"
    local_id = rig.submit(prompt)
    done = rig.run_to(local_id, S.READY)
    assert "nothing is charged again" in done.error
    assert done.result_path == ""
    assert [path.name for path in rig.folder.rglob("original.*")] == ["original.bin"]
    simulator.configure(faults=[])
    assert rig.engine.resume(local_id)
    done = rig.run_to(local_id, S.READY)
    assert (done.error, Path(done.result_path).is_file()) == ("", True)
    assert creates_sent(simulator) == 1


def test_an_archive_that_is_damaged_is_kept_and_told(rig: Rig, simulator: SimulatorProcess, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.glb", glb() * 50)
    data = bytearray(buffer.getvalue())
    for position in range(60, 90):
        data[position] ^= 0xFF
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "broken.zip").write_bytes(data)
    simulator.configure(assets=assets)
    done = rig.run_to(rig.submit(), S.READY)
    assert done.error.startswith("The delivered archive is damaged")
    assert [path.name for path in rig.folder.rglob("original.*")] == ["original.zip"]


@pytest.mark.parametrize("status", [400, 403])
def test_an_address_that_expired_is_asked_for_afresh_once(rig: Rig, simulator: SimulatorProcess, status: int) -> None:
    simulator.configure(faults=[f"asset-{status}:1"])
    local_id = rig.submit()
    assert rig.run_to(local_id, S.READY).error == ""
    assert simulator.creates()[0]["polls"] == 2
    assert [entry["status"] for entry in simulator.requests("assets")] == [status, 200]


@pytest.mark.parametrize("fault", ["asset-truncated", "asset-500", "asset-400", "asset-404"])
def test_a_download_that_goes_on_failing_waits_for_the_user_and_keeps_the_task(
    rig: Rig, simulator: SimulatorProcess, fault: str
) -> None:
    rig.engine.pacing = Pacing(download_tries=2)
    simulator.configure(faults=[fault])
    local_id = rig.submit()
    rig.run_until(lambda: rig.task(local_id).state is S.DOWNLOADING and not rig.engine.is_busy)
    asked = len(simulator.requests("assets"))
    rig.run_for(3600.0)
    assert len(simulator.requests("assets")) == asked
    done = rig.task(local_id)
    assert done.state is S.DOWNLOADING
    assert re.fullmatch(
        r"The model could not be fetched after several tries \([A-Z][^()]+[^.]\)\. "
        r"It is safe at the service, and nothing is charged again\. Try again\.",
        done.error,
    )
    simulator.configure(faults=[])
    assert rig.engine.resume(local_id)
    rig.run_to(local_id, S.READY)
    assert creates_sent(simulator) == 1


def test_with_online_access_off_a_model_on_another_machine_is_not_fetched(rig: Rig) -> None:
    rig.engine.settings = replace(rig.engine.settings, is_online=False)
    task = replace(
        new_task(GenerationRequest(prompt="found"), "scene-1"),
        state=S.DOWNLOADING,
        task_id="ldtask_1",
        asset_urls={"model": "https://files.example.com/a.glb"},
    )
    rig.engine.adopt([Row(task, is_ours=True)], [task])
    rig.run_until(lambda: bool(rig.task(task.local_id).error))
    assert rig.task(task.local_id).state is S.DOWNLOADING
    assert "Online access is off in Blender" in rig.task(task.local_id).error
    rig.settle()


def test_a_full_disk_at_the_last_step_is_told_and_can_be_tried_again(
    rig: Rig, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def forget(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(library, "write_atomically", forget)
        local_id = rig.submit()
        done = rig.run_to(local_id, S.READY)
    assert "No space left on device" in done.error
    with monkeypatch.context() as broken:
        broken.setattr("core.files.partial.os.fsync", full)
        assert rig.engine.resume(local_id)
        rig.run_until(lambda: "No space left on device" in rig.task(local_id).error)
    rig.run_to(local_id, S.READY)
    assert rig.task(local_id).error == ""
    assert creates_sent(simulator) == 1


def test_no_more_downloads_run_at_a_time_than_are_allowed(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["asset-never-answers"])
    rig.engine.settings = replace(rig.engine.settings, max_downloads=2)
    local_ids = [rig.submit(f"a chair with {legs} legs") for legs in range(4)]

    def tick() -> bool:
        rig.turn()
        rig.now += 1.0
        return all(rig.task(local_id).state is S.DOWNLOADING for local_id in local_ids)

    def downloads() -> int:
        return sum(rig.engine._schedule.in_flight(local_id) for local_id in local_ids)

    wait_for(tick)
    # The poll that has found out that a model is there may still be under way.
    wait_for(lambda: tick() and downloads() == 2 and len(simulator.requests("assets")) == 2)
    for _ in range(20):
        tick()
    assert downloads() == 2 and len(simulator.requests("assets")) == 2


def test_stopping_to_wait_during_a_download_holds(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["asset-slow"])
    local_id = rig.submit()
    rig.run_until(lambda: bool(simulator.requests("assets")))
    assert rig.engine.stop_waiting(local_id)
    rig.settle()
    assert rig.task(local_id).state is S.STOPPED
    simulator.configure(faults=[])
    assert rig.engine.resume(local_id)
    rig.run_to(local_id, S.READY)


@pytest.mark.parametrize("leave", [Engine.stop_waiting, Engine.remove])
def test_a_download_that_nobody_waits_for_any_more_is_ended(
    rig: Rig, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch, leave: Callable[[Engine, str], bool]
) -> None:
    monkeypatch.setattr("core.service.transport._CHUNK", 1)
    simulator.configure(faults=["asset-drips"])
    local_id = rig.submit()
    rig.run_until(lambda: bool(simulator.requests("assets")))
    assert leave(rig.engine, local_id)
    rig.settle()
    assert len(simulator.requests("assets")) == 1


def test_the_host_of_the_files_never_sees_the_key(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["asset-redirect", "foreign-poll-url"])
    rig.run_to(rig.submit(), S.READY)
    assert simulator.requests("assets")
    assert simulator.key not in str(simulator.requests("assets"))
