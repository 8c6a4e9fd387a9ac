# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put an imported model where it is wanted: place, size and facing, or whatever its placeholder says. bpy is allowed.

One object takes all of it: the model's only root, or an Empty above the roots where there are several, or where the
root moves by itself. What is below is not touched: each object ends at `moved @ where a plain import has it`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import bpy
from mathutils import Matrix, Vector

from ..tasks.placement import Facing, Placement, Vector3, angle, offset, scale_factor
from . import bounds, placeholders

_TOLERANCE = 1e-5
"""Relative: single precision loses that much on the way through a rotation."""
_TRANSFORM = ("location", "rotation", "scale", "delta_")
"""How the data paths begin of what makes up an object's own transform."""


def place(
    collection: bpy.types.Collection,
    placement: Placement,
    scene: bpy.types.Scene,
    placeholder: bpy.types.Object | None = None,
) -> None:
    """Move a model that was just imported into `scene`, and remove the placeholder whose place it takes.

    Where that comes to nothing, nothing is changed and no Empty is added.
    """
    roots = _roots(collection)
    if placeholder is not None and placeholders.has_room(placeholder):
        # The model moves along with the placeholder's cube from where that first stood.
        start = placeholders.first_cube(placement)
        moved = placeholders.cube(placeholder) @ start.inverted()
        landing = _landing(collection, placement, scene, placeholders.parent_world(placeholder) @ moved)
        _take_over(collection, roots, placeholder, start.inverted() @ landing)
        return
    _take(collection, roots, _landing(collection, placement, scene, Matrix()))
    if placeholder is not None:
        placeholders.part_with(placeholder)


def _roots(collection: bpy.types.Collection) -> list[bpy.types.Object]:
    shapes = bounds.bone_shapes(collection)
    return [item for item in collection.all_objects if item.parent is None and item not in shapes]


# ------------------------------------------------------------------------------
# Where to


def _landing(collection: bpy.types.Collection, placement: Placement, scene: bpy.types.Scene, moved: Matrix) -> Matrix:
    """Return the transform that takes the delivered model to its place.

    :param moved: what becomes of that place afterwards; the camera is looked for from there.
    """
    location = Vector(placement.location)
    to_camera = _to_camera(scene, moved @ location) if placement.facing is Facing.CAMERA else None
    turn = Matrix.Rotation(angle(placement.facing, to_camera), 4, "Z")
    box = bounds.of_model(collection, scene, turn) if placement.needs_dimensions else None
    if box is None:
        return Matrix.Translation(placement.location) @ turn
    factor = scale_factor(placement, box.dimensions)
    shift = offset(placement, _scaled(box.low, factor), _scaled(box.high, factor))
    return Matrix.Translation((location + Vector(shift)).to_tuple()) @ turn @ Matrix.Scale(factor, 4)


def _to_camera(scene: bpy.types.Scene, place: Vector) -> tuple[float, float] | None:
    """Return the horizontal way to the scene's camera, or None without one."""
    camera = scene.camera
    if camera is None:
        return None
    if scene != bpy.context.scene:
        scene.view_layers[0].update()  # No window shows it, so nobody else has found out where its objects are.
    way = camera.matrix_world.translation - place
    return (way.x, way.y)


def _scaled(corner: Vector3, factor: float) -> Vector3:
    x, y, z = corner
    return (x * factor, y * factor, z * factor)


# ------------------------------------------------------------------------------
# Who takes it


def _take(collection: bpy.types.Collection, roots: list[bpy.types.Object], landing: Matrix) -> None:
    if not _is_same(landing, Matrix()):
        taker = _taker(collection, roots)
        taker.matrix_basis = landing @ taker.matrix_basis


def _take_over(
    collection: bpy.types.Collection, roots: list[bpy.types.Object], placeholder: bpy.types.Object, inside: Matrix
) -> None:
    """Put the model into the placeholder's place, under its parent.

    :param inside: where the delivered model is, as the placeholder's cube sees it.
    """
    basis, root = placeholders.cube(placeholder) @ inside, _only_root(roots)
    wanted = basis @ root.matrix_basis if root else basis
    if placeholders.is_more_than_a_place(placeholder) or not _is_transform(wanted):
        _put_below(placeholder, roots, Matrix.Scale(placeholder.empty_display_size, 4) @ inside)
        placeholders.make_empty(placeholder, collection)
        return
    parent, inverse = placeholder.parent, placeholder.matrix_parent_inverse.copy()
    bpy.data.objects.remove(placeholder)  # Before there is an Empty, which is to have its name.
    if parent is not None or not _is_same(basis, Matrix()):
        taker = root or _taker(collection, roots)
        taker.parent, taker.matrix_parent_inverse = parent, inverse
        taker.matrix_basis = wanted


def _taker(collection: bpy.types.Collection, roots: list[bpy.types.Object]) -> bpy.types.Object:
    """Return the only root, or a new Empty above all roots."""
    root = _only_root(roots)
    if root is not None:
        return root
    empty = bpy.data.objects.new(collection.name, None)
    collection.objects.link(empty)
    _put_below(empty, roots, Matrix())
    return empty


def _only_root(roots: list[bpy.types.Object]) -> bpy.types.Object | None:
    """Return the one object that can take a transform for the whole model, or None."""
    return roots[0] if len(roots) == 1 and not _moves_by_itself(roots[0]) else None


def _put_below(parent: bpy.types.Object, roots: list[bpy.types.Object], inverse: Matrix) -> None:
    for root in roots:
        root.parent = parent
        root.matrix_parent_inverse = inverse


# ------------------------------------------------------------------------------
# What can take it


def _moves_by_itself(item: bpy.types.Object) -> bool:
    """Whether something else sets the object's transform: animation, a driver or a constraint."""
    data = item.animation_data
    if len(item.constraints) > 0:
        return True
    if data is None:
        return False
    curves = [*data.drivers, *_curves(data)]
    return any(curve.data_path.startswith(_TRANSFORM) for curve in curves)


def _curves(data: bpy.types.AnimData) -> Iterator[bpy.types.FCurve]:
    """Yield the curves of all actions that the object has, in use or waiting in NLA tracks."""
    strips = [strip for track in data.nla_tracks for strip in track.strips]
    users: list[Any] = [data, *strips]
    for user in users:
        action = user.action
        if action is None:
            continue
        if not hasattr(action, "layers"):  # before Blender 4.4
            yield from action.fcurves
            continue
        for layer in action.layers:
            for strip in layer.strips:
                bag = strip.channelbag(user.action_slot) if user.action_slot else None
                yield from bag.fcurves if bag else ()


def _is_transform(matrix: Matrix) -> bool:
    """Whether location, rotation and scale can say it: not so when it shears."""
    location, rotation, scale = matrix.decompose()
    return _is_same(Matrix.LocRotScale(location, rotation, scale), matrix)  # type: ignore[arg-type]  # they are right


def _is_same(one: Matrix, other: Matrix) -> bool:
    cells = [(one[row][column], other[row][column]) for row in range(4) for column in range(4)]
    limit = _TOLERANCE * max(1.0, *(abs(cell) for _, cell in cells))
    return all(abs(a - b) <= limit < math.inf for a, b in cells)
