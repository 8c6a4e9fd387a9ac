# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task with an image URL: the picture is looked at before anything is sent, and holds up nothing else."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.tasks.pacing import Budget
from core.tasks.schedule import MAX_LOOKS
from core.tasks.task import TaskState, to_scene_text
from tests.engine_rig import Gate, Rig, creates_sent
from tests.loopback import PATIENCE_SECONDS, refused_port, wait_for
from tests.simulator.process import SimulatorProcess
from tests.tiny_pictures import png

S = TaskState


@pytest.fixture
def rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Rig]:
    simulator.configure(seconds=0)
    rig = Rig(tmp_path / "data", simulator.url, simulator.key)
    yield rig
    assert rig.engine.stop()


def looks(simulator: SimulatorProcess) -> list[dict[str, object]]:
    return [entry for entry in simulator.requests("assets") if entry["path"].startswith("/pictures/")]


def test_a_picture_is_looked_at_before_the_request_is_sent_and_then_nothing_is_to_be_said(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    rows: list[S] = []

    def look_at_row(_url: str) -> None:
        assert creates_sent(simulator) == 0
        row = rig.row(local_id)
        assert row is not None
        rows.append(row.state)

    rig.transport.before_peek = look_at_row
    url = simulator.picture_url
    local_id = rig.submit(image_url=url)
    done = rig.run_to(local_id, S.READY, S.FAILED)
    assert (done.state, done.note, done.error) == (S.READY, "", "")
    assert rows == [S.QUEUED], "not a byte of the request was to be sent yet"
    assert simulator.creates()[0]["request"]["image_url"] == url
    (look,) = looks(simulator)
    assert "Authorization" not in look["headers"] and look["headers"]["Range"] == "bytes=0-0"  # type: ignore[index,operator]  # JSON
    assert simulator.key not in json.dumps(simulator.requests("assets"))


@pytest.mark.parametrize(
    ("fault", "words"),
    [("picture-404", "There is nothing at the image URL"), ("picture-html", "There is a web page at the image URL")],
)
def test_what_is_no_picture_ends_the_task_and_nothing_was_sent(
    rig: Rig, simulator: SimulatorProcess, fault: str, words: str
) -> None:
    simulator.configure(faults=[fault])
    done = rig.run_to(rig.submit(image_url=simulator.picture_url), S.FAILED, S.READY)
    assert (done.state, creates_sent(simulator), simulator.creates()) == (S.FAILED, 0, [])
    assert words in done.error and "Nothing was sent or charged." in done.error
    assert "pictures" not in done.error and "://" not in done.error
    assert S.SUBMITTING not in rig.states(done.local_id)
    assert not rig.engine._schedule.breaker.is_open
    rig.run_for(3600.0)
    assert len(looks(simulator)) == 1, "it is not asked for again"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("picture-403", "its host does not show it to everybody"),
        ("picture-reset", "its host gave no clear answer in time"),
        ("picture-redirect-loop", "its host sends from one address to the next"),
        ("picture-untyped", "its host does not say that it is a picture"),
    ],
)
def test_a_doubt_becomes_a_note_and_the_request_goes_on(
    rig: Rig, simulator: SimulatorProcess, fault: str, words: str
) -> None:
    simulator.configure(faults=[fault])
    done = rig.run_to(rig.submit(image_url=simulator.picture_url), S.FAILED, S.READY)
    assert (done.state, done.error, creates_sent(simulator)) == (S.READY, "", 1)
    assert done.note == f"Sent with an image URL that may not work: {words}."
    assert done.note in to_scene_text(done), "who opens the file reads it too"


def test_a_doubt_is_said_beside_what_else_there_is_to_say(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["picture-403"])
    local_id = rig.submit(image_url=simulator.picture_url, model="hyper3d-gen2", seed=4)
    note = rig.run_to(local_id, S.READY, S.FAILED).note
    assert "Sent without seed, which hyper3d-gen2 does not list. Sent with an image URL that may not work" in note


def test_a_request_that_is_put_off_says_its_doubt_once(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["picture-403", "create-429"])
    done = rig.run_to(rig.submit(image_url=simulator.picture_url), S.READY, S.FAILED)
    assert (done.state, done.note.count("may not work")) == (S.READY, 1)


def test_a_host_that_is_down_is_a_doubt_and_not_the_service(
    rig: Rig, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    # The simulator takes no other address of this machine, so it gets a name.
    find = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest: find("127.0.0.1" if host == "down.example.com" else host, *rest)
    )
    dead = f"http://down.example.com:{refused_port()}/cat.png"
    tasks = [rig.run_to(rig.submit(f"cat {number}", image_url=dead), S.READY, S.FAILED) for number in range(4)]
    assert {task.state for task in tasks} == {S.READY}
    assert "its host could not be reached (no connection)" in tasks[0].note
    assert not rig.engine._schedule.breaker.is_open


