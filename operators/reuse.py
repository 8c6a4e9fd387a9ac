# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask for the same again, with something changed. bpy is allowed here."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, StringProperty

from ..core.blender import models, properties, reuse, session, task_list
from ..core.blender.properties import session_list
from ..core.service.contract import MAX_SEED

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

_NO_TASK = "There is no task yet. Generate a model first."


class TOKENLAB_OT_reuse_settings(bpy.types.Operator):
    """Fill the form with what the task, or the active object's model, was asked for"""

    bl_idname = "tokenlab.reuse_settings"
    bl_label = "Reuse Settings"
    bl_options = {"REGISTER", "UNDO"}  # The form is undone like any setting.

    local_id: StringProperty(
        name="Task", description="Local id of the task; the active one of the list if empty", options={"SKIP_SAVE"}
    )
    of_object: BoolProperty(
        name="Of Active Object", description="Take the task that made the active object", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is anything that was asked for."""
        is_possible = session.is_enabled() and (
            bool(session_list().tasks) or reuse.origin_of(context.active_object) is not None
        )
        if not is_possible:
            cls.poll_message_set(_NO_TASK)
        return is_possible

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Fill it, and say what could not be."""
        origin = reuse.origin_of(context.active_object) if self.of_object else None
        task = reuse.find_task(origin.local_id if origin else self.local_id or task_list.active_local_id())
        form = properties.form(context.scene)
        if task is not None:
            missing = reuse.fill_form(form, task)
        elif origin is not None:
            missing = reuse.fill_from_origin(form, origin)
        else:
            self.report({"ERROR"}, "This task is not in the list, so its settings are not known. Choose another one.")
            return {"CANCELLED"}
        if missing:
            self.report({"WARNING"}, missing)
        else:
            self.report({"INFO"}, "The form has the settings of the task")
        return {"FINISHED"}


class TOKENLAB_OT_copy_prompt(bpy.types.Operator):
    """Copy the prompt of the task to the clipboard"""

    bl_idname = "tokenlab.copy_prompt"
    bl_label = "Copy Prompt"
    bl_options = {"REGISTER"}  # No UNDO: nothing of the file changes.

    local_id: StringProperty(
        name="Task", description="Local id of the task; the active one of the list if empty", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Whether there is a task at all."""
        has_task = session.is_enabled() and bool(session_list().tasks)
        if not has_task:
            cls.poll_message_set(_NO_TASK)
        return has_task

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Copy all of it, however long."""
        task = reuse.find_task(self.local_id or task_list.active_local_id())
        if task is None:
            self.report({"ERROR"}, "This task is not in the list, so its prompt is not known. Choose another one.")
            return {"CANCELLED"}
        context.window_manager.clipboard = task.request.prompt
        self.report({"INFO"}, "Copied the prompt")
        return {"FINISHED"}


class TOKENLAB_OT_random_seed(bpy.types.Operator):
    """Roll another seed, and ask for it"""

    bl_idname = "tokenlab.random_seed"
    bl_label = "Random Seed"
    bl_options = {"REGISTER", "UNDO"}  # The form is undone like any setting.

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the model takes one."""
        takes_seed = "seed" in models.options(properties.form(context.scene))
        if not takes_seed:
            cls.poll_message_set("The model takes no seed. Choose another model.")
        return takes_seed

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Write it into the form."""
        form = properties.form(context.scene)
        form.use_seed, form.seed = True, random.randint(0, MAX_SEED)  # noqa: S311  # no secret
        return {"FINISHED"}
