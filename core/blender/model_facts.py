# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure an imported model: what `core/files/facts` says of it. bpy is allowed here.

For a Blender that nobody waits for: two million triangles take about two seconds, and each texture is decoded. Imports
numpy, so it is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..files.facts import ModelFacts
from .importers import is_bone_shape
from .textures import size_of

_Numbers = NDArray[np.int64]
_Places = NDArray[np.float32]

_BYTE_PIXEL, _FLOAT_PIXEL = 4, 16
"""Bytes of an RGBA pixel in memory."""
_MANIFOLD = 2
"""Faces of an edge in a closed surface."""


@dataclass(frozen=True, slots=True)
class _MeshFacts:
    triangles: int
    non_manifold_edges: int
    loose_pieces: int
    faces: int
    has_uvs: bool
    places: _Places
    """Of the vertices, a row for each."""


def measure(collection: bpy.types.Collection, unit_length: float = 1.0) -> ModelFacts:
    """Return the facts about a model that was imported into `collection`.

    :param unit_length: of Blender's unit there, in metres.
    """
    for scene in bpy.data.scenes:
        if collection in scene.collection.children_recursive:
            scene.view_layers[0].update()  # Until then an object does not know where its parents put it.
    parts = [item for item in collection.all_objects if item.type == "MESH" and not is_bone_shape(item)]
    meshes = {name: _measure_mesh(bpy.data.meshes[name]) for name in {item.data.name for item in parts}}
    found = [meshes[item.data.name] for item in parts]
    materials = {slot.material for item in parts for slot in item.material_slots if slot.material}
    pictures = [_measure_image(image) for image in _images(materials)]
    readable = [picture for picture in pictures if all(picture)]
    return ModelFacts(
        triangles=sum(facts.triangles for facts in found),
        parts=len(parts),
        non_manifold_edges=sum(facts.non_manifold_edges for facts in found),
        loose_pieces=sum(facts.loose_pieces for facts in found),
        materials=len(materials),
        textures=len(readable),
        missing_textures=len(pictures) - len(readable),
        texture_size=max((max(width, height) for width, height, _ in readable), default=0),
        texture_bytes=sum(width * height * pixel for width, height, pixel in readable),
        has_uvs={facts.has_uvs for facts in found if facts.faces} == {True},
        dimensions=_dimensions(parts, meshes, unit_length),
    )


# ------------------------------------------------------------------------------
# Meshes


def _measure_mesh(mesh: bpy.types.Mesh) -> _MeshFacts:
    places = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.vertices.foreach_get("co", places.ravel())
    corners = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", corners)
    # As attributes these come a hundred times faster than from the edges and loops themselves.
    ends = _attribute(mesh, ".edge_verts", (len(mesh.edges), 2))
    edge_of_corner = _attribute(mesh, ".corner_edge", (len(mesh.loops),))

    point_of_vertex, count = _weld(places)
    one, other = point_of_vertex[ends[:, 0]], point_of_vertex[ends[:, 1]]
    if count < len(places):
        # Two edges between the same points are one.
        keys = np.minimum(one, other) * count + np.maximum(one, other)
        keys, edge_of_edge = np.unique(keys, return_inverse=True)
        one, other, edge_of_corner = keys // count, keys % count, edge_of_edge.ravel()[edge_of_corner]
    faces = np.bincount(edge_of_corner, minlength=len(one))
    is_real = one != other
    return _MeshFacts(
        triangles=int(np.sum(np.maximum(corners - 2, 0))),
        non_manifold_edges=int(np.count_nonzero(is_real & (faces != _MANIFOLD))),
        loose_pieces=_count_pieces(count, one[is_real], other[is_real]),
        faces=len(mesh.polygons),
        has_uvs=len(mesh.uv_layers) > 0,
        places=places,
    )


def _attribute(mesh: bpy.types.Mesh, name: str, shape: tuple[int, ...]) -> NDArray[np.integer[Any]]:
    values = np.empty(shape, np.int32)
    if values.size:
        mesh.attributes[name].data.foreach_get("value", values.ravel())  # type: ignore[attr-defined]  # of each kind
    return values


def _weld(places: _Places) -> tuple[_Numbers, int]:
    """Number the different places; return the number of each vertex's place, and how many there are."""
    if len(places) == 0:
        return np.empty(0, np.int64), 0
    values = places + 0.0  # Minus zero becomes zero.
    order = np.lexsort(values.T)
    arranged = values[order]
    is_new = np.any(arranged[1:] != arranged[:-1], axis=1)
    numbers = np.concatenate(([0], np.cumsum(is_new)))
    point_of_vertex = np.empty(len(places), np.int64)
    point_of_vertex[order] = numbers
    return point_of_vertex, int(numbers[-1]) + 1


def _count_pieces(count: int, first: _Numbers, second: _Numbers) -> int:
    """Return how many connected pieces `count` points are, with edges from `first` to `second`.

    Each piece has a chief, to begin with each point its own. Where an edge joins two pieces, the chief with the higher
    number goes over to the other, until no edge does; that halves the number of pieces at least, as only those stay
    that have no lower neighbour.
    """
    chief = np.arange(count)
    while len(first):
        one, other = chief[first], chief[second]
        joins = one != other
        first, second, one, other = first[joins], second[joins], one[joins], other[joins]
        # Where several edges want the same chief to go over, any of them will do.
        chief[np.maximum(one, other)] = np.minimum(one, other)
        chief = _settled(chief)
    return int(np.count_nonzero(chief == np.arange(count)))


def _settled(chief: _Numbers) -> _Numbers:
    """Let each point follow its chief's chief, until nobody has one above the own."""
    while True:
        above = chief[chief]
        if np.array_equal(above, chief):
            return chief
        chief = above


def _dimensions(
    parts: list[bpy.types.Object], meshes: dict[str, _MeshFacts], unit_length: float
) -> tuple[float, float, float]:
    corners = [_bounds(item, meshes[item.data.name].places) for item in parts if len(meshes[item.data.name].places)]
    if not corners:
        return (0.0, 0.0, 0.0)
    lowest, highest = (np.array(places) for places in zip(*corners, strict=True))
    x, y, z = (float(length) * unit_length for length in highest.max(axis=0) - lowest.min(axis=0))
    return x, y, z


def _bounds(item: bpy.types.Object, places: _Places) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and highest x, y and z of an object in the world."""
    matrix = np.array(item.matrix_world)
    moved = places @ matrix[:3, :3].T + matrix[:3, 3]
    return moved.min(axis=0), moved.max(axis=0)


# ------------------------------------------------------------------------------
# Textures


def _images(materials: set[bpy.types.Material]) -> set[bpy.types.Image]:
    """Return the pictures that materials use."""
    trees = [material.node_tree for material in materials if material.node_tree]
    images = (getattr(node, "image", None) for tree in trees for node in _nodes(tree))
    return {image for image in images if image is not None}


def _nodes(tree: bpy.types.NodeTree) -> Iterator[bpy.types.Node]:
    for node in tree.nodes:
        yield node
        inner = getattr(node, "node_tree", None)
        if inner is not None:
            yield from _nodes(inner)


def _measure_image(image: bpy.types.Image) -> tuple[int, int, int]:
    """Return width and height in pixels and bytes per pixel; zeros when it cannot be read."""
    was_in_memory = image.has_data
    width, height = size_of(image)
    pixel = _FLOAT_PIXEL if image.is_float else _BYTE_PIXEL
    if not was_in_memory and not image.is_dirty:
        image.buffers_free()
    return width, height, pixel
