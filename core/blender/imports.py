# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which models come into the open file, when, and what has become of them. bpy is allowed here.

Whether a task's model is in this file is known here, in memory, because Blender rewinds scene properties on undo
(bpy_facts C.5). "Imported" is a claim that is checked against the data.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import bpy

from ..files import scene_units
from ..files.formats import ModelFormat
from ..service.errors import TokenLabError
from ..tasks import conversions, duplicates, measured, on_disk
from ..tasks.engine import Engine
from ..tasks.task import UNFINISHED, Task, TaskState
from . import importers, importing, scene_settings, second_blender, store, task_list
from .importers import ImportFailed
from .selection import Selection

logger = logging.getLogger(__name__)

_NOT_HERE: Final = (
    "No second Blender could be started, and this one does not read {} files, some of which would crash it. The model "
    "is kept on disk, and nothing is charged again. Make room on the disk, look whether the data folder is there, and "
    "import it again."
)
_LINKED: Final = (
    "The scene “{}” is linked from another file, and nothing can be added to it here. The model is safe on disk. Open "
    "that file, or another scene, and import it there."
)
_UNEXPECTED: Final = (
    "The import ended in an error that nobody has foreseen; Blender's log has its details. The model is kept on disk, "
    "and nothing is charged again. Look whether it is in the scene, and import it again if it is not."
)


class ImportState(enum.Enum):
    """What is to happen, or has happened, with a task's model in the open file."""

    AWAITED = "AWAITED"
    """To be imported as soon as it is there."""
    OFFERED = "OFFERED"
    """To be imported when the user says so: it was undone, failed, or is old."""
    IMPORTED = "IMPORTED"


