# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The library of models on disk: how large it is, and its place in the Asset Browser. bpy is allowed here.

What touches the disk is done by workers (`core/tasks/housekeeping`); this side asks, remembers and shows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import bpy

from ..files.disk_use import LibraryUse
from ..files.library import LIBRARY
from ..tasks import housekeeping
from ..tasks.engine import Engine
from ..tasks.job_context import JobContext, folder_of
from ..tasks.records import LibraryReport
from ..tasks.task import Task
from ..text import bytes_text
from . import task_list
from .properties import session_list

_NAME = "TokenLab 3D"


class Library:
    """What one session knows of the library."""

    def __init__(self, engine: Engine, wake: Callable[[], None]) -> None:
        """Ask for nothing yet. `wake` makes the tick run, which brings the answers."""
        self._engine = engine
        self._wake = wake
        self._asked = 0
        """Answers that are still to come."""
        self._models: set[str] = set()
        """Paths of the models that were heard of."""
        self._is_outdated = True
        self.use: LibraryUse | None = None
        self.report: LibraryReport | None = None
        """The last answer."""
        session_list().library_is_busy = False  # An earlier session may have ended while it was asking.

    @property
    def folder(self) -> Path:
        """Where the models are; need not exist."""
        return self._engine.settings.data_directory / LIBRARY

    @property
    def is_asking(self) -> bool:
        """Whether something is being done with the library."""
        return self._asked > 0

    def measure(self) -> None:
        """Have its size found out."""
        self._ask(housekeeping.measure)

    def clean_up(self) -> None:
        """Have what belongs to no task in any list removed."""
        self._ask(housekeeping.clean_up)

    def add_catalog(self) -> None:
        """Have the folder made, with our catalog in it."""
        self._ask(housekeeping.add_catalog)

    def notice(self, task: Task) -> None:
        """Take notice of a task that changed: a model has come, or the files of one may go."""
        if task.removed or (task.result_path and task.result_path not in self._models):
            self._models.add(task.result_path)
            self._is_outdated = True
            self.keep_up()

    def keep_up(self) -> None:
        """Have the size found out if it has changed; without a window nobody looks at it."""
        if self._is_outdated and not self.is_asking and _is_watched():
            # The catalog may be gone together with a library that was deleted by hand.
            self._ask(housekeeping.add_catalog if registered_name(self.folder) else housekeeping.measure)

    def take(self, report: LibraryReport) -> None:
        """Write down what a worker has found or done."""
        self._asked -= 1
        self.report = report
        self.use = report.use or self.use
        shown = session_list()
        shown.library_use, shown.library_status = _use_text(self.use), report.sentence
        shown.library_is_busy = self.is_asking
        self.keep_up()
        task_list.tag_redraw()

    def _ask(self, job: Callable[..., None]) -> None:
        self._asked += 1
        self._is_outdated = False
        session_list().library_is_busy = True
        work: Callable[[JobContext], None] = partial(job, data_directory=self._engine.settings.data_directory)
        self._engine.run(work, is_answered=True)
        self._wake()


def _is_watched() -> bool:
    return not bpy.app.background


def _use_text(use: LibraryUse | None) -> str:
    if use is None:
        return ""
    return f"{use.models:,} {'model' if use.models == 1 else 'models'}, {bytes_text(use.size)}"


# ------------------------------------------------------------------------------
# In Blender's preferences


def registered_name(folder: Path) -> str:
    """Return what the folder is called among the asset libraries of the preferences, or "" when it is none."""
    wanted = _comparable(str(folder))
    for library in bpy.context.preferences.filepaths.asset_libraries:
        if library.path and _comparable(bpy.path.abspath(library.path)) == wanted:
            return library.name
    return ""


def register_library(folder: Path) -> str:
    """Make the folder an asset library, unless it is one, and return its name. The preferences are not saved."""
    name = registered_name(folder)
    if name:
        return name
    library = bpy.context.preferences.filepaths.asset_libraries.new(name=_NAME, directory=str(folder))
    # A model of one's own is edited: neither linked nor packed into one that cannot be.
    library.import_method = "APPEND"
    return library.name


def _comparable(path: str) -> str:
    return os.path.normcase(os.path.abspath(path))


# ------------------------------------------------------------------------------
# One task's files


def folder_of_task(task: Task, data_directory: Path) -> Path:
    """Return where a task's files are; its model may be in a data folder that was in use before."""
    ending = f"-{task.local_id[:8]}"
    found = (parent for parent in Path(task.result_path).parents if parent.name.endswith(ending))
    return next(found, folder_of(task, data_directory))
