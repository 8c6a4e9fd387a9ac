# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`blender --command tokenlab_3d`: the command line. bpy is allowed here.

Without the program, where Blender is a Python module, `run` does the same.
"""

from __future__ import annotations

import bpy

from .run import run

__all__ = ("register", "run", "unregister")

NAME = "tokenlab_3d"
_handles: list[object] = []


def register() -> None:
    """Have Blender know the command."""
    _handles.append(bpy.utils.register_cli_command(NAME, run))


def unregister() -> None:
    """Take the command away."""
    while _handles:
        bpy.utils.unregister_cli_command(_handles.pop())
