# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the second Blender does: import a model as Blender imports it, and save it as a .blend. bpy is allowed here.

Runs in a process of its own, without a window and with factory settings. Orders come as lines of JSON on standard
input, answers go out the same way (`core/tasks/converter`). A thread that touches no bpy waits for the orders, because
this process has to end when nobody is there any more, whatever it is doing.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import os
import queue
import shutil
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import bpy

from ..files.formats import ModelFormat
from . import importers, model_facts, preview, scene_settings

logger = logging.getLogger(__name__)

_NICE = 5
"""The user's own Blender comes first."""
_OUT_OF_MEMORY = "500"
"""How willingly Linux ends this process first when the memory of the whole machine is used up; 0 is usual."""
_PATIENCE = 1.2
"""An order that has taken so many times what the other side waits for it ends by itself: nobody waits any more."""
_MAX_DETAIL = 4000
"""Characters of an error that are passed on: its end says what it was."""


def main(words: list[str]) -> None:
    """Serve until there is nothing to do; the last of the words says how, as JSON.

    An order that takes too long ends here as well: whoever gave it may be gone, and while an importer lets no other
    Python run, the thread that would notice cannot. `faulthandler` watches without Python.
    """
    settings = json.loads(words[-1])
    folder = Path(settings["folder"])
    try:
        _work(settings, folder)
    finally:
        # Also when the one who gives the orders is gone, and nobody hears the answer.
        _leave(folder)


def _work(settings: Mapping[str, Any], folder: Path) -> None:
    answers = _open_answers()
    _limit(settings)
    orders: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    threading.Thread(target=_read_orders, args=(orders, folder), daemon=True).start()
    _say(answers, "ready", version=_version())
    with contextlib.suppress(queue.Empty):
        while True:
            order = orders.get(timeout=settings["idle"])
            _say(answers, "begun")
            faulthandler.dump_traceback_later(settings["seconds"] * _PATIENCE, file=nowhere, exit=True)
            _serve(order, folder, answers)
            faulthandler.cancel_dump_traceback_later()


def _version() -> str:
    return ".".join(str(part) for part in bpy.app.version)


# ------------------------------------------------------------------------------
# The two pipes


def _open_answers() -> IO[str]:
    """Return the way out, and keep everybody else off it: Blender and its importers print whatever they like."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    return answers


def _say(answers: IO[str], word: str, **details: object) -> None:
    answers.write(json.dumps({"tokenlab": word, **details}) + "\n")
    answers.flush()


def _read_orders(orders: queue.SimpleQueue[Mapping[str, Any]], folder: Path) -> None:
    """On a thread of its own: pass orders on until the one who gives them is gone."""
    try:
        for line in sys.stdin:
            orders.put(json.loads(line))
    finally:
        _leave(folder)


def _leave(folder: Path) -> None:
    """End at once, from any thread; Blender's own end would wait for the other one (bpy_facts 0.1)."""
    gone = folder.with_name(f"{folder.name}-gone")
    # Windows removes no folder that somebody is in. Under another name nobody puts anything more into it: the main
    # thread may be writing right now.
    with contextlib.suppress(OSError):
        os.chdir(folder.parent)
        folder.rename(gone)
    for path in (gone, folder):
        shutil.rmtree(path, ignore_errors=True)
    os._exit(0)


# ------------------------------------------------------------------------------
# Limits


def _limit(settings: Mapping[str, Any]) -> None:
    """Take only so much memory, where the system sees to that; elsewhere the other side watches it."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  # there is none on Windows

    os.nice(_NICE)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OUT_OF_MEMORY, encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # macOS takes the limit and does not keep it.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (settings["memory"], settings["memory"]))


# ------------------------------------------------------------------------------
# Orders


def _serve(order: Mapping[str, Any], folder: Path, answers: IO[str]) -> None:
    if order["do"] == "preview":
        try:
            has_preview = add_preview(order, folder)
        except Exception as error:
            # A model without a picture is a model.
            _say(answers, "not previewed", detail=f"{type(error).__name__}: {error}")
        else:
            _say(answers, "previewed" if has_preview else "not previewed")
        return
    try:
        made = convert(order, folder)
    except importers.ImportFailed as error:
        _refuse(answers, str(error), str(error.__cause__ or ""))
    except Exception as error:
        # Whatever an importer or a file can think of.
        _refuse(answers, str(importers.failed(ModelFormat[order["format"]])), f"{type(error).__name__}: {error}")
    else:
        _say(answers, "converted", **made)


def _refuse(answers: IO[str], sentence: str, detail: str) -> None:
    # Importers written in Python say so in the text of another error.
    word = "out of memory" if "MemoryError" in detail else "refused"
    _say(answers, word, sentence=sentence, detail=detail[-_MAX_DETAIL:])


def convert(order: Mapping[str, Any], folder: Path) -> dict[str, object]:
    """Import a file and save it as a .blend with one scene and one collection in it.

    :param order: `source` and `format` of the file, name of the `blend` to write, `name`, `description`, `tags` and
        `catalogue` of the asset, `units` of the scene that it is to come into (`core/files/scene_units`).
    :param folder: where to write it.
    :return: `facts` about the model, and the names of those units that were `heeded`.
    :raises ImportFailed: when Blender cannot read it.
    """
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    source, model_format = Path(order["source"]), ModelFormat[order["format"]]
    scene_settings.set_units(bpy.context.scene, order["units"])
    collection = importers.import_file(source, model_format, bpy.context.scene, order["name"], is_apart=True)
    unit_length = importers.unit_length(model_format, bpy.context.scene)
    facts = model_facts.measure(collection, unit_length)
    heeded = importers.heeded_units(model_format, is_moving=len(bpy.data.actions) > 0)
    _mark_asset(collection, order)
    _save(folder / order["blend"])
    return {"facts": facts.to_record(), "heeded": sorted(heeded)}


def _mark_asset(collection: bpy.types.Collection, order: Mapping[str, Any]) -> None:
    collection.asset_mark()
    asset = collection.asset_data
    asset.description, asset.catalog_id = order["description"], order["catalogue"]
    for tag in order["tags"]:
        asset.tags.new(tag, skip_if_exists=True)


def add_preview(order: Mapping[str, Any], folder: Path) -> bool:
    """Render a picture of a prepared model, and write the model anew with it.

    :param order: `source`, the .blend; names of the `picture` and the `blend` to write.
    :param folder: where to write them.
    :return: whether both are there.
    """
    bpy.ops.wm.open_mainfile(filepath=order["source"], load_ui=False, use_scripts=False)
    if not preview.render(bpy.context.scene.collection.children[0], folder / order["picture"]):
        return False
    _save(folder / order["blend"])
    return True


def _save(path: Path) -> None:
    """Save the open file under another name: uncompressed, since it is read once and soon."""
    settings = bpy.context.preferences.filepaths
    settings.save_version = 0
    # Blender 5.1 would put a picture of the file among the thumbnails that all programs of the user share.
    settings.file_preview_type = "NONE"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, compress=False, check_existing=False)
