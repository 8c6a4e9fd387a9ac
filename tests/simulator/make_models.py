# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script for a Python with bpy: build a small textured robot and export it in every format of the service.

`models.py` runs it in a child process; bpy is allowed here. It faces -Y and stands on the ground.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy  # first: the modules below exist only once it is there

# isort: split
import bmesh
import numpy as np
from mathutils import Matrix, Vector

TEXTURE_SIZE = 256
PANELS_PER_SIDE = 4
# How many metres one copy of the texture covers.
TEXTURE_METRES = 0.8
SMOOTH = 24
Shape = Callable[[bmesh.types.BMesh], None]
Point = tuple[float, float, float]


def main(directory: Path) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with tempfile.TemporaryDirectory() as scratch:
        texture = paint_texture(Path(scratch) / "robot_panels.png")
        build_robot(texture)
        export_all(directory, Path(scratch))


# ---- the picture


def paint_texture(path: Path) -> bpy.types.Image:
    """Orange enamel panels with dark joints, rivets and a little wear."""
    rows, columns = np.mgrid[0:TEXTURE_SIZE, 0:TEXTURE_SIZE]
    panel = TEXTURE_SIZE // PANELS_PER_SIDE
    across, down = columns % panel, rows % panel
    random = np.random.default_rng(7)
    shade = random.uniform(0.88, 1.0, (PANELS_PER_SIDE, PANELS_PER_SIDE)).repeat(panel, 0).repeat(panel, 1)
    shade = shade + random.normal(0.0, 0.012, shade.shape)
    colour = np.array([0.95, 0.45, 0.13]) * shade[..., None]
    to_edge = np.minimum(np.minimum(across, panel - 1 - across), np.minimum(down, panel - 1 - down))
    colour[to_edge == 2] = (1.0, 0.68, 0.4)
    colour[to_edge < 2] = (0.25, 0.1, 0.05)
    to_rivet = np.hypot(np.minimum(across, panel - 1 - across) - 8, np.minimum(down, panel - 1 - down) - 8)
    colour[to_rivet < 2.6] = (0.98, 0.88, 0.72)
    image = bpy.data.images.new("robot_panels", TEXTURE_SIZE, TEXTURE_SIZE)
    pixels = np.ones((TEXTURE_SIZE, TEXTURE_SIZE, 4), dtype=np.float32)
    pixels[..., :3] = np.clip(colour, 0.0, 1.0)
    image.pixels.foreach_set(pixels.ravel().tolist())
    image.filepath_raw = str(path)
    image.file_format = "PNG"
    image.save()
    return image


# ---- materials


def material(name: str, colour: Point, metallic: float, roughness: float) -> bpy.types.Material:
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    set_inputs(made, {"Base Color": (*colour, 1.0), "Metallic": metallic, "Roughness": roughness})
    return made


def set_inputs(look: bpy.types.Material, values: dict[str, Any]) -> None:
    # Any: which kind of socket a name stands for is not in the type of the tree.
    tree: Any = look.node_tree
    for name, value in values.items():
        tree.nodes["Principled BSDF"].inputs[name].default_value = value