class Imports:
    """The models of one session, by local id."""

    def __init__(self, engine: Engine, on_changed: Callable[[Task], None]) -> None:
        """Import nothing yet.

        :param on_changed: called when a task's model has come into the file, or will not come by itself any more.
        """
        self._engine = engine
        self._on_changed = on_changed
        self.states: dict[str, ImportState] = {}
        """Of the tasks of the open file, and of those of others whose models were imported here."""
        self._asked_for: dict[str, int] = {}
        """`session_uid` of the scene that a model was asked for by hand, while it is being prepared."""
        self._selections: dict[str, Selection] = {}
        """What was selected when a task was sent."""

    def forget(self) -> None:
        """Another file is open."""
        self.states.clear()
        self._asked_for.clear()
        self._selections.clear()

    def drop(self, local_id: str) -> None:
        """Have nothing more to do with a task."""
        for known in (self.states, self._asked_for, self._selections):
            known.pop(local_id, None)

    def wait_for(self, local_id: str) -> None:
        """Import a model as soon as it is there."""
        self.states[local_id] = ImportState.AWAITED
        task = self._engine.records.get(local_id)
        scene = self._target(task) if task is not None else None
        self._selections[local_id] = Selection.now(scene or bpy.context.scene)
        if task is not None:
            self._note_units(task, scene)

    def take_file(self, entries: Collection[store.Entry]) -> None:
        """Learn from a file that was opened what is to become of the models of its tasks."""
        collections = importing.imported_collections()
        for entry in entries:
            self.states.setdefault(entry.task.local_id, _wanted(entry, collections))
        for task in self._engine.records.all():
            if store.find_scene(task.scene_id) is not None:
                # Missing in an older copy of the file: put back, but only what still runs is imported by itself.
                entry = store.Entry(task, awaiting_import=task.state in UNFINISHED)
                self.states.setdefault(task.local_id, _wanted(entry, collections))
            elif task.local_id in collections:
                self.states.setdefault(task.local_id, ImportState.IMPORTED)

    def after_history(self) -> None:
        """Look what an undo or a redo has taken away or brought back, or what went with a scene."""
        collections = importing.imported_collections()
        for local_id, state in self.states.items():
            if local_id in collections:
                self.states[local_id] = ImportState.IMPORTED
            elif state is ImportState.IMPORTED:
                self.states[local_id] = ImportState.OFFERED

    def seen(self, task: Task) -> Task:
        """Return the task as this file sees it: `READY` becomes `IMPORTED` once the model is in the scene."""
        if task.state is TaskState.READY and self.is_imported(task.local_id):
            return replace(task, state=TaskState.IMPORTED)
        return task

    def is_imported(self, local_id: str) -> bool:
        """Whether the model of a task is in the open file."""
        return self.states.get(local_id) is ImportState.IMPORTED

    def is_coming(self, local_id: str) -> bool:
        """Whether a task's model is there and is imported by itself; not while its scene is deleted."""
        task = self._engine.records.get(local_id)
        if task is None or task.state is not TaskState.READY:
            return False
        if local_id in self._asked_for:
            return True
        return self.states.get(local_id) is ImportState.AWAITED and store.find_scene(task.scene_id) is not None

    @property
    def has_awaited(self) -> bool:
        """Whether a model is there and waits to be imported."""
        return any(self.is_coming(local_id) for local_id in (*self.states, *self._asked_for))

    # By itself

    def next(self) -> bool:
        """Import one model that is awaited and there, unless that would get in the user's way."""
        for local_id in (*self._asked_for, *self.states):
            task = self._engine.records.get(local_id)
            if task is not None and self.is_coming(local_id) and self._is_next(task):
                return self._import_awaited(task)
        return False

    def _is_next(self, task: Task) -> bool:
        """Whether a model can be imported now; what it still needs is ordered here."""
        if task.error:
            self._asked_for.pop(task.local_id, None)
            if self.states.get(task.local_id) is ImportState.AWAITED:
                self.states[task.local_id] = ImportState.OFFERED
                self._on_changed(task)
            return False
        if importing.is_open(task.blend_path):
            return True  # Which is said then. Preparing it anew would write over it.
        if not on_disk.has_result(task) or self._engine.needs_conversion(self._note_units(task, self._target(task))):
            # Made on another computer, or cleaned up: the service may still have it. Or made by a newer Blender, or for
            # a scene with other units.
            self._engine.resume(task.local_id)
            return False
        return True

    def _import_awaited(self, task: Task) -> bool:
        reason = importing.blocked_reason()
        # Some add-ons have an operator that never ends.
        way_round = ", or for your click on Import" if reason and not importing.blocked_reason(is_clicked=True) else ""
        task_list.set_waits_for(task.local_id, reason + way_round)
        if reason:
            return False
        scene = self._target(task)
        self._asked_for.pop(task.local_id, None)
        if scene is None:
            return False
        selection = self._selections.get(task.local_id)
        try:
            self._bring(task, scene, is_selected=Selection.now(scene).may_change(selection))
        except TokenLabError as error:
            logger.warning("The model of task %s was not imported: %s", task.local_id, error)
        return True

    def _target(self, task: Task) -> bpy.types.Scene | None:
        """Return the scene that a model comes into, or None when that is not in the open file any more."""
        asked_for = self._asked_for.get(task.local_id)
        return store.find_scene(task.scene_id) if asked_for is None else _scene(asked_for)

    def _note_units(self, task: Task, scene: bpy.types.Scene | None) -> Task:
        """Note what the scene is like that a model comes into, since it is prepared for that; return the record."""
        if scene is not None:
            wanted = scene_units.to_text(scene_settings.units(scene))
            self._engine.records.change(task.local_id, wanted_units=wanted)
        return self._engine.records.get(task.local_id) or task

    # By hand

    def import_now(self, local_id: str, scene: bpy.types.Scene | None = None, *, is_clicked: bool = False) -> str:
        """Import a task's model, into its own scene unless another is given; return the new collection's name.

        Or "", when it has to be prepared first: it is imported as soon as it is.

        :param is_clicked: as for `importing.blocked_reason`.
        :raises TokenLabError: when there is none, or it cannot be imported.
        """
        task = self._engine.records.get(local_id)
        if task is None or task.state is not TaskState.READY:
            raise TokenLabError(self._why_no_model(task))
        if not on_disk.has_result(task):
            self._engine.records.change(local_id, result_path="")
            raise TokenLabError(task.error or "The model of this task is not on this computer. Try again to fetch it.")
        target = scene or store.find_scene(task.scene_id) or bpy.context.scene
        if target.library is not None:
            raise TokenLabError(_LINKED.format(target.name))
        if second_blender.is_read_there_only(task.result_format):
            self._engine.trust_converter()
        if not importing.is_open(task.blend_path) and self._engine.needs_conversion(self._note_units(task, target)):
            self._engine.resume(local_id)
            self._asked_for[local_id] = target.session_uid
            return ""
        reason = importing.blocked_reason(is_clicked=is_clicked)
        if reason:
            raise TokenLabError(f"The import has to wait for {reason}. The model is safe on disk. Import it then.")
        return self._bring(task, target, is_selected=True)

    def _why_no_model(self, task: Task | None) -> str:
        """Say why there is nothing to import, and what to do: by waiting, a model comes of some tasks only."""
        if task is None:
            return "This task is not in the list, so there is nothing to import. Choose another one."
        if task.state is TaskState.STOPPED:
            return "Nobody waits for the model of this task any more. Resume the task, then its model comes."
        if task.error:
            return duplicates.with_first_try(task.error, task)
        if task.state is TaskState.QUEUED and not self._engine.is_working_on(task.local_id):
            return "This request was never sent, and nothing was charged. Resume it, then its model comes."
        return "This task has no model yet. Wait until it is ready, then import it."

    def _bring(self, task: Task, scene: bpy.types.Scene, *, is_selected: bool) -> str:
        local_id, task = task.local_id, self._note_units(task, scene)
        try:
            unit_length = importers.unit_length(ModelFormat[task.result_format], scene)
            name = self._import(task, scene, is_selected=is_selected)
        except importing.FileIsOpen as error:
            # That file is all right, and not to be written anew.
            self._offer(local_id, error=str(error))
            raise TokenLabError(str(error)) from error
        except ImportFailed as error:
            self._offer(local_id, error=str(error), blend_path="")
            raise TokenLabError(str(error)) from error
        except Exception as error:
            # Whatever it is, it comes again with each try, and must not be tried by itself.
            logger.exception("The import of task %s ended in an error", local_id)
            self._offer(local_id, error=_UNEXPECTED)
            raise TokenLabError(_UNEXPECTED) from error
        # Also of a task of another file: an undo takes its model away again, and then it is offered as before.
        self.states[local_id] = ImportState.IMPORTED
        self._engine.records.change(local_id, error="")
        if bpy.app.background and not task.facts:
            # With a window the second Blender has measured it: here nobody waits.
            from . import model_facts  # noqa: PLC0415  # imports numpy

            measured.take(self._engine, local_id, model_facts.measure(bpy.data.collections[name], unit_length))
        self._on_changed(self._engine.records.get(local_id) or task)
        return name

    def _offer(self, local_id: str, **changes: Any) -> None:
        """Have a model not come by itself any more, and change its record. What came before is still there."""
        if local_id in self.states and local_id not in importing.imported_collections():
            self.states[local_id] = ImportState.OFFERED
        self._engine.records.change(local_id, **changes)

    def _import(self, task: Task, scene: bpy.types.Scene, *, is_selected: bool) -> str:
        if importing.is_open(task.blend_path):
            raise importing.FileIsOpen
        command = self._engine.settings.converter
        if command is not None and conversions.has_blend(task, command):
            return importing.append_model(task, Path(task.blend_path), scene, is_selected=is_selected)
        model_format = ModelFormat[task.result_format]
        if second_blender.is_read_there_only(task.result_format):
            raise ImportFailed(_NOT_HERE.format(model_format.label))
        return importing.import_model(task, Path(task.result_path), model_format, scene, is_selected=is_selected)


def _scene(session_uid: int) -> bpy.types.Scene | None:
    return next((scene for scene in store.local_scenes() if scene.session_uid == session_uid), None)


def _wanted(entry: store.Entry, collections: Collection[str]) -> ImportState:
    """What the file says is to become of a model; the data knows better, whose history has other entries."""
    if entry.task.local_id in collections:
        return ImportState.IMPORTED
    return ImportState.AWAITED if entry.awaiting_import and not entry.imported else ImportState.OFFERED
