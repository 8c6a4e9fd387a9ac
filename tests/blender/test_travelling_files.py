# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are copied, appended, linked, aged, or saved by others: each open file gets its model once, unasked twice.

Where another Blender has a hand in it, that is a process of its own.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.support import RESIDENT, new_session, pump, run_script
from tests.blender.test_files_and_history import collections_of, entry, is_ready, redo, undo
from tests.blender.test_processes import folders
from tests.simulator.models import ensure_models
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import png


def save(path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(path))


def open_file(path: Path) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(path))


def new_file() -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


def take(path: Path, kind: str, name: str, *, link: bool) -> Any:
    """Append or link one data-block of another file, as File > Append and File > Link do."""
    libraries: Any = bpy.data.libraries  # the stubs know no `with`
    with libraries.load(str(path), link=link) as (_found, wanted):
        setattr(wanted, kind, [name])
    return getattr(wanted, kind)[0]


def let_the_timer_run(extension: ModuleType, times: int = 5) -> None:
    for _ in range(times):
        extension.core.blender.tick.tick()


@pytest.fixture
def running(extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path) -> tuple[Any, Path]:
    """A task that the service has accepted, and its file, saved meanwhile."""
    simulator.configure(seconds=1000.0)
    task, blend = extension.generate("a cube"), tmp_path / "original.blend"
    pump(extension, lambda: task.task_id)
    save(blend)
    return task, blend


@pytest.mark.parametrize("link", [False, True], ids=["append", "link"])
def test_a_scene_taken_from_another_file_has_no_part_in_its_tasks(
    extension: ModuleType, simulator: SimulatorProcess, running: tuple[Any, Path], tmp_path: Path, link: bool
) -> None:
    task, blend = running
    new_file()
    bpy.context.scene.name = "Mine"
    taken = take(blend, "scenes", "Scene", link=link).name
    simulator.steer(task.task_id, seconds=0.0)
    pump(extension, lambda: is_ready(extension, task))
    let_the_timer_run(extension)
    assert collections_of(task) == [], "the model belongs into the original"
    if not link:
        assert "tokenlab_tasks" not in bpy.data.scenes[taken]
    elsewhere = tmp_path / "elsewhere.blend"
    save(elsewhere)
    open_file(elsewhere)
    extension.resume_all()
    let_the_timer_run(extension)
    assert collections_of(task) == []
    assert bpy.context.window_manager.tokenlab.tasks_elsewhere == 1
    open_file(blend)
    assert task.wait(timeout=60)
    assert len(collections_of(task)) == 1
    assert len(simulator.creates()) == 1


@pytest.mark.parametrize("link", [False, True], ids=["append", "link"])
def test_an_imported_model_taken_into_another_file_brings_no_task_and_costs_the_original_nothing(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, link: bool
) -> None:
    task, blend = extension.generate("a cube"), tmp_path / "original.blend"
    task.wait(timeout=60)
    save(blend)
    new_file()
    collection = take(blend, "collections", "a cube", link=link)
    bpy.context.scene.collection.children.link(collection)
    extension.resume_all()
    let_the_timer_run(extension)
    assert len(collections_of(task)) == 1
    assert len(bpy.context.window_manager.tokenlab.tasks) == 0
    assert "tokenlab_tasks" not in bpy.context.scene
    open_file(blend)
    extension.resume_all()
    let_the_timer_run(extension)
    assert task.state == "IMPORTED" and len(collections_of(task)) == 1
    assert len(simulator.creates()) == 1


def test_a_model_whose_scene_was_deleted_and_saved_away_can_be_imported_here(
    extension: ModuleType, simulator: SimulatorProcess, running: tuple[Any, Path]
) -> None:
    task, blend = running
    bpy.data.scenes.new("Second")
    bpy.data.scenes.remove(bpy.data.scenes["Scene"])
    save(blend)
    open_file(blend)
    simulator.steer(task.task_id, seconds=0.0)
    pump(extension, lambda: is_ready(extension, task))
    let_the_timer_run(extension)
    assert collections_of(task) == []
    assert bpy.context.window_manager.tokenlab.tasks_elsewhere == 1
    assert bpy.ops.tokenlab.import_model(local_id=task.local_id, here=True) == {"FINISHED"}
    assert len(collections_of(task)) == 1
    assert len(bpy.data.scenes["Second"].collection.all_objects) > 0
    assert bpy.context.window_manager.tokenlab.tasks_elsewhere == 0
    assert len(simulator.creates()) == 1


def test_an_older_file_that_is_opened_later_gets_the_model_and_the_newer_one_keeps_its_own(
    extension: ModuleType, simulator: SimulatorProcess, running: tuple[Any, Path], tmp_path: Path
) -> None:
    task, older = running
    newer = tmp_path / "newer.blend"
    simulator.steer(task.task_id, seconds=0.0)
    task.wait(timeout=60)
    save(newer)
    open_file(older)
    assert collections_of(task) == []
    assert task.wait(timeout=60)
    assert len(collections_of(task)) == 1
    open_file(newer)
    extension.resume_all()
    let_the_timer_run(extension)
    assert task.state == "IMPORTED" and len(collections_of(task)) == 1
    assert len(simulator.creates()) == 1
    assert len(simulator.requests("assets")) == 1


