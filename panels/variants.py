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
        rows = variants.rows(properties.session_list())
        has_models = len({row.model for row in rows}) > 1
        grid = self.layout.grid_flow(row_major=True, columns=2, even_columns=True, even_rows=True)
        for row in rows[-_MOST:]:
            _draw_result(grid.box().column(align=True), row, with_model=has_models)
        if len(rows) > _MOST:
            self.layout.label(text=f"{len(rows) - _MOST} more in the list", translate=False)


def _draw_result(layout: bpy.types.UILayout, row: Any, *, with_model: bool) -> None:
    picture = thumbnails.icon_id(row.local_id)
    if picture:
        layout.template_icon(icon_value=picture, scale=_PICTURE_SCALE)
    # There is no room for more, and the button says what it is ready for.
    state = "Ready" if row.state == "READY" else STATE_LABELS.get(row.state, row.state)
    layout.label(text=state, icon=STATE_ICONS.get(row.state, "NONE"))
    facts = task_list.facts_of(row)
    if facts is not None:
        layout.label(text=f"{facts.triangles:,} triangles", translate=False)
    for words in (row.model if with_model else "", row.options, row.price, duration(row)):
        if words:
            layout.label(text=words, translate=False)
    buttons = layout.row(align=True)
    if row.state == "IMPORTED":
        buttons.operator("tokenlab.keep_variant", text="Keep").local_id = row.local_id
    elif row.state == "READY" and row.has_result and row.scene_name:
        buttons.operator("tokenlab.import_model", text="Import").local_id = row.local_id
    buttons.operator("tokenlab.select_model", text="", icon="RESTRICT_SELECT_OFF").local_id = row.local_id
