# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever the units and the frame rate of the scene are, a prepared model is what a plain import into it gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest
from mathutils import Vector

from tests.blender.fingerprint import fingerprint
from tests.blender.models_to_place import KINDS, empty_file
from tests.blender.preparing import Preparer
from tests.blender.support import SHARED_SAMPLES, pump
from tests.blender.test_conversion import own_models, unpacked
from tests.simulator.process import SimulatorProcess

SCENES: dict[str, dict[str, Any]] = {
    "centimetres": {"scale_length": 0.01},
    "30 a second": {"fps": 30},
    "29.97 a second, from frame 10": {"fps": 30, "fps_base": 1.001, "frame_start": 10},
    "all at once": {"scale_length": 2.0, "fps": 60, "frame_start": 0},
}
TRIANGLE = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))


@pytest.fixture(scope="module")
def preparer(extension: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preparer]:
    made = Preparer(extension, tmp_path_factory.mktemp("preparer"))
    yield made
    made.stop()


def set_units(
    scene: Any, *, scale_length: float = 1.0, fps: int = 24, fps_base: float = 1.0, frame_start: int = 1
) -> None:
    scene.unit_settings.scale_length = scale_length
    scene.render.fps, scene.render.fps_base, scene.frame_start = fps, fps_base, frame_start


def write_stl(path: Path) -> None:
    corners = "\n".join(f"vertex {x} {y} {z}" for x, y, z in TRIANGLE)
    path.write_text(f"solid one\nfacet normal 0 -1 0\nouter loop\n{corners}\nendloop\nendfacet\nendsolid one\n")


def write_ply(path: Path) -> None:
    head = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    corners = "\n".join(f"{x} {y} {z}" for x, y, z in TRIANGLE)
    path.write_text(f"{head}element face 1\nproperty list uchar int vertex_indices\nend_header\n{corners}\n3 0 1 2\n")


def model(name: str, folder: Path) -> Path:
    """Write the model of that name."""
    if name in KINDS:
        return KINDS[name].write(folder)
    path = folder / f"model.{name}"
    {"stl": write_stl, "ply": write_ply}[name](path)
    return path


def both_ways(extension: ModuleType, preparer: Preparer, path: Path, folder: Path, units: dict[str, Any]) -> list[Any]:
    """What a direct import and a prepared model come to in a scene with such units."""
    core = extension.core
    importing, settings = core.blender.importing, core.blender.scene_settings
    task = core.tasks.task.new_task(core.service.contract.GenerationRequest(prompt="a model"), "scene")
    path, model_format = unpacked(extension, path, folder)
    prints = []
    for is_prepared in (False, True):
        empty_file()
        scene = bpy.context.scene
        set_units(scene, **units)
        if is_prepared:
            blend = preparer.prepare(path, model_format, folder / "model.blend", settings.units(scene))
            name = importing.append_model(task, blend, scene, is_selected=True)
        else:
            name = importing.import_model(task, path, model_format, scene, is_selected=True)
        prints.append(fingerprint(bpy.data.collections[name]))
        assert settings.units(bpy.context.scene) == pytest.approx({**core.files.scene_units.FACTORY, **units})
    return prints


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("name", ["single", "moving", "skinned", "fbx", "objs", "stl", "ply"])
def test_a_model_comes_as_large_and_as_fast_either_way(
    extension: ModuleType, preparer: Preparer, tmp_path: Path, name: str, scene: str
) -> None:
    plain, prepared = both_ways(extension, preparer, model(name, tmp_path), tmp_path, SCENES[scene])
    assert plain["meshes"]
    assert prepared == plain


@pytest.mark.parametrize("path", own_models(), ids=lambda path: path.name)
def test_what_the_service_delivers_is_the_same_either_way(
    extension: ModuleType, preparer: Preparer, tmp_path: Path, path: Path
) -> None:
    plain, prepared = both_ways(extension, preparer, path, tmp_path, SCENES["centimetres"])
    assert plain["meshes"]
    assert prepared == plain


def samples() -> list[Any]:
    folder = SHARED_SAMPLES / "valid"
    if not folder.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason="The shared samples are not on this machine."))]
    return sorted(path for path in folder.iterdir() if path.suffix in (".glb", ".fbx"))


