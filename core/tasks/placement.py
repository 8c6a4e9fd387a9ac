# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a model is to land, how large, and which way it looks: chosen when the task is sent. No bpy here.

Lengths are Blender's units, which are metres unless a scene says otherwise. Blender's Z is up.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Vector3 = tuple[float, float, float]

FARTHEST: Final = 1e6
"""Coordinates beyond this are taken for rubbish: single precision has centimetres there."""
MIN_HEIGHT: Final = 1e-4
MAX_HEIGHT: Final = 1e5
_FLAT: Final = 1e-3
"""An extent below this part of the largest one counts as none: no size can be told from it."""
_POINT: Final = 1e-9
_MAX_FACTOR: Final = 1e6


class Size(enum.Enum):
    """How large the model becomes."""

    AS_DELIVERED = "AS_DELIVERED"
    HEIGHT = "HEIGHT"
    """A wanted height."""
    BOX = "BOX"
    """As large as fits into a box; it stands on the middle of its bottom."""


class Facing(enum.Enum):
    """Where the front of the model looks. It is delivered looking along -Y, since that is glTF's front in Blender."""

    AS_DELIVERED = "AS_DELIVERED"
    NEGATIVE_Y = "NEGATIVE_Y"
    X = "X"
    Y = "Y"
    NEGATIVE_X = "NEGATIVE_X"
    CAMERA = "CAMERA"
    """Towards the camera that the scene has when the model is imported."""


_QUARTER: Final = math.pi / 2
_ANGLES: Final = {Facing.X: _QUARTER, Facing.Y: math.pi, Facing.NEGATIVE_X: -_QUARTER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """What was chosen. The default is what a plain import does."""

    location: Vector3 = (0.0, 0.0, 0.0)
    """Where the model's origin goes; its lowest point instead in Z if it `stands`, with a box also its middle."""
    size: Size = Size.AS_DELIVERED
    height: float = 1.0
    box: Vector3 = (0.0, 0.0, 0.0)
    """Dimensions of the box; a side of 0 sets no limit."""
    facing: Facing = Facing.AS_DELIVERED
    on_floor: bool = False
    """Put the lowest point at the location. Off by default, or "As Delivered" would not be a plain import."""

    @property
    def stands(self) -> bool:
        """Whether the lowest point of the model is at the location, and not its origin."""
        return self.on_floor or self.size is Size.BOX

    @property
    def needs_dimensions(self) -> bool:
        """Whether the model has to be measured."""
        return self.on_floor or self.size is not Size.AS_DELIVERED

    @property
    def outline(self) -> Vector3 | None:
        """The dimensions that the model will roughly have, or None as long as nobody knows them."""
        if self.size is Size.HEIGHT:
            return (self.height, self.height, self.height)
        return self.box if self.size is Size.BOX and max(self.box) > 0 else None

    def to_record(self) -> dict[str, object]:
        """Return what `from_record` reads, as a part of the task's JSON."""
        return {
            "location": list(self.location),
            "size": self.size.value,
            "height": self.height,
            "box": list(self.box),
            "facing": self.facing.value,
            "on_floor": self.on_floor,
        }

    @classmethod
    def from_record(cls, record: object) -> Placement:
        """Read a placement; what is missing or no sane value is the default, since a .blend comes from anywhere."""
        if not isinstance(record, Mapping):
            return cls()
        on_floor = record.get("on_floor")
        found: dict[str, Any] = {
            "location": _vector(record.get("location"), -FARTHEST),
            "size": _choice(Size, record.get("size")),
            "height": _number(record.get("height"), MIN_HEIGHT, MAX_HEIGHT),
            "box": _vector(record.get("box"), 0.0),
            "facing": _choice(Facing, record.get("facing")),
            "on_floor": on_floor if isinstance(on_floor, bool) else None,
        }
        return cls(**{name: value for name, value in found.items() if value is not None})


AS_DELIVERED: Final = Placement()


# ------------------------------------------------------------------------------
# What follows from it for a model


def scale_factor(placement: Placement, dimensions: Vector3) -> float:
    """Return by how much to scale a model of these dimensions, the same along all axes; 1 where none can be told.

    A flat model takes a wanted height as its largest dimension, and a box by the sides that it has.
    """
    largest = max(dimensions)
    if placement.size is Size.AS_DELIVERED or not _POINT < largest < math.inf:
        return 1.0
    if placement.size is Size.HEIGHT:
        extent = dimensions[2] if dimensions[2] > _FLAT * largest else largest
        return _sane(placement.height / extent)
    longest = max(placement.box)
    if longest <= 0:
        return 1.0
    ratios = [
        wanted / has
        for wanted, has in zip(placement.box, dimensions, strict=True)
        if wanted > _FLAT * longest and has > _FLAT * largest
    ]
    return _sane(min(ratios, default=longest / largest))


def _sane(factor: float) -> float:
    return min(max(factor, 1 / _MAX_FACTOR), _MAX_FACTOR)


def offset(placement: Placement, low: Vector3, high: Vector3) -> Vector3:
    """Return how to move a turned and scaled model with these bounds, so that the location is where it should be."""
    x = y = z = 0.0
    if placement.size is Size.BOX:
        x, y = -(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2
    if placement.stands:
        z = -low[2]
    return (x, y, z)


def angle(facing: Facing, to_camera: tuple[float, float] | None = None) -> float:
    """Return by how many radians to turn the model about Z.

    :param to_camera: the horizontal way from the model to the camera; without one, or from right below it, nothing is
        turned.
    """
    if facing is not Facing.CAMERA:
        return _ANGLES.get(facing, 0.0)
    x, y = to_camera or (0.0, 0.0)
    return math.atan2(x, -y) if math.hypot(x, y) > _POINT else 0.0


# ------------------------------------------------------------------------------
# Reading a record


def _number(value: object, low: float, high: float) -> float | None:
    """Return a number of that range, else None; NaN is in no range, and a bool is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return None
    return float(value)


def _vector(value: object, low: float) -> Vector3 | None:
    if not isinstance(value, list) or len(value) != 3:  # noqa: PLR2004  # x, y, z
        return None
    x, y, z = (_number(item, low, FARTHEST) for item in value)
    return None if x is None or y is None or z is None else (x, y, z)


def _choice(kind: type[enum.Enum], value: object) -> enum.Enum | None:
    return kind(value) if isinstance(value, str) and value in kind.__members__ else None
