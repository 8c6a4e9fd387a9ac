# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The prompt: many lines where Blender has such a field, a text of the file anywhere. bpy is allowed here.

Nothing is changed.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..core.blender import prompts, properties
from ..core.text import one_line
from .sentences import draw_sentence

_VISIBLE_LINES = 3
_BEGINNING = 100
"""Characters of a text that are shown."""


class TOKENLAB_PT_prompt_text(bpy.types.Panel):
    """Take the prompt from a text of this file, which is edited in a Text Editor"""

    bl_idname = "TOKENLAB_PT_prompt_text"
    bl_space_type = "VIEW_3D"
    bl_region_type = "HEADER"  # Shown by its button alone.
    bl_label = "Prompt Text"
    bl_ui_units_x = 12

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.label(text="Prompt from a Text")
        layout.template_ID(properties.form(context.scene), "prompt_text", new="text.new", open="text.open")


def draw_prompt(layout: bpy.types.UILayout, context: bpy.types.Context, form: Any) -> None:
    """Draw the prompt where it is, and what else it can be."""
    row = layout.row(align=True)
    if form.prompt_text is not None:
        _draw_text(row.column(), context, form)
    elif hasattr(layout, "textbox"):
        row.column().textbox(
            data=form, property="prompt", initial_visible_lines=_VISIBLE_LINES, placeholder=prompts.placeholder(form)
        )
    else:
        row.prop(form, "prompt", text="", placeholder=prompts.placeholder(form))
    buttons = row.column(align=True) if hasattr(layout, "textbox") else row
    buttons.operator("tokenlab.use_prompt", text="", icon="RECOVER_LAST")
    buttons.popover(TOKENLAB_PT_prompt_text.bl_idname, text="", icon="TEXT")


def _draw_text(layout: bpy.types.UILayout, context: bpy.types.Context, form: Any) -> None:
    layout.template_ID(form, "prompt_text")
    beginning = one_line(prompts.of_form(form)[: 2 * _BEGINNING], limit=_BEGINNING)
    draw_sentence(layout, context, beginning or "The text is empty. Write the prompt in a Text Editor.")
