# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a model consists of, as values that can be compared: two ways of importing a file must agree in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy


def fingerprint(collection: Any) -> dict[str, Any]:
    """What is in a collection, whatever the file around it holds; the `.001` of a second import counts for nothing."""
    bpy.context.view_layer.update()
    objects = sorted(collection.all_objects, key=lambda item: item.name)
    return {
        "objects": [_object(item) for item in objects],
        "meshes": [_mesh(item.data) for item in objects if item.type == "MESH"],
        "materials": sorted({_material(slot.material) for item in objects for slot in item.material_slots}),
        "images": sorted(_image(image) for image in bpy.data.images if image.users and image.size[0]),
        "actions": sorted(_action(action) for action in bpy.data.actions),
        "collections": sorted(_stem(child.name) for child in collection.children_recursive),
    }


def _stem(name: str) -> str:
    head, dot, tail = name.rpartition(".")
    return head if dot and tail.isdecimal() and len(tail) == 3 else name


def _numbers(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(round(value, 4) for value in values)


def _object(item: Any) -> tuple[Any, ...]:
    parent = _stem(item.parent.name) if item.parent else ""
    world = tuple(_numbers(row) for row in item.matrix_world)
    modifiers = tuple((modifier.type, modifier.name) for modifier in item.modifiers)
    return (_stem(item.name), item.type, parent, item.parent_type, world, modifiers, item.hide_viewport, _strips(item))


def _strips(item: Any) -> tuple[Any, ...]:
    """The actions that wait in the object's tracks, and where they lie in time."""
    tracks = item.animation_data.nla_tracks if item.animation_data else ()
    strips = [(track.name, strip) for track in tracks for strip in track.strips]
    return tuple((name, _numbers((strip.frame_start, strip.frame_end))) for name, strip in strips)


def _mesh(mesh: Any) -> tuple[Any, ...]:
    keys = mesh.shape_keys
    points = [vertex.co for vertex in mesh.vertices]
    return (
        _stem(mesh.name),
        len(points),
        len(mesh.polygons),
        len(mesh.loops),
        tuple(layer.name for layer in mesh.uv_layers),
        tuple(layer.name for layer in mesh.color_attributes),
        tuple(block.name for block in keys.key_blocks) if keys else (),
        _numbers(sum(point[axis] for point in points) for axis in range(3)),
        tuple(_stem(material.name) if material else "" for material in mesh.materials),
    )


def _material(material: Any) -> tuple[str, int, int]:
    if material is None:
        return ("", 0, 0)
    tree = material.node_tree
    return (_stem(material.name), len(tree.nodes) if tree else 0, len(tree.links) if tree else 0)


def _image(image: Any) -> tuple[Any, ...]:
    return (tuple(image.size), image.packed_file is not None, image.colorspace_settings.name)


def _action(action: Any) -> tuple[Any, ...]:
    return (_stem(action.name), _numbers(action.frame_range))
