# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the open file has to do with tasks: merged when it is opened, mirrored into its scenes ever after.

bpy is allowed here. The scenes' custom properties and the sidebar's list are written from the engine's records, and
never read back but when a file is loaded.
"""

from __future__ import annotations

import bpy

from ..tasks.engine import Engine
from ..tasks.journal import Row
from ..tasks.task import LEASED, Task, TaskState
from . import importing, store, task_list
from .imports import Imports, ImportState
from .placeholder_watch import PlaceholderWatch


class OpenFile:
    """The file that is open in this Blender."""

    def __init__(self, engine: Engine, imports: Imports, placeholders: PlaceholderWatch) -> None:
        """Look at nothing yet."""
        self._engine = engine
        self._imports = imports
        self._placeholders = placeholders
        self.is_restored = False
        """The journal was read since the file was opened."""
        self._scene_names: dict[int, str] = {}
        """Of all scenes of the file as they were last noticed, by `session_uid`."""

    def begin(self) -> None:
        """Forget the file before, and have the journal read; `take` then resumes what is unfinished."""
        self._imports.forget()
        self.is_restored = False
        store.keep_scenes()
        self._engine.load_journal()
        self.show_tasks()

    def take(self, rows: tuple[Row, ...]) -> None:
        """Merge the journal's rows with what the open file's scenes say.

        The rows come first: they know more (addresses, files on disk), and only they can tell whether a task that a
        scene saw being sent was accepted.
        """
        scenes = () if self.is_restored else store.local_scenes()
        entries = [entry for scene in scenes for entry in store.read_entries(scene)]
        is_news, self.is_restored = not self.is_restored, True
        ours = [row for row in rows if self._concerns_us(row)]
        self._engine.watch({row.task.local_id for row in rows if not row.is_ours} - {row.task.local_id for row in ours})
        is_news |= self._engine.adopt(ours, [entry.task for entry in entries])
        if is_news:
            self._imports.take_file(entries)
            self.mirror()

    def take_others(self, rows: tuple[Row, ...]) -> None:
        """Take in what the journal says now of tasks that other Blenders work or worked on.

        Of tasks that are known here already, that is all: their `TaskChanged` does the rest.
        """
        if not self.is_restored:
            return  # All rows are on their way.
        records = self._engine.records
        left = {row.task.local_id for row in rows if row.is_ours and row.task.state in LEASED and not row.task.removed}
        ours = [row for row in rows if records.knows(row.task.local_id) or row.task.local_id in left]
        is_more = any(row.task.removed or not records.knows(row.task.local_id) for row in ours)
        self._engine.adopt(ours, [])
        if is_more:
            self._imports.take_file(())
            self.mirror()

    def _concerns_us(self, row: Row) -> bool:
        """Whether a row is of this file, or is of none that is open and still wants something of somebody."""
        task = row.task
        if task.removed or self._engine.records.get(task.local_id) or store.find_scene(task.scene_id):
            return True
        return row.is_ours and task_list.is_open_elsewhere(task)

    def _tidy_scenes(self) -> None:
        """Take out of the scenes what an undo or an older file gave them again.

        That is what the user removed, and what a copied scene had of its original before they were told apart.
        """
        removed = set(self._engine.records.removed())
        homes = {task.local_id: task.scene_id for task in self._engine.records.all()}
        for local_id in removed:
            self._imports.drop(local_id)
        for scene in store.local_scenes():
            for local_id in store.entry_ids(scene):
                home = store.find_scene(homes.get(local_id, ""))
                if local_id in removed or (home is not None and home != scene):
                    store.remove_entry(scene, local_id)

    def mirror(self) -> None:
        """Write every task of this file into its scene and into the sidebar's list.

        Until the journal was read that is what was generated since the file was opened, and nothing else is touched.
        """
        store.keep_scenes()
        self._tidy_scenes()
        collections = importing.imported_collections()
        for task in self._engine.records.all():
            self.mirror_entry(task, collections)
        self.show_tasks()
        self._placeholders.look()

    def mirror_entry(self, task: Task, collections: dict[str, str] | None = None) -> None:
        """Write one task into its scene, if that is open.

        :param collections: `importing.imported_collections`, where they are known.
        """
        scene, state = store.find_scene(task.scene_id), self._imports.states.get(task.local_id)
        if scene is None or state is None:
            return
        if collections is None:
            collections = importing.imported_collections() if state is ImportState.IMPORTED else {}
        store.write_entry(
            scene,
            self._imports.seen(task),
            awaiting_import=state is ImportState.AWAITED,
            collection=collections.get(task.local_id, ""),
        )

    def notice_scenes(self) -> None:
        """Tell scenes apart that were copied or appended since the last tick, and forget deleted ones."""
        names = {scene.session_uid: scene.name for scene in bpy.data.scenes}
        if names != self._scene_names:
            self._scene_names = names
            self._imports.after_history()
            self.mirror()

    def note_delivered(self) -> None:
        """Note of which models the file that was just saved knows: it has them, whatever becomes of this session.

        Not at the import: until the file is saved, a crash or an undo takes the model away again.
        """
        collections = importing.imported_collections()
        for task in self._engine.records.all():
            is_listed_here = store.find_scene(task.scene_id) is not None and self._imports.is_imported(task.local_id)
            if is_listed_here or task.local_id in collections:
                self._engine.records.change(task.local_id, delivered=True)

    def show_tasks(self) -> None:
        """Write the sidebar's list anew: the tasks of this file, then those that wait in others."""
        own, elsewhere = [], []
        for task in self._engine.records.all():
            scene = store.find_scene(task.scene_id)
            if scene is not None:
                own.append((self._imports.seen(task), scene.name))
            elif self._is_to_be_had(task):
                elsewhere.append((task, ""))
        task_list.write_all(own, elsewhere)

    def _is_to_be_had(self, task: Task) -> bool:
        """Whether a task of another file is listed here: not while its model is here, but again when that is undone."""
        if task.state is TaskState.READY and task.local_id in self._imports.states:
            return not self._imports.is_imported(task.local_id)
        return task_list.is_open_elsewhere(task)

    def show_task(self, task: Task) -> None:
        """Write one line of the sidebar's list."""
        scene = store.find_scene(task.scene_id)
        if scene is None:
            self.show_tasks()
        else:
            task_list.write_one(self._imports.seen(task), scene.name)
