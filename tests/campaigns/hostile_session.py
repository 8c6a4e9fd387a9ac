# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Blender that gets all hostile files of a campaign, one after the other, and has to live through them.

Its argument is JSON (`package`, the built zip, or none; `service` and `key`; `limits`). Each line that it reads is the
name of a file that the service delivers; each line that it writes, as JSON, is what became of it.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import bpy

from tests.blender.support import (
    MODULE,
    REPOSITORY,
    data_counts,
    limit_second_blender,
    new_session,
    pump,
    vertex_count,
)

PATIENCE = 240.0
"""Seconds for one file, its picture included."""


class Session:
    """The session of the extension, set up as where there is a window: every model is prepared."""

    def __init__(self, plan: dict[str, Any]) -> None:
        bpy.ops.preferences.addon_enable(module=MODULE)
        self.tokenlab: Any = importlib.import_module(MODULE)
        core = self.tokenlab.core
        core.blender.second_blender._CRASHING = frozenset(item.name for item in core.files.formats.ModelFormat)
        self.session = new_session(self.tokenlab)
        limit_second_blender(self.session, **plan["limits"])
        self.importers, self.importing = core.blender.importers, core.blender.importing
        self.appended = 0.0
        """Seconds that the last append took."""
        self.importing._append = self._timed(self.importing._append)
        # Else what this session itself saves is in the way: a picture for the file manager, an earlier version.
        filepaths: Any = bpy.context.preferences.filepaths  # type: ignore[union-attr]
        filepaths.file_preview_type, filepaths.save_version = "NONE", 0
        bpy.ops.ed.undo_push(message="Begin")
        self.before = self.importers.snapshot()

    def _timed(self, append: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            began = time.perf_counter()
            try:
                return append(*arguments)
            finally:
                self.appended = time.perf_counter() - began

        return run

    def get(self, name: str) -> dict[str, Any]:
        """Have a file delivered, prepared and appended; do with it what users do; clear it away."""
        counts = data_counts()
        self.appended = 0.0
        task = self.tokenlab.generate(f"the model in {name}", confirm_duplicate=True)
        try:
            task.wait(timeout=PATIENCE)
        except self.tokenlab.TokenLabError:
            assert task.error or task.state != "READY"
        pump(self.tokenlab, lambda: not self.session.engine.is_busy, PATIENCE)
        found = {
            "state": task.state,
            "error": task.error,
            "result": str(task.result_path or ""),
            "local_id": task.local_id,
            "appended": self.appended,
            "problems": list(self._use(task)) if task.state == "IMPORTED" else [],
        }
        self._clear(task)
        after = data_counts()
        left = {kind: count - counts[kind] for kind, count in after.items() if count != counts[kind]}
        if left:
            found["problems"].append(f"data was left in the file: {left}")
        return found

    def _use(self, task: Any) -> Iterator[str]:
        """Look at the model, undo and redo its import, evaluate it and save the file."""
        objects = task.objects
        if vertex_count(objects) == 0:
            yield "a model without vertices was imported"
        corners = [value for item in objects if item.type == "MESH" for corner in item.bound_box for value in corner]
        if not all(map(math.isfinite, corners)):
            yield "a model without bounds was imported"
        if any(item.data.validate() for item in objects if item.type == "MESH"):
            yield "a broken mesh was imported"
        self._history("undo")
        if task.objects:
            yield "the import was not undone"
        self._history("redo")
        if not task.objects:
            yield "the import was not redone"
        bpy.context.view_layer.update()  # type: ignore[union-attr]
        bpy.ops.wm.save_as_mainfile(filepath=str(Path(tempfile.gettempdir(), "saved.blend")), copy=True)

    def _history(self, step: str) -> None:
        manager: Any = bpy.context.window_manager
        window = manager.windows[0]
        with bpy.context.temp_override(window=window, screen=window.screen):  # type: ignore[attr-defined]
            getattr(bpy.ops.ed, step)()

    def _clear(self, task: Any) -> None:
        bpy.ops.tokenlab.remove_task(local_id=task.local_id)  # type: ignore[attr-defined]
        self.importers.remove_new(self.before)
        bpy.ops.ed.undo_push(message="Clear")


def answers() -> IO[str]:
    """Return the way out, and keep off it what Blender prints."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def main() -> None:
    plan, out = json.loads(sys.argv[1]), answers()
    if plan.get("package"):
        bpy.ops.extensions.package_install_files(filepath=plan["package"], repo=REPOSITORY, enable_on_install=True)
        bpy.ops.preferences.addon_disable(module=MODULE)
        print(json.dumps({"blender": bpy.app.version_string}), file=out, flush=True)
        return
    session = Session(plan)
    print(json.dumps({"blender": bpy.app.version_string}), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(session.get(line.strip())), file=out, flush=True)
    bpy.ops.preferences.addon_disable(module=MODULE)
    # What comes after is Python's and Blender's own end, which other tests look at.
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
