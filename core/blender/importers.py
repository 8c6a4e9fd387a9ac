# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blender's own import operators, one choice for each format, and what an import has brought. bpy is allowed here.

Used where a model is imported: in the user's Blender, and in the one that converts models for it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..files import gltf
from ..files.formats import Implausible, ModelFormat, is_text_fbx
from ..text import one_line

logger = logging.getLogger(__name__)

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


_COMPRESSIONS = {
    "KHR_draco_mesh_compression": "Draco",
    "EXT_meshopt_compression": "meshopt",
    "KHR_meshopt_compression": "meshopt",
}
"""Extensions of glTF that need a library which not every build of Blender has, and their names."""
_KEPT = "It is kept on disk, and nothing is charged again."
_ELSEWHERE = "Use Show File to open it with another program, or generate in another format."


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


_OLD_FBX = _Operator("import_scene", "fbx")
_OPERATORS: dict[ModelFormat, tuple[_Operator, ...]] = {
    ModelFormat.GLB: (_Operator("import_scene", "gltf"),),
    ModelFormat.GLTF: (_Operator("import_scene", "gltf"),),
    # The C++ importer (4.5 and later) is twice as fast and reads ASCII files too (bpy_facts D.5, E).
    ModelFormat.FBX: (_Operator("wm", "fbx_import"), _OLD_FBX),
    ModelFormat.OBJ: (_Operator("wm", "obj_import"),),
    # Else the scene's frame range becomes 0 to 0 (bpy_facts D.2).
    ModelFormat.USDZ: (_Operator("wm", "usd_import", (("set_frame_range", False),)),),
    ModelFormat.STL: (_Operator("wm", "stl_import"),),
    ModelFormat.PLY: (_Operator("wm", "ply_import"),),
}


_OTHER_SCENE = {"disable_bone_shape": True}
"""Options for a scene that no window shows: the glTF importer would look for the ball that it draws bones with in the
scene of the window, and fail (seen with a skinned model on 4.2 to 5.2)."""


def import_file(path: Path, model_format: ModelFormat, scene: bpy.types.Scene, name: str) -> bpy.types.Collection:
    """Import a file into a new collection of `scene`, with its textures packed.

    :param name: what to call the collection.
    :raises ImportFailed: what the importer made until then is still there; `remove_new` takes it away.
    """
    scene_name, before = scene.name, snapshot()
    required = _required_extensions(path, model_format)
    operator, options = _choose(path, model_format)
    try:
        _run(operator, {"filepath": str(path), **options}, scene)
    except RuntimeError as error:
        # The report of the operator, sometimes with a traceback: for the log only.
        logger.warning("Blender's importer refused %s: %s", path.name, error)
        raise _refused(model_format, required, str(error)) from error
    # The importer may have reallocated what the reference points to.
    collection = _gather(name, before, bpy.data.scenes[scene_name])
    check(collection)
    _pack_images(before, path.parent)
    return collection


def _run(operator: Callable[..., set[str]], options: dict[str, Any], scene: bpy.types.Scene) -> None:
    """Run an import operator in `scene`.

    :raises RuntimeError: when it does not import.
    """
    if scene == bpy.context.scene:
        result = operator(**options)
    else:
        # The scene alone: a window beside it wins silently, a view layer beside it crashes (bpy_facts D.3).
        known = operator.get_rna_type().properties  # type: ignore[attr-defined]
        options = {**options, **{name: value for name, value in _OTHER_SCENE.items() if name in known}}
        with bpy.context.temp_override(scene=scene):  # type: ignore[attr-defined]  # the stubs know no `with`
            result = operator(**options)
    if "FINISHED" not in result:
        raise RuntimeError("the operator was cancelled")


def _choose(path: Path, model_format: ModelFormat) -> tuple[Callable[..., set[str]], dict[str, Any]]:
    """Return the first operator for the format that this build has, and the options that it knows."""
    for candidate in _OPERATORS.get(model_format, ()):
        operator = candidate.find()
        if operator is None:
            continue
        if candidate == _OLD_FBX and is_text_fbx(path):
            raise ImportFailed(
                f"This FBX file is written as text, which this build of Blender cannot read. {_KEPT} {_ELSEWHERE}"
            )
        known = operator.get_rna_type().properties  # type: ignore[attr-defined]
        return operator, {key: value for key, value in candidate.options if key in known}
    raise ImportFailed(f"This build of Blender cannot read {model_format.label} files. {_KEPT} {_ELSEWHERE}")


def _required_extensions(path: Path, model_format: ModelFormat) -> tuple[str, ...]:
    """Return which extensions a glTF file needs, having looked at what else it asks of an importer.

    :raises ImportFailed: when that is not to be done.
    """
    if model_format not in (ModelFormat.GLB, ModelFormat.GLTF):
        return ()
    try:
        document = gltf.read(path, model_format)
    except Implausible as error:
        raise ImportFailed(
            f"The delivered {model_format.label} file {error}. {_KEPT} Try again, or generate in another format."
        ) from error
    if gltf.leads_outside(document):
        raise ImportFailed(
            f"The delivered {model_format.label} file asks for files outside its own folder, so it was not imported. "
            f"{_KEPT} Try again, or generate in another format."
        )
    return gltf.required_extensions(document)


