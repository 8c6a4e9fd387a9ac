# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring a model into the user's file, into a collection of its own. bpy is allowed here.

This is the one slow thing that the tick may do, until a child process converts the model (`converter`, to come).
"""

from __future__ import annotations

import logging
from pathlib import Path

import bpy

from ..files.formats import ModelFormat
from ..tasks.task import Task
from ..text import data_name
from . import importers, placeholders, placing
from .importers import ImportFailed

logger = logging.getLogger(__name__)


def blocked_reason() -> str:
    """Return why an import would get in the user's way now, as a short phrase, or ""."""
    context = bpy.context
    if context.mode != "OBJECT":
        return "Object Mode"
    if bpy.app.is_job_running("RENDER") or bpy.app.is_job_running("RENDER_PREVIEW"):
        return "the render to end"
    for window in context.window_manager.windows:
        if len(window.modal_operators) > 0:
            return "the running operator to end"
    return ""


def import_model(task: Task, path: Path, model_format: ModelFormat, scene: bpy.types.Scene) -> str:
    """Import the file into `scene`, push one undo step, and return the name of the new collection.

    :raises ImportFailed: having removed whatever the importer left.
    """
    scene_name, before = scene.name, importers.snapshot()
    try:
        collection = importers.import_file(path, model_format, scene, data_name(task.title))
        _place(collection, task, bpy.data.scenes[scene_name])
        _mark(collection, task)
        collection_name = collection.name
    except ImportFailed:
        importers.remove_new(before)
        raise
    except Exception as error:
        # Whatever an importer or a file can think of: half a model must not stay, nor be tried again and again.
        logger.exception("The import of %s failed", path.name)
        importers.remove_new(before)
        raise importers.failed(model_format) from error
    # At once: in Blender 5.2 an undo after an import without a step of its own ends in a crash (bpy_facts C.5).
    bpy.ops.ed.undo_push(message=f"Import {collection_name}")
    return collection_name


def imported_collections() -> dict[str, str]:
    """Return the name of the collection with the imported model, by local id, for all tasks in one pass."""
    found: dict[str, str] = {}
    for item in bpy.data.collections:
        local_id = item.get("tokenlab_local_id")
        if isinstance(local_id, str):
            found.setdefault(local_id, item.name)
    return found


def _place(collection: bpy.types.Collection, task: Task, scene: bpy.types.Scene) -> None:
    """Put the model where it is wanted. A model that was paid for is better in the wrong place than in none."""
    try:
        placing.place(collection, task.placement, scene, placeholders.claim(task.local_id, scene))
    except Exception:
        logger.exception("The model of task %s could not be placed, and stays as it was delivered", task.local_id)


def _mark(collection: bpy.types.Collection, task: Task) -> None:
    """Say on the collection and on each of its objects where they come from."""
    for item in (collection, *collection.all_objects):
        item["tokenlab_local_id"] = task.local_id
        item["tokenlab_task_id"] = task.task_id
        item["tokenlab_prompt"] = task.request.prompt
        item["tokenlab_model"] = task.request.model
