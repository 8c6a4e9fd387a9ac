# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Models with one root, with several, with one that moves by itself, and what a plain import makes of them. Uses bpy.

They are built in Blender and exported, so that each version reads what its own exporter wrote; by this file as a script
in a process of its own, since Blender 4.2 crashes at its end once its glTF exporter has run.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
from mathutils import Matrix, Vector

FRAME = 7
"""Not the first, so that animated models are elsewhere."""


def empty_file() -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.frame_set(FRAME)


def add(name: str, data: Any, parent: Any = None) -> Any:
    item = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(item)
    item.parent = parent
    return item


def block(x: float, y: float, z: float) -> Any:
    """A block with these sides, which stands on z = 0.25, with its origin in a corner: nothing is in the middle."""
    corners = [(a * x, b * y, 0.25 + c * z) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new("Block")
    mesh.from_pydata(corners, [], faces)
    return mesh


def build_single() -> None:
    root = add("Root", None)
    root.location, root.rotation_euler, root.scale = (0.5, 0.0, 1.0), (0.0, 0.0, 0.5), (2.0, 2.0, 2.0)
    body = add("Body", block(1.0, 2.0, 0.5), root)
    body.location = (0.0, 1.0, 0.0)
    hat = add("Hat", block(0.2, 0.2, 0.2), body)
    hat.location, hat.rotation_euler = (0.5, 1.0, 0.5), (0.3, 0.2, 0.1)


def build_several() -> None:
    for number in range(3):
        item = add(f"Part {number}", block(1.0, 2.0, 0.5))
        item.location, item.rotation_euler = (2.0 * number, 1.0, 0.5 * number), (0.0, 0.0, 0.4 * number)


def build_moving() -> None:
    """A root whose own location is animated."""
    item = add("Lift", block(1.0, 2.0, 0.5))
    for frame, height in ((1, 0.0), (20, 5.0)):
        item.location.z = height
        item.keyframe_insert("location", frame=frame)
    add("Passenger", block(0.2, 0.2, 1.0), item)


def build_skinned() -> None:
    """A figure whose bone is animated, and not its root."""
    bpy.ops.object.armature_add()
    rig: Any = bpy.context.object
    rig.location = (1.0, 0.0, 0.5)
    body = add("Figure", block(0.5, 0.5, 1.0), rig)
    body.vertex_groups.new(name="Bone").add(list(range(8)), 1.0, "REPLACE")
    body.modifiers.new("Armature", "ARMATURE").object = rig
    bone = rig.pose.bones["Bone"]
    bone.rotation_mode = "QUATERNION"
    for frame, angle in ((1, 0.0), (20, 1.5)):
        bone.rotation_quaternion = Matrix.Rotation(angle, 4, "X").to_quaternion()
        bone.keyframe_insert("rotation_quaternion", frame=frame)


def export_glb(path: Path) -> None:
    bpy.ops.export_scene.gltf(filepath=str(path))


def build_nothing() -> None:
    """An object without geometry, which moves."""
    item = add("Nothing", None)
    for frame, height in ((1, 0.0), (20, 5.0)):
        item.location.z = height
        item.keyframe_insert("location", frame=frame)


def export_obj(path: Path) -> None:
    bpy.ops.wm.obj_export(filepath=str(path))


def export_fbx(path: Path) -> None:
    bpy.ops.export_scene.fbx(filepath=str(path))


def import_fbx(path: Path) -> None:
    """With the importer that the extension prefers."""
    try:
        bpy.ops.wm.fbx_import(filepath=str(path))
    except AttributeError:  # before Blender 4.5
        bpy.ops.import_scene.fbx(filepath=str(path))


@dataclass(frozen=True)
class Kind:
    """A model to place."""

    name: str
    build: Callable[[], None]
    suffix: str = ".glb"
    has_one_root: bool = True
    """One object can take its placement."""

    def write(self, folder: Path) -> Path:
        return Path(shutil.copy(_exported() / f"{self.name}{self.suffix}", folder / f"model{self.suffix}"))

    def export(self, folder: Path) -> None:
        empty_file()
        self.build()
        export = {".glb": export_glb, ".fbx": export_fbx, ".obj": export_obj}[self.suffix]
        export(folder / f"{self.name}{self.suffix}")

    def plain_import(self, path: Path) -> None:
        """Import with Blender's own operator into an empty file."""
        empty_file()
        if self.suffix == ".glb":
            bpy.ops.import_scene.gltf(filepath=str(path))
        elif self.suffix == ".fbx":
            import_fbx(path)
        else:
            bpy.ops.wm.obj_import(filepath=str(path))


def build_block() -> None:
    add("Block", block(1.0, 2.0, 0.5))


_ALL = (
    Kind("single", build_single),
    Kind("several", build_several, has_one_root=False),
    Kind("moving", build_moving, has_one_root=False),
    Kind("skinned", build_skinned),
    Kind("obj", build_block, ".obj"),
    Kind("objs", build_several, ".obj", has_one_root=False),
)
_OTHERS = (
    Kind("fbx", build_moving, ".fbx"),
    Kind("nothing", build_nothing, ".fbx"),
    Kind("empty", build_nothing),
)
"""Not for every test of a placement."""
KINDS = {kind.name: kind for kind in (*_ALL, *_OTHERS)}
PLACED = sorted(kind.name for kind in _ALL)


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that goes when this process ends."""
    return tempfile.TemporaryDirectory(prefix="tokenlab-models-")


@functools.cache
def _exported() -> Path:
    """Have all of them exported, once."""
    folder = Path(_folder().name)
    command = [sys.executable, str(Path(__file__)), str(folder)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return folder


@dataclass(frozen=True)
class Seen:
    """What was found of one object."""

    parent: str
    basis: Matrix
    inverse: Matrix
    world: Matrix
    corners: tuple[Vector, ...]
    """Of its mesh's box, in the world; none of what has no mesh."""


def look(scene: Any = None) -> dict[str, Seen]:
    """Look at all objects of a scene, evaluated."""
    scene = scene or bpy.context.scene
    layer = scene.view_layers[0]
    layer.update()
    found = {}
    for item in scene.objects:
        evaluated = item.evaluated_get(layer.depsgraph)
        world = evaluated.matrix_world.copy()
        box = [world @ Vector(corner) for corner in evaluated.bound_box] if item.type == "MESH" else []
        parent = item.parent.name if item.parent else ""
        found[item.name] = Seen(parent, item.matrix_basis.copy(), item.matrix_parent_inverse.copy(), world, tuple(box))
    return found


def box_of(seen: dict[str, Seen]) -> tuple[Vector, Vector]:
    """The lowest and the highest corner of all meshes, but for the ball that bones are drawn with."""
    corners = [corner for name, item in seen.items() if name != "Icosphere" for corner in item.corners]
    low, high = (Vector([choose(corner[axis] for corner in corners) for axis in range(3)]) for choose in (min, max))
    return low, high


def is_same(one: Matrix, other: Matrix, tolerance: float = 1e-4) -> bool:
    cells = [(one[row][column], other[row][column]) for row in range(4) for column in range(4)]
    return all(abs(a - b) <= tolerance * max(1.0, abs(b)) for a, b in cells)


if __name__ == "__main__":
    for made in KINDS.values():
        made.export(Path(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)
