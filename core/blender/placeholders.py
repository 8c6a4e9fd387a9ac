# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Empty that stands where a model will land, while its task runs. bpy is allowed here.

It belongs to the user, who may move, rotate, scale, parent or delete it: its cube is the room that the model takes. Its
custom property `tokenlab_placeholder` says whose place it keeps, and counts only in the scene of that task; a copy of
the object, of its scene or of its file is an ordinary Empty.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import bpy
from mathutils import Matrix

from ..tasks.placement import Placement, Vector3
from ..text import data_name

KEY = "tokenlab_placeholder"
_UNKNOWN = (2.0, 2.0, 2.0)
"""Dimensions of the cube while nobody knows those of the model: Blender's own cube."""
_THINNEST = 0.01
"""Of the longest side: a box without any thickness could not be scaled back."""
_ONE_BY_ONE = 4
"""So many objects are looked up by name; for more, one pass over all objects is faster."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a placeholder stood, and how large: what is left of one that is gone."""

    world: Matrix
    display_size: float
    basis: Matrix
    """Below its parent."""
    inverse: Matrix
    """Of the parent's transform when it came below that."""
    parent: int | None = None
    """`session_uid` of the object that it hung on."""


# ------------------------------------------------------------------------------
# The object


def add(
    local_id: str, title: str, placement: Placement, scene: bpy.types.Scene, earlier: Place | None = None
) -> bpy.types.Object:
    """Add the placeholder of a task to a scene; neither selected nor active, in whatever mode the user is.

    :param earlier: where the task's last one stood, which the user may have moved.
    """
    item: bpy.types.Object = bpy.data.objects.new(data_name(title), None)
    item[KEY] = local_id
    item.show_name = True
    dimensions = _dimensions(placement)
    longest = max(dimensions)
    item.empty_display_type = "CUBE"
    item.empty_display_size = longest / 2
    item.location = placement.location
    # Beside the location and the scale themselves, so that those are the model's and not the cube's: 0, 0, 0 puts the
    # foot of the cube on the origin of the world.
    item.delta_location.z = _rise(placement)
    item.delta_scale = [side / longest for side in dimensions]
    if earlier is not None:
        _put_back(item, earlier, scene)
    scene.collection.objects.link(item)
    return item


def _put_back(item: bpy.types.Object, place: Place, scene: bpy.types.Scene) -> None:
    """Have a new placeholder stand where the last one stood, below the same parent if that is still there."""
    item.empty_display_size = place.display_size
    parent = next((other for other in scene.objects if other.session_uid == place.parent), None)
    if parent is None:
        item.matrix_basis = place.world
    else:
        item.parent, item.matrix_parent_inverse, item.matrix_basis = parent, place.inverse, place.basis


def all_marked() -> list[bpy.types.Object]:
    """Return all objects that say that they keep a place, oldest first."""
    marked = [item for item in bpy.data.objects if isinstance(item.get(KEY), str) and is_usable(item)]
    return sorted(marked, key=lambda item: item.session_uid)


def find(local_id: str, scene: bpy.types.Scene) -> bpy.types.Object | None:
    """Return the placeholder of a task in its scene; of several, which are copies, the first."""
    marked = [item for item in scene.objects if item.get(KEY) == local_id and is_usable(item)]
    return min(marked, key=lambda item: item.session_uid, default=None)


def claim(local_id: str, scene: bpy.types.Scene) -> bpy.types.Object | None:
    """Return the placeholder of a task, whose time is over; copies that the user made of it become plain Empties."""
    found = find(local_id, scene)
    for item in scene.objects:
        if item != found and item.get(KEY) == local_id and is_usable(item):
            del item[KEY]
    return found


def is_usable(item: bpy.types.Object) -> bool:
    """Whether the object is an Empty of this file: a linked one cannot be removed."""
    return item.library is None and item.override_library is None and item.type == "EMPTY"


def by_names(names: Collection[str]) -> dict[str, bpy.types.Object]:
    """Return the placeholders among the objects with these names, by name.

    Blender goes through all objects for one name, and 10,000 of them take 0.3 ms.
    """
    objects: Any = bpy.data.objects  # the stubs do not say what get() gives
    if len(names) <= _ONE_BY_ONE:
        found = {name: item for name in names if (item := objects.get(name)) is not None}
    else:
        found = {item.name: item for item in objects if item.name in names}
    return {name: item for name, item in found.items() if isinstance(item.get(KEY), str)}


def make_empty(item: bpy.types.Object, collection: bpy.types.Collection) -> None:
    """Turn a placeholder into the Empty above a model: it stays where it is, with all that hangs on it."""
    del item[KEY]
    item.name = collection.name
    item.show_name = False
    item.empty_display_type = "PLAIN_AXES"
    for home in list(item.users_collection):
        home.objects.unlink(item)
    collection.objects.link(item)


def part_with(item: bpy.types.Object) -> None:
    """Remove a placeholder that no model takes the place of, or leave a plain Empty if anything hangs on it."""
    if not is_more_than_a_place(item):
        bpy.data.objects.remove(item)
        return
    del item[KEY]
    item.show_name = False
    item.empty_display_type = "PLAIN_AXES"


def is_more_than_a_place(item: bpy.types.Object) -> bool:
    """Whether the user has made something of it that a transform and a parent do not say, or that looks for it."""
    if len(item.constraints) > 0 or item.animation_data is not None or item.parent_type != "OBJECT":
        return True
    users = bpy.data.user_map(subset={item}).get(item, ())
    return any(isinstance(user, bpy.types.Object) for user in users)


# ------------------------------------------------------------------------------
# Its cube, as the transform of a cube from -1 to 1


def first_cube(placement: Placement) -> Matrix:
    """Return the cube as it was added."""
    x, y, z = placement.location
    sides = [side / 2 for side in _dimensions(placement)]
    return Matrix.Translation((x, y, z + _rise(placement))) @ Matrix.Diagonal((*sides, 1.0))


def cube(item: bpy.types.Object) -> Matrix:
    """Return the cube as it is now, below its parent: the user may have changed the size of the display too."""
    return item.matrix_basis @ Matrix.Scale(item.empty_display_size, 4)


def parent_world(item: bpy.types.Object) -> Matrix:
    """Return the transform that the parent gives it, as it was last seen."""
    return item.parent.matrix_world @ item.matrix_parent_inverse if item.parent else Matrix()


def place_of(item: bpy.types.Object) -> Place | None:
    """Return where it stands; None where the user has scaled it to nothing."""
    if not has_room(item):
        return None
    return Place(
        world=parent_world(item) @ item.matrix_basis,
        display_size=item.empty_display_size,
        basis=item.matrix_basis.copy(),
        inverse=item.matrix_parent_inverse.copy(),
        parent=item.parent.session_uid if item.parent else None,
    )


def has_room(item: bpy.types.Object) -> bool:
    """Whether a model can be put there: not where the user has scaled it to nothing."""
    volume = abs(cube(item).determinant())
    return 1e-18 < volume < 1e18  # noqa: PLR2004  # a micrometre and a thousand kilometres, cubed; NaN is neither


def _dimensions(placement: Placement) -> Vector3:
    wanted = placement.outline or _UNKNOWN
    x, y, z = (max(side, _THINNEST * max(wanted)) for side in wanted)
    return (x, y, z)


def _rise(placement: Placement) -> float:
    """Return how far the middle of the cube is above the location."""
    return _dimensions(placement)[2] / 2 if placement.stands else 0.0
