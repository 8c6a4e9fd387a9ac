# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Import a model with Blender's own operators into a collection of its own. bpy is allowed here.

This is the one slow thing that the tick may do, until a child process converts the model (`converter`, to come).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..files.formats import ModelFormat
from ..tasks.task import Task
from ..text import one_line

logger = logging.getLogger(__name__)

_MAX_NAME_BYTES = 60
"""Blender 4.x cuts names at 63 bytes; a few are left for `.001`."""

_BONE_SHAPES = "glTF_not_exported"
"""Where the glTF importer hides the ball that it draws bones with; it is used again by the next import."""

_DATA = (
    "scenes",
    "objects",
    "collections",
    "meshes",
    "curves",
    "armatures",
    "cameras",
    "lights",
    "materials",
    "images",
    "textures",
    "actions",
    "node_groups",
    "worlds",
)
"""Kinds of data that importers make; compared before and after, since names say nothing (bpy_facts D.2)."""


class ImportFailed(Exception):
    """The model could not be imported; nothing of it was left behind. The text is a user's sentence."""


@dataclass(frozen=True, slots=True)
class _Operator:
    """One of Blender's import operators and the options that keep it from touching the scene's settings."""

    module: str
    name: str
    options: tuple[tuple[str, object], ...] = ()

    def find(self) -> Callable[..., set[str]] | None:
        """Return the operator, or None when this build does not have it (`hasattr` lies, bpy_facts D.1)."""
        operator = getattr(getattr(bpy.ops, self.module), self.name)
        try:
            operator.get_rna_type()
        except KeyError:
            return None
        return operator  # type: ignore[no-any-return]


_OPERATORS: dict[ModelFormat, tuple[_Operator, ...]] = {
    ModelFormat.GLB: (_Operator("import_scene", "gltf"),),
    ModelFormat.GLTF: (_Operator("import_scene", "gltf"),),
    # The C++ importer (4.5 and later) is twice as fast and reads ASCII files too (bpy_facts D.5, E).
    ModelFormat.FBX: (_Operator("wm", "fbx_import"), _Operator("import_scene", "fbx")),
    ModelFormat.OBJ: (_Operator("wm", "obj_import"),),
    # Else the scene's frame range becomes 0 to 0 (bpy_facts D.2).
    ModelFormat.USDZ: (_Operator("wm", "usd_import", (("set_frame_range", False),)),),
}


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
    name = scene.name
    before = _snapshot()
    try:
        _run_operator(path, model_format, scene)
        # The importer may have reallocated what the reference points to.
        scene = bpy.data.scenes[name]
        collection = _gather(task, before, scene)
        _check(collection)
        _pack_images(before)
        collection_name = collection.name
    except ImportFailed:
        _remove_new(before)
        raise
    except Exception as error:
        # Whatever an importer or a file can think of: half a model must not stay, nor be tried again and again.
        logger.exception("The import of %s failed", path.name)
        _remove_new(before)
        raise _failed(model_format) from error
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


def _run_operator(path: Path, model_format: ModelFormat, scene: bpy.types.Scene) -> None:
    operator, options = _choose(model_format)
    try:
        if scene == bpy.context.scene:
            result = operator(filepath=str(path), **options)
        else:
            # The scene alone: a window beside it wins silently, a view layer beside it crashes (bpy_facts D.3).
            with bpy.context.temp_override(scene=scene):  # type: ignore[attr-defined]  # the stubs know no `with`
                result = operator(filepath=str(path), **options)
    except RuntimeError as error:
        # The report of the operator, sometimes with a traceback: for the log only.
        logger.warning("Blender's importer refused %s: %s", path.name, error)
        raise _failed(model_format) from error
    if "FINISHED" not in result:
        raise _failed(model_format)


def _choose(model_format: ModelFormat) -> tuple[Callable[..., set[str]], dict[str, Any]]:
    for candidate in _OPERATORS.get(model_format, ()):
        operator = candidate.find()
        if operator is not None:
            known = operator.get_rna_type().properties  # type: ignore[attr-defined]
            return operator, {key: value for key, value in candidate.options if key in known}
    raise ImportFailed(
        f"This build of Blender cannot import {model_format.label}. The file is kept on disk, and nothing is lost. "
        "Open it with another Blender, or generate as GLB."
    )


