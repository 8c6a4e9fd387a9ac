# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a downloaded model is prepared for the import: when, by whom, and what becomes of it when that fails."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.service.address import Connection
from core.tasks import conversions
from core.tasks.converter import Command, Limits
from core.tasks.pacing import Pacing
from core.tasks.records import PreviewMade
from core.tasks.task import TaskState, from_text, to_scene_text
from tests.engine_rig import Blender, Rig
from tests.loopback import wait_for
from tests.simulator.process import SimulatorProcess

S = TaskState
FAKE = Path(__file__).parent / "scripts" / "fake_converter.py"
PACING = Pacing(usual=5.0, billing=(), converter=Limits(start=5.0, convert=2.0, preview=2.0))


class ConvertingRig(Rig):
    """A rig whose second Blender behaves as a file says."""

    def __init__(self, folder: Path, simulator: SimulatorProcess, version: str = "5.2.3") -> None:
        self.behaviour = folder.parent / "behaviour"
        folder.parent.mkdir(exist_ok=True)
        self.behave("well")
        self.command = Command((sys.executable, str(FAKE), str(self.behaviour), "--"), version)
        super().__init__(folder, simulator.url, simulator.key, pacing=PACING, converter=self.command)

    def behave(self, how: str) -> None:
        self.behaviour.write_text(how)

    def use(self, command: Command | None) -> None:
        self.engine.settings = replace(self.engine.settings, converter=command)

    def go_offline(self) -> None:
        self.engine.settings = replace(self.engine.settings, may_connect=False)


@pytest.fixture
def rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[ConvertingRig]:
    simulator.configure(seconds=0)
    made = ConvertingRig(tmp_path / "data", simulator)
    yield made
    assert made.engine.stop()


def test_a_downloaded_model_is_prepared_before_it_is_ready(rig: ConvertingRig) -> None:
    local_id = rig.submit()
    task = rig.run_to(local_id, S.READY)
    assert rig.states(local_id)[-3:] == [S.DOWNLOADING, S.CONVERTING, S.READY]
    assert Path(task.blend_path) == Path(task.result_path).with_name("model.blend")
    assert Path(task.blend_path).read_bytes() == b"BLENDER-v502" + Path(task.result_path).read_bytes()
    assert (task.blend_version, task.error) == ("5.2.3", "")
    wait_for(lambda: rig.row(local_id) == task)
    assert not rig.engine.needs_conversion(task)


def test_the_picture_comes_after_the_model_was_handed_over(rig: ConvertingRig) -> None:
    local_id = rig.submit()
    task = rig.run_to(local_id, S.READY)
    rig.run_until(lambda: any(isinstance(event, PreviewMade) for event in rig.events))
    assert PreviewMade(local_id, is_there=True) in rig.events
    assert Path(task.result_path).with_name("preview.png").read_bytes() == b"\x89PNG"
    assert not list(Path(task.result_path).parent.glob(".*"))


def test_models_are_prepared_one_after_the_other_and_pictures_wait_for_them(rig: ConvertingRig) -> None:
    ids = [rig.submit(f"chair {number}") for number in range(4)]
    rig.run_until(lambda: all(rig.task(local_id).state is S.READY for local_id in ids))
    rig.run_until(lambda: sum(isinstance(event, PreviewMade) for event in rig.events) == len(ids))
    assert all(event.is_there for event in rig.events if isinstance(event, PreviewMade))
    assert len(rig.behaviour.with_suffix(".pids").read_text().split()) == 1, "one child for all"


def test_a_model_that_cannot_be_prepared_is_ready_with_a_sentence_and_can_be_tried_again(rig: ConvertingRig) -> None:
    rig.behave("working crashes")
    local_id = rig.submit()
    task = rig.run_to(local_id, S.READY)
    assert "crashed" in task.error and task.blend_path == ""
    original = Path(task.result_path).read_bytes()
    rig.behave("well")
    assert rig.engine.resume(local_id)
    task = rig.run_to(local_id, S.READY)
    assert (task.error, Path(task.blend_path).name) == ("", "model.blend")
    assert Path(task.result_path).read_bytes() == original


def test_preparing_needs_no_network(rig: ConvertingRig) -> None:
    rig.behave("working crashes")
    local_id = rig.submit()
    rig.run_to(local_id, S.READY)
    rig.behave("well")
    rig.go_offline()
    assert rig.engine.resume(local_id)
    assert rig.run_to(local_id, S.READY).blend_path


def test_without_a_second_blender_models_are_ready_as_they_were_delivered(rig: ConvertingRig) -> None:
    rig.behave("start exits")
    local_id = rig.submit()
    task = rig.run_to(local_id, S.READY)
    assert (task.error, task.blend_path) == ("", "")
    assert rig.engine.needs_conversion(task), "it is tried once more before that is believed"
    rig.engine.resume(local_id)
    task = rig.run_to(local_id, S.READY)
    assert not rig.engine.needs_conversion(task)


