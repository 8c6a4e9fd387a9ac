# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a worker does with the library: measure it, clean it up, give it its catalog. No bpy here; workers only.

Each of these answers with exactly one `LibraryReport`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..files import asset_catalog, disk_use
from ..files.disk_use import Generation, Item, LibraryUse
from ..files.library import LIBRARY
from ..text import bytes_text
from .job_context import JobContext, folder_of
from .journal import JournalError
from .records import LibraryReport
from .task import Task, TaskState

logger = logging.getLogger(__name__)

_JOURNAL_SECONDS: Final = 30.0
_AT_REST: Final = frozenset({TaskState.READY, TaskState.FAILED})
"""States of a task that goes on with no download that was begun."""
_FAILED: Final = LibraryReport(None, "The library could not be looked at. Look at Blender's log.", is_bad=True)


def measure(context: JobContext, data_directory: Path) -> None:
    """Find out how much room the library takes, and how much of it a clean-up would free."""
    report = _FAILED
    try:
        report = LibraryReport(_use(_look(context, data_directory)))
    finally:
        context.mailbox.put(report)


def add_catalog(context: JobContext, data_directory: Path) -> None:
    """Make the library's folder, and our catalog in it; measure it too."""
    report, folder = _FAILED, data_directory / LIBRARY
    try:
        sentence = ""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            asset_catalog.add_to(folder)
        except asset_catalog.UnreadableCatalogs as error:
            sentence = str(error)
        except OSError as error:
            sentence = (
                f"The catalog of the library could not be written ({error.strerror}). The models are in the Asset "
                "Browser without one. Make room on the disk and add the library again."
            )
        report = LibraryReport(_use(_look(context, data_directory)), sentence, is_bad=bool(sentence))
    finally:
        context.mailbox.put(report)


def clean_up(context: JobContext, data_directory: Path) -> None:
    """Remove the files of tasks that the user took off the list, and leftovers of downloads that were given up."""
    report, library = _FAILED, data_directory / LIBRARY
    try:
        look = _look(context, data_directory)
        gone = [item for item in look.removable if disk_use.remove(item, library)]
        sentence = look.problem or _said(len(look.removable), gone)
        report = LibraryReport(_use(_look(context, data_directory)), sentence, is_bad=bool(look.problem))
    finally:
        context.mailbox.put(report)


def _said(wanted: int, gone: Sequence[Item]) -> str:
    if not wanted:
        return "There is nothing to clean up. Models are kept until their task is removed from the list."
    freed = f"{bytes_text(sum(item.size for item in gone))} freed."
    kept = wanted - len(gone)
    if not kept:
        return freed
    what = "One folder or file is" if kept == 1 else f"{kept} folders or files are"
    return f"{freed} {what} in use and could not be removed. Close what uses them, and clean up again."


# ------------------------------------------------------------------------------
# What may go


@dataclass(frozen=True, slots=True)
class _Look:
    found: tuple[Generation, ...]
    removable: tuple[Item, ...]
    problem: str = ""
    """A user's sentence why nothing may go."""


def _use(look: _Look) -> LibraryUse:
    return LibraryUse(
        models=len(look.found),
        size=sum(generation.size for generation in look.found),
        removable=len(look.removable),
        removable_size=sum(item.size for item in look.removable),
    )


def _look(context: JobContext, data_directory: Path) -> _Look:
    found = tuple(disk_use.generations(data_directory / LIBRARY))
    try:
        tasks = context.records.in_journal().result(_JOURNAL_SECONDS)
    except (JournalError, TimeoutError) as error:
        logger.warning("The library was not compared with the journal: %s", type(error).__name__)
        return _Look(found, (), "The task journal cannot be read, so nothing was removed. Try again later.")
    return _Look(found, tuple(_removable(found, tasks, data_directory)))


def _removable(found: Sequence[Generation], tasks: Sequence[Task], data_directory: Path) -> list[Item]:
    """Return the folders of removed tasks that nothing else needs, and leftovers in the others."""
    owners: dict[Path, list[Task]] = {}
    needed: set[Path] = set()
    for task in tasks:
        folder = folder_of(task, data_directory)
        owners.setdefault(folder, []).append(task)
        if not task.removed:
            files = (Path(path) for path in (task.result_path, task.picture_path) if path)
            needed |= {folder, *(parent for file in files for parent in file.parents)}
    removable: list[Item] = []
    for generation in found:
        known = owners.get(generation.path, [])
        if known and generation.path not in needed:
            removable.append(generation)
        elif known and all(task.state in _AT_REST for task in known):
            removable += generation.leftovers
    return removable
