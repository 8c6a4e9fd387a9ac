# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks in the scene's custom properties: the copy that travels with the .blend. bpy is allowed here.

`scene["tokenlab_tasks"][local_id]` is one JSON text per task, `scene["tokenlab_scene_id"]` tells scenes apart over
renames and reloads. No key, no asset URL and no path is written (architecture, P4 and P5). No bpy reference is kept.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import bpy

from ..tasks.task import UNFINISHED, Task, TaskState, from_text, to_scene_text

TASKS_KEY = "tokenlab_tasks"
SCENE_ID_KEY = "tokenlab_scene_id"
_AWAITING = "awaiting_import"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a scene says of one task."""

    task: Task
    awaiting_import: bool
    """The model is to be imported into this scene as soon as it is there."""

    @property
    def imported(self) -> bool:
        """Whether the model was imported into this scene."""
        return self.task.state is TaskState.IMPORTED


def local_scenes() -> Iterator[bpy.types.Scene]:
    """Yield the scenes of this file; linked ones belong to another file and are left alone."""
    for scene in bpy.data.scenes:
        if scene.library is None:
            yield scene


_ids: dict[int, str] = {}
"""Id of each scene of the open file by `session_uid`: an undo takes the property away, but not the `session_uid`."""
_are_known = False
"""Whether that was found out since the file was opened."""


def know_scenes(*, is_new_file: bool) -> None:
    """Take the scenes with tasks of a file that was just opened for what they say they are.

    A new file is a copy of the startup file, which may have been saved with tasks of its own.
    """
    global _are_known  # noqa: PLW0603  # there is one open file
    _ids.clear()
    _are_known = True
    for scene in local_scenes():
        stored = scene.get(SCENE_ID_KEY)
        has_tasks = scene.get(TASKS_KEY) is not None
        if is_new_file:
            _forget(scene)
        elif has_tasks and isinstance(stored, str) and stored and stored not in _ids.values():
            _ids[scene.session_uid] = stored
        elif has_tasks and isinstance(stored, str) and stored:
            _forget(scene)
        elif has_tasks:
            # The id was taken away by somebody; the tasks are all there is.
            _ids[scene.session_uid] = str(uuid.uuid4())


def forget_scenes() -> None:
    """Know nothing of the open file: others may be opened unseen from here on."""
    global _are_known  # noqa: PLW0603
    _ids.clear()
    _are_known = False


def keep_scenes() -> None:
    """Put ids back that an undo took, and tell scenes apart that came by copying or appending since."""
    if not _are_known:
        know_scenes(is_new_file=False)
    for scene in local_scenes():
        known, stored = _ids.get(scene.session_uid), scene.get(SCENE_ID_KEY)
        if known is not None and stored != known:
            scene[SCENE_ID_KEY] = known
        elif known is None and stored is not None:
            # The tasks belong to the original, or both scenes would import the same model.
            _forget(scene)


def scene_id(scene: bpy.types.Scene) -> str:
    """Return the scene's id, giving it one: only scenes that have tasks need it."""
    keep_scenes()
    known = _ids.setdefault(scene.session_uid, str(uuid.uuid4()))
    if scene.get(SCENE_ID_KEY) != known:
        scene[SCENE_ID_KEY] = known
    return known


def _forget(scene: bpy.types.Scene) -> None:
    for key in (TASKS_KEY, SCENE_ID_KEY):
        if scene.get(key) is not None:
            del scene[key]


def find_scene(wanted: str) -> bpy.types.Scene | None:
    """Return the scene of this file with that id, or None."""
    return next((scene for scene in local_scenes() if _ids.get(scene.session_uid) == wanted), None)


def read_entries(scene: bpy.types.Scene) -> list[Entry]:
    """Return what the scene says of its tasks; what cannot be read is passed over and left as it is."""
    group = scene.get(TASKS_KEY)
    known = _ids.get(scene.session_uid)
    if known is None or group is None or not hasattr(group, "to_dict"):
        return []
    entries = []
    for text in group.to_dict().values():
        task = from_text(text, scene_id=known) if isinstance(text, str) else None
        if task is not None:
            entries.append(Entry(task, _awaiting_import(text, task)))
    return entries


def entry_ids(scene: bpy.types.Scene) -> list[str]:
    """Return the local ids of the tasks that the scene says something of."""
    group = scene.get(TASKS_KEY)
    return list(group.keys()) if group is not None and hasattr(group, "keys") else []


def _awaiting_import(text: str, task: Task) -> bool:
    value = json.loads(text).get(_AWAITING)
    return value if isinstance(value, bool) else task.state in UNFINISHED


def write_entry(scene: bpy.types.Scene, task: Task, *, awaiting_import: bool, collection: str = "") -> None:
    """Write the scene's copy of a task, if it says something new. `collection` names what was imported."""
    text = to_scene_text(task, **{_AWAITING: awaiting_import, "collection": collection})
    group = scene.get(TASKS_KEY)
    if group is None or not hasattr(group, "to_dict"):
        scene[TASKS_KEY] = {task.local_id: text}
    elif group.get(task.local_id) != text:
        group[task.local_id] = text


def remove_entry(scene: bpy.types.Scene, local_id: str) -> None:
    """Take a task out of the scene's copy, if it is there."""
    group = scene.get(TASKS_KEY)
    if group is not None and hasattr(group, "to_dict") and local_id in group:
        del group[local_id]
