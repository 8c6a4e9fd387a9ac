# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task, as scripts have it. bpy is allowed here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import bpy

from ..files.facts import ModelFacts
from ..service.errors import StillRunning, TokenLabError
from ..tasks.task import Task, TaskState
from . import importing, session
from .imports import ImportState
from .pump import pump

_ENDED_BADLY = frozenset({TaskState.FAILED, TaskState.UNCERTAIN, TaskState.LOST, TaskState.STOPPED})

_WHY_NOT = {
    TaskState.READY: "The model is ready, but not imported. Import it, or open its file.",
    TaskState.QUEUED: "This request was never sent, and nothing was charged. Resume it to send it.",
    TaskState.STOPPED: "Nobody waits for this task any more. Resume it to go on.",
}

_NOT_STOPPED = (
    "The request is not answered yet, or the model is here already, so there is nothing to stop. The task goes on, and "
    "may be charged. Stop it when its task ID is there."
)


class TaskHandle:
    """One task. Holds only its local id and looks everything up anew, so it survives undo and file loads."""

    def __init__(self, local_id: str) -> None:
        self.local_id = local_id

    def __repr__(self) -> str:
        try:
            state = self.state
        except TokenLabError:
            # Whoever prints a list of handles, or looks at a traceback, should see them all.
            state = "removed" if session.is_enabled() else "unknown"
        return f"<TokenLab task {self.local_id}: {state}>"

    @property
    def state(self) -> str:
        """The state's name, as in `scene["tokenlab_tasks"]`."""
        return session.current().imports.seen(self.record).state.value

    @property
    def title(self) -> str:
        """What the task is called in lists: its prompt, on one line."""
        return self.record.title

    @property
    def progress(self) -> int | None:
        """0 to 100, or None when the service gave no real value."""
        return self.record.progress

    @property
    def task_id(self) -> str:
        """The service's id, or "" before it accepted the task."""
        return self.record.task_id

    @property
    def error(self) -> str:
        """What went wrong, as a user's sentence, or ""."""
        return self.record.error

    @property
    def note(self) -> str:
        """What is worth knowing though nothing went wrong, such as options that were not sent, or ""."""
        return self.record.note

    @property
    def is_stand_in(self) -> bool:
        """Whether it is a trial: nothing was sent, and TokenLab 3D makes the model itself."""
        return self.record.is_stand_in

    @property
    def result_path(self) -> Path | None:
        """The model on disk, or None before it is there."""
        path = self.record.result_path
        return Path(path) if path else None

    @property
    def facts(self) -> ModelFacts | None:
        """What the model is like, or None before it was measured."""
        return self.record.facts

    @property
    def objects(self) -> list[bpy.types.Object]:
        """The imported objects, as long as they are in the file."""
        name = importing.imported_collections().get(self.local_id, "")
        return list(bpy.data.collections[name].all_objects) if name else []

    @property
    def is_over(self) -> bool:
        """Whether waiting brings nothing more: it is imported, or nothing is planned for it any more."""
        task, current = self.record, session.current()
        if not current.is_restored:
            return False
        if task.state is TaskState.READY:
            return not current.imports.is_coming(self.local_id)
        return task.state in _ENDED_BADLY or not current.engine.is_working_on(self.local_id)

    def stop_waiting(self) -> None:
        """Ask no more about the task; it goes on at the service and may be charged there.

        :raises TokenLabError: when it cannot be stopped now, or another Blender works on it.
        """
        if not session.current().stop_waiting(self.local_id) and not self.is_over:
            raise TokenLabError(_NOT_STOPPED)

    def on_change(self, callback: Callable[[TaskHandle], object]) -> None:
        """Have a function called with this handle, on the main thread, whenever state, progress or error change.

        It is called soon for the first time, however far the task is; look at `is_over` and `state`. What it raises is
        logged. It is not called any more once the task was removed from the list, or Blender was ended.
        """
        session.current().listen(self.local_id, partial(callback, self))

    def wait(self, timeout: float = 900.0, *, block: bool = False) -> list[bpy.types.Object]:
        """Wait until the model is in the scene and return its objects. Ctrl C leaves the task as it is.

        :param timeout: seconds; when they are over the task goes on and can be waited for again.
        :param block: wait even in a window, which freezes it.
        :raises StillRunning: when it takes longer.
        :raises TokenLabError: when the task failed or was stopped.
        """
        if not bpy.app.background and not block:
            raise TokenLabError(
                "wait() would freeze this window, so it does nothing here. Give the rest of the script to on_change() "
                "as a function, or freeze it with wait(block=True)."
            )
        pump(lambda: self.is_over, timeout)
        task = self.record
        if session.current().imports.states.get(self.local_id) is ImportState.IMPORTED:
            return self.objects
        if not self.is_over:
            raise StillRunning(
                f"The task still runs after {timeout:.0f} seconds. It is kept; wait again, or open the file later."
            )
        raise TokenLabError(
            task.error or _WHY_NOT.get(task.state, "Nothing is done for this task. Resume it to go on.")
        )

    @property
    def record(self) -> Task:
        """The record as the engine has it. Its fields are not promised to scripts.

        :raises TokenLabError: when the task was removed from the list.
        """
        task = session.current().engine.records.get(self.local_id)
        if task is None:
            raise TokenLabError("This task was removed from the list.")
        return task
