# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the facts about a model go once it was measured: into its record, and beside the model. No bpy here."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import library
from ..files.facts import ModelFacts
from .job_context import JobContext, folder_of
from .task import Task, add_note

if TYPE_CHECKING:
    from .engine import Engine

logger = logging.getLogger(__name__)


def changes(task: Task, facts: ModelFacts) -> dict[str, Any]:
    """Return what is to be changed in the record of a task."""
    return {"facts": facts, "note": add_note(task.note, facts.remark)}


def take(engine: Engine, local_id: str, facts: ModelFacts) -> None:
    """Note what this Blender itself has measured; at once, but for the file, which a worker writes."""
    task = engine.records.get(local_id)
    if task is None:
        return
    engine.records.change(local_id, **changes(task, facts))
    engine.run(partial(write, task=task, facts=facts, data_directory=engine.settings.data_directory))


def write(_context: JobContext, task: Task, facts: ModelFacts, data_directory: Path) -> None:
    """Note the facts in `task.json`; workers only. What goes wrong means nothing to the user."""
    try:
        library.amend_provenance(folder_of(task, data_directory), {"facts": facts.to_record()})
    except OSError as error:
        logger.warning("The facts about a model were not written beside it: %s", error.strerror)
