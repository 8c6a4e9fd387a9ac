# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a worker does to have a model prepared for the import, and a picture made of it. No bpy here; workers only."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import shutil
from pathlib import Path
from typing import Any, Final

from ..files import library, scene_units
from ..files.asset_catalog import CATALOG_ID
from ..files.facts import ModelFacts
from ..files.partial import PART
from ..text import one_line
from . import measured
from .converter import Command, ConversionFailed, Converter, ConverterStopped, ConverterUnavailable, Prepared
from .job_context import JobContext, folder_of
from .previews import PREVIEW
from .records import JobDone, PreviewMade
from .task import Task, TaskState

logger = logging.getLogger(__name__)

SCRATCH: Final = "scratch"
"""Folder of the data folder for the temporary files of converters."""
BLEND: Final = "model.blend"
_CONVERTING: Final = frozenset({TaskState.CONVERTING})


def is_needed(task: Task, command: Command | None, converter: Converter) -> bool:
    """Whether a model that is there has to be prepared before the Blender of `command` takes it, and can be."""
    is_wanted = command is not None and command.takes(task.result_format) and not has_blend(task, command)
    return is_wanted and not converter.is_broken


def has_blend(task: Task, command: Command) -> bool:
    """Whether there is a prepared model that the Blender of `command` can read: older ones cannot read newer files.

    And one that is made for the units of the scene that it is to come into.
    """
    if not scene_units.suits(task.blend_units, task.wanted_units):
        return False
    if not task.blend_path or _numbers(task.blend_version) > _numbers(command.version):
        return False
    return Path(task.blend_path).is_file()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def convert(context: JobContext, local_id: str, command: Command | None, data_directory: Path) -> JobDone:
    """Have a downloaded model made into a .blend; afterwards the task is `READY`, with it or with an error.

    Or `DOWNLOADING`, when this computer has no model of it yet.

    :param command: None when the user wants no second Blender any more.
    """
    task = context.records.get(local_id)
    if task is None or task.state is not TaskState.CONVERTING:
        return JobDone(local_id)
    if not task.result_path:
        # By the copy of a file that was saved in mid-preparation on another computer, or whose journal is gone.
        context.records.change(local_id, expect=_CONVERTING, state=TaskState.DOWNLOADING, progress=0, error="")
        return JobDone(local_id)
    changes: dict[str, Any] = {"blend_path": "", "blend_version": ""}
    try:
        if command is not None:
            changes = _convert(context, task, command, data_directory)
    except ConverterStopped:
        return JobDone(local_id)
    except ConversionFailed as error:
        changes["error"] = str(error)
    except ConverterUnavailable:
        logger.warning("There is no second Blender to prepare a model")
    except OSError as error:
        reason = error.strerror or "the disk refused"
        changes["error"] = (
            f"The prepared model could not be stored ({reason}). The delivered file is kept, and nothing is charged "
            "again. Make room on the disk and try again."
        )
    context.records.change(local_id, expect=_CONVERTING, state=TaskState.READY, **changes)
    return JobDone(local_id, wants_preview=bool(changes["blend_path"]))


def _convert(context: JobContext, task: Task, command: Command, data_directory: Path) -> dict[str, Any]:
    folder = folder_of(task, data_directory)
    units = scene_units.from_text(task.wanted_units)
    order = {
        "source": task.result_path,
        "format": task.result_format,
        "blend": BLEND,
        "name": one_line(task.title),
        "description": task.request.prompt,
        "tags": ["TokenLab 3D", task.request.model, *(("Trial",) if task.is_stand_in else ())],
        "catalogue": CATALOG_ID,
        "units": dict(units),
    }
    changes: dict[str, Any] = {"error": ""}

    def take(prepared: Prepared) -> None:
        blend = _place(folder, command.version)
        _put_own(prepared.folder / BLEND, blend)
        changes.update(blend_path=str(blend), blend_version=prepared.version)
        changes["blend_units"] = scene_units.to_text(scene_units.of_those(units, prepared.answer.get("heeded")))
        facts = ModelFacts.from_record(prepared.answer.get("facts"))
        if facts is not None:
            changes.update(measured.changes(task, facts))
            measured.write(context, task, facts, data_directory)

    context.converter.convert(command, order, take)
    return changes


def _place(folder: Path, version: str) -> Path:
    """Return where a prepared model goes: over the last one, unless somebody has changed that, which is an asset."""
    stem = f"model-{'.'.join(version.split('.')[:2])}"
    names = itertools.chain((BLEND, f"{stem}.blend"), (f"{stem}-{number}.blend" for number in itertools.count(2)))
    paths = (folder / name for name in names)
    return next(path for path in paths if not os.path.lexists(path) or library.is_as_written(path))


def preview(context: JobContext, local_id: str, command: Command) -> PreviewMade:
    """Have a picture made of a prepared model, beside it and in it."""
    task = context.records.get(local_id)
    if task is None or task.state is not TaskState.READY or not has_blend(task, command):
        return PreviewMade(local_id, is_there=False)
    blend = Path(task.blend_path)

    def take(prepared: Prepared) -> None:
        _put(prepared.folder / PREVIEW, blend.with_name(PREVIEW))
        # It is an asset already, which somebody may have opened and saved meanwhile.
        if library.is_as_written(blend):
            _put_own(prepared.folder / BLEND, blend)

    order = {"source": str(blend), "blend": BLEND, "picture": PREVIEW}
    try:
        is_there = context.converter.preview(command, order, take)
    except (ConverterStopped, ConverterUnavailable):
        is_there = False
    except OSError as error:
        # Windows replaces no file that somebody reads just now: the model is without its picture then.
        logger.warning("A preview was not kept: %s", error.strerror)
        is_there = blend.with_name(PREVIEW).is_file()
    return PreviewMade(local_id, is_there)


def _put_own(made: Path, path: Path) -> None:
    """Put a .blend where it belongs, and note that it is ours to replace."""
    status = _put(made, path)
    try:
        library.note_written(path, status)
    except OSError as error:
        logger.warning("What was written to the library was not noted: %s", error.strerror)


def _put(made: Path, path: Path) -> os.stat_result:
    """Move a file that is whole to where it belongs, having seen to it that it outlives a power failure.

    :return: how the system describes it there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with made.open("rb+") as file:
        os.fsync(file.fileno())
    status = made.stat()
    try:
        os.replace(made, path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # The library is on another disk.
        part = path.with_name(f".{path.name}{PART}")
        shutil.copyfile(made, part)
        status = part.stat()
        os.replace(part, path)
    return status
