# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TokenLab tab of the 3D View's sidebar. bpy is allowed here; nothing is changed and nothing is asked for."""

from __future__ import annotations

import bpy

from ..core.blender import models, properties
from .models import draw_input_type, draw_model, draw_options, draw_price, draw_prompt_length
from .pictures import draw_picture
from .prompt import draw_prompt
from .sentences import draw_sentence
from .service_state import draw_service_state
from .stand_in import draw_chosen, generate_label
from .task_list import TOKENLAB_MT_list


class TOKENLAB_PT_generate(bpy.types.Panel):
    """What to generate"""

    bl_idname = "TOKENLAB_PT_generate"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "TokenLab"
    bl_label = "Generate"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        form = properties.form(context.scene)
        if not draw_chosen(layout, context, form):
            draw_service_state(layout, context)
        draw_input_type(layout, form)
        draw_picture(layout, context, form)
        draw_prompt(layout, context, form)
        draw_prompt_length(layout, form)
        draw_price(layout, form)
        found = models.objection_to_form(form)
        if found:
            draw_sentence(layout, context, f"{found.what} {found.advice}", icon="ERROR", alert=True)
        row = layout.row()
        row.scale_y = 1.4
        row.enabled = found is None
        row.operator("tokenlab.generate", text=generate_label(form), icon="SHADERFX")


class TOKENLAB_PT_options(bpy.types.Panel):
    """Model, format and other choices"""

    bl_idname = "TOKENLAB_PT_options"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "TokenLab"
    bl_parent_id = "TOKENLAB_PT_generate"
    bl_label = "Options"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        form = properties.form(context.scene)
        draw_model(layout, context, form)
        draw_options(layout, context, form)


class TOKENLAB_PT_tasks(bpy.types.Panel):
    """Running and finished tasks"""

    bl_idname = "TOKENLAB_PT_tasks"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "TokenLab"
    bl_label = "Tasks"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        session = properties.session_list()
        if session.notice:
            draw_sentence(layout, context, session.notice, icon="ERROR", alert=True)
        if not session.tasks:
            draw_sentence(layout, context, "No tasks yet. Write a prompt and click Generate.")
        else:
            row = layout.row()
            row.template_list(
                "TOKENLAB_UL_tasks", "", session, "tasks", session, "active_task_index", rows=4, maxrows=8
            )
            column = row.column()
            column.operator("tokenlab.remove_task", text="", icon="REMOVE")
            column.separator()
            column.menu(TOKENLAB_MT_list.bl_idname, text="", icon="DOWNARROW_HLT")
        if session.tasks_elsewhere:
            text = f"{session.tasks_elsewhere} of other files: open those, or import the models here."
            draw_sentence(layout, context, text, icon="INFO")
