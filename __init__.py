# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""TokenLab 3D: generate 3D models from text and images, inside Blender.

The names below are for scripts::

    import importlib
    tokenlab = importlib.import_module("bl_ext.user_default.tokenlab_3d")
    task = tokenlab.generate("a low-poly robot mascot", format="GLB", seed=7)
    objects = task.wait()    # without a window

bpy is allowed here.
"""

from __future__ import annotations

from . import operators, panels
from .core import redaction
from .core.blender import command_line, handlers, preferences, properties
from .core.blender.command_line import run as run_command
from .core.blender.scripting import generate, generate_variations, models, resume_all, tasks
from .core.blender.task_handle import TaskHandle
from .core.service.errors import StillRunning, TokenLabError

__all__ = (
    "StillRunning",
    "TaskHandle",
    "TokenLabError",
    "generate",
    "generate_variations",
    "models",
    "register",
    "resume_all",
    "run_command",
    "tasks",
    "unregister",
)

_MODULES = (properties, preferences, operators, panels, command_line, handlers)
"""In this order: properties before what uses them, handlers last, when everything stands."""


def register() -> None:
    """Add everything to Blender."""
    redaction.install(__package__)
    for module in _MODULES:
        module.register()


def unregister() -> None:
    """Take everything away again, in reverse; the threads end first, with the handlers."""
    for module in reversed(_MODULES):
        module.unregister()
    redaction.uninstall()