@pytest.mark.parametrize("path", samples(), ids=lambda path: getattr(path, "name", "none"))
def test_real_files_are_the_same_either_way(
    extension: ModuleType, preparer: Preparer, tmp_path: Path, path: Path
) -> None:
    plain, prepared = both_ways(extension, preparer, path, tmp_path, SCENES["all at once"])
    assert prepared == plain


@pytest.mark.parametrize(
    ("name", "heeded"),
    [
        ("single", ["scale_length"]),
        ("moving", ["fps", "fps_base", "frame_start", "scale_length"]),
        ("skinned", ["fps", "fps_base", "frame_start", "scale_length"]),
        ("objs", []),
        ("stl", []),
        ("ply", []),
    ],
)
def test_it_is_known_which_units_count_for_a_model(
    extension: ModuleType, preparer: Preparer, tmp_path: Path, name: str, heeded: list[str]
) -> None:
    path, model_format = unpacked(extension, model(name, tmp_path), tmp_path)
    preparer.prepare(path, model_format, tmp_path / "model.blend")
    assert preparer.answer["heeded"] == heeded


# ------------------------------------------------------------------------------
# As users meet it


def extent(objects: Any) -> Vector:
    bpy.context.view_layer.update()
    corners = [item.matrix_world @ Vector(corner) for item in objects for corner in item.bound_box]
    return Vector([max(corner[axis] for corner in corners) for axis in range(3)])


def test_a_model_for_a_scene_in_centimetres_arrives_in_its_size_at_the_first_try(
    extension: ModuleType, simulator: SimulatorProcess, prepared: Any
) -> None:
    set_units(bpy.context.scene, scale_length=0.01)
    task = extension.generate("a red cube")
    objects = task.wait(timeout=60)
    assert extent(objects) == Vector((100.0, 0.0, 100.0))
    record = prepared.engine.records.get(task.local_id)
    assert record.facts.dimensions == pytest.approx((1.0, 0.0, 1.0)), "in metres"


def import_into(extension: ModuleType, task: Any, **units: Any) -> Any:
    """Import a task's model into another scene with such units, and return that."""
    other = bpy.data.scenes.new("Other")
    set_units(other, **units)
    bpy.context.window_manager.windows[0].scene = other
    assert bpy.ops.tokenlab.import_model(local_id=task.local_id, here=True) == {"FINISHED"}
    pump(extension, lambda: other.collection.all_objects)
    return other


def test_another_scene_with_another_unit_gets_the_model_in_the_size_that_is_right_there(
    extension: ModuleType, simulator: SimulatorProcess, prepared: Any
) -> None:
    task = extension.generate("a red cube")
    first = task.wait(timeout=60)
    other = import_into(extension, task, scale_length=0.01)
    assert extent(other.collection.all_objects) == Vector((100.0, 0.0, 100.0))
    assert extent(first) == Vector((1.0, 0.0, 1.0))
    assert len(simulator.creates()) == 1


def test_a_model_that_does_not_move_is_not_prepared_anew_for_another_frame_rate(
    extension: ModuleType, simulator: SimulatorProcess, prepared: Any
) -> None:
    task = extension.generate("a red cube")
    task.wait(timeout=60)
    blend = Path(prepared.engine.records.get(task.local_id).blend_path)
    pump(extension, lambda: not prepared.engine.is_busy)
    before = blend.stat().st_mtime_ns
    other = import_into(extension, task, fps=60, frame_start=0)
    assert extent(other.collection.all_objects) == Vector((1.0, 0.0, 1.0))
    assert blend.stat().st_mtime_ns == before


def test_without_a_window_the_size_in_metres_is_what_the_file_says(
    extension: ModuleType, simulator: SimulatorProcess, session: Any
) -> None:
    set_units(bpy.context.scene, scale_length=0.01)
    task = extension.generate("a red cube")
    assert extent(task.wait(timeout=60)) == Vector((100.0, 0.0, 100.0))
    assert session.engine.records.get(task.local_id).facts.dimensions == pytest.approx((1.0, 0.0, 1.0))
