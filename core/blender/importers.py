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

from ..files import gltf, library
from ..files.formats import Implausible, ModelFormat, is_text_fbx
from ..files.scene_units import LENGTH, TIME
from ..text import one_line
from . import textures
from .scene_settings import SceneSettings, stretch

logger = logging.getLogger(__name__)

_BONE_SHAPES = "glTF_not_exported"
"""Where the glTF importer hides the ball that it draws bones with; it is used again by the next import."""

_NO_MODEL = frozenset({"all_ids", "libraries", "screens", "shape_keys", "window_managers", "workspaces"})
"""Lists of data that no import fills, or not by itself: shape keys go with their mesh, and 5.2 has a list of all."""


_MAX_DATA = 4000
"""Objects, meshes, materials and the like of one model."""
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
    """One of Blender's import operators and the options that keep it from touching the scene's settings.

    Not all can be kept from that: `import_file` puts back what they change all the same.
    """

    module: str
    name: str
    options: tuple[tuple[str, object], ...] = ()
    heeds: frozenset[str] = frozenset()
    """The units of the scene that it goes by (`core/files/scene_units`); for FBX the frame rate: see `import_file`."""

    def find(self) -> Callable[..., set[str]] | None:
        """Return the operator, or None when this build does not have it (`hasattr` lies, bpy_facts D.1)."""
        operator = getattr(getattr(bpy.ops, self.module), self.name)
        try:
            operator.get_rna_type()
        except KeyError:
            return None
        return operator  # type: ignore[no-any-return]


# Else custom properties that the file has for its own scene overwrite those of the user's (4.2 has no such option).
_GLTF = _Operator("import_scene", "gltf", (("import_scene_extras", False),), heeds=LENGTH | TIME)
_OLD_FBX = _Operator("import_scene", "fbx", heeds=LENGTH | TIME)
_OPERATORS: dict[ModelFormat, tuple[_Operator, ...]] = {
    ModelFormat.GLB: (_GLTF,),
    ModelFormat.GLTF: (_GLTF,),
    # The C++ importer (4.5 and later) is twice as fast and reads ASCII files too (bpy_facts D.5, E).
    ModelFormat.FBX: (_Operator("wm", "fbx_import", heeds=TIME), _OLD_FBX),
    ModelFormat.OBJ: (_Operator("wm", "obj_import"),),
    # Else the scene's frame range becomes 0 to 0 (bpy_facts D.2), and what is wrong in a mesh stays in it, as with no
    # other importer: Blender crashes when it shows such a mesh. And a light of the sky in the file would change the
    # World of the scene.
    ModelFormat.USDZ: (
        _Operator(
            "wm",
            "usd_import",
            (("set_frame_range", False), ("validate_meshes", True), ("create_world_material", False)),
        ),
    ),
    ModelFormat.STL: (_Operator("wm", "stl_import"),),
    ModelFormat.PLY: (_Operator("wm", "ply_import"),),
}


_OTHER_SCENE = {"disable_bone_shape": True}
"""Options for a scene that no window shows: the glTF importer would look for the ball that it draws bones with in the
scene of the window, and fail (seen with a skinned model on 4.2 to 5.2)."""


def import_file(
    path: Path, model_format: ModelFormat, scene: bpy.types.Scene, name: str, *, is_apart: bool = False
) -> bpy.types.Collection:
    """Import a file into a new collection of `scene`, with its textures packed.

    :param name: what to call the collection.
    :param is_apart: this is no user's Blender, and may come to harm.
    :raises ImportFailed: what the importer made until then is still there; `remove_new` takes it away.
    """
    scene_name, before, settings = scene.name, snapshot(), SceneSettings.of(scene)
    required = _required_extensions(path, model_format)
    operator, options = _choose(path, model_format)
    try:
        _run(operator, {"filepath": str(path), **options}, scene)
    except RuntimeError as error:
        # The report of the operator, sometimes with a traceback: for the log only.
        logger.warning("Blender's importer refused %s: %s", path.name, error)
        raise _refused(model_format, required, str(error)) from error
    finally:
        # The importer may have reallocated what the reference points to.
        ratio = settings.restore(bpy.data.scenes[scene_name])
    if ratio != 1.0:
        # It has counted frames as its file does: a movement is to take as many seconds in this scene.
        stretch([item for item in new_data(before) if isinstance(item, bpy.types.Action)], ratio)
    collection = _gather(name, before, bpy.data.scenes[scene_name])
    _check_number(before)
    check(collection)
    _take_textures(before, path, is_apart=is_apart)
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


def readable_formats() -> list[str]:
    """Return the names of the formats that this build of Blender has an operator for."""
    return [kind.name for kind, operators in _OPERATORS.items() if any(operator.find() for operator in operators)]


