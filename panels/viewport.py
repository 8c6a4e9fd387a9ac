# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a task is, drawn at its placeholder in the 3D View. bpy is allowed here; nothing is changed or asked for."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import blf
import bpy
import gpu
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader

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
_MOST_TEXTS = 40
"""In one view: a text takes Blender longer than everything else here, and so many cannot be read. All have bars."""

_Color = tuple[float, float, float, float]


class _Bar(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    color: _Color


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
    scale, color = context.preferences.system.ui_scale, _text_color(context)
    bars: list[_Bar] = []
    texts_left = _MOST_TEXTS
    blf.size(0, _TEXT_SIZE * scale)
    blf.color(0, *color)
    for line in lines:
        item = found.get(line.name)
        if item is None or not item.visible_get(viewport=view):
            continue
        origin = location_3d_to_region_2d(context.region, context.region_data, item.matrix_world.translation)
        if origin is None:
            continue
        x, y = round(origin.x + _BELOW_NAME[0] * scale), round(origin.y + _BELOW_NAME[1] * scale)
        if texts_left > 0:
            texts_left -= 1
            blf.position(0, x, y, 0.0)
            blf.draw(0, text(line))
        if line.progress:
            y -= round(_BAR_BELOW_TEXT * scale)
            width, height = _BAR[0] * scale, _BAR[1] * scale
            bars.append(_Bar(x, y, width, height, (*color[:3], color[3] * 0.3)))
            bars.append(_Bar(x, y, width * line.progress / 100, height, color))
    _draw_bars(bars)


def text(line: Shown) -> str:
    """Return what is written at a placeholder."""
    label = STATE_LABELS.get(line.state, line.state)
    return f"{label} {line.progress}%" if line.progress else label


def _text_color(context: bpy.types.Context) -> _Color:
    """Return the color of the text that Blender itself writes into the view."""
    theme: Any = context.preferences.themes[0].view_3d
    red, green, blue = theme.space.text_hi
    return (red, green, blue, 0.9)


def _draw_bars(bars: list[_Bar]) -> None:
    """Draw all bars at once: one by one they take ten times as long."""
    if not bars:
        return
    corners, colors, triangles = [], [], []
    for number, bar in enumerate(bars):
        right, top = bar.x + bar.width, bar.y + bar.height
        corners += [(bar.x, bar.y), (right, bar.y), (bar.x, top), (right, top)]
        colors += [bar.color] * 4
        first = number * 4
        triangles += [(first, first + 1, first + 2), (first + 1, first + 3, first + 2)]
    shader = gpu.shader.from_builtin("FLAT_COLOR")
    gpu.state.blend_set("ALPHA")
    batch_for_shader(shader, "TRIS", {"pos": corners, "color": colors}, indices=triangles).draw(shader)
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
