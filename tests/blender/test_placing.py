# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model lands where, as large and facing as was chosen, and is otherwise what a plain import makes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest
from mathutils import Matrix, Vector

from tests.blender.models_to_place import KINDS, PLACED, Kind, Seen, add, block, box_of, empty_file, is_same, look
from tests.blender.preparing import Preparer

Import = Callable[..., Any]
FRONT = Vector((0.0, -1.0, 0.0))
"""Where a delivered model looks."""


@pytest.fixture(scope="module")
def preparer(extension: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preparer]:
    made = Preparer(extension, tmp_path_factory.mktemp("preparer"))
    yield made
    made.stop()


@pytest.fixture(params=["as delivered", "prepared"])
def import_model(request: pytest.FixtureRequest, extension: ModuleType, preparer: Preparer, tmp_path: Path) -> Import:
    """Import a file as a task's model, either way: with a placement, into a scene. Returns the collection."""

    def run(path: Path, scene: Any = None, **placement: Any) -> Any:
        tasks, contract = extension.core.tasks, extension.core.service.contract
        record = {"size": "AS_DELIVERED", "facing": "AS_DELIVERED", **placement}
        task = tasks.task.new_task(contract.GenerationRequest(prompt="a model"), "scene")
        task = replace(task, placement=tasks.placement.Placement.from_record(record))
        format_of, importing = extension.core.files.formats.ModelFormat, extension.core.blender.importing
        model_format = format_of.OBJ if path.suffix == ".obj" else format_of.GLB
        scene = scene or bpy.context.scene
        if request.param == "prepared":
            blend = preparer.prepare(path, model_format, tmp_path / "model.blend")
            name = importing.append_model(task, blend, scene, is_selected=True)
        else:
            name = importing.import_model(task, path, model_format, scene, is_selected=True)
        return bpy.data.collections[name]

    return run


@pytest.fixture(params=PLACED)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def model(kind: Kind, tmp_path: Path) -> tuple[Path, dict[str, Seen]]:
    """A file, and what a plain import makes of it; the file that is open is empty again."""
    path = kind.write(tmp_path)
    kind.plain_import(path)
    plain = look()
    empty_file()
    return path, plain


def moved_by(seen: dict[str, Seen], plain: dict[str, Seen]) -> Matrix:
    """Check that one and the same transform came on top of each object's own, and return it."""
    transforms = {name: seen[name].world @ plain[name].world.inverted() for name in plain if name != "Icosphere"}
    first = next(iter(transforms.values()))
    for name, transform in transforms.items():
        assert is_same(transform, first), f"{name} was not moved along with the others"
    return first


def check_untouched_below(seen: dict[str, Seen], plain: dict[str, Seen], kind: Kind) -> None:
    """Only the root's own transform may be another one, or an Empty be above the roots."""
    # What draws bones comes along with a prepared model, also where the importer itself would have none.
    added = set(seen) - set(plain) - {"Icosphere"}
    assert added == (set() if kind.has_one_root else {"a model"})
    for name, before in plain.items():
        now = seen[name]
        if before.parent or not kind.has_one_root:
            assert is_same(now.basis, before.basis, 0.0), name
            assert is_same(now.inverse, before.inverse, 0.0), name
        if name != "Icosphere":
            assert now.parent == (before.parent if before.parent or kind.has_one_root else "a model")


def test_as_delivered_at_the_origin_is_exactly_a_plain_import(
    import_model: Import, kind: Kind, model: tuple[Path, dict[str, Seen]]
) -> None:
    path, plain = model
    import_model(path)
    seen = look()
    assert set(seen) == set(plain)
    for name, before in plain.items():
        assert seen[name].parent == before.parent
        for one, other in ((seen[name].world, before.world), (seen[name].basis, before.basis)):
            assert is_same(one, other, 0.0), name


def test_at_a_location_the_whole_model_is_moved_and_nothing_else(
    import_model: Import, kind: Kind, model: tuple[Path, dict[str, Seen]]
) -> None:
    path, plain = model
    import_model(path, location=[1.0, -2.0, 3.0])
    seen = look()
    check_untouched_below(seen, plain, kind)
    assert is_same(moved_by(seen, plain), Matrix.Translation((1.0, -2.0, 3.0)))


