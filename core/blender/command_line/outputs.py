# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the model of a task to a file of the wanted kind. bpy is allowed here.

What the service delivered is written as it is where it is of that kind already; everything else goes through Blender's
exporters, which see the model alone.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from ...files.formats import ModelFormat
from ...processes import is_running
from ...service.errors import TokenLabError
from ...tasks.placement import AS_DELIVERED
from .. import session
from ..task_handle import TaskHandle

logger = logging.getLogger(__name__)

_PREFIX = ".tokenlab-"
_WHOLE = {".glb": ModelFormat.GLB, ".usdz": ModelFormat.USDZ}
"""Kinds that are one file with everything in it, so that a copy is enough."""


def write(handle: TaskHandle, path: Path) -> None:
    """Write an imported model, all files of it or none, and note that this was done.

    A .blend is a copy of the open file, everything else holds the model alone.

    :raises TokenLabError: when it cannot be written.
    """
    suffix = path.suffix.lower()
    try:
        with _all_or_nothing(path) as temporary:
            if _is_as_delivered(handle, suffix):
                shutil.copyfile(handle.record.result_path, temporary)
            elif suffix == ".blend":
                bpy.ops.wm.save_as_mainfile(filepath=str(temporary), copy=True, check_existing=False)
            else:
                _select(handle)
                _EXPORTERS[suffix](str(temporary))
    except (OSError, RuntimeError) as error:
        logger.warning("The output was not written: %s", error)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "Blender's exporter refused"
        raise TokenLabError(
            f"{path.name} could not be written ({reason}). The model was paid for, and is kept in the library: "
            f"{handle.result_path}. Make room or choose another folder, then use the command resume."
        ) from error
    session.current().engine.records.change(handle.local_id, output_path="")


@contextmanager
def _all_or_nothing(path: Path) -> Iterator[Path]:
    """Give a place to write to, and have what was written there take its own place in the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path.parent)
    prefix = f"{_PREFIX}{os.getpid()}-"
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
    """Remove what processes that were killed while they wrote have left."""
    for leftover in folder.glob(f"{_PREFIX}*-*"):
        number = leftover.name.removeprefix(_PREFIX).partition("-")[0]
        if leftover.is_dir() and number.isdecimal() and not is_running(int(number)):
            shutil.rmtree(leftover, ignore_errors=True)


def _is_as_delivered(handle: TaskHandle, suffix: str) -> bool:
    """Whether what was delivered is what is wanted."""
    task = handle.record
    wanted = _WHOLE.get(suffix)
    return wanted is not None and task.result_format == wanted.name and task.placement == AS_DELIVERED


def _select(handle: TaskHandle) -> None:
    objects = set(handle.objects)
    for item in bpy.context.view_layer.objects:
        item.select_set(item in objects)


def _export_glb(path: str) -> None:
    bpy.ops.export_scene.gltf(filepath=path, export_format="GLB", use_selection=True)


def _export_fbx(path: str) -> None:
    bpy.ops.export_scene.fbx(filepath=path, use_selection=True, path_mode="COPY", embed_textures=True)


def _export_obj(path: str) -> None:
    bpy.ops.wm.obj_export(filepath=path, export_selected_objects=True, path_mode="COPY", export_pbr_extensions=True)


def _export_usdz(path: str) -> None:
    bpy.ops.wm.usd_export(filepath=path, selected_objects_only=True)


_EXPORTERS: dict[str, Callable[[str], None]] = {
    ".glb": _export_glb,
    ".fbx": _export_fbx,
    ".obj": _export_obj,
    ".usdz": _export_usdz,
}