@pytest.mark.parametrize("url", ["http://10.0.0.1/cat.png", "https://me:secret@example.com/cat.png", "ftp://a.b/c.png"])
def test_an_address_out_of_somebody_elses_file_is_not_opened(
    rig: Rig, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr("core.tasks.jobs.is_loopback", lambda _url: False)  # As if the service were out there.
    rig.transport.before_peek = pytest.fail
    done = rig.run_to(rig.submit(image_url=url), S.FAILED, S.READY)
    assert (done.state, creates_sent(simulator)) == (S.FAILED, 0)
    assert "Nothing was sent or charged." in done.error and "secret" not in done.error


def test_a_model_that_takes_no_picture_says_so_without_a_look(rig: Rig, simulator: SimulatorProcess) -> None:
    done = rig.run_to(rig.submit(image_url=simulator.picture_url, model="tripo-p1.0"), S.FAILED, S.READY)
    assert "takes text only" in done.error
    assert looks(simulator) == []


def test_a_picture_of_ones_own_goes_before_an_address_which_is_not_looked_at(
    rig: Rig, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "cat.png").write_bytes(png())
    path = str(tmp_path / "cat.png")
    rig.run_to(rig.submit(image_url=simulator.picture_url, image_name="cat.png", picture_path=path), S.READY)
    assert looks(simulator) == []


def test_with_online_access_off_a_picture_elsewhere_is_not_looked_at(rig: Rig, simulator: SimulatorProcess) -> None:
    rig.engine.settings = replace(rig.engine.settings, is_online=False)
    rig.transport.before_peek = pytest.fail
    # The service here takes it: nothing is fetched by the simulator.
    done = rig.run_to(rig.submit(image_url="https://example.com/cat.png"), S.READY, S.FAILED)
    assert (done.state, creates_sent(simulator)) == (S.READY, 1)
    assert "online access is off, so it was not looked at" in done.note


def test_the_look_costs_nothing_of_the_budget_for_the_service(
    rig: Rig, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    take, spend = Budget.take, Budget.spend

    def counted_take(self: Budget, now: float) -> bool:
        taken.extend([now] if (may := take(self, now)) else [])
        return may

    def counted_spend(self: Budget) -> None:
        taken.append(0.0)
        spend(self)

    monkeypatch.setattr(Budget, "take", counted_take)
    monkeypatch.setattr(Budget, "spend", counted_spend)
    rig.run_to(rig.submit(image_url=simulator.picture_url), S.READY)
    assert len(looks(simulator)) == 1
    assert len(taken) == len(simulator.requests("api")) > 1


# ---- while it is looked at


def test_a_task_that_is_removed_during_the_look_is_not_sent(rig: Rig, simulator: SimulatorProcess) -> None:
    local_id = rig.submit(image_url=simulator.picture_url)

    def remove(_url: str) -> None:
        rig.engine.remove(local_id)

    rig.transport.before_peek = remove
    rig.run_until(lambda: rig.is_at_rest() and bool(looks(simulator)))
    assert creates_sent(simulator) == 0


def test_a_stop_during_the_look_leaves_the_task_queued_and_unsent(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["picture-never-answers"])
    local_id = rig.submit(image_url=simulator.picture_url)
    rig.turn()
    wait_for(lambda: bool(looks(simulator)))
    assert rig.engine.stop()
    row = rig.row(local_id)
    assert row is not None
    assert (row.state, row.error, creates_sent(simulator)) == (S.QUEUED, "", 0)


def test_hosts_that_say_nothing_hold_up_nobody_else(rig: Rig, simulator: SimulatorProcess) -> None:
    gate = Gate()
    rig.transport.before_peek = gate
    url = simulator.picture_url
    held = [rig.submit(f"cat {number}", image_url=url) for number in range(6)]
    rig.turn()
    assert gate.reached.wait(PATIENCE_SECONDS)
    other = rig.submit("a chair")

    def turn_until_ready() -> bool:
        rig.turn()
        rig.now += 1.0
        return rig.task(other).state is S.READY

    wait_for(turn_until_ready)
    in_flight = [local_id for local_id in held if rig.engine._schedule.in_flight(local_id)]
    assert len(in_flight) == MAX_LOOKS
    assert {rig.task(local_id).state for local_id in held} == {S.QUEUED}
    gate.opened.set()
    rig.run_until(lambda: all(rig.task(local_id).state is S.READY for local_id in held))
    assert len(simulator.creates()) == 7
