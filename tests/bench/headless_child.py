# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One measured way, in a Blender of its own: `headless_child.py ours|bare ZIP MODEL OUTPUT`. Uses bpy; prints JSON.

`ours` is the time from the answer that calls the task completed until the output has its name, with the download and
all; `bare` is Blender's own import and export of the same file.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import bpy

from tests.blender.support import MODULE, REPOSITORY, new_session

LIMIT_SECONDS = 300.0
LOOK_SECONDS = 0.001
BEFORE = ("QUEUED", "SUBMITTING", "PENDING", "PROCESSING")


class Watch(threading.Thread):
    """Notes when the task is completed and when the output is there. It looks at records and the disk, at no bpy."""

    def __init__(self, engine: Any, output: Path) -> None:
        super().__init__(daemon=True)
        self.engine = engine
        self.output = output
        self.seconds = 0.0

    def run(self) -> None:
        end, completed = time.monotonic() + LIMIT_SECONDS, 0.0
        while time.monotonic() < end:
            now = time.perf_counter()
            states = [task.state.value for task in self.engine.records.all()]
            if not completed and states and states[0] not in BEFORE:
                completed = now
            if self.output.exists():
                self.seconds = time.perf_counter() - completed
                return
            time.sleep(LOOK_SECONDS)


def main() -> None:
    way, package, model, output = sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])
    seconds = bare(model, output) if way == "bare" else ours(package, output)
    print(json.dumps({"seconds": seconds}), flush=True)
    os._exit(0)


def ours(package: str, output: Path) -> float:
    """Carry out the command, and return the seconds from the completion to the file."""
    bpy.ops.extensions.package_install_files(filepath=package, repo=REPOSITORY, enable_on_install=True)
    tokenlab: Any = importlib.import_module(MODULE)
    watch = Watch(new_session(tokenlab).engine, output)
    watch.start()
    status = tokenlab.run_command(["generate", "a ball", "--format", "glb", "--output", str(output), "--quiet"])
    assert status == 0, status
    watch.join(LIMIT_SECONDS)
    return watch.seconds


def bare(model: str, output: Path) -> float:
    """Import and export with Blender's operators, and return the seconds that this takes."""
    target = str(output.with_name(f"bare{output.suffix}"))
    exporters: dict[str, Any] = {
        ".glb": lambda: bpy.ops.export_scene.gltf(filepath=target, export_format="GLB"),
        ".obj": lambda: bpy.ops.wm.obj_export(filepath=target, path_mode="COPY", export_pbr_extensions=True),
        ".blend": lambda: bpy.ops.wm.save_as_mainfile(filepath=target, copy=True),
    }
    bpy.ops.wm.read_homefile(use_empty=True)
    began = time.perf_counter()
    bpy.ops.import_scene.gltf(filepath=model)
    exporters[output.suffix]()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
