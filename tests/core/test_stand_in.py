# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Without a key a stand-in inside this process makes the model: no socket, no service, nothing that costs money."""

from __future__ import annotations

import json
import math
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from core.files import checks, library, trial_models
from core.files.formats import ModelFormat, sniff
from core.service import stand_in
from core.service.contract import GenerationRequest, RemoteStatus
from core.service.transport import Transport
from core.tasks.pacing import Breaker
from core.tasks.records import TaskChanged
from core.tasks.task import Task, TaskState, from_text, new_task, to_scene_text
from tests.engine_rig import Blender, Rig, creates_sent, end_leases, flush
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import png

PROMPT = "a robot that waters the plants"
Triangle = tuple[tuple[float, ...], ...]


class NoService(Rig):
    """A rig without a key and without a way to anybody, which notes whether one was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "https://service.invalid", "")
        self.engine.settings = replace(self.engine.settings, may_connect=False, is_online=False)
        self.asked: list[str] = []
        self.engine._transport._make = self._no_transport

    def _no_transport(self, user_agent: str) -> Transport:
        self.asked.append(user_agent)
        raise AssertionError("somebody wants to talk to the service")


@pytest.fixture
def no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody opens a socket, nor asks for the address of a host."""

    def refuse(*_args: object, **_options: object) -> NoReturn:
        raise AssertionError("a socket was wanted")

    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.fixture
def rig(tmp_path: Path, no_socket: None) -> Iterator[NoService]:
    rig = NoService(tmp_path / "data")
    yield rig
    assert rig.engine.stop()
    assert rig.asked == []


def submit(rig: Rig, prompt: str = PROMPT, **fields: Any) -> str:
    return rig.submit(prompt, model=stand_in.MODEL, **fields)


def progress_of(rig: Rig, local_id: str) -> list[int | None]:
    changes = [event.task for event in rig.events if isinstance(event, TaskChanged)]
    return [task.progress for task in changes if task.local_id == local_id and task.state is TaskState.PROCESSING]


# ---- the models


def triangles(data: bytes) -> Iterator[tuple[Triangle, Triangle]]:
    """Read a GLB again: the corners and the normals of each triangle."""
    length = struct.unpack_from("<I", data, 12)[0]
    document, binary = json.loads(data[20 : 20 + length]), data[20 + length + 8 :]

    def read(accessor: int, layout: str) -> list[Any]:
        described = document["accessors"][accessor]
        start = document["bufferViews"][described["bufferView"]]["byteOffset"]
        size = struct.calcsize(layout)
        return [struct.unpack_from(layout, binary, start + size * index) for index in range(described["count"])]

    for primitive in document["meshes"][0]["primitives"]:
        points, normals = (read(primitive["attributes"][name], "<3f") for name in ("POSITION", "NORMAL"))
        indices = [index for (index,) in read(primitive["indices"], "<H")]
        for at in range(0, len(indices), 3):
            corners = indices[at : at + 3]
            yield tuple(points[index] for index in corners), tuple(normals[index] for index in corners)


def cross(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, float, float]:
    (ax, ay, az), (bx, by, bz) = one, other
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


@pytest.mark.parametrize("prompt", ["a robot", "ein Tree", "椅子", "a little house"])
def test_each_model_is_whole_stands_on_the_ground_and_is_closed_with_its_faces_to_the_outside(
    tmp_path: Path, prompt: str
) -> None:
    path = tmp_path / "model.glb"
    path.write_bytes(trial_models.make(prompt))
    assert sniff(path) is ModelFormat.GLB
    checks.check(path, ModelFormat.GLB)
    edges: Counter[tuple[Any, Any]] = Counter()
    volume, lowest, highest = 0.0, math.inf, -math.inf
    for corners, normals in triangles(path.read_bytes()):
        a, b, c = corners
        across = cross(tuple(q - p for p, q in zip(a, b, strict=True)), tuple(q - p for p, q in zip(a, c, strict=True)))
        volume += sum(p * q for p, q in zip(a, cross(b, c), strict=True)) / 6
        edges.update(((a, b), (b, c), (c, a)))
        lowest, highest = min(lowest, *(y for _, y, _ in corners)), max(highest, *(y for _, y, _ in corners))
        assert all(sum(p * q for p, q in zip(across, normal, strict=True)) > 0 for normal in normals)
    assert all(count == edges[end, start] for (start, end), count in edges.items())
    assert volume > 0
    assert lowest == pytest.approx(0.0)
    assert 0.5 < highest < 2.0


