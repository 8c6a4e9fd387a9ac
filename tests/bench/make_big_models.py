# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A script for a Python with bpy: write a model of many triangles in every format.

`big_models.py` runs it in a child process; bpy is allowed here. Usage: make_big_models.py TRIANGLES DIRECTORY. The
model is a knobbly ball: one mesh with a UV map and one material with four pictures of 2048 pixels a side, as the
services deliver them. STL and PLY know no pictures.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy  # first: numpy comes with it

# isort: split
import numpy as np

SIDE = 2048
PICTURES = ("colour", "roughness", "metal", "normal")


def main(triangles: int, directory: Path) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with tempfile.TemporaryDirectory() as scratch:
        item = ball(triangles)
        item.data.materials.append(material([picture(Path(scratch), name) for name in PICTURES]))
        item.select_set(True)
        context: Any = bpy.context
        context.view_layer.objects.active = item
        for suffix, export in EXPORTS.items():
            export(str(directory / f"model{suffix}"))


def ball(triangles: int) -> Any:
    """A sphere of rows and columns, twice as many columns as rows, two triangles for each cell."""
    rows = round((triangles / 4) ** 0.5)
    columns = 2 * rows
    down, across = np.mgrid[0 : rows + 1, 0 : columns + 1]
    theta, phi = np.pi * (down + 0.5) / (rows + 1), 2 * np.pi * across / columns
    radius = 1.0 + 0.05 * np.sin(9 * theta) * np.cos(11 * phi)
    points = np.stack(
        [radius * np.sin(theta) * np.cos(phi), radius * np.sin(theta) * np.sin(phi), radius * np.cos(theta)], -1
    )
    first = (down * (columns + 1) + across)[:-1, :-1].ravel()
    quads = np.stack([first, first + columns + 1, first + columns + 2, first + 1], -1)
    corners = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    mesh = bpy.data.meshes.new("Ball")
    mesh.vertices.add(points.size // 3)
    mesh.vertices.foreach_set("co", points.astype(np.float32).ravel())
    mesh.loops.add(corners.size)
    mesh.loops.foreach_set("vertex_index", corners.astype(np.int32).ravel())
    mesh.polygons.add(len(corners))
    mesh.polygons.foreach_set("loop_start", np.arange(0, corners.size, 3, dtype=np.int32))
    uv = np.stack([across / columns, down / rows], -1).reshape(-1, 2)[corners.ravel()]
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", uv.astype(np.float32).ravel())
    mesh.update()
    item = bpy.data.objects.new("Ball", mesh)
    context: Any = bpy.context
    context.scene.collection.objects.link(item)
    return item


def picture(folder: Path, name: str) -> Any:
    """A picture that PNG cannot make small, as photographs are."""
    image: Any = bpy.data.images.new(name, SIDE, SIDE, alpha=False)
    random = np.random.default_rng(len(name))
    coarse = random.uniform(0.2, 0.8, (SIDE // 64, SIDE // 64, 3)).repeat(64, 0).repeat(64, 1)
    pixels = np.ones((SIDE, SIDE, 4), dtype=np.float32)
    pixels[..., :3] = np.clip(coarse + random.normal(0.0, 0.02, coarse.shape), 0.0, 1.0)
    image.pixels.foreach_set(pixels.ravel())
    image.filepath_raw, image.file_format = str(folder / f"{name}.png"), "PNG"
    image.save()
    return image


def material(images: list[Any]) -> Any:
    made = bpy.data.materials.new("Skin")
    made.use_nodes = True
    tree: Any = made.node_tree
    shader = tree.nodes["Principled BSDF"]
    nodes = []
    for image in images:
        node = tree.nodes.new("ShaderNodeTexImage")
        node.image = image
        nodes.append(node)
    for node, socket in zip(nodes[:3], ("Base Color", "Roughness", "Metallic"), strict=True):
        tree.links.new(node.outputs["Color"], shader.inputs[socket])
    bump = tree.nodes.new("ShaderNodeNormalMap")
    tree.links.new(nodes[3].outputs["Color"], bump.inputs["Color"])
    tree.links.new(bump.outputs["Normal"], shader.inputs["Normal"])
    return made


EXPORTS: dict[str, Callable[[str], object]] = {
    ".glb": lambda path: bpy.ops.export_scene.gltf(filepath=path, use_selection=True),
    ".fbx": lambda path: bpy.ops.export_scene.fbx(
        filepath=path, use_selection=True, path_mode="COPY", embed_textures=True
    ),
    ".obj": lambda path: bpy.ops.wm.obj_export(
        filepath=path, export_selected_objects=True, path_mode="COPY", export_pbr_extensions=True
    ),
    ".usdz": lambda path: bpy.ops.wm.usd_export(filepath=path, selected_objects_only=True),
    ".stl": lambda path: bpy.ops.wm.stl_export(filepath=path, export_selected_objects=True),
    ".ply": lambda path: bpy.ops.wm.ply_export(filepath=path, export_selected_objects=True),
}

if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), Path(sys.argv[2]))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)  # Blender 4.2 crashes at its own end once its glTF exporter has run.
