# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the results of one prompt, and keep one of them. bpy is allowed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..core.blender import importing, session, task_list, variants
from ..core.blender.properties import session_list
from .tasks import LOCAL_ID, ClickedOperator, TaskOperator

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class TOKENLAB_OT_select_model(TaskOperator, bpy.types.Operator):
    """Select the model of the task in the scene, and make the task the active one"""

    bl_idname = "tokenlab.select_model"
    bl_label = "Select Generated Model"
    bl_options = {"REGISTER", "UNDO"}  # A selection is undone like any other.

    local_id: LOCAL_ID

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Select what is there."""
        local_id = self.chosen
        task_list.select(local_id)
        objection = variants.show(local_id)
        if not objection:
            return {"FINISHED"}
        self.report({"WARNING"}, objection)
        return {"CANCELLED"}


class TOKENLAB_OT_keep_variant(ClickedOperator, bpy.types.Operator):
    """Remove the other models of this prompt from the scene. They stay in the library, and can be imported again"""

    bl_idname = "tokenlab.keep_variant"
    bl_label = "Keep This Variant"
    bl_options = {"REGISTER", "UNDO"}  # One step takes the others back into the scene.

    local_id: LOCAL_ID

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Put the others away, in the scene that they were generated for."""
        kept = self.chosen
        task_list.select(kept)
        rows = variants.rows(session_list())
        name = rows[0].scene_name if rows else ""
        scene = bpy.data.scenes.get(name, context.scene)
        if not variants.is_in_scene(kept, scene):
            return self.refuse("The model of this task is not in its scene. Nothing was changed. Import it first.")
        reason = importing.blocked_reason(is_clicked=self.is_clicked)
        if reason:
            return self.refuse(f"This has to wait for {reason}. Nothing was changed. Try again then.")
        count = variants.put_away({row.local_id for row in rows} - {kept}, scene)
        session.current().after_undo_or_redo()
        if not count:
            self.report({"WARNING"}, "No other model of this prompt is in the scene")
            return {"CANCELLED"}
        what, them = ("1 other model is", "it") if count == 1 else (f"{count} other models are", "them")
        self.report({"INFO"}, f"{what} in the library now. Import in Variants brings {them} back")
        return {"FINISHED"}