@pytest.mark.parametrize("facing", ["AS_DELIVERED", "X", "Y", "NEGATIVE_X"])
@pytest.mark.parametrize("on_floor", [False, True], ids=["origin", "floor"])
def test_a_height_is_met_by_the_same_scale_along_all_axes(
    import_model: Import, kind: Kind, model: tuple[Path, dict[str, Seen]], facing: str, on_floor: bool
) -> None:
    path, plain = model
    import_model(path, location=[1.0, -2.0, 3.0], size="HEIGHT", height=1.8, facing=facing, on_floor=on_floor)
    seen = look()
    check_untouched_below(seen, plain, kind)
    moved, (low, high) = moved_by(seen, plain), box_of(seen)
    assert high.z - low.z == pytest.approx(1.8, rel=1e-4)
    _, rotation, scale = moved.decompose()
    assert scale.x == pytest.approx(scale.y, rel=1e-4) and scale.x == pytest.approx(scale.z, rel=1e-4)
    turned = {"AS_DELIVERED": (0, -1), "X": (1, 0), "Y": (0, 1), "NEGATIVE_X": (-1, 0)}[facing]
    assert (rotation @ FRONT - Vector((*turned, 0))).length < 1e-4
    if on_floor:
        assert low.z == pytest.approx(3.0, abs=1e-4)
    else:
        assert moved.translation.z == pytest.approx(3.0, abs=1e-5)
    assert moved.translation.x == pytest.approx(1.0, abs=1e-4)
    assert moved.translation.y == pytest.approx(-2.0, abs=1e-4)


@pytest.mark.parametrize("facing", ["AS_DELIVERED", "X"])
def test_in_a_box_it_stands_in_the_middle_and_is_as_large_as_fits(
    import_model: Import, kind: Kind, model: tuple[Path, dict[str, Seen]], facing: str
) -> None:
    path, plain = model
    import_model(path, location=[1.0, -2.0, 3.0], size="BOX", box=[4.0, 5.0, 2.0], facing=facing)
    seen = look()
    check_untouched_below(seen, plain, kind)
    moved_by(seen, plain)
    low, high = box_of(seen)
    sides = high - low
    assert all(side <= limit + 1e-3 for side, limit in zip(sides, (4.0, 5.0, 2.0), strict=True))
    assert any(side == pytest.approx(limit, rel=1e-3) for side, limit in zip(sides, (4.0, 5.0, 2.0), strict=True))
    middle = (low + high) / 2
    assert (middle.x, middle.y, low.z) == pytest.approx((1.0, -2.0, 3.0), abs=1e-3)


def test_on_the_floor_as_delivered_only_the_height_changes(
    import_model: Import, kind: Kind, model: tuple[Path, dict[str, Seen]]
) -> None:
    path, plain = model
    import_model(path, on_floor=True)
    seen = look()
    low, _high = box_of(seen)
    assert low.z == pytest.approx(0.0, abs=1e-4)
    moved = moved_by(seen, plain)
    assert is_same(moved, Matrix.Translation((0.0, 0.0, moved.translation.z)))


