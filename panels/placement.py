# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the model will land, how large, and which way it looks. bpy is allowed here; nothing is changed."""

from __future__ import annotations

import bpy

from ..core.blender import properties


class TOKENLAB_PT_placement(bpy.types.Panel):
    """Location, size and facing of the model"""

    bl_idname = "TOKENLAB_PT_placement"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "TokenLab"
    bl_parent_id = "TOKENLAB_PT_generate"
    bl_label = "Placement"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        form = properties.form(context.scene)
        is_fitted = form.size == "SELECTED"
        if not is_fitted:
            layout.prop(form, "placement")
        layout.prop(form, "size")
        if form.size == "HEIGHT":
            layout.prop(form, "height")
        layout.prop(form, "facing")
        if not is_fitted:
            layout.prop(form, "on_floor")