def _refused(model_format: ModelFormat, required: tuple[str, ...], report: str) -> ImportFailed:
    """Return what is said of a file that an importer did not take: the reason, if the file itself names it."""
    for extension in required:
        if extension in _COMPRESSIONS:
            what = f"This model is compressed with {_COMPRESSIONS[extension]}"
        elif extension in report:
            what = f"This model needs the glTF extension {one_line(extension, limit=60)}"
        else:
            continue
        return ImportFailed(f"{what}, which this build of Blender cannot read. {_KEPT} {_ELSEWHERE}")
    return failed(model_format)


def failed(model_format: ModelFormat) -> ImportFailed:
    """Return what is said of a file that Blender cannot read."""
    return ImportFailed(
        f"Blender could not read the delivered {model_format.label} file. {_KEPT} "
        "Try again, or generate in another format."
    )


# ------------------------------------------------------------------------------
# What an import brought


def _all_data() -> Iterator[tuple[int, bpy.types.ID]]:
    for kind in _DATA:
        for item in getattr(bpy.data, kind):
            yield item.session_uid, item


def snapshot() -> set[int]:
    """Return what tells the data of this file from what comes later."""
    return {uid for uid, _ in _all_data()}


def new_data(before: set[int]) -> list[bpy.types.ID]:
    """Return what came since `snapshot`."""
    return [item for uid, item in _all_data() if uid not in before]


def _pack_images(before: set[int], folder: Path) -> None:
    """Put textures that lie beside the file (OBJ, glTF) into the .blend, so that it can travel.

    Only pictures, and only from the model's own folder: Blender packs whatever file a material names, and the user may
    publish the .blend.
    """
    for item in new_data(before):
        if isinstance(item, bpy.types.Image) and item.source == "FILE":
            is_picture = 0 not in size_of(item)
            if item.packed_file is not None and not is_picture:
                item.unpack(method="REMOVE")
            elif item.packed_file is None and is_picture and _is_inside(item, folder):
                item.pack()


def size_of(image: bpy.types.Image) -> tuple[int, int]:
    """Return width and height in pixels, both 0 when it cannot be read. Reads it, if it is not in memory."""
    width, height = image.size[:]  # type: ignore[index]  # the stubs do not know that an array is one
    return width, height


def _is_inside(item: bpy.types.Image, folder: Path) -> bool:
    path = Path(bpy.path.abspath(item.filepath, library=item.library)).resolve()
    return path.is_relative_to(folder.resolve())


def _gather(name: str, before: set[int], scene: bpy.types.Scene) -> bpy.types.Collection:
    """Move what the importer made into a new collection of that name."""
    new = new_data(before)
    objects = [item for item in new if isinstance(item, bpy.types.Object)]
    helpers = [item for item in new if isinstance(item, bpy.types.Collection)]
    collection = bpy.data.collections.new(name)
    scene.collection.children.link(collection)
    for helper in helpers:
        _move_helper(helper, collection, helpers)
    for item in objects:
        _move(item, collection, helpers)
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


def check(collection: bpy.types.Collection) -> None:
    """Look at what is there: some broken files import without an error (bpy_facts D.5).

    :raises ImportFailed: when it is no model.
    """
    solid = [item for item in collection.all_objects if _has_vertices(item)]
    if not solid:
        raise ImportFailed(f"The delivered file holds no geometry. {_KEPT} Try again, or generate in another format.")
    corners = [corner for item in solid for corner in item.bound_box]
    if not all(math.isfinite(value) for corner in corners for value in corner):
        raise ImportFailed(
            f"The delivered model has points at infinity, so it was not imported. {_KEPT} "
            "Try again, or generate in another format."
        )
    # Blender puts points at infinity to zero in some importers, and then there may be nothing to see.
    if all(item.bound_box[0][:] == item.bound_box[6][:] for item in solid):
        raise ImportFailed(
            f"The delivered model has all its points in one place, so it was not imported. {_KEPT} "
            "Try again, or generate in another format."
        )


def _has_vertices(item: bpy.types.Object) -> bool:
    return isinstance(item.data, bpy.types.Mesh) and len(item.data.vertices) > 0


def share_bone_shapes(collection: bpy.types.Collection) -> None:
    """Put what draws bones to that of other models, as a second import by the glTF importer would."""
    mine = next((child for child in collection.children if child.name.partition(".")[0] == _BONE_SHAPES), None)
    other: bpy.types.Collection | None = bpy.data.collections.get(_BONE_SHAPES)
    if mine is None or other is None or mine == other:
        return
    for item in list(mine.objects):
        other.objects.link(item)
    bpy.data.collections.remove(mine)


def is_bone_shape(item: bpy.types.Object) -> bool:
    """Whether an object is none of the model, but what its bones are drawn with."""
    return any(home.name.partition(".")[0] == _BONE_SHAPES for home in item.users_collection)


def remove_new(before: set[int]) -> None:
    """Remove what came since `snapshot`, such as half a model."""
    bpy.data.batch_remove(new_data(before))