def test_a_user_who_wants_no_second_blender_gets_none(rig: ConvertingRig) -> None:
    rig.use(None)
    local_id = rig.submit()
    task = rig.run_to(local_id, S.READY)
    assert S.CONVERTING not in rig.states(local_id)
    assert not rig.engine.needs_conversion(task)
    assert not rig.behaviour.with_suffix(".pids").exists()


def test_a_user_who_changes_their_mind_in_the_middle_has_a_model_all_the_same(rig: ConvertingRig) -> None:
    rig.behave("working crashes")
    local_id = rig.submit()
    rig.run_to(local_id, S.READY)
    assert rig.engine.resume(local_id)
    rig.use(None)
    task = rig.run_to(local_id, S.READY)
    assert (task.error, task.blend_path) == ("", "")


@pytest.mark.parametrize(("formats", "is_prepared"), [({"USDZ"}, False), ({"GLB", "USDZ"}, True)])
def test_only_the_formats_that_are_named_are_prepared(rig: ConvertingRig, formats: set[str], is_prepared: bool) -> None:
    rig.use(replace(rig.command, formats=frozenset(formats)))
    task = rig.run_to(rig.submit(), S.READY)
    assert bool(task.blend_path) is is_prepared


@pytest.mark.parametrize(
    ("version", "is_prepared_anew"), [("4.2.23", True), ("5.2.2", True), ("5.2.3", False), ("5.10.0", False)]
)
def test_an_older_blender_has_the_model_prepared_anew(rig: ConvertingRig, version: str, is_prepared_anew: bool) -> None:
    task = rig.run_to(rig.submit(), S.READY)
    rig.use(replace(rig.command, version=version))
    assert rig.engine.needs_conversion(task) is is_prepared_anew


def test_a_prepared_model_that_was_deleted_is_prepared_again(rig: ConvertingRig) -> None:
    local_id = rig.submit()
    task = rig.run_to(local_id, S.READY)
    Path(task.blend_path).unlink()
    assert rig.engine.needs_conversion(task)
    assert rig.engine.resume(local_id)
    assert Path(rig.run_to(local_id, S.READY).blend_path).is_file()


def test_a_model_that_is_fetched_again_is_prepared_again(rig: ConvertingRig) -> None:
    local_id = rig.submit()
    task = rig.run_to(local_id, S.READY)
    Path(task.result_path).unlink()
    Path(task.blend_path).write_bytes(b"of an earlier model")
    assert rig.engine.resume(local_id)
    task = rig.run_to(local_id, S.READY)
    assert Path(task.blend_path).read_bytes().startswith(b"BLENDER")


def worked_on(path: Path) -> bytes:
    """Change a file, as somebody who opens an asset and saves it; return what is in it then."""
    path.write_bytes(path.read_bytes() + b" and hours of work")
    return path.read_bytes()


def await_pictures(rig: ConvertingRig, count: int) -> None:
    """Wait until the second Blender has nothing more to do with what was prepared."""
    rig.run_until(lambda: sum(isinstance(event, PreviewMade) for event in rig.events) == count)


def prepare_anew(rig: ConvertingRig, local_id: str, version: str) -> Path:
    """Have an older Blender want a model; the fake one always says that it is a newer one."""
    rig.use(replace(rig.command, version=version))
    assert rig.engine.resume(local_id)
    return Path(rig.run_to(local_id, S.READY).blend_path)