def test_a_file_from_before_the_task_lists_it_and_offers_the_model(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    first = extension.generate("a vase")
    first.wait(timeout=60)
    older = tmp_path / "older.blend"
    save(older)
    second = extension.generate("a cube")
    second.wait(timeout=60)
    open_file(older)
    extension.resume_all()
    let_the_timer_run(extension)
    assert (first.state, second.state) == ("IMPORTED", "READY")
    assert collections_of(second) == [], "what was finished long ago comes when it is asked for"
    assert bpy.ops.tokenlab.import_model(local_id=second.local_id) == {"FINISHED"}
    assert len(collections_of(second)) == 1


def test_a_clock_that_is_set_back_loses_nothing_and_sends_nothing(
    extension: ModuleType, simulator: SimulatorProcess, running: tuple[Any, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, blend = running
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 86_400.0)
    with pytest.raises(extension.TokenLabError, match="same was sent"):
        extension.generate("a cube")
    new_session(extension)
    open_file(blend)
    (resumed,) = extension.resume_all()
    simulator.steer(task.task_id, seconds=0.0)
    assert resumed.wait(timeout=60)
    assert len(collections_of(task)) == 1
    save(blend)
    monkeypatch.undo()
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(blend.parent / "data"))
    new_session(extension)
    open_file(blend)
    extension.resume_all()
    let_the_timer_run(extension)
    assert task.state == "IMPORTED" and len(collections_of(task)) == 1
    assert len(simulator.creates()) == 1


def test_an_import_that_comes_back_while_the_extension_begins_is_not_made_again(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    bpy.ops.ed.undo_push(message="Before")
    task = extension.generate("a cube")
    task.wait(timeout=60)
    undo()
    new_session(extension)
    redo()
    pump(extension, lambda: extension.core.blender.session.current().is_restored)
    let_the_timer_run(extension)
    assert task.state == "IMPORTED" and len(collections_of(task)) == 1
    assert entry(task)["state"] == "IMPORTED"


def test_a_file_that_a_blender_without_the_extension_saved_gets_its_model(
    extension: ModuleType, simulator: SimulatorProcess, running: tuple[Any, Path], tmp_path: Path
) -> None:
    task, blend = running
    new_file()
    environment = {"BLENDER_USER_RESOURCES": str(tmp_path / "plain blender")}
    run_script(RESIDENT, "edit_and_save", blend, environment=environment)
    simulator.steer(task.task_id, seconds=0.0)
    open_file(blend)
    assert "Added Elsewhere" in bpy.data.objects
    assert task.wait(timeout=60)
    assert len(collections_of(task)) == 1
    save(blend)
    run_script(RESIDENT, "edit_and_save", blend, environment=environment)
    open_file(blend)
    extension.resume_all()
    let_the_timer_run(extension)
    assert task.state == "IMPORTED" and len(collections_of(task)) == 1
    assert len(simulator.creates()) == 1


def test_an_extension_that_is_installed_anew_while_a_task_runs_goes_on_with_it(
    simulator: SimulatorProcess, extension_zip: Path, tmp_path: Path
) -> None:
    simulator.configure(seconds=2.0)
    environment = folders(tmp_path, simulator)
    done = run_script(RESIDENT, "install_again_while_a_task_runs", extension_zip, environment=environment)
    assert re.search(r"before \w+, after \['IMPORTED'\], 1 collection", done.stdout), done.stdout
    assert len(simulator.creates()) == 1


def test_a_blend_names_the_user_s_picture_and_nothing_of_the_data_folder(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    picture = tmp_path / "mine" / "chair.png"
    picture.parent.mkdir()
    picture.write_bytes(png(8, 8))
    extension.generate("a chair", image=picture).wait(timeout=60)
    bpy.ops.tokenlab.reuse_settings()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine" / "chair.blend"), compress=False)
    saved = (tmp_path / "mine" / "chair.blend").read_bytes()
    assert str(picture).encode() in saved
    assert str(extension.core.blender.preferences.data_directory()).encode() not in saved
    assert simulator.key.encode() not in saved


@pytest.mark.parametrize("way", ["a second Blender", "directly"])
@pytest.mark.parametrize("wanted", ["GLB", "OBJ", "FBX"])
def test_a_blend_with_a_model_does_not_tell_where_the_library_is(
    extension: ModuleType,
    simulator: SimulatorProcess,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    wanted: str,
    way: str,
) -> None:
    if way == "a second Blender":
        request.getfixturevalue("prepared")
    simulator.configure(assets=ensure_models())
    assert extension.generate("a robot", format=wanted).wait(timeout=120)
    for folder in (tmp_path, Path(extension.core.blender.preferences.data_directory())):
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "mine.blend"), compress=False)
        saved = (folder / "mine.blend").read_bytes()
        # Blender writes paths as they are seen from the file, and both separators.
        for words in (b"/library/", b"\\library\\", b"model.blend", b"unpacked", str(folder / "library").encode()):
            assert words not in saved, saved[saved.find(words) - 100 : saved.find(words) + 100]
    assert all(image.packed_file and image.has_data is not None for image in bpy.data.images if image.users)