def _failed(model_format: ModelFormat) -> ImportFailed:
    return ImportFailed(
        f"Blender could not read the delivered {model_format.label} file. It is kept on disk, and nothing is charged "
        "again. Try again, or generate in another format."
    )


# ------------------------------------------------------------------------------
# What an import brought


def _all_data() -> Iterator[tuple[int, bpy.types.ID]]:
    for kind in _DATA:
        for item in getattr(bpy.data, kind):
            yield item.session_uid, item


def _snapshot() -> set[int]:
    return {uid for uid, _ in _all_data()}


def _new_data(before: set[int]) -> list[bpy.types.ID]:
    return [item for uid, item in _all_data() if uid not in before]


def _gather(task: Task, before: set[int], scene: bpy.types.Scene) -> bpy.types.Collection:
    """Move what the importer made into a new collection with the task's properties."""
    new = _new_data(before)
    objects = [item for item in new if isinstance(item, bpy.types.Object)]
    helpers = [item for item in new if isinstance(item, bpy.types.Collection)]
    collection = bpy.data.collections.new(_collection_name(task))
    scene.collection.children.link(collection)
    for helper in helpers:
        _move_helper(helper, collection, helpers)
    for item in objects:
        _move(item, collection, helpers)
        _mark(item, task)
    _mark(collection, task)
    return collection


def _move_helper(
    helper: bpy.types.Collection, collection: bpy.types.Collection, helpers: list[bpy.types.Collection]
) -> None:
    """Put a collection that the importer made below ours, wherever it hung it; one below another one stays there."""
    roots = [scene.collection for scene in bpy.data.scenes]
    parents = [parent for parent in (*roots, *bpy.data.collections) if helper.name in parent.children]
    if any(parent in helpers for parent in parents):
        return
    collection.children.link(helper)
    for parent in parents:
        parent.children.unlink(helper)


def _move(item: bpy.types.Object, collection: bpy.types.Collection, helpers: list[bpy.types.Collection]) -> None:
    homes = list(item.users_collection)
    if any(home in helpers or home.name == _BONE_SHAPES for home in homes):
        return
    collection.objects.link(item)
    for home in homes:
        home.objects.unlink(item)


def _mark(item: bpy.types.Collection | bpy.types.Object, task: Task) -> None:
    item["tokenlab_local_id"] = task.local_id
    item["tokenlab_task_id"] = task.task_id
    item["tokenlab_prompt"] = task.request.prompt
    item["tokenlab_model"] = task.request.model


def _collection_name(task: Task) -> str:
    name = one_line(task.title)
    return name.encode("utf-8")[:_MAX_NAME_BYTES].decode("utf-8", "ignore").strip() or "TokenLab 3D"


def _check(collection: bpy.types.Collection) -> None:
    """Some broken files import without an error (bpy_facts D.5): look at what is there."""
    solid = [item for item in collection.all_objects if _has_vertices(item)]
    if not solid:
        raise ImportFailed(
            "The delivered file holds no geometry. It is kept on disk, and nothing is charged again. "
            "Try again, or generate in another format."
        )
    corners = (value for item in solid for corner in item.bound_box for value in corner)
    if not all(math.isfinite(value) for value in corners):
        raise ImportFailed(
            "The delivered model has points at infinity, so it was not imported. It is kept on disk, and nothing is "
            "charged again. Try again, or generate in another format."
        )


def _has_vertices(item: bpy.types.Object) -> bool:
    return isinstance(item.data, bpy.types.Mesh) and len(item.data.vertices) > 0


def _pack_images(before: set[int]) -> None:
    """Put textures that lie beside the file (OBJ, glTF) into the .blend, so that it can travel."""
    for item in _new_data(before):
        if isinstance(item, bpy.types.Image) and item.source == "FILE" and item.packed_file is None:
            try:
                item.pack()
            except RuntimeError as error:
                logger.warning("The texture %s could not be packed: %s", item.name, error)


def _remove_new(before: set[int]) -> None:
    bpy.data.batch_remove(_new_data(before))
