# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Empty that keeps a model's place: the user does with it what he wants, and the model goes where it is."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest
from mathutils import Matrix

from tests.blender.models_to_place import add, block, box_of, is_same, look
from tests.blender.placeholder_support import (
    PROMPT,
    Generate,
    cube_box,
    deliver,
    finish,
    marked,
    moved_by,
    placeholder,
)
from tests.simulator.process import SimulatorProcess


@pytest.fixture(params=["single", "several", "obj"])
def delivered(request: pytest.FixtureRequest, simulator: SimulatorProcess, tmp_path: Path) -> dict[str, Matrix]:
    """Have the service deliver a model; return where a plain import has its objects."""
    return deliver(request.param, simulator, tmp_path)


# ---- what stands there


def test_it_stands_at_the_location_with_the_prompts_name_and_is_nobodys_selection(generate: Generate) -> None:
    add("Mine", None)
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    bpy.context.view_layer.objects.active = bpy.data.objects["Mine"]
    task = generate("a very long prompt " * 10)
    item = placeholder()
    assert item["tokenlab_placeholder"] == task.local_id
    assert item.name.startswith("a very long prompt") and len(item.name.encode()) <= 60
    assert item.type == "EMPTY" and item.empty_display_type == "CUBE" and item.show_name
    assert tuple(item.location) == (1.0, 2.0, 3.0) and item.empty_display_size == 1.0
    assert not item.select_get()
    assert bpy.context.view_layer.objects.active == bpy.data.objects["Mine"]
    assert item.name in bpy.context.scene.collection.objects


def test_its_cube_is_as_high_as_the_model_will_be_and_stands_on_the_location(generate: Generate) -> None:
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    generate(size="HEIGHT", height=1.8)
    low, high = cube_box(placeholder())
    assert (low.z, high.z) == pytest.approx((3.0, 4.8), abs=1e-5)
    assert tuple(placeholder().location) == (1.0, 2.0, 3.0)


def test_its_cube_is_the_box_of_what_is_selected(generate: Generate) -> None:
    mine = add("Mine", block(4.0, 3.0, 1.0))
    mine.location = (5.0, 0.0, 0.0)
    mine.select_set(True)
    generate(size="SELECTED")
    low, high = cube_box(placeholder())
    assert low.to_tuple() == pytest.approx((5.0, 0.0, 0.25), abs=1e-5)
    assert high.to_tuple() == pytest.approx((9.0, 3.0, 1.25), abs=1e-5)
    assert tuple(placeholder().scale) == (1.0, 1.0, 1.0)


