# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a placeholder comes and goes: copies, undo and redo, tasks without a model, files, and what is drawn at it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest
from mathutils import Matrix

from tests.blender.models_to_place import add, empty_file, is_same, look
from tests.blender.placeholder_support import (
    PROMPT,
    Generate,
    deliver,
    finish,
    let_the_timer_run,
    marked,
    moved_by,
    placeholder,
)
from tests.blender.support import pump
from tests.blender.test_files_and_history import is_ready, redo, undo
from tests.blender.test_travelling_files import take
from tests.simulator.process import SimulatorProcess


@pytest.fixture
def delivered(simulator: SimulatorProcess, tmp_path: Path) -> dict[str, Matrix]:
    """Have the service deliver a model; return where a plain import has its objects."""
    return deliver("single", simulator, tmp_path)


# ---- copies


def test_a_copy_of_it_becomes_an_empty_of_the_users(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    task = generate()
    placeholder().location.x = 3.0
    copy = placeholder().copy()
    bpy.context.scene.collection.objects.link(copy)
    copy.location.x = 30.0
    name = copy.name
    finish(extension, simulator, task)
    assert is_same(moved_by(delivered), Matrix.Translation((3.0, 0.0, 0.0)))
    assert name in bpy.data.objects and marked() == []
    for _ in range(5):
        extension.core.blender.tick.tick()
    assert name in bpy.data.objects


@pytest.mark.parametrize("kind", ["FULL_COPY", "LINK_COPY"])
def test_a_copied_scene_keeps_what_is_in_it(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate, kind: Any
) -> None:
    task = generate()
    bpy.ops.scene.new(type=kind)
    assert bpy.context.scene.name == "Scene.001"
    bpy.data.scenes["Scene"].objects[PROMPT].location.x = 3.0
    for _ in range(3):
        extension.core.blender.tick.tick()
    finish(extension, simulator, task)
    bpy.context.window_manager.windows[0].scene = bpy.data.scenes["Scene"]
    assert is_same(moved_by(delivered), Matrix.Translation((3.0, 0.0, 0.0)))
    assert [item for item in marked() if bpy.data.scenes["Scene"] in item.users_scene] == []
    copies = [item.name for item in bpy.data.scenes["Scene.001"].objects]
    assert copies == ([f"{PROMPT}.001"] if kind == "FULL_COPY" else []), "of a linked copy it is the same object"


# ---- history


def test_undo_of_the_import_brings_it_back_and_the_next_import_uses_it(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    task = generate()
    placeholder().location.x = 3.0
    bpy.ops.ed.undo_push(message="Move")
    finish(extension, simulator, task)
    assert marked() == [] and bpy.data.objects
    undo()
    assert placeholder().location.x == 3.0 and set(look()) == {PROMPT}
    redo()
    assert marked() == [] and task.state == "IMPORTED"
    undo()
    placeholder().location.x = 4.0
    bpy.ops.ed.undo_push(message="Move")
    assert bpy.ops.tokenlab.import_model() == {"FINISHED"}
    assert marked() == []
    assert is_same(moved_by(delivered), Matrix.Translation((4.0, 0.0, 0.0)))


def test_undo_right_after_generate_takes_the_placeholder_alone(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    mine = add("Mine", None)
    mine.location.x = 1.0
    bpy.ops.ed.undo_push(message="Mine")
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    bpy.ops.ed.undo_push(message="Cursor")
    task = generate()
    undo()
    assert marked() == [] and bpy.data.objects["Mine"].location.x == 1.0
    assert task.state in ("PENDING", "PROCESSING")
    redo()
    assert placeholder()
    undo()
    finish(extension, simulator, task)
    assert is_same(moved_by(delivered), Matrix.Translation((1.0, 2.0, 3.0)))
    assert len(simulator.creates()) == 1


def test_undo_of_later_work_leaves_it_where_it_is(generate: Generate) -> None:
    generate()
    add("Mine", None)
    bpy.ops.ed.undo_push(message="Mine")
    undo()
    assert placeholder() and "Mine" not in bpy.data.objects


# ---- when no model comes


def can_redo() -> bool:
    redo_operator: Any = bpy.ops.ed.redo
    return bool(redo_operator.poll())


def test_it_goes_when_the_task_fails(extension: ModuleType, simulator: SimulatorProcess, generate: Generate) -> None:
    simulator.configure(faults=["task-fails"], seconds=0.0)
    task = generate()
    pump(extension, lambda: task.state == "FAILED")
    pump(extension, lambda: not marked())
    undo()
    assert placeholder(), "its going was one step"
    let_the_timer_run(extension)
    assert placeholder() and can_redo(), "and is no end of what the user can redo"
    bpy.ops.ed.undo_push(message="Something Else")
    pump(extension, lambda: not marked())


def test_it_waits_in_edit_mode_before_it_goes(
    extension: ModuleType, simulator: SimulatorProcess, generate: Generate
) -> None:
    task = generate()
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    task.stop_waiting()
    let_the_timer_run(extension)
    assert placeholder()
    assert extension.core.blender.tick.tick() is not None, "the timer goes on until it can"
    bpy.ops.object.mode_set(mode="OBJECT")
    pump(extension, lambda: not marked())


def test_it_goes_when_nobody_waits_and_comes_back_when_the_task_is_resumed(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    task = generate()
    assert bpy.ops.tokenlab.stop_waiting() == {"FINISHED"}
    pump(extension, lambda: not marked())
    bpy.context.scene.cursor.location = (9.0, 9.0, 9.0)
    assert bpy.ops.tokenlab.resume() == {"FINISHED"}
    assert tuple(placeholder().location) == (1.0, 2.0, 3.0)
    placeholder().location.x = 2.0
    finish(extension, simulator, task)
    assert marked() == []
    assert is_same(moved_by(delivered), Matrix.Translation((2.0, 2.0, 3.0)))


def test_it_goes_when_the_task_is_removed_and_a_copy_stays(
    extension: ModuleType, simulator: SimulatorProcess, generate: Generate
) -> None:
    task = generate()
    copy = placeholder().copy()
    bpy.context.scene.collection.objects.link(copy)
    name = copy.name
    assert bpy.ops.tokenlab.remove_task(local_id=task.local_id) == {"FINISHED"}
    pump(extension, lambda: not marked())
    let_the_timer_run(extension)
    assert [item.name for item in bpy.data.objects] == [name]


def test_what_hangs_on_it_stays_where_it_is_when_no_model_comes(
    extension: ModuleType, simulator: SimulatorProcess, generate: Generate
) -> None:
    task = generate()
    placeholder().location.x = 5.0
    lamp = add("Lamp", bpy.data.lights.new("Lamp", "POINT"), placeholder())
    lamp.location.z = 1.0
    before = look()["Lamp"].world
    task.stop_waiting()
    pump(extension, lambda: not marked())
    empty = bpy.data.objects[PROMPT]
    assert bpy.data.objects["Lamp"].parent == empty and is_same(look()["Lamp"].world, before)
    assert empty.type == "EMPTY" and not empty.show_name and empty.empty_display_type == "PLAIN_AXES"
    assert extension.core.blender.placeholder_watch.shown() == []


def test_what_hangs_on_one_without_room_stays_where_it_is_when_the_model_comes(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    task = generate()
    placeholder().scale = (0.0, 1.0, 1.0)
    placeholder().location.y = 5.0
    add("Lamp", bpy.data.lights.new("Lamp", "POINT"), placeholder())
    before = look()["Lamp"].world
    finish(extension, simulator, task)
    assert marked() == []
    assert bpy.data.objects["Lamp"].parent is not None and is_same(look()["Lamp"].world, before)
    assert is_same(moved_by(delivered), Matrix())


@pytest.mark.parametrize("is_below", [False, True], ids=["free", "below a cart"])
def test_it_comes_back_where_the_user_had_put_it(
    extension: ModuleType,
    simulator: SimulatorProcess,
    delivered: dict[str, Matrix],
    generate: Generate,
    is_below: bool,
) -> None:
    task = generate()
    item = placeholder()
    item.location, item.rotation_euler, item.scale = (4.0, 5.0, 6.0), (0.1, 0.2, 0.3), (2.0, 2.0, 2.0)
    item.empty_display_size = 3.0
    if is_below:
        item.parent = add("Cart", None)
        item.parent.location.x = 10.0
    chosen = look()[PROMPT].world
    task.stop_waiting()
    pump(extension, lambda: not marked())
    assert bpy.ops.tokenlab.resume() == {"FINISHED"}
    assert is_same(look()[PROMPT].world, chosen) and placeholder().empty_display_size == 3.0
    finish(extension, simulator, task)
    moved = moved_by(delivered)
    assert moved.translation.x == pytest.approx(14.0 if is_below else 4.0)
    assert moved.to_scale().x == pytest.approx(6.0)


def test_it_comes_back_below_its_parent_wherever_that_is_by_then(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    task = generate()
    placeholder().location.y = 2.0
    cart = add("Cart", None)
    cart.scale, placeholder().rotation_euler.z = (3.0, 1.0, 1.0), 0.5
    placeholder().parent = cart
    before = look()[PROMPT].world
    task.stop_waiting()
    pump(extension, lambda: not marked())
    cart.location.x = 10.0
    assert bpy.ops.tokenlab.resume() == {"FINISHED"}
    assert is_same(look()[PROMPT].world, Matrix.Translation((10.0, 0.0, 0.0)) @ before)
    cart.location.x = 30.0
    finish(extension, simulator, task)
    assert moved_by(delivered).translation.x == pytest.approx(30.0 + before.translation.x)


def test_it_comes_back_where_it_was_when_its_parent_is_gone(extension: ModuleType, generate: Generate) -> None:
    task = generate()
    cart = add("Cart", None)
    cart.location.x, placeholder().parent = 10.0, cart
    before = look()[PROMPT].world
    task.stop_waiting()
    pump(extension, lambda: not marked())
    bpy.data.objects.remove(cart)
    assert bpy.ops.tokenlab.resume() == {"FINISHED"}
    assert is_same(look()[PROMPT].world, before)


# ---- files


def test_it_is_saved_with_the_file_and_used_after_the_file_is_opened_again(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, delivered: dict[str, Matrix], generate: Generate
) -> None:
    task = generate()
    placeholder().location.x = 3.0
    blend = tmp_path / "saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    empty_file()
    let_the_timer_run(extension)
    assert marked() == []
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    let_the_timer_run(extension)
    assert placeholder()
    finish(extension, simulator, task)
    assert marked() == []
    assert is_same(moved_by(delivered), Matrix.Translation((3.0, 0.0, 0.0)))


def test_in_a_file_that_takes_it_from_another_one_it_is_an_ordinary_empty(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, delivered: dict[str, Matrix], generate: Generate
) -> None:
    task = generate()
    blend = tmp_path / "saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    empty_file()
    bpy.context.scene.collection.objects.link(take(blend, "objects", PROMPT, link=False))
    task.stop_waiting()
    let_the_timer_run(extension)
    assert PROMPT in bpy.data.objects
    assert extension.core.blender.placeholder_watch.shown() == []


# ---- what is drawn at it


def test_the_view_is_told_what_to_draw_and_only_when_it_changes(
    extension: ModuleType, simulator: SimulatorProcess, generate: Generate, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = extension.core.blender.placeholder_watch
    redraws: list[None] = []
    monkeypatch.setattr(watch, "tag_redraw", lambda: redraws.append(None))
    task = generate()
    simulator.steer(task.task_id, seconds=20.0, progress=40)
    pump(extension, lambda: task.state == "PROCESSING")
    simulator.steer(task.task_id, seconds=1000.0)
    let_the_timer_run(extension)
    (line,) = watch.shown()
    assert (line.name, line.state, line.progress) == (PROMPT, "PROCESSING", 40)
    assert extension.panels.viewport.text(line) == "Generating 40%"
    count = len(redraws)
    let_the_timer_run(extension, 20)
    assert len(redraws) == count
    placeholder().name = "renamed"
    simulator.steer(task.task_id, seconds=0.0)
    pump(extension, lambda: is_ready(extension, task))
    let_the_timer_run(extension)
    assert watch.shown() == [] and marked() == []


def test_a_session_that_ends_leaves_nothing_to_draw(
    extension: ModuleType, simulator: SimulatorProcess, generate: Generate
) -> None:
    generate()
    assert extension.core.blender.placeholder_watch.shown()
    extension.core.blender.session.stop()
    assert extension.core.blender.placeholder_watch.shown() == []
    extension.core.blender.session.start(extension.core.blender.tick.ensure_running)
