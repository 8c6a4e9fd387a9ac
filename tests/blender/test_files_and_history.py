# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks over undo, redo, saving, loading, new files, several scenes, removal: never lost, never imported twice."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.support import new_session, pump
from tests.simulator.process import SimulatorProcess


def undo(steps: int = 1) -> None:
    for _ in range(steps):
        assert bpy.ops.ed.undo() == {"FINISHED"}


def redo() -> None:
    assert bpy.ops.ed.redo() == {"FINISHED"}


def collections_of(task: Any) -> list[str]:
    return [item.name for item in bpy.data.collections if item.get("tokenlab_local_id") == task.local_id]


def entry(task: Any, scene: Any = None) -> dict[str, Any]:
    text = (scene or bpy.context.scene)["tokenlab_tasks"][task.local_id]
    found: dict[str, Any] = json.loads(text)
    return found


def is_ready(extension: ModuleType, task: Any) -> bool:
    """Whether the model lies on disk, imported or not."""
    return task.state in ("READY", "IMPORTED")


def test_undo_takes_back_the_import_as_one_step_and_keeps_the_task(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    bpy.ops.ed.undo_push(message="Before")
    task = extension.generate("a cube")
    task.wait(timeout=60)
    undo()
    assert collections_of(task) == [] and task.objects == []
    assert task.state == "READY" and entry(task)["state"] == "READY"
    for _ in range(5):
        extension.core.blender.tick.tick()
    assert collections_of(task) == [], "undo never triggers an import by itself"
    redo()
    assert len(collections_of(task)) == 1
    assert task.state == "IMPORTED" and entry(task)["state"] == "IMPORTED"
    undo()
    assert bpy.ops.tokenlab.import_model() == {"FINISHED"}
    assert len(collections_of(task)) == 1 and task.state == "IMPORTED"
    assert len(simulator.creates()) == 1


def test_undo_of_other_work_never_touches_a_running_task(extension: ModuleType, simulator: SimulatorProcess) -> None:
    simulator.configure(seconds=1.0)
    bpy.ops.ed.undo_push(message="Before")
    task = extension.generate("a cube")
    bpy.ops.object.empty_add()
    bpy.ops.ed.undo_push(message="Add Empty")
    pump(extension, lambda: task.task_id)
    undo()
    assert task.task_id and entry(task)["task_id"] == task.task_id
    redo()
    task.wait(timeout=60)
    assert len(collections_of(task)) == 1
    assert len(simulator.creates()) == 1


def test_a_new_file_while_a_task_runs_keeps_the_task_and_its_own_file_gets_the_model(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(seconds=0.5)
    task = extension.generate("a cube")
    pump(extension, lambda: task.task_id)
    blend = tmp_path / "first.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert bpy.context.window_manager.tokenlab.tasks_elsewhere == 1
    pump(extension, lambda: is_ready(extension, task))
    for _ in range(5):
        extension.core.blender.tick.tick()
    assert len(bpy.data.objects) == 0 and "tokenlab_tasks" not in bpy.context.scene
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    task.wait(timeout=60)
    assert len(collections_of(task)) == 1
    assert len(simulator.creates()) == 1


def test_a_hundred_new_files_while_results_arrive_lose_nothing(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(seconds=0.1)
    blend, tasks = tmp_path / "ten.blend", []
    for number in range(10):
        tasks.append(extension.generate(f"cube {number}"))
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    for _ in range(100):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        extension.core.blender.tick.tick()
    pump(extension, lambda: all(is_ready(extension, task) for task in tasks))
    assert len(bpy.data.objects) == 0
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    for task in tasks:
        task.wait(timeout=60)
    assert [len(collections_of(task)) for task in tasks] == [1] * 10
    assert len(simulator.creates()) == 10


def test_an_imported_model_is_not_imported_again_when_the_file_is_opened(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    task = extension.generate("a cube")
    task.wait(timeout=60)
    blend = tmp_path / "imported.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    extension.resume_all()
    for _ in range(5):
        extension.core.blender.tick.tick()
    assert task.state == "IMPORTED" and len(collections_of(task)) == 1


def test_a_file_closed_unsaved_after_the_import_gets_its_model_when_it_is_opened_again(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    task = extension.generate("a cube")
    blend = tmp_path / "unfinished.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    task.wait(timeout=60)
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    assert collections_of(task) == []
    task.wait(timeout=60)
    assert len(collections_of(task)) == 1
    assert len(simulator.creates()) == 1


def listed() -> dict[str, str]:
    """What the sidebar says of each task."""
    return {row.local_id: row.state for row in bpy.context.window_manager.tokenlab.tasks}


def test_a_model_whose_import_was_never_saved_stays_in_the_list_of_every_file(
    extension: ModuleType, session: Any, tmp_path: Path
) -> None:
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    task = extension.generate("a chair", model="try-without-key")
    task.wait(timeout=60)
    tick = extension.core.blender.tick
    tick.tick()
    assert listed() == {task.local_id: "IMPORTED"}
    new_session(extension)  # As after a crash: the file on disk has never heard of the task.
    bpy.ops.wm.open_mainfile(filepath=path)
    assert [(one.local_id, one.state) for one in extension.tasks()] == [(task.local_id, "READY")]
    assert listed() == {task.local_id: "READY"}
    bpy.ops.tokenlab.import_model(local_id=task.local_id, here=True)
    tick.tick()
    assert listed() == {} and task.objects
    bpy.ops.wm.save_as_mainfile(filepath=path)
    tick.tick()
    new_session(extension)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert extension.tasks() == [], "the file that was saved has it"


def test_undo_of_an_import_from_another_file_keeps_the_task_in_the_list(extension: ModuleType, session: Any) -> None:
    task = extension.generate("a chair", model="try-without-key")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.ed.undo_push(message="Original")
    pump(extension, lambda: task.state == "READY")
    tick = extension.core.blender.tick
    bpy.ops.tokenlab.import_model(local_id=task.local_id, here=True)
    tick.tick()
    assert listed() == {} and task.state == "IMPORTED", "its model is here"
    undo()
    tick.tick()
    assert task.objects == [] and listed() == {task.local_id: "READY"}
    assert bpy.context.window_manager.tokenlab.tasks_elsewhere == 1
    redo()
    tick.tick()
    assert task.objects and listed() == {}


@pytest.mark.parametrize("is_saved", [False, True], ids=["never saved", "saved before"])
def test_the_deletion_of_its_scene_keeps_an_imported_task_in_the_list(
    extension: ModuleType, session: Any, tmp_path: Path, is_saved: bool
) -> None:
    tick = extension.core.blender.tick
    task = extension.generate("a chair", model="try-without-key")
    task.wait(timeout=60)
    if is_saved:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    home = bpy.context.scene
    bpy.data.scenes.new("Second")
    bpy.ops.ed.undo_push(message="New Scene")
    bpy.data.scenes.remove(home)
    bpy.ops.ed.undo_push(message="Delete Scene")
    tick.tick()
    assert task.objects == [] and listed() == {task.local_id: "READY"}
    undo()
    tick.tick()
    assert task.objects and listed() == {task.local_id: "IMPORTED"}


def test_a_model_lands_in_the_scene_that_asked_for_it(extension: ModuleType, simulator: SimulatorProcess) -> None:
    first = bpy.context.scene
    task = extension.generate("a cube", scene=first)
    second = bpy.data.scenes.new("Second")
    bpy.context.window_manager.windows[0].scene = second
    task.wait(timeout=60)
    assert bpy.context.scene == bpy.data.scenes["Second"]
    assert len(bpy.data.scenes["Second"].collection.all_objects) == 0
    assert len(bpy.data.scenes["Scene"].collection.all_objects) > 0
    assert entry(task, bpy.data.scenes["Scene"])["state"] == "IMPORTED"


def test_the_import_waits_while_the_user_is_in_edit_mode(extension: ModuleType, simulator: SimulatorProcess) -> None:
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    task = extension.generate("a vase")
    pump(extension, lambda: is_ready(extension, task))
    for _ in range(5):
        extension.core.blender.tick.tick()
    row = bpy.context.window_manager.tokenlab.tasks[0]
    assert (bpy.context.mode, task.state, row.waits_for) == ("EDIT_MESH", "READY", "Object Mode")
    bpy.ops.object.mode_set(mode="OBJECT")
    task.wait(timeout=60)
    assert row.waits_for == ""


def test_four_tasks_that_finish_together_are_all_imported(extension: ModuleType, simulator: SimulatorProcess) -> None:
    tasks = [extension.generate(f"cube {number}") for number in range(4)]
    pump(extension, lambda: all(is_ready(extension, task) for task in tasks))
    for task in tasks:
        task.wait(timeout=60)
    assert [len(collections_of(task)) for task in tasks] == [1, 1, 1, 1]


def test_a_failed_poll_is_followed_by_the_next(extension: ModuleType, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["poll-500-once"])
    assert extension.generate("a cube").wait(timeout=60)


def test_stop_waiting_stops_and_resume_goes_on(extension: ModuleType, simulator: SimulatorProcess) -> None:
    simulator.configure(seconds=1000.0)
    task = extension.generate("a cube")
    pump(extension, lambda: task.state == "PENDING")
    assert bpy.ops.tokenlab.stop_waiting() == {"FINISHED"}
    assert task.state == "STOPPED"
    polls = simulator.creates()[0]["polls"]
    for _ in range(20):
        extension.core.blender.tick.tick()
    assert task.state == "STOPPED"
    assert simulator.creates()[0]["polls"] <= polls + 1, "one may have been under way"
    simulator.steer(task.task_id, seconds=0.0)
    assert bpy.ops.tokenlab.resume() == {"FINISHED"}
    assert task.wait(timeout=60)
    assert len(simulator.creates()) == 1


def test_a_removed_task_does_not_come_back_with_its_file(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    task = extension.generate("a cube")
    task.wait(timeout=60)
    blend = tmp_path / "with_task.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    assert bpy.ops.tokenlab.remove_task(local_id=task.local_id) == {"FINISHED"}
    assert extension.tasks() == [] and task.local_id not in bpy.context.scene["tokenlab_tasks"]
    assert len(bpy.data.collections["a cube"].objects) > 0, "the model stays"
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    extension.resume_all()
    assert extension.tasks() == []
    assert task.local_id not in bpy.context.scene["tokenlab_tasks"]


def test_a_file_from_another_computer_resumes_from_what_the_scene_says(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, monkeypatch: Any
) -> None:
    from tests.blender.support import new_session  # noqa: PLC0415

    task = extension.generate("a cube")
    pump(extension, lambda: task.task_id)
    local_id, blend = task.local_id, tmp_path / "travels.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(tmp_path / "other computer"))
    new_session(extension)
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    (resumed,) = extension.resume_all()
    assert resumed.local_id == local_id
    assert resumed.wait(timeout=60)
    assert len(simulator.creates()) == 1
