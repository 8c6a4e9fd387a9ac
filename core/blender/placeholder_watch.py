# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tasks have a placeholder in the open file, when one comes and goes, and what is drawn at it. bpy is allowed.

What is drawn is in memory, since drawing happens at every redraw and must look for nothing. It holds names and not
objects: those are looked up anew each time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import bpy

from ..tasks.records import Records
from ..tasks.task import Task, TaskState
from . import importing, placeholders, preferences, store

logger = logging.getLogger(__name__)

_ENDED = frozenset({TaskState.FAILED, TaskState.STOPPED, TaskState.LOST})
"""No model comes, unless the user resumes the task."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is to be drawn at one placeholder."""

    name: str
    """Of the object."""
    state: str
    progress: int | None


_shown: dict[str, Shown] = {}
"""By local id."""


def shown() -> list[Shown]:
    """Return what is to be drawn, in all scenes of the open file; main thread only."""
    return list(_shown.values())


def forget() -> None:
    """Drop what belongs to a session that has ended."""
    _shown.clear()


def is_wanted() -> bool:
    """Whether a new task gets a placeholder: nobody would see it without a window."""
    return not bpy.app.background and bool(preferences.get().use_placeholder)


class PlaceholderWatch:
    """The placeholders of the open file, for one session."""

    def __init__(self, records: Records, is_imported: Callable[[str], bool], wake: Callable[[], None]) -> None:
        """Look at nothing yet.

        :param is_imported: whether the model of the task with that local id is in the open file.
        :param wake: makes the tick run, which tidies.
        """
        self._wake = wake
        self._records = records
        self._is_imported = is_imported
        self._names: dict[str, str] = {}
        """Of the objects, by local id."""
        self._places: dict[str, placeholders.Place] = {}
        """Where those stood that were removed, by local id: the user may have chosen it, and may resume the task."""

    def add(self, local_id: str) -> None:
        """Put a placeholder into a task's scene, in an undo step of its own, unless there is one or none is wanted.

        Undone, it is gone as if it had been deleted: the task goes on, and the model lands where it was to land. In
        Edit Mode and the like it is no step of its own, but a part of the next one of Object Mode.
        """
        task = self._records.get(local_id)
        scene = store.find_scene(task.scene_id) if task and is_wanted() else None
        if task is None or scene is None or placeholders.find(local_id, scene) is not None:
            return
        try:
            placeholders.add(local_id, task.title, task.placement, scene, self._places.get(local_id))
            if not importing.blocked_reason():
                bpy.ops.ed.undo_push(message="Add Placeholder")
        except Exception:
            # The request is sent already, and whoever asked for it must get its handle.
            logger.exception("The placeholder of task %s could not be added", local_id)
        self.look()

    def look(self) -> None:
        """Find the placeholders of this file's tasks anew: undo, a file or the user may have changed them all."""
        self._names = {}
        for item in placeholders.all_marked():
            local_id = item[placeholders.KEY]
            home = store.find_scene(self._records.scene_id(local_id))
            if home is not None and home in item.users_scene:
                self._names.setdefault(local_id, item.name)
        now = {local_id: self._entry(local_id) for local_id in self._names}
        _show({local_id: entry for local_id, entry in now.items() if entry is not None})
        if None in now.values():
            self._wake()

    def note(self, task: Task) -> None:
        """Draw what a task says now, if it has a placeholder."""
        name = self._names.get(task.local_id)
        if name is None:
            return
        if name not in placeholders.by_names([name]):
            self.look()  # It was renamed or deleted.
            return
        entry, others = self._entry(task.local_id), dict(_shown)
        others.pop(task.local_id, None)
        _show(others if entry is None else {**others, task.local_id: entry})

    def tidy(self) -> bool:
        """Remove what no model will come to, unless something hangs on it; return whether one of them has to wait.

        It waits for whatever an import waits for, and as long as the user can redo something: our step would be the end
        of that (bpy_facts C.5).
        """
        over = [local_id for local_id in self._names if self._is_over(local_id)]
        if not over:
            return False
        if importing.blocked_reason() or _can_redo():
            return True
        for local_id in over:
            self._remove(local_id)
        bpy.ops.ed.undo_push(message="Remove Placeholder")
        self.look()
        return False

    def _is_over(self, local_id: str) -> bool:
        task = self._records.get(local_id)
        return task is None or task.state in _ENDED or self._is_imported(local_id)

    def _remove(self, local_id: str) -> None:
        item: bpy.types.Object | None = bpy.data.objects.get(self._names[local_id])
        if item is not None and item.get(placeholders.KEY) == local_id:
            for scene in item.users_scene:
                placeholders.claim(local_id, scene)
            place = placeholders.place_of(item)
            if place is not None:
                self._places[local_id] = place
            placeholders.part_with(item)

    def _entry(self, local_id: str) -> Shown | None:
        task = self._records.get(local_id)
        if task is None or self._is_over(local_id):
            return None
        return Shown(self._names[local_id], task.state.value, task.progress)


def _show(now: dict[str, Shown]) -> None:
    """Have something else drawn, if it is something else."""
    if now != _shown:
        _shown.clear()
        _shown.update(now)
        tag_redraw()


def tag_redraw() -> None:
    """Have the 3D Views drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "WINDOW":
                        region.tag_redraw()


def _can_redo() -> bool:
    return bool(bpy.ops.ed.redo.poll())  # type: ignore[call-arg]  # the stubs know no poll
