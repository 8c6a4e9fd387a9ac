# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured of a model, on shapes whose numbers are known."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import bmesh
import bpy
import pytest

from tests.blender.support import RESIDENT, run_script
from tests.blender.test_formats import import_file, written
from tests.tiny_models import MTL_TEXT, OBJ_TEXT, png, stl


@pytest.fixture
def collection(extension: ModuleType) -> Any:
    found = bpy.data.collections.new("Model")
    bpy.context.scene.collection.children.link(found)
    return found


def measure(extension: ModuleType, collection: Any) -> Any:
    # Not imported with the extension: it needs numpy, which takes long to import.
    return importlib.import_module(f"{extension.__name__}.core.blender.model_facts").measure(collection)


def add(collection: Any, make: Any, **options: Any) -> Any:
    """Add an object with a mesh that bmesh makes."""
    shape = bmesh.new()
    make(shape, **options)
    mesh = bpy.data.meshes.new("Shape")
    shape.to_mesh(mesh)
    shape.free()
    item = bpy.data.objects.new("Shape", mesh)
    collection.objects.link(item)
    return item


def split_edges(item: Any) -> None:
    """Give each face vertices of its own, as glTF does along the seams of UVs and where normals differ."""
    shape = bmesh.new()
    shape.from_mesh(item.data)
    bmesh.ops.split_edges(shape, edges=shape.edges[:])
    shape.to_mesh(item.data)
    shape.free()


def counts(facts: Any) -> tuple[int, int, int, int]:
    return facts.triangles, facts.parts, facts.non_manifold_edges, facts.loose_pieces


def test_nothing_has_no_facts(extension: ModuleType, collection: Any) -> None:
    add(collection, lambda shape: None)
    facts = measure(extension, collection)
    assert (counts(facts), facts.has_uvs, facts.dimensions) == ((0, 1, 0, 0), False, (0.0, 0.0, 0.0))


def test_a_closed_surface_is_one_piece_without_non_manifold_edges(extension: ModuleType, collection: Any) -> None:
    add(collection, bmesh.ops.create_cube, size=2.0)
    facts = measure(extension, collection)
    assert counts(facts) == (12, 1, 0, 1)
    assert facts.dimensions == pytest.approx((2.0, 2.0, 2.0))


def test_vertices_in_one_place_count_as_one(extension: ModuleType, collection: Any) -> None:
    item = add(collection, bmesh.ops.create_cube, size=2.0)
    split_edges(item)
    assert len(item.data.vertices) == 24
    assert counts(measure(extension, collection)) == (12, 1, 0, 1)


def test_a_border_an_edge_of_three_faces_and_a_wire_are_non_manifold(extension: ModuleType, collection: Any) -> None:
    def make(shape: Any) -> None:
        hub = [shape.verts.new((0, 0, z)) for z in (0, 1)]
        for x, y in ((1, 0), (0, 1), (-1, 0)):
            rim = [shape.verts.new((x, y, z)) for z in (1, 0)]
            shape.faces.new([*hub, *rim])
        shape.edges.new([shape.verts.new((5, 0, 0)), shape.verts.new((6, 0, 0))])

    add(collection, make)
    # Each of three leaves has three free edges; the edge that they share, and the wire.
    assert counts(measure(extension, collection)) == (6, 1, 3 * 3 + 1 + 1, 2)


def test_a_point_in_minus_zero_is_no_piece_of_its_own(extension: ModuleType, collection: Any) -> None:
    def make(shape: Any) -> None:
        for zero in (0.0, -0.0):
            shape.faces.new([shape.verts.new(place) for place in ((zero, 0, 0), (1 if zero else 2, 0, 0), (0, 1, 0))])

    add(collection, make)
    assert measure(extension, collection).loose_pieces == 1


@pytest.mark.parametrize("is_split", [False, True])
def test_pieces_are_counted_whatever_the_order_of_their_vertices(
    extension: ModuleType, collection: Any, is_split: bool
) -> None:
    def make(shape: Any) -> None:
        for x in range(0, 60, 3):
            ball = bmesh.ops.create_icosphere(shape, subdivisions=3, radius=1.0)
            bmesh.ops.translate(shape, verts=ball["verts"], vec=(x, 0, 0))
        # A long chain, whose ends know nothing of each other.
        previous = shape.verts.new((0, 9, 0))
        for x in range(1, 3000):
            previous, last = shape.verts.new((x, 9, 0)), previous
            shape.edges.new([last, previous])
        shape.verts.sort(key=lambda vertex: hash(vertex.co[:]))

    item = add(collection, make)
    if is_split:
        split_edges(item)
    assert measure(extension, collection).loose_pieces == 21


