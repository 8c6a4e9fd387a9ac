# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What properties that hold paths have in common. bpy is allowed here."""

from __future__ import annotations

from typing import Any, Final

import bpy

BLEND_RELATIVE: Final[set[Any]] = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Option of a property whose path may begin with // and is read through `bpy.path.abspath`; Blender before 4.5 asks for
none. Not of the data folder in the preferences: with it, the file browser would make that another one for each .blend.
"""
