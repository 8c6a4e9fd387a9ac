# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Empty that keeps a model's place: the user does with it what he wants, and the model goes where it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest
from mathutils import Matrix, Vector

from tests.blender.models_to_place import KINDS, add, block, box_of, empty_file, is_same, look
from tests.blender.support import pump
from tests.blender.test_files_and_history import is_ready, redo, undo
from tests.simulator.process import SimulatorProcess

PROMPT = "a model"
Generate = Callable[..., Any]


@pytest.fixture
def in_a_window(extension: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Placeholders as a window would have them."""
    monkeypatch.setattr(extension.core.blender.placeholder_watch, "is_wanted", lambda: True)


@pytest.fixture(params=["single", "several", "obj"])
def delivered(request: pytest.FixtureRequest, simulator: SimulatorProcess, tmp_path: Path) -> dict[str, Matrix]:
    """Have the service deliver a model; return where a plain import has its objects."""
    return deliver(request.param, simulator, tmp_path)


def deliver(name: str, simulator: SimulatorProcess, folder: Path) -> dict[str, Matrix]:
    kind, assets = KINDS[name], folder / "assets"
    assets.mkdir()
    path = kind.write(assets)
    (assets / "model.mtl").unlink(missing_ok=True)
    kind.plain_import(path)
    plain = {name: seen.world for name, seen in look().items()}
    empty_file()
    bpy.ops.ed.undo_push(message="Original")
    simulator.configure(assets=str(assets), seconds=1000.0)
    return plain


@pytest.fixture
def generate(extension: ModuleType, simulator: SimulatorProcess, in_a_window: None) -> Generate:
    """Send a request that does not end by itself."""
    simulator.configure(seconds=1000.0)

    def run(prompt: str = PROMPT, **arguments: Any) -> Any:
        task = extension.generate(prompt, format="AUTO", **arguments)
        pump(extension, lambda: task.task_id)
        return task

    return run


def finish(extension: ModuleType, simulator: SimulatorProcess, task: Any) -> None:
    simulator.steer(task.task_id, seconds=0.0)
    task.wait(timeout=60)


def marked() -> list[Any]:
    return [item for item in bpy.data.objects if item.get("tokenlab_placeholder")]


def placeholder() -> Any:
    (item,) = marked()
    return item


def moved_by(plain: dict[str, Matrix]) -> Matrix:
    """Check that all objects were moved by the same transform, and return it."""
    seen = look()
    transforms = [seen[name].world @ world.inverted() for name, world in plain.items()]
    assert all(is_same(one, transforms[0]) for one in transforms)
    return transforms[0]


def cube_box(item: Any) -> tuple[Vector, Vector]:
    """The room that the placeholder's cube takes, as Blender draws it."""
    bpy.context.view_layer.update()
    world, size = item.matrix_world, item.empty_display_size
    corners = [world @ Vector((x, y, z)) for x in (-size, size) for y in (-size, size) for z in (-size, size)]
    low, high = (Vector(choose(corner[axis] for corner in corners) for axis in range(3)) for choose in (min, max))
    return low, high


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
    assert tuple(low) == pytest.approx((5.0, 0.0, 0.25), abs=1e-5)
    assert tuple(high) == pytest.approx((9.0, 3.0, 1.25), abs=1e-5)
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
    wanted = Matrix.LocRotScale(Vector((4.0, 5.0, 6.0)), item_rotation(0.1, 0.2, 0.3), Vector((2.0, 2.0, 2.0)))
    assert is_same(moved_by(delivered), wanted)
    assert len(look()) <= len(delivered) + 1


def item_rotation(x: float, y: float, z: float) -> Any:
    rotations = (Matrix.Rotation(angle, 4, axis) for angle, axis in ((z, "Z"), (y, "Y"), (x, "X")))
    product = Matrix()
    for rotation in rotations:
        product = product @ rotation
    return product.to_quaternion()


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
    location, rotation, scale = moved.decompose()
    assert not is_same(Matrix.LocRotScale(location, rotation, scale), moved), "it is turned first, and stretched then"
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
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, generate: Generate, kind: Any
) -> None:
    delivered = deliver("single", simulator, tmp_path)
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
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, generate: Generate
) -> None:
    delivered = deliver("single", simulator, tmp_path)
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
    return bool(bpy.ops.ed.redo.poll())


def let_the_timer_run(extension: ModuleType, times: int = 5) -> None:
    for _ in range(times):
        extension.core.blender.tick.tick()


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
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, generate: Generate
) -> None:
    delivered = deliver("single", simulator, tmp_path)
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


# ---- files


def test_it_is_saved_with_the_file_and_used_after_the_file_is_opened_again(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, generate: Generate
) -> None:
    delivered = deliver("single", simulator, tmp_path)
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
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, generate: Generate
) -> None:
    deliver("single", simulator, tmp_path)
    task = generate()
    blend = tmp_path / "saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    empty_file()
    with bpy.data.libraries.load(str(blend)) as (_found, wanted):
        wanted.objects = [PROMPT]
    bpy.context.scene.collection.objects.link(bpy.data.objects[PROMPT])
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
    simulator.steer(task.task_id, seconds=2.0, progress=40)
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