def test_the_prompt_chooses_the_model_and_the_seed_its_color() -> None:
    assert [trial_models.name_of(prompt) for prompt in ("An Old TREE", "a wooden chair", "机器人")] == [
        "Tree",
        "Chair",
        "Robot",
    ]
    assert {trial_models.name_of(f"thing number {number}") for number in range(60)} == {
        "Robot",
        "Tree",
        "Chair",
        "House",
    }
    assert trial_models.make("a chair", 7) == trial_models.make("a chair", 7)
    assert len({trial_models.make("a chair", seed) for seed in range(20)}) > 3


# ---- its answers


def test_the_stand_in_answers_like_the_service_and_takes_its_time_by_the_clock_that_it_is_given() -> None:
    now = [100.0]
    service = stand_in.StandIn(lambda: now[0])
    created = service.create({"prompt": PROMPT})
    assert stand_in.is_task_id(created.task_id)
    assert created.task_id != service.create({"prompt": PROMPT}).task_id
    seen = []
    while (reply := service.status(created.task_id)).status is RemoteStatus.PROCESSING:
        seen.append(reply.progress)
        now[0] += 1.0
    assert seen == [0, 12, 25, 37, 50, 62, 75, 87]
    assert reply.status is RemoteStatus.COMPLETED
    assert reply.billing_transaction_id == ""
    assert service.status("tokenlab3d-trial-of-an-earlier-session").progress == 0


# ---- a whole task


def test_a_task_goes_the_whole_way_with_no_key_no_network_and_no_socket(rig: NoService) -> None:
    local_id = submit(rig)
    done = rig.run_to(local_id, TaskState.READY)
    assert rig.states(local_id) == [
        TaskState.QUEUED,
        TaskState.SUBMITTING,
        TaskState.PENDING,
        TaskState.PROCESSING,
        TaskState.DOWNLOADING,
        TaskState.READY,
    ]
    progress = progress_of(rig, local_id)
    assert progress == sorted(progress, key=lambda value: value or 0)
    assert len(set(progress)) > 3
    assert (done.error, done.note, done.result_format, done.billing_transaction_id) == ("", "", "GLB", "")
    assert done.is_stand_in
    model = Path(done.result_path)
    assert model.read_bytes() == trial_models.make(PROMPT)
    provenance = json.loads((model.parent / "task.json").read_text(encoding="utf-8"))
    assert (provenance["is_trial"], provenance["model"]) == (True, "try-without-key")
    assert not rig.engine._bills
    assert not (rig.folder / "models.json").exists()


def test_what_it_does_not_make_is_said_of_tokenlab_3d_and_not_of_a_service(rig: NoService) -> None:
    done = rig.run_to(submit(rig, format="FBX", quality="HIGH"), TaskState.READY)
    assert done.note == (
        "Made without quality, which try-without-key does not list. TokenLab 3D delivered GLB instead of FBX."
    )