def textured(image: bpy.types.Image) -> bpy.types.Material:
    made = material("Robot Panels", (0.9, 0.35, 0.08), 0.0, 0.35)
    tree: Any = made.node_tree
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.image = image
    tree.links.new(picture.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    return made


def glowing() -> bpy.types.Material:
    made = material("Robot Glow", (0.1, 0.8, 0.95), 0.0, 0.3)
    set_inputs(made, {"Emission Color": (0.1, 0.8, 0.95, 1.0), "Emission Strength": 1.0})
    return made


# ---- shapes


def box(centre: Point, size: Point, rounding: float) -> Shape:
    def add(mesh: bmesh.types.BMesh) -> None:
        scaling = Matrix.Diagonal((*size, 1.0))
        new = bmesh.ops.create_cube(mesh, size=1.0, matrix=Matrix.Translation(centre) @ scaling)
        edges = list({edge for vertex in new["verts"] for edge in vertex.link_edges})
        bmesh.ops.bevel(mesh, geom=edges, offset=rounding, segments=4, profile=0.5, affect="EDGES")

    return add


def ball(centre: Point, radius: float, flatness: float = 1.0) -> Shape:
    def add(mesh: bmesh.types.BMesh) -> None:
        matrix = Matrix.Translation(centre) @ Matrix.Diagonal((1.0, flatness, 1.0, 1.0))
        bmesh.ops.create_uvsphere(mesh, u_segments=SMOOTH, v_segments=SMOOTH // 2, radius=radius, matrix=matrix)

    return add


def rod(start: Point, end: Point, radius: float) -> Shape:
    def add(mesh: bmesh.types.BMesh) -> None:
        direction = Vector(end) - Vector(start)
        turn = direction.to_track_quat("Z", "Y").to_matrix().to_4x4()
        matrix = Matrix.Translation(((Vector(start) + Vector(end)) / 2)[:]) @ turn
        bmesh.ops.create_cone(
            mesh,
            cap_ends=True,
            segments=SMOOTH,
            radius1=radius,
            radius2=radius,
            depth=direction.length,
            matrix=matrix,
        )

    return add


def project_box_uv(mesh: bmesh.types.BMesh) -> None:
    """Each face takes the texture from the side that it looks to."""
    layer = mesh.loops.layers.uv.new("UVMap")
    for face in mesh.faces:
        away = max(range(3), key=lambda axis: abs(face.normal[axis]))
        first, second = [axis for axis in range(3) if axis != away]
        for loop in face.loops:
            position = loop.vert.co
            loop[layer].uv = (position[first] / TEXTURE_METRES + 0.5, position[second] / TEXTURE_METRES)


def part(name: str, look: bpy.types.Material, shapes: list[Shape], root: bpy.types.Object) -> None:
    builder = bmesh.new()
    for add in shapes:
        add(builder)
    bmesh.ops.recalc_face_normals(builder, faces=list(builder.faces))
    project_box_uv(builder)
    for face in builder.faces:
        face.smooth = True
    for edge in builder.edges:
        # The flat ends of rods stay flat.
        edge.smooth = len(edge.link_faces) == 2 and edge.calc_face_angle(0.0) < 0.9
    mesh = bpy.data.meshes.new(name)
    builder.to_mesh(mesh)
    builder.free()
    mesh.materials.append(look)
    thing = bpy.data.objects.new(name, mesh)
    thing.parent = root
    bpy.data.scenes[0].collection.objects.link(thing)


def build_robot(texture: bpy.types.Image) -> None:
    panels, glow = textured(texture), glowing()
    metal = material("Robot Metal", (0.06, 0.07, 0.09), 0.6, 0.4)
    root = bpy.data.objects.new("Robot", None)
    bpy.data.scenes[0].collection.objects.link(root)
    part("Body", panels, [box((0, 0, 0.72), (0.62, 0.46, 0.6), 0.1)], root)
    part("Head", panels, [box((0, 0, 1.3), (0.7, 0.52, 0.46), 0.14)], root)
    part("Visor", metal, [box((0, -0.24, 1.29), (0.54, 0.08, 0.26), 0.035)], root)
    part("Eyes", glow, [ball((side * 0.13, -0.28, 1.3), 0.066, 0.45) for side in (-1, 1)], root)
    part("Chest Light", glow, [ball((0, -0.23, 0.82), 0.06, 0.4)], root)
    part("Chest Plate", metal, [box((0, -0.225, 0.66), (0.32, 0.05, 0.1), 0.02)], root)
    part("Neck", metal, [rod((0, 0, 0.98), (0, 0, 1.12), 0.12)], root)
    part("Antenna", metal, [rod((0, 0, 1.5), (0, 0, 1.74), 0.02), ball((0, 0, 1.53), 0.055)], root)
    part("Antenna Light", glow, [ball((0, 0, 1.77), 0.055)], root)
    part("Ears", metal, [rod((side * 0.33, 0, 1.3), (side * 0.41, 0, 1.3), 0.1) for side in (-1, 1)], root)
    for name, side in (("Left", 1), ("Right", -1)):
        limb(name, side, panels, metal, root)


def limb(name: str, side: int, panels: bpy.types.Material, metal: bpy.types.Material, root: bpy.types.Object) -> None:
    shoulder, elbow = (side * 0.37, 0.0, 0.9), (side * 0.5, -0.04, 0.68)
    hand = (side * 0.47, -0.2, 0.54)
    part(f"{name} Arm", metal, [ball(shoulder, 0.09), rod(shoulder, elbow, 0.05), ball(elbow, 0.06)], root)
    part(f"{name} Forearm", panels, [rod(elbow, hand, 0.075), ball(hand, 0.09)], root)
    part(f"{name} Leg", metal, [rod((side * 0.16, 0, 0.12), (side * 0.16, 0, 0.46), 0.075)], root)
    part(f"{name} Foot", panels, [box((side * 0.17, -0.05, 0.09), (0.25, 0.38, 0.18), 0.06)], root)


# ---- files


def export_all(directory: Path, scratch: Path) -> None:
    bpy.ops.export_scene.gltf(filepath=str(directory / "robot.glb"), export_format="GLB")
    bpy.ops.export_scene.fbx(filepath=str(directory / "robot.fbx"), path_mode="COPY", embed_textures=True)
    bpy.ops.wm.usd_export(filepath=str(directory / "robot.usdz"))
    # The texture lies in the scratch directory; an OBJ written beside it names it without a directory.
    bpy.ops.wm.obj_export(filepath=str(scratch / "robot.obj"), path_mode="RELATIVE")
    with zipfile.ZipFile(directory / "robot_obj.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("robot.obj", "robot.mtl", "robot_panels.png"):
            archive.write(scratch / name, name)


if __name__ == "__main__":
    code = 1
    try:
        main(Path(sys.argv[1]).resolve())
        code = 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    # The bpy module can crash while Python takes itself down.
    os._exit(code)
