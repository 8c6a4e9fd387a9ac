# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of one prompt side by side, as on a contact sheet. bpy is allowed here; nothing is changed."""

from __future__ import annotations

from typing import Any, Final

import bpy

from ..core.blender import properties, task_list, thumbnails, variants
from .details import duration
from .task_list import STATE_ICONS, STATE_LABELS

_PICTURE_SCALE: Final = 5.0
"""In lines of text."""
_MOST: Final = 12
"""Results that are drawn: more are not compared at a glance."""


class TOKENLAB_PT_variants(bpy.types.Panel):
    """The results of one prompt side by side"""

    bl_idname = "TOKENLAB_PT_variants"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "TokenLab"
    bl_parent_id = "TOKENLAB_PT_tasks"
    bl_label = "Variants"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return variants.has_several(properties.session_list())

    def draw(self, _context: bpy.types.Context) -> None:
        grid = self.layout.grid_flow(row_major=True, columns=2, even_columns=True, even_rows=True)
        for row in variants.rows(properties.session_list())[-_MOST:]:
            _draw_result(grid.box().column(align=True), row)


def _draw_result(layout: bpy.types.UILayout, row: Any) -> None:
    picture = thumbnails.icon_id(row.local_id)
    if picture:
        layout.template_icon(icon_value=picture, scale=_PICTURE_SCALE)
    layout.label(text=STATE_LABELS.get(row.state, row.state), icon=STATE_ICONS.get(row.state, "NONE"))
    facts = task_list.facts_of(row)
    if facts is not None:
        layout.label(text=f"{facts.triangles:,} triangles", translate=False)
    for words in (row.options, row.price, duration(row)):
        if words:
            layout.label(text=words, translate=False)
    buttons = layout.row(align=True)
    buttons.enabled = row.state == "IMPORTED"
    buttons.operator("tokenlab.keep_variant", text="Keep").local_id = row.local_id
    buttons.operator("tokenlab.select_model", text="", icon="RESTRICT_SELECT_OFF").local_id = row.local_id
