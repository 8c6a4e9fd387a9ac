# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Import, resume, stop waiting for, and remove a task. bpy is allowed here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..core.blender import assets, scripting, session, task_list
from ..core.blender.properties import session_list
from ..core.service.errors import OverBudget, TokenLabError
from ..core.tasks import duplicates
from .service import ServiceOperator

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

LOCAL_ID = StringProperty(
    name="Task", description="Local id of the task; the active one of the list if empty", options={"SKIP_SAVE"}
)
CONFIRM_BUDGET = BoolProperty(
    name="Confirm Budget",
    description="Send it although it could go beyond a limit that is set in the preferences",
    options={"SKIP_SAVE"},
)

_PAID_FOR_NOTHING = ("SUBMITTING", "UNCERTAIN", "PENDING", "PROCESSING", "DOWNLOADING", "STOPPED")
"""States in which a task may be charged although nothing has arrived."""
_FINISHED = ("IMPORTED", "FAILED")
"""States in which nobody waits for a task, and no model is lost with it."""


_NOTHING_TO_RESUME = {
    "UNCERTAIN": "Nobody knows whether the service took this request. Look for it in the dashboard, then enter its "
    "task ID, submit it again or discard it.",
    "SUBMITTING": "This request is being sent just now. Nothing has to be done.",
    "READY": "The model of this task is on this computer already. Import it.",
    "FAILED": "This task has failed, and this try was not charged. Reuse its settings, and generate again.",
}
"""What is said, by state, of a task that cannot be resumed."""


def _state(local_id: str) -> str:
    """Return the state of a task, or "" when there is none. The list may be a moment behind."""
    task = session.current().engine.records.get(local_id)
    return task.state.value if task else ""


def _why_nothing_to_resume(local_id: str) -> str:
    """Say what else is to be done with a task, and that an earlier try of it may be charged."""
    sentence = _NOTHING_TO_RESUME.get(_state(local_id), "There is nothing to resume of this task.")
    task = session.current().engine.records.get(local_id)
    return duplicates.with_first_try(sentence, task) if task else sentence


def _may_be_charged_for_nothing(local_id: str) -> bool:
    """Whether money may be lost with a task; a trial costs none."""
    task = session.current().engine.records.get(local_id)
    return task is not None and not task.is_stand_in and task.state.value in _PAID_FOR_NOTHING


class TaskOperator:
    """What all operators on one task share: which task is meant, and when there is none."""

    local_id: str

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Whether there is a task at all."""
        has_task = session.is_enabled() and bool(session_list().tasks)
        if not has_task:
            cls.poll_message_set("There is no task yet. Generate a model first.")  # type: ignore[attr-defined]
        return has_task

    @property
    def chosen(self) -> str:
        """The local id that was given, or the active one."""
        return self.local_id or task_list.active_local_id()

    def try_to(self, action: Callable[[str], bool], sentence: str) -> set[OperatorReturnItems]:
        """Do something with the chosen task; report the error, or `sentence` when it cannot be done."""
        try:
            has_worked = action(self.chosen)
        except TokenLabError as error:
            return self.refuse(str(error))
        return {"FINISHED"} if has_worked else self.refuse(sentence)

    def refuse(self, sentence: str) -> set[OperatorReturnItems]:
        """Report why nothing was done."""
        self.report({"ERROR"}, sentence)  # type: ignore[attr-defined]  # Operator's
        return {"CANCELLED"}


class ClickedOperator(TaskOperator):
    """What operators share that know whether it was a click that ran them, or a script."""

    is_clicked = False

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Run as a click on a button or in a menu does."""
        self.is_clicked = True
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Do it."""
        raise NotImplementedError


class TOKENLAB_OT_import_model(ClickedOperator, bpy.types.Operator):
    """Import the model of a finished task into its scene"""

    bl_idname = "tokenlab.import_model"
    bl_label = "Import Generated Model"
    bl_options = {"REGISTER"}  # No UNDO: the import pushes its own step, the same from a timer and from a button.

    local_id: LOCAL_ID
    here: BoolProperty(
        name="Here",
        description="Import into the current scene, whatever scene the task belongs to",
        options={"SKIP_SAVE"},
    )

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Import now, or as soon as a second Blender has prepared the model."""
        try:
            scene = context.scene if self.here else None
            name = session.current().import_now(self.chosen, scene, is_clicked=self.is_clicked)
        except TokenLabError as error:
            return self.refuse(str(error))
        self.report({"INFO"}, f"Imported {name}" if name else "The model is being prepared and comes in a moment")
        return {"FINISHED"}


