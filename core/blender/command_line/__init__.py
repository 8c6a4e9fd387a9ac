# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`blender --command tokenlab_3d`: the command line. bpy is allowed here.

Without the program, where Blender is a Python module, `run` does the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from .... import __package__ as base_package
from ... import redaction

NAME = "tokenlab_3d"
_handles: list[object] = []


def run(arguments: Sequence[str]) -> int:
    """Carry out a command as `blender --command tokenlab_3d` does, and return its exit status (`ExitStatus`).

    The result is printed on standard output, everything else on standard error. Commands begin with an empty file, so
    there are none in a window, where somebody works.
    """
    from .commands import carry_out  # noqa: PLC0415  # A start of Blender need not wait for what few use.

    redaction.install(base_package)  # of their loggers too
    return carry_out(arguments)


def register() -> None:
    """Have Blender know the command."""
    _handles.append(bpy.utils.register_cli_command(NAME, run))


def unregister() -> None:
    """Take the command away."""
    while _handles:
        bpy.utils.unregister_cli_command(_handles.pop())
