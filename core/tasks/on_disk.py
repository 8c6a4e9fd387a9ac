# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the model of a task lies on this computer, and what that means for a scene's copy of it. No bpy here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .task import UNFINISHED, Task, TaskState


def has_result(task: Task) -> bool:
    """Whether the file to import is there."""
    return bool(task.result_path) and Path(task.result_path).is_file()


def unless_there(known: Task | None, entry: Task) -> Task:
    """Return a scene's copy of a task, or what is known of it if its model lies here already.

    Files that were saved while a model was on its way count further than the journal did, which was not told of each
    step of a download: they would have it fetched again, from a service that may know nothing of it any more.
    """
    if known is None or known.state is not TaskState.READY or entry.state not in UNFINISHED:
        return entry
    if known.task_id != entry.task_id or not has_result(known):
        return entry
    return replace(known, revision=max(known.revision, entry.revision))