def blends(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.blend"))


def test_a_prepared_model_that_the_user_has_worked_on_is_not_written_over(rig: ConvertingRig) -> None:
    local_id = rig.submit()
    first = Path(rig.run_to(local_id, S.READY).blend_path)
    await_pictures(rig, 1)
    work = worked_on(first)
    for _ in range(2):
        again = prepare_anew(rig, local_id, "4.2.23")
        assert again == first.with_name("model-4.2.blend") and again.read_bytes().startswith(b"BLENDER")
    assert first.read_bytes() == work
    more_work = worked_on(again)
    assert prepare_anew(rig, local_id, "4.2.24").name == "model-4.2-2.blend"
    assert (first.read_bytes(), again.read_bytes()) == (work, more_work)
    assert blends(first.parent) == ["model-4.2-2.blend", "model-4.2.blend", "model.blend"]


def test_a_prepared_model_that_nobody_has_touched_is_replaced(rig: ConvertingRig) -> None:
    local_id = rig.submit()
    first = Path(rig.run_to(local_id, S.READY).blend_path)
    await_pictures(rig, 1)
    assert prepare_anew(rig, local_id, "4.2.23") == first
    assert blends(first.parent) == ["model.blend"]


def test_a_model_that_is_fetched_again_leaves_the_users_work_on_it_alone(rig: ConvertingRig) -> None:
    local_id = rig.submit()
    task = rig.run_to(local_id, S.READY)
    await_pictures(rig, 1)
    work = worked_on(Path(task.blend_path))
    names = []
    for number in (2, 3):
        Path(task.result_path).unlink()
        assert rig.engine.resume(local_id)
        again = Path(rig.run_to(local_id, S.READY).blend_path)
        await_pictures(rig, number)
        names.append(again.name)
        os.utime(again, ns=(0, again.stat().st_mtime_ns + 1))
    assert names == ["model-5.2.blend", "model-5.2-2.blend"], "it was saved, and is of the same size"
    assert again.with_name("model.blend").read_bytes() == work


def test_a_picture_of_a_model_that_the_user_has_worked_on_comes_beside_it_alone(rig: ConvertingRig) -> None:
    task = rig.run_to(rig.submit(), S.READY)
    await_pictures(rig, 1)
    blend = Path(task.blend_path)
    work = worked_on(blend)
    blend.with_name("preview.png").unlink()
    assert conversions.preview(rig.engine._context, task.local_id, rig.command).is_there
    assert blend.read_bytes() == work and blend.with_name("preview.png").is_file()


def test_quitting_while_a_model_is_prepared_leaves_no_process_and_the_next_session_goes_on(
    rig: ConvertingRig, simulator: SimulatorProcess
) -> None:
    rig.behave("working hangs")
    local_id = rig.submit()
    rig.run_until(lambda: rig.task(local_id).state is S.CONVERTING)
    rig.turn()
    pids = rig.behaviour.with_suffix(".pids")
    wait_for(pids.is_file)
    assert rig.engine.stop()
    assert list((rig.folder / "scratch").iterdir()) == []
    row = rig.row(local_id)
    assert row is not None and row.state is S.CONVERTING
    rig.behave("well")
    following = Blender(rig.folder, simulator)
    following.engine.settings = replace(
        following.engine.settings, converter=rig.command, connection=Connection(simulator.url, simulator.key)
    )
    try:
        following.open()
        assert following.run_to(local_id, S.READY).blend_path
    finally:
        assert following.engine.stop()


@pytest.mark.parametrize("way", ["crashes", "hangs", "takes memory", "says nonsense"])
def test_nothing_unfinished_is_left_of_a_model_that_could_not_be_prepared(rig: ConvertingRig, way: str) -> None:
    rig.behave(f"saved {way}")
    task = rig.run_to(rig.submit(), S.READY)
    assert task.error and task.blend_path == ""
    assert sorted(path.name for path in Path(task.result_path).parent.iterdir()) == ["original.glb", "task.json"]
    assert list((rig.folder / "scratch").iterdir()) == []


def test_nothing_unfinished_is_left_of_a_picture_that_could_not_be_made(rig: ConvertingRig) -> None:
    rig.behave("saved preview crashes")
    task = rig.run_to(rig.submit(), S.READY)
    rig.run_until(lambda: any(isinstance(event, PreviewMade) for event in rig.events))
    assert PreviewMade(task.local_id, is_there=False) in rig.events
    names = sorted(path.name for path in Path(task.result_path).parent.iterdir())
    assert names == ["model.blend", "original.glb", "task.json"]
    assert Path(task.blend_path).read_bytes().startswith(b"BLENDER")
    assert list((rig.folder / "scratch").iterdir()) == []


def test_a_library_on_another_disk_gets_its_models_too(rig: ConvertingRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.replace

    def as_between_disks(source: str | Path, target: str | Path) -> None:
        if "scratch" in Path(source).parts:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr("os.replace", as_between_disks)
    task = rig.run_to(rig.submit(), S.READY)
    assert Path(task.blend_path).read_bytes().startswith(b"BLENDER")
    assert not list(Path(task.result_path).parent.glob(".*"))


def test_a_full_disk_is_said_and_the_delivered_file_stays(rig: ConvertingRig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.tasks.conversions._put", fail)
    task = rig.run_to(rig.submit(), S.READY)
    assert task.error.startswith("The prepared model could not be stored (No space left on device).")
    assert Path(task.result_path).is_file() and task.blend_path == ""


def test_a_model_is_prepared_for_the_scene_that_it_comes_into_and_anew_for_another_one(rig: ConvertingRig) -> None:
    local_id = rig.submit()
    task = rig.run_to(local_id, S.READY)
    rig.engine.records.change(
        local_id, wanted_units='{"fps": 30, "fps_base": 1.0, "frame_start": 1, "scale_length": 1.0}'
    )
    assert rig.engine.needs_conversion(rig.task(local_id))
    assert rig.engine.resume(local_id)
    task = rig.run_to(local_id, S.READY)
    assert not rig.engine.needs_conversion(task)
    rig.engine.records.change(local_id, wanted_units="")
    assert rig.engine.needs_conversion(rig.task(local_id))


def test_a_file_that_was_saved_in_mid_preparation_fetches_its_model_on_another_computer(
    rig: ConvertingRig, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    there = rig.run_to(rig.submit(), S.READY)
    copy = from_text(to_scene_text(replace(there, state=S.CONVERTING)), scene_id="scene-1")
    assert copy is not None
    other = ConvertingRig(tmp_path / "other" / "data", simulator)
    assert other.engine.adopt([], [copy])
    task = other.run_to(copy.local_id, S.READY)
    assert task.error == ""
    assert Path(task.result_path).is_relative_to(other.folder) and Path(task.blend_path).is_file()
    assert len(simulator.creates()) == 1
    assert other.engine.stop()