def test_a_picture_is_taken_and_goes_nowhere(rig: NoService, tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(png())
    done = rig.run_to(submit(rig, picture_path=str(picture), image_name="cat.png"), TaskState.READY)
    assert (done.error, done.note) == ("", "")
    assert Path(done.picture_path).parent == Path(done.result_path).parent


def test_the_host_of_an_image_url_is_not_asked_either(rig: NoService) -> None:
    done = rig.run_to(submit(rig, image_url="https://pictures.invalid/cat.png"), TaskState.FAILED)
    assert done.error == (
        "try-without-key takes no image URL. Nothing was sent or charged. Choose an image file, or another model."
    )


def test_a_full_disk_is_said_without_a_word_of_a_service(rig: NoService, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(library, "write_atomically", full)
        local_id = submit(rig)
        rig.run_until(lambda: rig.task(local_id).state is TaskState.DOWNLOADING)
        rig.run_until(lambda: not rig.engine.is_working_on(local_id))
    assert rig.task(local_id).error == (
        "The trial model could not be written to the data folder (No space left on device). Nothing is charged. "
        "Make room or choose another folder, then try again."
    )
    assert rig.engine.resume(local_id)
    assert rig.run_to(local_id, TaskState.READY).error == ""


def test_the_same_may_be_tried_again_at_once(rig: NoService) -> None:
    local_id = submit(rig)
    assert rig.engine.recent_duplicate(rig.task(local_id).request, "") is None


# ---- beside the service


@pytest.mark.parametrize("by", ["its model", "its id"])
def test_a_task_is_the_stand_ins_by_its_model_or_its_id_whatever_a_file_says_of_the_other(by: str) -> None:
    request = GenerationRequest(prompt=PROMPT, model=stand_in.MODEL if by == "its model" else "tripo-h3.1")
    task = replace(new_task(request, "scene-1"), task_id="tokenlab3d-trial-1" if by == "its id" else "ldtask_1")
    read = from_text(to_scene_text(task), scene_id="scene-1")
    assert read is not None
    assert read.is_stand_in
    assert not new_task(GenerationRequest(prompt=PROMPT), "scene-1").is_stand_in


def test_with_a_key_and_a_service_it_still_asks_neither_and_takes_no_place_of_a_real_task(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(seconds=0)
    rig = Rig(tmp_path, simulator.url, simulator.key, max_concurrent_tasks=1)
    trials = [submit(rig, f"{PROMPT} {number}") for number in range(3)]
    real = rig.submit("a real model")
    rig.run_until(lambda: all(rig.task(local_id).state is TaskState.READY for local_id in (real, *trials)))
    assert creates_sent(simulator) == 1
    assert "waters the plants" not in json.dumps(simulator.requests())
    assert "try-without-key" not in json.dumps(simulator.requests())
    assert rig.engine.stop()


def test_a_service_that_is_down_does_not_hold_it_up(rig: NoService, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(Breaker.TRIES):
        rig.engine._schedule.breaker.begun()
        rig.engine._schedule.breaker.ended(rig.now, rig.engine.pacing, answered=False)
    assert rig.engine._schedule.breaker.is_open
    monkeypatch.setattr(rig.engine._schedule.budget, "take", lambda _now: False)
    assert rig.run_to(submit(rig), TaskState.READY).error == ""


# ---- a restart


@pytest.mark.parametrize(
    "state", [TaskState.QUEUED, TaskState.SUBMITTING, TaskState.PROCESSING, TaskState.DOWNLOADING, TaskState.UNCERTAIN]
)
def test_after_a_restart_it_goes_on_by_itself_and_nothing_is_sent_though_there_is_a_key_by_then(
    simulator: SimulatorProcess, tmp_path: Path, state: TaskState
) -> None:
    simulator.configure(seconds=0)
    first = Blender(tmp_path, simulator, "first/1/a")
    task = new_task(GenerationRequest(prompt=PROMPT, model=stand_in.MODEL), "scene-1")
    is_known = state in (TaskState.PROCESSING, TaskState.DOWNLOADING)
    task = replace(task, state=state, task_id="tokenlab3d-trial-1" if is_known else "", error="before")
    first.engine.records.add(task)
    flush(first)
    assert first.engine.stop()
    end_leases(tmp_path)
    second = Blender(tmp_path, simulator, "second/1/b")
    second.open()
    done: Task = second.run_to(task.local_id, TaskState.READY)
    assert (done.error, done.result_format) == ("", "GLB")
    assert simulator.requests("api") == []
    assert second.engine.stop()
