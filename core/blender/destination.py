# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the choice of place, size and facing means at the moment of sending. bpy is allowed here.

The 3D cursor and the selection are read now: the model goes where they were, whatever the user does meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection

import bpy

from ..service.errors import TokenLabError
from ..tasks.placement import AS_DELIVERED, MAX_HEIGHT, MIN_HEIGHT, Facing, Placement, Size
from . import bounds

PLACES = ("CURSOR", "ORIGIN")
SIZES = ("AS_DELIVERED", "HEIGHT", "SELECTED")


def choose(  # noqa: PLR0913  # the fields of the form; all but the first by name
    scene: bpy.types.Scene,
    *,
    placement: str = "CURSOR",
    size: str | None = None,
    height: float | None = None,
    facing: str = "AS_DELIVERED",
    on_floor: bool | None = None,
) -> Placement:
    """Return where a model that is asked for now is to land. What the arguments mean is said at `scripting.generate`.

    :raises TokenLabError: when an argument is no choice, or nothing is selected that the model could be fitted to.
    """
    place = _one_of(PLACES, placement, "placement")
    size = _one_of(SIZES, size or ("AS_DELIVERED" if height is None else "HEIGHT"), "size")
    front = Facing[_one_of(Facing.__members__, facing, "facing")]
    if size == "SELECTED":
        box = bounds.of_selection(scene)
        if box is None:
            raise TokenLabError(
                "Nothing is selected that the model could be fitted to. Nothing was sent or charged. Select an object "
                "that takes room, or choose another size."
            )
        return Placement(location=box.foot, size=Size.BOX, box=box.dimensions, facing=front)
    height = 1.0 if height is None else height
    if not MIN_HEIGHT <= height <= MAX_HEIGHT:
        raise TokenLabError(
            f"The height {height:g} is out of range. Nothing was sent. Use one from {MIN_HEIGHT:g} to {MAX_HEIGHT:g}."
        )
    cursor = scene.cursor.location
    is_sized = size == "HEIGHT"
    return Placement(
        location=(cursor.x, cursor.y, cursor.z) if place == "CURSOR" else AS_DELIVERED.location,
        size=Size[size],
        height=height,
        facing=front,
        on_floor=is_sized if on_floor is None else on_floor,
    )


def _one_of(allowed: Collection[str], value: str, name: str) -> str:
    upper = value.strip().upper()
    if upper not in allowed:
        raise TokenLabError(f"“{value}” is no {name}. Nothing was sent. Use one of {', '.join(allowed)}.")
    return upper
