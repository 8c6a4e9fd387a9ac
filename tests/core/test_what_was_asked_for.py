# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the model or its delivery is not what was asked for, the task says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.tasks.task import TaskState, add_note
from tests.engine_rig import Rig
from tests.simulator.process import SimulatorProcess

S = TaskState


@pytest.fixture
def rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Rig]:
    simulator.configure(seconds=0)
    rig = Rig(tmp_path / "data", simulator.url, simulator.key)
    yield rig
    assert rig.engine.stop()


@pytest.mark.parametrize("wanted", ["FBX", "OBJ", "USDZ"])
def test_a_format_that_does_not_come_back_falls_back_to_the_main_file_and_the_task_says_so(
    rig: Rig, simulator: SimulatorProcess, wanted: str
) -> None:
    simulator.configure(seconds=0, faults=["wrong-format"])
    done = rig.run_to(rig.submit(format=wanted), S.READY, S.FAILED)
    assert set(done.asset_urls) == {"model", "glb"}
    assert (done.state, done.result_format) == (S.READY, "GLB")
    assert done.note == f"The service delivered GLB instead of {wanted}."
    assert simulator.creates()[0]["request"]["format"] == wanted.lower()


def test_a_format_that_the_model_does_not_offer_is_not_asked_for_and_the_task_says_what_came(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    done = rig.run_to(rig.submit(model="tripo-p1.0", format="USDZ"), S.READY, S.FAILED)
    assert "format" not in simulator.creates()[0]["request"]
    assert done.note == "The service delivered GLB instead of USDZ."


@pytest.mark.parametrize("wanted", ["GLB", "AUTO"])
def test_what_was_asked_for_needs_no_note(rig: Rig, wanted: str) -> None:
    assert rig.run_to(rig.submit(format=wanted, seed=1, style="clay"), S.READY, S.FAILED).note == ""


def test_the_same_is_not_noted_twice_when_the_model_is_fetched_again(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(seconds=0, faults=["wrong-format"])
    local_id = rig.submit(model="tripo-p1.0", format="FBX", style="clay")
    first = rig.run_to(local_id, S.READY)
    assert first.note.endswith("The service delivered GLB instead of FBX.")
    Path(first.result_path).unlink()
    assert rig.engine.resume(local_id)
    again = rig.run_to(local_id, S.READY)
    assert (again.note, Path(again.result_path).is_file()) == (first.note, True)


def test_options_that_the_model_does_not_list_are_not_sent_and_the_task_says_which(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    local_id = rig.submit(model="hyper3d-gen2", quality="HIGH", style="clay", seed=3)
    note = "Sent without quality, style and seed, which hyper3d-gen2 does not list."
    assert rig.run_to(local_id, S.READY).note == note
    assert set(simulator.creates()[0]["request"]) == {"model", "prompt"}


def test_a_note_says_each_thing_once() -> None:
    note = add_note(add_note("", "One."), "Two.")
    assert add_note(note, "One.") == note == "One. Two."
