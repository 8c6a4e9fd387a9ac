# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model that arrives while the user is at something else: once, as one step, and nothing else is held up by it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.support import pump
from tests.blender.test_files_and_history import undo
from tests.simulator.process import SimulatorProcess


def add(name: str, scene: Any) -> Any:
    item = bpy.data.objects.new(name, None)
    scene.collection.objects.link(item)
    return item


def link(name: str, folder: Path) -> Any:
    """Link an object of that name from another file into the scene."""
    path = folder / "library.blend"
    made = bpy.data.objects.new(name, None)
    bpy.data.libraries.write(str(path), {made})
    bpy.data.objects.remove(made)
    with bpy.data.libraries.load(str(path), link=True) as (_source, target):  # type: ignore[func-returns-value]
        target.objects = [name]
    bpy.context.scene.collection.objects.link(target.objects[0])
    return target.objects[0]


def make_active(item: Any) -> None:
    item.select_set(True)
    bpy.context.view_layer.objects.active = item


def arrivals() -> list[str]:
    return [item.name for item in bpy.data.collections if "tokenlab_local_id" in item]


@pytest.mark.parametrize("where", ["in another scene", "in an excluded collection", "in the same scene"])
def test_a_linked_object_stays_the_active_one_though_a_local_one_has_its_name(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, where: str
) -> None:
    linked = link("Cube", tmp_path)
    if where == "in another scene":
        add("Cube", bpy.data.scenes.new("Other"))
    elif where == "in an excluded collection":
        collection = bpy.data.collections.new("Excluded")
        bpy.context.scene.collection.children.link(collection)
        collection.objects.link(bpy.data.objects.new("Cube", None))
        bpy.context.view_layer.layer_collection.children["Excluded"].exclude = True
    else:
        add("Cube", bpy.context.scene)
    simulator.configure(faults=["never-completes"])
    task = extension.generate("a chair")
    pump(extension, lambda: task.task_id)
    make_active(linked)
    simulator.configure(faults=[])
    pump(extension, lambda: task.state == "IMPORTED", limit=20.0)
    assert arrivals() == ["a chair"]
    assert bpy.context.view_layer.objects.active == linked
    assert list(bpy.context.selected_objects) == [linked]


def fail(*_arguments: object, **_named: object) -> None:
    raise RuntimeError("something that nobody has thought of")


def test_an_import_that_cannot_keep_the_selection_is_an_import_and_can_be_undone(
    extension: ModuleType, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    bpy.ops.ed.undo_push(message="Before")
    monkeypatch.setattr(extension.core.blender.importing, "select", fail)
    task = extension.generate("a chair")
    pump(extension, lambda: task.state == "IMPORTED", limit=20.0)
    assert arrivals() == ["a chair"]
    undo()
    assert arrivals() == []


def test_an_import_that_fails_in_a_way_that_nobody_has_foreseen_is_offered_and_not_made_again_and_again(
    extension: ModuleType, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []

    def note_and_fail(*arguments: object, **named: object) -> None:
        tries.append(arguments)
        fail()

    with monkeypatch.context() as patch:
        patch.setattr(extension.core.blender.importing, "_import", note_and_fail)
        task = extension.generate("a chair")
        pump(extension, lambda: task.error, limit=20.0)
        for _ in range(5):
            extension.core.blender.tick.tick()
    assert (task.state, len(tries)) == ("READY", 1)
    assert "nobody has foreseen" in task.error and "nothing is charged again" in task.error
    assert bpy.ops.tokenlab.import_model(local_id=task.local_id) == {"FINISHED"}
    assert (task.state, task.error) == ("IMPORTED", "")


def test_an_import_that_fails_each_time_keeps_no_other_task_waiting(
    extension: ModuleType, simulator: SimulatorProcess, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.imports, "next", fail)
    task = extension.generate("a chair")
    pump(extension, lambda: task.state == "READY", limit=20.0)


def as_a_timer(shown_by_the_first_window: Any, **more: Any) -> Any:
    """The context of a timer while the user is at work in a second window, which shows another scene."""
    layer = shown_by_the_first_window.view_layers[0]
    return bpy.context.temp_override(scene=shown_by_the_first_window, view_layer=layer, **more)


def test_an_import_waits_also_for_the_mode_of_another_window(extension: ModuleType, session: Any) -> None:
    first = bpy.data.scenes.new("First Window")
    item = bpy.data.objects.new("Mine", bpy.data.meshes.new("Mine"))
    bpy.context.scene.collection.objects.link(item)
    make_active(item)
    reason = extension.core.blender.importing.blocked_reason
    with as_a_timer(first):
        assert reason() == ""
    bpy.ops.object.mode_set(mode="EDIT")
    with as_a_timer(first, screen=None):  # The only screen is that of the other window.
        assert bpy.context.mode == "OBJECT"
        assert reason() == reason(is_clicked=True) == "Object Mode in all windows"
    bpy.ops.object.mode_set(mode="OBJECT")


def test_a_model_leaves_the_selection_alone_of_the_window_that_it_comes_into(
    extension: ModuleType, simulator: SimulatorProcess, prepared: Any
) -> None:
    first, (mine, later) = bpy.data.scenes.new("First Window"), [add(name, bpy.context.scene) for name in ("A", "B")]
    make_active(mine)
    simulator.configure(seconds=1000.0)
    task = extension.generate("a chair")
    pump(extension, lambda: task.task_id)
    mine.select_set(False)
    make_active(later)
    simulator.steer(task.task_id, seconds=0.0)
    with as_a_timer(first):
        pump(extension, lambda: task.state == "IMPORTED", limit=20.0)
    assert list(bpy.context.selected_objects) == [later] and bpy.context.view_layer.objects.active == later