def test_objects_that_share_a_mesh_count_each(extension: ModuleType, collection: Any) -> None:
    item = add(collection, bmesh.ops.create_cube, size=2.0)
    collection.objects.link(bpy.data.objects.new("Another", item.data))
    assert counts(measure(extension, collection)) == (24, 2, 0, 2)


def test_dimensions_are_those_in_the_world_below_parents_also_in_a_scene_that_is_not_shown(
    extension: ModuleType, collection: Any
) -> None:
    bpy.context.scene.collection.children.unlink(collection)
    other = bpy.data.scenes.new("Other")
    other.collection.children.link(collection)
    parent = bpy.data.objects.new("Parent", None)
    collection.objects.link(parent)
    parent.scale = (0.5, 1.0, 1.0)
    one = add(collection, bmesh.ops.create_cube, size=2.0)
    one.parent, one.location = parent, (4.0, 0.0, 0.0)
    two = add(collection, bmesh.ops.create_cube, size=2.0)
    two.rotation_euler = (0.0, 0.0, 0.785398)
    # One from 1.5 to 2.5, the other one from minus the root of two.
    assert measure(extension, collection).dimensions == pytest.approx((2.5 + 2**0.5, 2 * 2**0.5, 2.0), abs=1e-4)


def test_modifiers_and_lights_count_for_nothing(extension: ModuleType, collection: Any) -> None:
    item = add(collection, bmesh.ops.create_cube, size=2.0)
    item.modifiers.new("Array", "ARRAY")
    collection.objects.link(bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN")))
    assert counts(measure(extension, collection)) == (12, 1, 0, 1)


def test_uvs_are_there_only_if_each_part_with_faces_has_them(extension: ModuleType, collection: Any) -> None:
    first = add(collection, bmesh.ops.create_cube)
    assert not measure(extension, collection).has_uvs
    first.data.uv_layers.new()
    add(collection, lambda shape: shape.verts.new((0, 0, 0)))
    assert measure(extension, collection).has_uvs
    add(collection, bmesh.ops.create_cube)
    assert not measure(extension, collection).has_uvs


def test_textures_are_counted_once_with_the_memory_that_they_take(extension: ModuleType, collection: Any) -> None:
    item, other = (add(collection, bmesh.ops.create_cube) for _ in range(2))
    color = bpy.data.images.new("Color", 64, 32)
    light = bpy.data.images.new("Light", 16, 16, float_buffer=True)
    bpy.data.images.new("Not of This Model", 4096, 4096)
    group = bpy.data.node_groups.new("Group", "ShaderNodeTree")
    group.nodes.new("ShaderNodeTexImage").image = light
    for name in ("First", "Second"):
        material = bpy.data.materials.new(name)
        if bpy.app.version < (5, 0):
            material.use_nodes = True
        material.node_tree.nodes.new("ShaderNodeTexImage").image = color
        material.node_tree.nodes.new("ShaderNodeTexImage")
        material.node_tree.nodes.new("ShaderNodeGroup").node_tree = group
        item.data.materials.append(material)
    other.data.materials.append(None)
    facts = measure(extension, collection)
    assert (facts.materials, facts.textures, facts.missing_textures, facts.texture_size) == (2, 2, 0, 64)
    assert facts.texture_bytes == 64 * 32 * 4 + 16 * 16 * 16


def test_an_imported_texture_is_counted_and_not_kept_in_memory(extension: ModuleType, tmp_path: Path) -> None:
    written(tmp_path / "triangle.mtl", MTL_TEXT + "map_Kd colors.png\nmap_Ks gone.png\n")
    written(tmp_path / "colors.png", png(4, 2))
    imported = import_file(extension, written(tmp_path / "triangle.obj", OBJ_TEXT), "OBJ")
    for image in bpy.data.images:
        image.buffers_free()
    facts = measure(extension, imported)
    assert (facts.textures, facts.missing_textures, facts.texture_size, facts.texture_bytes) == (1, 1, 4, 32)
    assert not any(image.has_data for image in bpy.data.images)
    assert facts.remark


def test_an_stl_is_one_piece(extension: ModuleType, tmp_path: Path) -> None:
    facts = measure(extension, import_file(extension, written(tmp_path / "model.stl", stl()), "STL"))
    assert (counts(facts), facts.dimensions) == ((1, 1, 3, 1), (1.0, 1.0, 0.0))


def test_what_bones_are_drawn_with_is_no_part_of_the_model(extension: ModuleType, tmp_path: Path) -> None:
    run_script(RESIDENT, "export_skinned", tmp_path / "skinned.glb", environment={})
    facts = measure(extension, import_file(extension, tmp_path / "skinned.glb", "GLB"))
    assert counts(facts) == (12, 1, 0, 1)
