# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Blender's importers read from the scene that they import into: its units. No bpy here.

A model that a second Blender prepares is made for the units of the scene that it is to come into, and made anew for
another scene that differs in those which count for it: no transform of its objects would come to the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Final

Units = Mapping[str, float]
"""By name: `scale_length` (metres of one unit), `fps` and `fps_base` (frames per second are one by the other), and
`frame_start`."""
FACTORY: Final[Units] = {"scale_length": 1.0, "fps": 24, "fps_base": 1.0, "frame_start": 1}
"""Of a scene that nobody has changed."""
LENGTH: Final = frozenset({"scale_length"})
TIME: Final = frozenset({"fps", "fps_base", "frame_start"})


def to_text(units: Units) -> str:
    """Return units as a record keeps them: "" for those of the factory."""
    return "" if units == FACTORY else json.dumps(units, sort_keys=True)


def from_text(text: str) -> Units:
    """Read what `to_text` wrote; what cannot be read is as from the factory."""
    if not text:
        return FACTORY
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return FACTORY
    if not isinstance(record, dict):
        return FACTORY
    return {name: value for name, value in record.items() if name in FACTORY and _is_number(value)}


def of_those(units: Units, names: object) -> Units:
    """Return some of the units, or all where `names` is no list of names: it comes from a child process."""
    if not isinstance(names, list):
        return units
    return {name: value for name, value in units.items() if name in names}


def suits(made_for: str, wanted: str) -> bool:
    """Whether a model that was made for some units is what it would be for others.

    :param made_for: as `to_text` wrote it, of those units alone that count for the model.
    :param wanted: of all units of a scene.
    """
    there = from_text(wanted)
    return all(there.get(name) == value for name, value in from_text(made_for).items())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