class TOKENLAB_OT_stop_waiting(TaskOperator, bpy.types.Operator):
    """Stop asking about a running task; it goes on at the service, may be charged, and can be resumed"""

    bl_idname = "tokenlab.stop_waiting"
    bl_label = "Stop Waiting for Model"
    bl_options = {"REGISTER"}  # No UNDO: tasks are no scene data.

    local_id: LOCAL_ID

    @classmethod
    def description(cls, _context: bpy.types.Context, given: Any) -> str:
        """Speak of money only where it can be lost."""
        if task_list.is_stand_in(given.local_id):
            return "Make this trial model no further; nothing is charged, and it can be resumed"
        return str(cls.__doc__)

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Stop polling or downloading."""
        return self.try_to(session.current().stop_waiting, "This task is not running, so there is nothing to stop.")


class TOKENLAB_OT_resume(TaskOperator, bpy.types.Operator):
    """Go on with a task: ask about it again, fetch its model again, or send it if it was never sent"""

    bl_idname = "tokenlab.resume"
    bl_label = "Resume Task"
    # No UNDO: tasks are no scene data. No REGISTER: Repeat Last would send the next unsent task, and skip the question.
    bl_options = set()

    local_id: LOCAL_ID
    confirm_budget: CONFIRM_BUDGET

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Ask before a request that was never sent goes beyond a limit."""
        if bpy.app.background:
            return self.execute(context)
        try:
            over = scripting.unsent_over_budget(self.chosen)
        except TokenLabError as error:
            return self.refuse(str(error))
        if over is None:
            return self.execute(context)
        self.confirm_budget = True
        return context.window_manager.invoke_confirm(
            self,
            event,
            title=f"Go Over the {over.name.title()}?",
            message=over.figures,
            confirm_text="Send Anyway",
        )

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Plan the next step of the task."""
        return self.try_to(
            partial(scripting.resume, confirm_budget=self.confirm_budget),
            _why_nothing_to_resume(self.chosen),
        )


class TOKENLAB_OT_submit_again(TaskOperator, bpy.types.Operator):
    """Send an uncertain request once more; if the service did take it the first time, both are charged"""

    bl_idname = "tokenlab.submit_again"
    bl_label = "Submit Uncertain Task Again"
    # No UNDO: what was sent cannot be taken back. No REGISTER: Repeat Last would pay for the next one, unasked.
    bl_options = set()

    local_id: LOCAL_ID
    confirm_budget: CONFIRM_BUDGET

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Name the risk and ask."""
        if bpy.app.background:
            return self.execute(context)
        message = "The service may have taken it already. Then it makes two models, and charges both."
        try:
            over = self._over_budget()
        except TokenLabError as error:
            return self.refuse(str(error))
        if over is not None:
            self.confirm_budget, message = True, f"{message} {over.figures}"
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Send the Same Request Again?",
            message=message,
            confirm_text="Send Again",
            icon="WARNING",
        )

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Send it."""
        try:
            over = None if self.confirm_budget else self._over_budget()
        except TokenLabError as error:
            return self.refuse(str(error))
        if over is not None:
            return self.refuse(str(over))
        return self.try_to(session.current().submit_again, "Only an uncertain task can be sent again.")

    def _over_budget(self) -> OverBudget | None:
        task = session.current().engine.records.get(self.chosen)
        return scripting.over_budget(task.request.model) if task is not None else None


class TOKENLAB_OT_attach_task(ServiceOperator, TaskOperator, bpy.types.Operator):
    """Go on with a task of the service by the task id that its dashboard shows; costs nothing"""

    bl_idname = "tokenlab.attach_task"
    bl_label = "Enter Task ID"
    bl_options = {"REGISTER"}  # No UNDO: tasks are no scene data.

    local_id: LOCAL_ID
    task_id: StringProperty(name="Task ID", description="Begins with ldtask_", options={"SKIP_SAVE"})

    @property
    def chosen(self) -> str:
        """The given task, or the active one if it is uncertain; "" adds the id as a new task."""
        active = task_list.active_local_id()
        return self.local_id or (active if _state(active) == "UNCERTAIN" else "")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Ask for the id."""
        if bpy.app.background or self.task_id:
            return self.execute(context)
        return context.window_manager.invoke_props_dialog(self, width=400, confirm_text="Go On with Task")

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Begin to ask about it."""
        task_id = self.task_id.strip()
        if not task_id:
            return self.refuse("No task ID is given. Copy it from the runs in the TokenLab dashboard.")
        return self.try_to(
            lambda local_id: session.current().attach(local_id, task_id, context.scene),
            "Only an uncertain task can be given a task ID.",
        )


class TOKENLAB_OT_remove_task(TaskOperator, bpy.types.Operator):
    """Take a task off the list; imported models stay in the scene, and files stay on disk"""

    bl_idname = "tokenlab.remove_task"
    bl_label = "Remove Task"
    # No UNDO: the journal keeps the task's ids. No REGISTER: Repeat Last would remove the next one, unasked.
    bl_options = set()

    local_id: LOCAL_ID

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Ask first when money may be lost with it."""
        if bpy.app.background or not _may_be_charged_for_nothing(self.chosen):
            return self.execute(context)
        return self._ask(context, event)

    def _ask(self, context: bpy.types.Context, event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Say what may be lost."""
        if _state(self.chosen) == "UNCERTAIN":
            return context.window_manager.invoke_confirm(
                self,
                event,
                title="Discard an Uncertain Task?",
                message="The service may have taken it, and charge it, and its model will not arrive here. If the "
                "dashboard lists it, enter its task ID instead.",
                confirm_text="Discard",
                icon="WARNING",
            )
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Remove a Running Task?",
            message="It goes on at the service and may be charged, and its model will not arrive here.",
            confirm_text="Remove",
            icon="WARNING",
        )

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Remove it from the list and from its scene."""
        return self.try_to(session.current().remove, "This task is not in the list.")


class TOKENLAB_OT_clear_finished(TaskOperator, bpy.types.Operator):
    """Take imported and failed tasks off the list; imported models stay in the scene, and files stay on disk"""

    bl_idname = "tokenlab.clear_finished"
    bl_label = "Clear Finished Tasks"
    # No UNDO: the journal keeps the tasks' ids. No REGISTER: Repeat Last would skip the question.
    bl_options = set()

    _chosen: list[str] | None = None

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is anything that is over."""
        if not super().poll(context):
            return False
        has_finished = any(row.state in _FINISHED for row in session_list().tasks)
        if not has_finished:
            cls.poll_message_set("No task is imported or failed. What waits to be imported stays in the list.")
        return has_finished

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Ask, since the list is not undone."""
        if bpy.app.background:
            return self.execute(context)
        self._chosen = self._finished()
        count = len(self._chosen)
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Clear Finished Tasks?",
            message=f"{count} imported or failed {'task leaves' if count == 1 else 'tasks leave'} the list. "
            "Models in the scene stay there.",
            confirm_text="Clear",
        )

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Remove them all at once."""
        # What was asked about, and not what has been imported since.
        count = session.current().remove_all(self._chosen or self._finished())
        self.report({"INFO"}, f"Cleared {count} {'task' if count == 1 else 'tasks'}")
        return {"FINISHED"}

    @staticmethod
    def _finished() -> list[str]:
        return [row.local_id for row in session_list().tasks if row.state in _FINISHED]


class TOKENLAB_OT_open_folder(TaskOperator, bpy.types.Operator):
    """Show the files of a task in the system's file browser: what was delivered, and where it comes from"""

    bl_idname = "tokenlab.open_folder"
    bl_label = "Show Model Files"
    bl_options = {"REGISTER"}  # No UNDO: nothing of the file changes.

    local_id: LOCAL_ID

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Open the folder."""
        current = session.current()
        task = current.engine.records.get(self.chosen)
        if task is None:
            return self.refuse("This task is not in the list.")
        folder = assets.folder_of_task(task, current.engine.settings.data_directory)
        if not folder.is_dir():
            return self.refuse("This task has no files on this computer. Its model is fetched when it is ready.")
        if bpy.app.background:
            return self.refuse(f"Without a window there is nothing to show the folder in. It is {folder}.")
        try:
            return bpy.ops.wm.path_open(filepath=str(folder))
        except RuntimeError:
            return self.refuse(f"The system did not open the folder. It is {folder}.")