def test_there_is_none_without_a_window_or_when_it_is_not_wanted(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    simulator.configure(seconds=1000.0)
    assert preferences.use_placeholder, "it is on by default"
    extension.generate("without a window")
    assert marked() == []
    assert not extension.core.blender.placeholder_watch.is_wanted()


def test_in_edit_mode_it_comes_without_a_change_of_mode_or_an_undo_step(generate: Generate) -> None:
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    generate()
    assert bpy.context.mode == "EDIT_MESH"
    assert bpy.context.view_layer.objects.active.name == "Cube"
    assert placeholder()


def test_it_stands_in_the_scene_of_the_task(generate: Generate) -> None:
    other = bpy.data.scenes.new("Other")
    generate(scene=other)
    assert [scene.name for scene in placeholder().users_scene] == ["Other"]
    assert bpy.context.scene.name == "Scene"


# ---- the model takes its place


def test_untouched_it_changes_nothing_and_goes_with_the_import(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    task = generate()
    finish(extension, simulator, task)
    assert marked() == []
    assert set(look()) == set(delivered)
    assert is_same(moved_by(delivered), Matrix())


def test_moved_turned_and_scaled_it_takes_the_model_along(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    task = generate()
    item = placeholder()
    item.location, item.rotation_euler, item.scale = (4.0, 5.0, 6.0), (0.1, 0.2, 0.3), (2.0, 2.0, 2.0)
    finish(extension, simulator, task)
    assert marked() == []
    turned = Matrix.Rotation(0.3, 4, "Z") @ Matrix.Rotation(0.2, 4, "Y") @ Matrix.Rotation(0.1, 4, "X")
    wanted = Matrix.Translation((4.0, 5.0, 6.0)) @ turned @ Matrix.Scale(2.0, 4)
    assert is_same(moved_by(delivered), wanted)
    assert len(look()) <= len(delivered) + 1


@pytest.mark.parametrize("scale", [(1.0, 1.0, 1.0), (2.0, 3.0, 0.5)], ids=["as it was", "stretched"])
@pytest.mark.parametrize("size", ["HEIGHT", "SELECTED"])
def test_the_model_is_in_the_cube_wherever_that_is(
    extension: ModuleType,
    simulator: SimulatorProcess,
    delivered: dict[str, Matrix],
    generate: Generate,
    size: str,
    scale: tuple[float, float, float],
) -> None:
    mine = add("Mine", block(4.0, 3.0, 1.0))
    mine.select_set(True)
    task = generate(size=size, facing="X")
    item = placeholder()
    item.location.x += 5.0
    item.scale = scale
    low, high = cube_box(item)
    bpy.data.objects.remove(mine)
    finish(extension, simulator, task)
    moved_by(delivered)
    model_low, model_high = box_of(look())
    assert model_low.z == pytest.approx(low.z, abs=1e-3)
    if size == "HEIGHT":
        assert model_high.z == pytest.approx(high.z, abs=1e-3)
    else:
        assert all(a >= b - 1e-3 for a, b in zip(model_low, low, strict=True))
        assert all(a <= b + 1e-3 for a, b in zip(model_high, high, strict=True))
        middle = (model_low + model_high - low - high) / 2
        assert (middle.x, middle.y) == pytest.approx((0.0, 0.0), abs=1e-3)


def test_a_larger_display_is_a_larger_model(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    task = generate()
    placeholder().empty_display_size = 3.0  # What Apply > Scale makes of the scale of an Empty.
    finish(extension, simulator, task)
    assert is_same(moved_by(delivered), Matrix.Scale(3.0, 4))


def test_below_a_parent_the_model_is_below_it_too(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    parent = add("Cart", None)
    parent.location, parent.rotation_euler = (3.0, 0.0, 1.0), (0.0, 0.0, 0.7)
    task = generate()
    item = placeholder()
    bpy.context.view_layer.update()
    item.parent, item.matrix_parent_inverse = parent, parent.matrix_world.inverted()  # as Ctrl P does
    item.location = (0.0, 4.0, 0.0)
    finish(extension, simulator, task)
    assert marked() == []
    assert is_same(moved_by(delivered), Matrix.Translation((0.0, 4.0, 0.0)))
    parent.location.x += 10.0
    turned = Matrix.Translation((10.0, 4.0, 0.0))
    assert is_same(moved_by(delivered), turned), "it goes where the cart goes"


def test_with_a_constraint_or_a_child_it_stays_as_the_empty_above_the_model(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    target = add("Target", None)
    target.location = (0.0, 0.0, 8.0)
    task = generate(size="HEIGHT", height=1.0)
    item = placeholder()
    item.constraints.new("COPY_LOCATION").target = target
    child = add("Lamp", bpy.data.lights.new("Lamp", "POINT"), item)
    child.location.x = 1.0
    before = look()["Lamp"].world
    finish(extension, simulator, task)
    assert marked() == []
    empty = bpy.data.objects[PROMPT]
    assert empty.type == "EMPTY" and len(empty.constraints) == 1 and not empty.show_name
    assert empty.name in bpy.data.collections[PROMPT].objects
    assert child.parent == empty and is_same(look()["Lamp"].world, before), "what hangs on it stays where it was"
    moved_by(delivered)
    low, high = box_of(look())
    assert (low.z, high.z) == pytest.approx((7.5, 8.5), abs=1e-3), "the middle of the cube is at the target"


def test_what_looks_at_it_looks_at_the_model(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    task = generate()
    camera = add("Camera", bpy.data.cameras.new("Camera"))
    camera.constraints.new("TRACK_TO").target = placeholder()
    placeholder().location.x = 7.0
    finish(extension, simulator, task)
    target = camera.constraints[0].target
    assert target.name == PROMPT and target.matrix_world.translation.x == pytest.approx(7.0)
    assert is_same(moved_by(delivered), Matrix.Translation((7.0, 0.0, 0.0)))


def test_turned_and_stretched_until_it_shears_the_model_still_fits(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    bpy.context.scene.camera = camera = add("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (4.0, -3.0, 0.0)
    bpy.context.view_layer.update()
    task = generate(size="HEIGHT", height=2.0, facing="CAMERA")
    placeholder().scale = (3.0, 1.0, 1.0)
    finish(extension, simulator, task)
    moved = moved_by(delivered)
    parts: Any = moved.decompose()
    assert not is_same(Matrix.LocRotScale(*parts), moved), "it is turned first, and stretched then"
    assert marked() == []


def test_deleted_the_model_lands_where_it_was_to_land(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    task = generate()
    placeholder().location.x = 50.0
    bpy.data.objects.remove(placeholder())
    bpy.ops.ed.undo_push(message="Delete")
    bpy.context.scene.cursor.location = (9.0, 9.0, 9.0)
    finish(extension, simulator, task)
    assert is_same(moved_by(delivered), Matrix.Translation((1.0, 2.0, 3.0)))


def test_scaled_to_nothing_it_says_nothing(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    task = generate()
    placeholder().scale = (0.0, 1.0, 1.0)
    finish(extension, simulator, task)
    assert marked() == []
    assert is_same(moved_by(delivered), Matrix())


def test_in_a_scene_that_no_window_shows_the_model_takes_its_place_too(
    extension: ModuleType, simulator: SimulatorProcess, delivered: dict[str, Matrix], generate: Generate
) -> None:
    other = bpy.data.scenes.new("Other")
    task = generate(scene=other, size="HEIGHT", height=3.0)
    placeholder().location = (4.0, 5.0, 6.0)
    finish(extension, simulator, task)
    assert marked() == [] and len(bpy.data.scenes["Scene"].objects) == 0
    low, high = box_of(look(bpy.data.scenes["Other"]))
    assert (low.z, high.z) == pytest.approx((6.0, 9.0), abs=1e-3)


def test_a_model_that_takes_the_place_of_what_is_selected_is_selected(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, generate: Generate
) -> None:
    deliver("single", simulator, tmp_path)
    task = generate()
    placeholder().select_set(True)
    bpy.context.view_layer.objects.active = placeholder()
    placeholder().location.x = 5.0
    finish(extension, simulator, task)
    assert set(bpy.context.selected_objects) == set(task.objects)
    assert bpy.context.view_layer.objects.active == bpy.data.objects["Root"]


def test_a_model_whose_placeholder_is_selected_among_others_leaves_those_selected(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, generate: Generate
) -> None:
    deliver("single", simulator, tmp_path)
    task, other = generate(), add("Other", None)
    for item in (placeholder(), other):
        item.select_set(True)
    bpy.context.view_layer.objects.active = other
    finish(extension, simulator, task)
    assert list(bpy.context.selected_objects) == [other] and bpy.context.view_layer.objects.active == other
