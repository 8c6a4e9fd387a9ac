# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask for the same again, with something changed. bpy is allowed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty

from ..core.blender import models, properties, reuse, scripting, session, task_list
from ..core.blender.properties import session_list
from ..core.service import stand_in
from ..core.service.contract import DEFAULT_MODEL
from ..core.service.errors import TokenLabError
from ..core.tasks import variations
from ..core.tasks.task import Task
from ..core.text import one_line
from .service import ServiceOperator
from .tasks import CONFIRM_BUDGET, LOCAL_ID, TaskOperator

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

_NO_TASK = "There is no task yet. Generate a model first."
_UNKNOWN = "This is no task of the list and no generated model. Nothing was changed or sent. Choose another one."


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
        origin, task = _meant(self, context)
        form = properties.form(context.scene)
        if task is not None:
            missing = reuse.fill_form(form, task)
        elif origin is not None:
            missing = reuse.fill_from_origin(form, origin)
        else:
            self.report({"ERROR"}, _UNKNOWN)
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
    # No UNDO: what was sent cannot be taken back. No REGISTER: Repeat Last would pay again, and skip the question.
    bl_options = set()

    local_id: LOCAL_ID
    of_object: BoolProperty(
        name="Of Active Object", description="Take the task that made the active object", options={"SKIP_SAVE"}
    )
    confirm_budget: CONFIRM_BUDGET

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether something was asked for, and anything can be sent or need not be."""
        origin = reuse.origin_of(context.active_object)
        if not (session.is_enabled() and (session_list().tasks or origin)):
            cls.poll_message_set(_NO_TASK)
            return False
        is_trial = task_list.is_stand_in("") or (origin is not None and stand_in.is_model(origin.model))
        return is_trial or super().poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Name what it costs, and ask."""
        if bpy.app.background:
            return self.execute(context)
        try:
            again = self._again(context)
            over = scripting.over_budget(again.arguments["model"] or DEFAULT_MODEL)
        except TokenLabError as error:
            return self._refuse(error)
        message = _question(again)
        if over is not None:
            self.confirm_budget, message = True, f"{message} {over.figures}"
        return context.window_manager.invoke_confirm(
            self, event, title="Generate a Variation?", message=message, confirm_text="Generate"
        )

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Send it."""
        try:
            again = self._again(context)
            seed = variations.seeds(None, 1)[0] if _takes_seed(again) else None
            handle = scripting.generate(
                **again.arguments, seed=seed, confirm_duplicate=True, confirm_budget=self.confirm_budget
            )
        except TokenLabError as error:
            return self._refuse(error)
        self.report({"INFO"}, f"Sending a variation of “{one_line(handle.title, limit=40)}”")
        return {"FINISHED"}

    def _again(self, context: bpy.types.Context) -> reuse.Again:
        """What is meant: of a model in the scene whose task is gone, what it says itself.

        :raises TokenLabError: when nothing is, or too little of it is known.
        """
        origin, task = _meant(self, context)
        if task is not None:
            return reuse.again(task)
        if origin is not None:
            return reuse.again_from_origin(origin)
        raise TokenLabError(_UNKNOWN)

    def _refuse(self, error: TokenLabError) -> set[OperatorReturnItems]:
        self.report({"ERROR"}, str(error))
        return {"CANCELLED"}


def _meant(operator: Any, context: bpy.types.Context) -> tuple[reuse.Origin | None, Task | None]:
    """Return where the active object comes from, if its model is meant, and the task that is, if it is known."""
    if not operator.of_object:
        return None, reuse.find_task(operator.local_id or task_list.active_local_id())
    origin = reuse.origin_of(context.active_object)
    return origin, reuse.find_task(origin.local_id) if origin else None


def _takes_seed(again: reuse.Again) -> bool:
    """Whether the model takes a seed, for all that is known."""
    offered = models.options_of(again.arguments["model"] or DEFAULT_MODEL, has_picture=again.has_picture)
    return offered is None or "seed" in offered


def _question(again: reuse.Again) -> str:
    """Say what would be sent, what it costs, and what not to expect."""
    name = again.arguments["model"] or DEFAULT_MODEL
    model = models.find(name)
    price = f"It costs {model.price}." if model and model.price else "It is charged, and no price is published."
    if stand_in.is_model(name):
        price = "Nothing is charged."
    how = "with another seed" if _takes_seed(again) else "once more"
    sentences = [f"“{one_line(again.arguments['prompt'], limit=40)}” {how}.", price]
    if not _takes_seed(again):
        sentences.append(f"{name} takes no seed, so it may be the same again.")
    if not again.is_all:
        sentences.append("Only prompt and model are known.")
    return " ".join(sentences)


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
