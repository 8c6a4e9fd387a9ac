# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the model of a task to a file of the wanted kind. bpy is allowed here.

What the service delivered is written as it is where it is of that kind already; everything else goes through Blender's
exporters, which see the model alone.
"""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from ...files.formats import ModelFormat
from ...files.images import image_type
from ...processes import is_left_behind, mark
from ...service.errors import TokenLabError
from ...tasks.placement import AS_DELIVERED
from .. import session
from ..task_handle import TaskHandle

logger = logging.getLogger(__name__)

_PREFIX = ".tokenlab-"
"""How the names of what is not whole yet begin; the mark of the process follows."""
_FORGOTTEN_SECONDS = 86_400.0
"""After that time nobody is at it any more, on whatever machine."""
_TAKEN = (
    "{} was made after its model was ordered, and was not replaced. The model is kept in the library, and nothing is "
    "charged again. Move the file and use the command resume, or use resume --overwrite."
)
_WHOLE = {".glb": ModelFormat.GLB, ".usdz": ModelFormat.USDZ}
"""Kinds that are one file with everything in it, so that a copy is enough."""


def taken(path: Path) -> Path | None:
    """Return the file that is there already and would be replaced by writing to `path`, or None."""
    companions = [path.with_suffix(".mtl")] if path.suffix.lower() == ".obj" else []
    return next((file for file in (path, *companions) if file.exists()), None)


def objection_to(folder: Path) -> str:
    """Return why no file can be written into a folder, or ""."""
    probe = folder / f"{_PREFIX}{mark()}probe"
    try:
        probe.touch()
    except OSError as error:
        return error.strerror or "the disk refused"
    with contextlib.suppress(OSError):  # A virus scanner may look at it just now; it goes with other leftovers later.
        probe.unlink()
    return ""


def write(handle: TaskHandle, path: Path, *, may_replace: bool) -> None:
    """Write an imported model, all files of it or none, and note that this was done.

    A .blend is a copy of the open file, everything else holds the model alone.

    :param may_replace: also a file that was made after the model was ordered; one from before may be replaced anyway.
    :raises TokenLabError: when it cannot be written.
    """
    try:
        newer = None if may_replace else _taken_since(handle, path)
        if newer is not None:
            raise TokenLabError(_TAKEN.format(newer))
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.parent)
        if path.suffix.lower() == ".blend":
            _save_file(path)
        else:
            _write_model(handle, path)
    except (OSError, RuntimeError) as error:
        logger.warning("The output was not written: %s", error)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "Blender's exporter refused"
        raise TokenLabError(
            f"{path.name} could not be written ({reason}). The model was paid for, and is kept in the library. Make "
            "room, or have the folder writable, then use the command resume."
        ) from error
    session.current().engine.records.change(handle.local_id, output_path="", delivered=True)


def _taken_since(handle: TaskHandle, path: Path) -> Path | None:
    """Return the file that would be replaced, if it was made after the model was ordered, by somebody else."""
    file = taken(path)
    if file is None or file.stat().st_mtime <= handle.record.created_at:
        return None
    # A process that was killed right after it had written the model could not note that.
    is_own = _is_as_delivered(handle, path.suffix.lower()) and filecmp.cmp(handle.record.result_path, file, False)
    return None if is_own else file


def _save_file(path: Path) -> None:
    """Save a copy of the open file, in the folder that it is for: Blender makes its relative paths fit that."""
    temporary = path.with_name(f"{_PREFIX}{mark()}{path.name}")
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(temporary), copy=True, check_existing=False)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_model(handle: TaskHandle, path: Path) -> None:
    """Write the model alone."""
    suffix = path.suffix.lower()
    with _all_or_nothing(path) as temporary:
        if _is_as_delivered(handle, suffix):
            shutil.copyfile(handle.record.result_path, temporary)
        else:
            _select(handle)
            _EXPORTERS[suffix](temporary)


@contextmanager
def _all_or_nothing(path: Path) -> Iterator[Path]:
    """Give a place to write to, and have what was written there take its own place in the end."""
    prefix = f"{_PREFIX}{mark()}"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=path.parent, ignore_cleanup_errors=True) as folder:
        temporary = Path(folder, path.name)
        yield temporary
        if not temporary.is_file():
            raise FileNotFoundError(2, "Blender wrote nothing")
        # Textures and materials first: who sees the model finds them.
        others = [file for file in Path(folder).rglob("*") if file.is_file() and file != temporary]
        for file in (*others, temporary):
            target = path.parent / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, target)


def _remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed while they wrote have left; other machines may write here as well."""
    for leftover in folder.glob(f"{_PREFIX}*-*-*"):
        if not (is_left_behind(leftover.name.removeprefix(_PREFIX)) or _age(leftover) > _FORGOTTEN_SECONDS):
            continue
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0  # Somebody else has removed it.


def _is_as_delivered(handle: TaskHandle, suffix: str) -> bool:
    """Whether what was delivered is what is wanted."""
    task = handle.record
    wanted = _WHOLE.get(suffix)
    return wanted is not None and task.result_format == wanted.name and task.placement == AS_DELIVERED


def _select(handle: TaskHandle) -> None:
    objects = set(handle.objects)
    for item in bpy.context.view_layer.objects:
        item.select_set(item in objects)


def _export_glb(path: Path) -> None:
    bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB", use_selection=True)


def _export_fbx(path: Path) -> None:
    bpy.ops.export_scene.fbx(filepath=str(path), use_selection=True, path_mode="COPY", embed_textures=True)


def _export_obj(path: Path) -> None:
    # Packed textures are left out by this exporter: it wants files.
    with _textures_beside(path):
        bpy.ops.wm.obj_export(
            filepath=str(path), export_selected_objects=True, path_mode="STRIP", export_pbr_extensions=True
        )


@contextmanager
def _textures_beside(path: Path) -> Iterator[None]:
    """Have the packed images of the selected objects as files beside `path` for a while.

    Their names are made of what is in them, so that they take nobody's place but that of the same picture.
    """
    before = {image.name: image.filepath_raw for image in bpy.data.images}
    try:
        for image in (image for image in _images() if image.packed_file is not None):
            data = image.packed_file.data
            suffix = (image_type(data) or "image/png").rpartition("/")[2]
            file = path.with_name(f"{path.stem}-{hashlib.sha256(data).hexdigest()[:12]}.{suffix}")
            file.write_bytes(data)
            image.filepath_raw = str(file)
        yield
    finally:
        for image in bpy.data.images:
            if image.name in before:
                image.filepath_raw = before[image.name]


def _images() -> list[bpy.types.Image]:
    """Return the images that the materials of the selected objects show, in a fixed order."""
    found: dict[str, bpy.types.Image] = {}
    for item in bpy.context.selected_objects:
        for slot in item.material_slots:
            for node in slot.material.node_tree.nodes if slot.material and slot.material.node_tree else ():
                image = getattr(node, "image", None)
                if image is not None:
                    found[image.name] = image
    return list(found.values())


def _export_usdz(path: Path) -> None:
    bpy.ops.wm.usd_export(filepath=str(path), selected_objects_only=True)


_EXPORTERS: dict[str, Callable[[Path], None]] = {
    ".glb": _export_glb,
    ".fbx": _export_fbx,
    ".obj": _export_obj,
    ".usdz": _export_usdz,
}
