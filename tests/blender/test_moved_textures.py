# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Textures that lie in the archive of a model, and not where the model says: it names places of another computer."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import bpy
import pytest

from tests.blender.test_formats import import_file, written
from tests.tiny_models import MTL_TEXT, OBJ_TEXT, png

UNPACKED = Path("unpacked")
MODEL = UNPACKED / "model"


def fbx(folder: Path, texture: Path) -> bytes:
    """Have Blender write an FBX with a texture, which it names by its whole path."""
    bpy.ops.mesh.primitive_plane_add()
    material = bpy.data.materials.new("Wood")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.load(str(texture))
    shader = material.node_tree.nodes["Principled BSDF"]
    material.node_tree.links.new(node.outputs[0], shader.inputs["Base Color"])
    bpy.context.object.data.materials.append(material)
    bpy.ops.export_scene.fbx(filepath=str(folder / "written.fbx"), path_mode="ABSOLUTE")
    bpy.ops.wm.read_homefile(use_empty=True)
    return (folder / "written.fbx").read_bytes()


def own_folder(folder: Path, *textures: Path) -> Path:
    """Make the folder of a generation with an archive that has these textures."""
    folder.mkdir(exist_ok=True)
    written(folder / "task.json", "{}")
    for texture in (MODEL / "x", *textures):
        (folder / texture).parent.mkdir(parents=True, exist_ok=True)
    for texture in textures:
        written(folder / texture, png(8, 4))
    return folder


@pytest.mark.parametrize("place", [MODEL, MODEL / "textures", UNPACKED / "textures"], ids=str)
def test_an_fbx_brings_the_textures_that_are_anywhere_in_its_archive(
    extension: ModuleType, tmp_path: Path, place: Path
) -> None:
    texture = written(tmp_path / "Wood.png", png(8, 4))
    data = fbx(tmp_path, texture)
    texture.unlink()
    folder = own_folder(tmp_path / "own", place / "wood.PNG")
    import_file(extension, written(folder / MODEL / "model.fbx", data), "FBX")
    (image,) = bpy.data.images
    assert image.packed_file is not None and image.size[:] == (8, 4)
    assert "own" not in image.filepath


@pytest.mark.parametrize("named", ["C:\\models\\tex\\wood.png", "/models/tex/wood.png", "maps/wood.png"])
def test_an_obj_brings_the_textures_that_are_anywhere_in_its_archive(
    extension: ModuleType, tmp_path: Path, named: str
) -> None:
    folder = own_folder(tmp_path, UNPACKED / "textures" / "wood.png")
    written(folder / MODEL / "triangle.mtl", f"{MTL_TEXT}map_Kd {named}\n")
    import_file(extension, written(folder / MODEL / "model.obj", OBJ_TEXT), "OBJ")
    (image,) = bpy.data.images
    assert image.packed_file is not None and image.size[:] == (8, 4)


def test_of_several_textures_of_that_name_none_is_taken_and_none_that_is_not_of_the_archive(
    extension: ModuleType, tmp_path: Path
) -> None:
    folder = own_folder(tmp_path / "own", UNPACKED / "a" / "wood.png", UNPACKED / "b" / "wood.png", Path("sky.png"))
    for name in ("wood.png", "sky.png"):
        written(folder / MODEL / "triangle.mtl", f"{MTL_TEXT}map_Kd /models/{name}\n")
        import_file(extension, written(folder / MODEL / "model.obj", OBJ_TEXT), "OBJ")
    assert [image.packed_file for image in bpy.data.images] == [None, None]
