# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring a model into the user's file, into a collection of its own. bpy is allowed here."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import bpy

from ..files.formats import ModelFormat
from ..tasks.task import Task
from ..text import data_name
from . import importers, placeholders, placing, textures
from .file_paths import write_over
from .importers import ImportFailed
from .selection import Selection, deselect, select

logger = logging.getLogger(__name__)

_LIBRARY_NAME = "//tokenlab_3d.blend"
"""A file that is nowhere."""
_DAMAGED = (
    "The prepared model cannot be read. The delivered file is kept on disk, and nothing is charged again. "
    "Try again to have it prepared anew."
)


class FileIsOpen(ImportFailed):
    """The prepared model is the file that is open, so that Blender cannot append it. The text is a user's sentence."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(
            "The prepared model is the file that is open, and Blender appends no file to itself. The model is safe, "
            "and nothing is charged again. Open the file with your scene and import it there."
        )


def is_open(path: str) -> bool:
    """Whether a file is the one that is open."""
    if not path or not bpy.data.filepath:
        return False
    one, other = (os.path.normcase(os.path.abspath(name)) for name in (path, bpy.data.filepath))
    return one == other


def blocked_reason(*, is_clicked: bool = False) -> str:
    """Return why an import would get in the user's way now, as a short phrase, or "".

    :param is_clicked: the user has just clicked a button for it, which is not possible while he moves or sculpts
        something: whatever operator runs all the same, as those do that show pressed keys, is in nobody's way.
    """
    context = bpy.context
    windows = context.window_manager.windows
    if context.mode != "OBJECT":
        return "Object Mode"
    # A timer sees the first window alone, and the user may be at work in another one.
    active = (window.view_layer.objects.active for window in windows)
    if any(item is not None and item.mode != "OBJECT" for item in active):
        return "Object Mode in all windows"
    is_rendering = bpy.app.is_job_running("RENDER") or bpy.app.is_job_running("RENDER_PREVIEW")
    if is_rendering or context.window_manager.is_interface_locked:
        return "the render to end"
    if not is_clicked and any(len(window.modal_operators) > 0 for window in windows):
        return "the running operator to end"
    return ""


def import_model(
    task: Task, path: Path, model_format: ModelFormat, scene: bpy.types.Scene, *, is_selected: bool
) -> str:
    """Import a file as it was delivered, as one undo step; return the name of the new collection.

    As long as Blender's importer takes, nothing else happens: `append_model` is the way where there is a window.

    :param is_selected: select the model, and make it active, instead of what is selected now. So it is as well when
        nothing of that is left.
    :raises ImportFailed: having removed whatever the importer left.
    """
    name = data_name(task.title)
    work = partial(importers.import_file, path, model_format, scene, name)
    return _import(task, scene, work, is_selected=is_selected)


def append_model(task: Task, path: Path, scene: bpy.types.Scene, *, is_selected: bool) -> str:
    """Take over a model that a second Blender has prepared, as one undo step; return the new collection's name.

    :param path: the .blend of `conversion.convert`.
    :param is_selected: as for `import_model`.
    :raises ImportFailed: having removed whatever was there of it.
    """
    return _import(task, scene, partial(_append, path, scene), is_selected=is_selected)


def _import(task: Task, scene: bpy.types.Scene, work: Callable[[], bpy.types.Collection], *, is_selected: bool) -> str:
    """Do the work as one undo step, and return the collection's name."""
    selection = Selection.now(scene)
    collection = _bring(task, scene, work)
    try:
        # What arrives is selected, in the scene of the window alone, whether that is wanted or not.
        if is_selected or selection.is_gone:
            select(bpy.data.collections[collection], scene)
        else:
            deselect(bpy.data.collections[collection], scene)
            selection.restore(scene)
    except Exception:
        # The model is there: it must not be taken for one that is not, and be imported again.
        logger.exception("The selection could not be kept at the import of task %s", task.local_id)
    # At once: in Blender 5.2 an undo after an import without a step of its own ends in a crash (bpy_facts C.5).
    bpy.ops.ed.undo_push(message=f"Import {collection}")
    return collection


