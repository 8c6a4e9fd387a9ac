# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a task is, drawn at its placeholder in the 3D View. bpy is allowed here; nothing is changed or asked for."""

from __future__ import annotations

import logging
from typing import Any

import blf
import bpy
import gpu
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from mathutils import Vector

from ..core.blender import placeholder_watch, placeholders
from ..core.blender.placeholder_watch import Shown
from .task_list import STATE_LABELS

logger = logging.getLogger(__name__)

# Pixels at a resolution scale of 1.
_TEXT_SIZE = 11.0
_BELOW_NAME = (10.0, -14.0)
"""Where the line begins, seen from the object's origin: below the name that Blender draws there."""
_BAR = (80.0, 2.0)
_BAR_BELOW_TEXT = 6.0

_Color = tuple[float, float, float, float]


def _draw() -> None:
    """Called by Blender whenever a 3D View is drawn; an exception would be printed each time."""
    lines = placeholder_watch.shown()
    if not lines:
        return
    try:
        _draw_lines(lines, bpy.context)
    except Exception:
        _stop()
        logger.exception("The progress at the placeholders cannot be drawn; the sidebar goes on showing it")


def _draw_lines(lines: list[Shown], context: bpy.types.Context) -> None:
    view: Any = context.space_data
    if not view.overlay.show_overlays:
        return
    found = placeholders.by_names({line.name for line in lines})
    for line in lines:
        item = found.get(line.name)
        if item is None or not item.visible_get(viewport=view):
            continue
        origin = location_3d_to_region_2d(context.region, context.region_data, item.matrix_world.translation)
        if origin is not None:
            _draw_line(line, origin, context)


def _draw_line(line: Shown, origin: Vector, context: bpy.types.Context) -> None:
    scale = context.preferences.system.ui_scale
    color = _text_color(context)
    x, y = origin.x + _BELOW_NAME[0] * scale, origin.y + _BELOW_NAME[1] * scale
    blf.size(0, _TEXT_SIZE * scale)
    blf.color(0, *color)
    blf.position(0, round(x), round(y), 0.0)
    blf.draw(0, text(line))
    if line.progress:
        width, height = _BAR[0] * scale, _BAR[1] * scale
        y -= _BAR_BELOW_TEXT * scale
        _draw_bar(round(x), round(y), width, height, (*color[:3], color[3] * 0.3))
        _draw_bar(round(x), round(y), width * line.progress / 100, height, color)


def text(line: Shown) -> str:
    """Return what is written at a placeholder."""
    label = STATE_LABELS.get(line.state, line.state)
    return f"{label} {line.progress}%" if line.progress else label


def _text_color(context: bpy.types.Context) -> _Color:
    """Return the color of the text that Blender itself writes into the view."""
    theme: Any = context.preferences.themes[0].view_3d
    red, green, blue = theme.space.text_hi
    return (red, green, blue, 0.9)


def _draw_bar(x: float, y: float, width: float, height: float, color: _Color) -> None:
    corners = [(x, y), (x + width, y), (x, y + height), (x + width, y + height)]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    shader.uniform_float("color", color)
    batch_for_shader(shader, "TRI_STRIP", {"pos": corners}).draw(shader)
    gpu.state.blend_set("NONE")


_handles: list[object] = []
"""Of the one function that Blender calls, or empty."""


def register() -> None:
    """Have the progress drawn."""
    _handles.append(bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL"))


def _stop() -> None:
    while _handles:
        bpy.types.SpaceView3D.draw_handler_remove(_handles.pop(), "WINDOW")


def unregister() -> None:
    """Have it drawn no more."""
    _stop()
