# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sentences in a narrow panel: Blender does not wrap labels by itself. bpy is allowed here; nothing is changed."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy

_PIXELS_PER_CHARACTER = 6.8
"""Average width of the interface font at scale 1; a little wide, so that nothing is cut."""
_MARGIN_PIXELS = 50
_FEWEST_CHARACTERS = 16


def draw_sentence(
    layout: bpy.types.UILayout, context: bpy.types.Context, text: str, *, icon: Any = "NONE", alert: bool = False
) -> None:
    """Draw `text` on as many lines as the region's width asks for."""
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.8
    for number, line in enumerate(wrapped(context, text)):
        column.label(text=line, icon=icon if number == 0 else ("BLANK1" if icon != "NONE" else "NONE"), translate=False)


def wrapped(context: bpy.types.Context, text: str, part: float = 1.0) -> list[str]:
    """Return `text` as lines that fit into that part of the region's width."""
    return textwrap.wrap(text, _characters(context, part))


def _characters(context: bpy.types.Context, part: float) -> int:
    """How many characters fit on a line of the region that is being drawn, or on that part of it."""
    width = context.region.width if context.region else 300
    scale = context.preferences.system.ui_scale or 1.0  # 0 before there is a window
    return max(_FEWEST_CHARACTERS, int((width / scale * part - _MARGIN_PIXELS) / _PIXELS_PER_CHARACTER))
