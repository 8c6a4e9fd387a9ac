# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What properties that hold paths have in common, ours and Blender's. bpy is allowed here."""

from __future__ import annotations

from typing import Any, Final

import bpy

BLEND_RELATIVE: Final[set[Any]] = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Option of a property whose path may begin with // and is read through `bpy.path.abspath`; Blender before 4.5 asks for
none. Not of the data folder in the preferences: with it, the file browser would make that another one for each .blend.
"""
_LONGEST: Final = 1023
"""Bytes of a path in a .blend."""


def file_name(path: str) -> str:
    """Return the last part of a path that may begin with //, which Windows takes for the name of a server."""
    return path.replace("\\", "/").rpartition("/")[2]


def write_over(item: bpy.types.bpy_struct, name: str, path: str) -> None:
    """Put a path in the place of another one, and leave nothing of that.

    Blender writes the new one over the beginning of the old one and saves all of the field: the rest would be read out
    of a published file by whoever looks at its bytes. Where this Blender lets nobody change it, it stays.

    :param name: of a property that is a path and has no update.
    """
    if item.is_property_readonly(name):
        return  # As where an appended thing is from, in 4.3 alone.
    setattr(item, name, " " * _LONGEST)
    setattr(item, name, path)
