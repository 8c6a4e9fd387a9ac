# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask for the same again, with something changed. bpy is allowed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty

from ..core.blender import models, properties, reuse, scripting, session, task_list
from ..core.blender.properties import session_list
from ..core.service.errors import TokenLabError
from ..core.tasks import variations
from ..core.tasks.task import Task
from ..core.text import one_line
from .service import ServiceOperator
from .tasks import LOCAL_ID, TaskOperator

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

_NO_TASK = "There is no task yet. Generate a model first."


class TOKENLAB_OT_reuse_settings(bpy.types.Operator):
    """Fill the form with what the task, or the active object's model, was asked for"""

    bl_idname = "tokenlab.reuse_settings"
    bl_label = "Reuse Settings"
    bl_options = {"REGISTER", "UNDO"}  # The form is undone like any setting.

    local_id: LOCAL_ID
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


class TOKENLAB_OT_generate_variation(ServiceOperator, bpy.types.Operator):
    """Ask once more for what the task was asked for, with another seed; it is paid for like any other"""

    bl_idname = "tokenlab.generate_variation"
    bl_label = "Generate Variation"
    bl_options = {"REGISTER"}  # No UNDO: what was sent cannot be taken back.

    local_id: LOCAL_ID
    of_object: BoolProperty(
        name="Of Active Object", description="Take the task that made the active object", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a task, and anything can be sent."""
        if not (session.is_enabled() and session_list().tasks):
            cls.poll_message_set(_NO_TASK)
            return False
        return super().poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Name what it costs, and ask."""
        task = self._task(context)
        if bpy.app.background or task is None:
            return self.execute(context)
        model = models.shown().catalogue.find(task.request.model)
        price = f"It costs {model.price}" if model and model.price else "It is charged, and no price is published"
        offered = models.options_of(task.request.model, has_picture=task.request.has_picture) or frozenset()
        seed = "" if "seed" in offered else f" {task.request.model} takes no seed, so it may be the same again."
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Generate a Variation?",
            message=f"“{one_line(task.title, limit=40)}” with another seed. {price}.{seed}",
            confirm_text="Generate",
        )

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Send it."""
        task = self._task(context)
        if task is None:
            self.report({"ERROR"}, "Its task is not in the list any more. Reuse the settings, and generate.")
            return {"CANCELLED"}
        offered = models.options_of(task.request.model, has_picture=task.request.has_picture)
        takes_seed = offered is None or "seed" in offered
        (seed,) = variations.seeds(None, 1)
        try:
            arguments = reuse.arguments_of(task)
            handle = scripting.generate(**arguments, seed=seed if takes_seed else None, confirm_duplicate=True)
        except TokenLabError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Sending a variation of “{one_line(handle.title, limit=40)}”")
        return {"FINISHED"}

    def _task(self, context: bpy.types.Context) -> Task | None:
        origin = reuse.origin_of(context.active_object) if self.of_object else None
        return reuse.find_task(origin.local_id if origin else self.local_id or task_list.active_local_id())


class TOKENLAB_OT_copy_prompt(TaskOperator, bpy.types.Operator):
    """Copy the prompt of the task to the clipboard"""

    bl_idname = "tokenlab.copy_prompt"
    bl_label = "Copy Prompt"
    bl_options = {"REGISTER"}  # No UNDO: nothing of the file changes.

    local_id: LOCAL_ID

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Copy all of it, however long."""
        task = reuse.find_task(self.chosen)
        if task is None:
            return self.refuse("This task is not in the list, so its prompt is not known. Choose another one.")
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
        (form.seed,) = variations.seeds(None, 1)
        form.use_seed = True
        return {"FINISHED"}