def heeded_units(model_format: ModelFormat, *, is_moving: bool) -> frozenset[str]:
    """Return which units of the scene count for a model of that format, in this build of Blender.

    :param is_moving: there is a movement in it.
    """
    found = [operator.heeds for operator in _OPERATORS.get(model_format, ()) if operator.find()]
    return (found[0] if is_moving else found[0] - TIME) if found else frozenset()


def unit_length(model_format: ModelFormat, scene: bpy.types.Scene) -> float:
    """Return how many metres one unit of a model of that format has, once it is imported into `scene`."""
    is_heeded = "scale_length" in heeded_units(model_format, is_moving=False)
    return scene.unit_settings.scale_length if is_heeded else 1.0


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
    own = library.own_folder(path)
    if gltf.leads_outside(document, depth=len(path.parent.relative_to(own).parts)):
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
    """Give everything with what never changes of it: names say nothing (bpy_facts D.2)."""
    for kind in bpy.data.bl_rna.properties:
        if kind.type == "COLLECTION" and kind.identifier not in _NO_MODEL:
            for item in getattr(bpy.data, kind.identifier):
                yield item.session_uid, item


def snapshot() -> set[int]:
    """Return what tells the data of this file from what comes later."""
    return {uid for uid, _ in _all_data()} | {item.session_uid for item in bpy.data.libraries}


def new_data(before: set[int]) -> list[bpy.types.ID]:
    """Return what came since `snapshot`."""
    return [item for uid, item in _all_data() if uid not in before]


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


def _check_number(before: set[int]) -> None:
    """Refuse what would hold up a user: appending takes with the square of the number, two seconds for so many.

    :raises ImportFailed:
    """
    new = new_data(before)
    if len(new) > _MAX_DATA:
        parts = sum(isinstance(item, bpy.types.Object) for item in new)
        raise ImportFailed(
            f"The delivered model consists of {parts:,} parts, which would hold up Blender for long, so it was not "
            f"imported. {_KEPT} {_ELSEWHERE}"
        )


def check(collection: bpy.types.Collection) -> None:
    """Look at what is there: some broken files import without an error (bpy_facts D.5).

    :raises ImportFailed: when it is no model.
    """
    solid = [item for item in collection.all_objects if _has_vertices(item)]
    if not solid:
        raise ImportFailed(f"The delivered file holds no geometry. {_KEPT} Try again, or generate in another format.")
    if not all(map(math.isfinite, _extents(collection))):
        raise ImportFailed(
            f"The delivered model has points at infinity, so it was not imported. {_KEPT} "
            "Try again, or generate in another format."
        )
    # Blender puts points at infinity to zero in some importers, and then there may be nothing to see.
    if not any(_has_extent(item) for item in solid):
        raise ImportFailed(
            f"The delivered model has all its points in one place, so it was not imported. {_KEPT} "
            "Try again, or generate in another format."
        )


def _has_vertices(item: bpy.types.Object) -> bool:
    return isinstance(item.data, bpy.types.Mesh) and len(item.data.vertices) > 0


def _has_extent(item: bpy.types.Object) -> bool:
    """Whether not all points are in one place: there the importers put those that are no numbers."""
    first, *others = (tuple(corner) for corner in item.bound_box)
    return any(corner != first for corner in others)


def _extents(collection: bpy.types.Collection) -> Iterator[float]:
    """Give what says where the model is and how large; a number at infinity in it makes any view of the scene empty."""
    for item in collection.all_objects:
        for matrix in (item.matrix_basis, item.matrix_parent_inverse):
            for row in range(4):
                yield from matrix[row].to_tuple()
        if _has_vertices(item):
            for corner in item.bound_box:
                yield from corner


def _take_textures(before: set[int], path: Path, *, is_apart: bool) -> None:
    images = [item for item in new_data(before) if isinstance(item, bpy.types.Image)]
    folder = library.own_folder(path)
    textures.find_moved(images, path, folder)
    textures.take_in(images, folder)
    _refuse_textures(textures.too_large(images))
    textures.drop_others(images, is_apart=is_apart)
    if is_apart:
        _refuse_textures(textures.too_large(images, textures.size_of))


def _refuse_textures(problem: str) -> None:
    if problem:
        raise ImportFailed(
            f"The delivered model {problem}, more than can be shown, so it was not imported. {_KEPT} "
            "Try again, or generate in another format."
        )


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
    remove_libraries(before)
    bpy.data.batch_remove(new_data(before))


def remove_libraries(before: set[int]) -> None:
    """Remove the links to other files that came since `snapshot`, with whatever is linked."""
    for item in [item for item in bpy.data.libraries if item.session_uid not in before]:
        bpy.data.libraries.remove(item)