def _bring(task: Task, scene: bpy.types.Scene, work: Callable[[], bpy.types.Collection]) -> str:
    """Do the work, look at what it brought, and return the collection's name; clear up when it is no model."""
    scene_name, before = scene.name, importers.snapshot()
    try:
        collection = work()
        _forget_library(importers.new_data(before))
        importers.check(collection)
        # An importer may have reallocated what the reference points to.
        _place(collection, task, bpy.data.scenes[scene_name])
        _mark(collection, task)
        return collection.name
    except ImportFailed:
        importers.remove_new(before)
        raise
    except Exception as error:
        # Whatever an importer or a file can think of: half a model must not stay, nor be tried again and again.
        logger.exception("The import of task %s failed", task.local_id)
        importers.remove_new(before)
        raise importers.failed(ModelFormat[task.result_format]) from error


def _append(path: Path, scene: bpy.types.Scene) -> bpy.types.Collection:
    """Append the scene of a .blend, and keep of it what a plain import would have brought (bpy_facts E)."""
    known = {item.session_uid for item in (*bpy.data.scenes, *bpy.data.libraries)}
    try:
        with bpy.data.libraries.load(str(path), link=False) as (source, target):  # type: ignore[attr-defined,func-returns-value]  # the stubs know no `with`
            target.scenes = source.scenes[:1]
            # Some importers bring movements that no object shows yet.
            target.actions = source.actions
    except ValueError as error:
        raise FileIsOpen from error
    except OSError as error:
        raise ImportFailed(_DAMAGED) from error
    collection: bpy.types.Collection = next((child for one in target.scenes for child in one.collection.children), None)
    if collection is None:
        raise ImportFailed(_DAMAGED)
    scene.collection.children.link(collection)
    _part_with([item for item in bpy.data.scenes if item.session_uid not in known], collection)
    importers.remove_libraries(known)
    # In the library it is an asset, here it is a model like any other.
    collection.asset_clear()
    collection.use_fake_user = False
    importers.share_bone_shapes(collection)
    for item in collection.all_objects:
        if item.animation_data is not None:
            # It was saved at another frame than the one that the user is at.
            item.update_tag(refresh={"TIME"})
    return collection


def _forget_library(items: Collection[bpy.types.ID]) -> None:
    """Have nothing in the user's file, which may be published, say where on this computer the library is.

    Blender keeps with all that was appended where that was. No model is given up for it.
    """
    try:
        for item in items:
            if item.library_weak_reference is not None:
                write_over(item.library_weak_reference, "filepath", _LIBRARY_NAME)
        textures.forget_places(item for item in items if isinstance(item, bpy.types.Image))
    except Exception:
        logger.exception("The path of the library stays with what was imported")


def _part_with(scenes: list[bpy.types.Scene], collection: bpy.types.Collection) -> None:
    """Remove borrowed scenes, and whatever else somebody may have put into the file that they are from."""
    own = {collection, *collection.children_recursive, *collection.all_objects}
    strangers = {item for one in scenes for item in (*one.collection.children_recursive, *one.collection.all_objects)}
    strangers -= own
    shared = {scene.world for scene in scenes} | {getattr(item, "data", None) for item in strangers}
    for scene in scenes:
        bpy.data.scenes.remove(scene)
    bpy.data.batch_remove(list(strangers))
    bpy.data.batch_remove([item for item in shared if item is not None and item.users == 0])


def imported_collections() -> dict[str, str]:
    """Return the name of the collection with the imported model, by local id, for all tasks in one pass.

    What is left of a deleted scene counts for nothing: no file is saved with it.
    """
    found: dict[str, str] = {}
    for item in bpy.data.collections:
        local_id = item.get("tokenlab_local_id")
        if isinstance(local_id, str) and item.users:
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