def test_towards_the_camera_means_horizontally(
    import_model: Import, kind: Kind, model: tuple[Path, dict[str, Seen]]
) -> None:
    path, plain = model
    bpy.context.scene.camera = camera = add("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (4.0, 1.0, 9.0)
    bpy.context.view_layer.update()
    import_model(path, location=[1.0, -2.0, 3.0], facing="CAMERA")
    rotation = moved_by(look(), plain).to_quaternion()
    assert (rotation @ FRONT - Vector((3.0, 3.0, 0.0)).normalized()).length < 1e-4


def test_without_a_camera_or_right_below_it_nothing_is_turned(
    import_model: Import, kind: Kind, model: tuple[Path, dict[str, Seen]]
) -> None:
    path, plain = model
    import_model(path, facing="CAMERA")
    assert set(look()) == set(plain)
    empty_file()
    bpy.context.scene.camera = camera = add("Camera", bpy.data.cameras.new("Camera"))
    camera.location.z = 9.0
    bpy.context.view_layer.update()
    import_model(path, facing="CAMERA")
    assert is_same(moved_by(look(), plain), Matrix())


def test_in_a_scene_that_no_window_shows_it_is_the_same(
    import_model: Import, kind: Kind, model: tuple[Path, dict[str, Seen]]
) -> None:
    path, plain = model
    other = bpy.data.scenes.new("Other")
    other.frame_set(bpy.context.scene.frame_current)
    other.camera = camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    other.collection.objects.link(camera)
    camera.location = (4.0, 1.0, 9.0)
    import_model(path, other, location=[1.0, -2.0, 3.0], size="HEIGHT", height=1.8, on_floor=True, facing="CAMERA")
    other = bpy.data.scenes["Other"]
    assert len(bpy.data.scenes["Scene"].objects) == 0
    assert [scene.name for scene in bpy.data.scenes] == ["Other", "Scene"]
    seen = look(other)
    seen.pop("Camera")
    plain.pop("Icosphere", None)  # Left out where no window shows it.
    check_untouched_below(seen, plain, kind)
    low, high = box_of(seen)
    assert (low.z, high.z) == pytest.approx((3.0, 4.8), abs=1e-3)
    rotation = moved_by(seen, plain).to_quaternion()
    assert (rotation @ FRONT - Vector((3.0, 3.0, 0.0)).normalized()).length < 1e-4


def test_a_small_step_of_an_animated_root_follows_its_empty(import_model: Import, tmp_path: Path) -> None:
    path = KINDS["moving"].write(tmp_path)
    empty_file()
    import_model(path, location=[10.0, 0.0, 0.0])
    places = []
    for frame in (1, 20):
        bpy.context.scene.frame_set(frame)
        places.append(look()["Lift"].world.translation.copy())
    assert (places[1] - places[0]).length > 1.0, "it still moves"
    assert all(place.x == pytest.approx(10.0, abs=1e-4) for place in places)


@pytest.mark.parametrize("size", ["HEIGHT", "BOX"])
def test_a_flat_model_is_placed_without_a_fuss(import_model: Import, tmp_path: Path, size: str) -> None:
    path = tmp_path / "flat.obj"
    corners = ((0, 0, 0), (2, 0, 0), (0, 3, 0))
    path.write_text("\n".join([*(f"v {x} {z} {-y}" for x, y, z in corners), "f 1 2 3\n"]))  # OBJ's Y is up
    import_model(path, location=[1.0, 2.0, 3.0], size=size, height=2.0, box=[4.0, 4.0, 0.0], on_floor=True)
    low, high = box_of(look())
    assert all(math.isfinite(value) and abs(value) < 100.0 for value in (*low.to_tuple(), *high.to_tuple()))
    assert low.z == pytest.approx(3.0, abs=1e-4)
    assert max(high - low) == pytest.approx(2.0 if size == "HEIGHT" else 4.0, rel=1e-4)


def test_the_empty_above_several_roots_is_the_active_one_and_belongs_to_the_model(
    import_model: Import, tmp_path: Path
) -> None:
    path = KINDS["several"].write(tmp_path)
    empty_file()
    collection = import_model(path, location=[1.0, 2.0, 3.0])
    empty = bpy.data.objects["a model"]
    assert list(empty.users_collection) == [collection]
    assert empty["tokenlab_local_id"] == collection["tokenlab_local_id"]
    assert bpy.context.view_layer.objects.active == empty and empty.select_get()
    assert {child.name for child in empty.children} == {"Part 0", "Part 1", "Part 2"}


def test_a_model_that_cannot_be_placed_still_arrives(
    extension: ModuleType, import_model: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = KINDS["single"].write(tmp_path)
    empty_file()

    def break_down(*_arguments: object) -> None:
        raise ValueError("a model that nobody has thought of")

    monkeypatch.setattr(extension.core.blender.bounds, "of_model", break_down)
    import_model(path, size="HEIGHT", height=2.0)
    assert "Body" in bpy.data.objects
    assert len(bpy.data.scenes) == 1


def test_measuring_leaves_nothing_behind_and_costs_the_same_in_a_large_file(
    import_model: Import, tmp_path: Path
) -> None:
    path = KINDS["single"].write(tmp_path)
    empty_file()
    add("Mine", block(1.0, 1.0, 1.0))
    bpy.context.view_layer.update()
    updates: list[str] = []

    def note(scene: Any, _depsgraph: Any = None) -> None:
        updates.append(scene.name)

    bpy.app.handlers.depsgraph_update_post.append(note)
    try:
        import_model(path, size="HEIGHT", height=2.0)
    finally:
        bpy.app.handlers.depsgraph_update_post.remove(note)
    assert [scene.name for scene in bpy.data.scenes] == ["Scene"]
    assert bpy.context.scene.frame_current == 7
    assert "Scene" in updates, "the model was evaluated as any import is"
