# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write an earlier prompt into the form. bpy is allowed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty

from ..core.blender import properties, session
from ..core.tasks.earlier_prompts import earlier_prompts, find_prompt, has_earlier_prompts
from ..core.text import one_line

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

_LINE = 80
"""Characters of a prompt in the list of the search; Blender finds words in these."""

_items: list[tuple[str, str, str]] = []
"""Kept, because Blender holds no reference to the texts of a list that is made anew each time."""


def _earlier(_operator: Any, _context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    """Return the earlier prompts for Blender's search: identifier, line, whole text."""
    _items[:] = [
        (local_id, one_line(prompt, limit=_LINE), one_line(prompt))
        for local_id, prompt in earlier_prompts(session.known_tasks()).items()
    ]
    return _items


class TOKENLAB_OT_use_prompt(bpy.types.Operator):
    """Search the prompts of earlier tasks and write one into the form"""

    bl_idname = "tokenlab.use_prompt"
    bl_label = "Use Earlier Prompt"
    # UNDO: the form is of the scene, and what was written there comes back. No REGISTER: there is nothing to adjust.
    bl_options = {"UNDO"}
    bl_property = "task"

    task: EnumProperty(
        name="Prompt", description="Local id of the task whose prompt is used", items=_earlier, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Whether there is an earlier prompt."""
        is_there = has_earlier_prompts(session.known_tasks())
        if not is_there:
            cls.poll_message_set("There is no earlier prompt yet. Write one and click Generate.")
        return is_there

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Let the user search; what is chosen is executed."""
        if bpy.app.background:
            return self.execute(context)
        context.window_manager.invoke_search_popup(self)
        return {"INTERFACE"}

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Write the prompt of the chosen task, or of the newest one, into the form."""
        prompt = find_prompt(session.known_tasks(), self.task)
        properties.form(context.scene).prompt = prompt
        return {"FINISHED"}
