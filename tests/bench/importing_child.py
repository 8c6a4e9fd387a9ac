# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One measured import, in a Blender of its own: `importing_child.py ZIP direct|ours FOLDER`. Uses bpy; prints JSON.

The simulator delivers the model; its address and key, and the folders of Blender and the extension, are in the
environment. What is measured is every call of the tick from the moment at which the service calls the task completed.
Where ours has appended a .blend, the bare append of the same file is measured after that, without any work of ours.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import bpy

from tests.blender.support import MODULE, REPOSITORY, new_session

LIMIT_SECONDS = 300.0
BEFORE = ("QUEUED", "SUBMITTING", "PENDING", "PROCESSING")


def main() -> None:
    package, way = sys.argv[1:]
    bpy.ops.extensions.package_install_files(filepath=package, repo=REPOSITORY, enable_on_install=True)
    tokenlab: Any = importlib.import_module(MODULE)
    formats = tokenlab.core.files.formats.ModelFormat
    # As with a window and as with the preference off; this Blender has none, and imports by itself.
    tokenlab.core.blender.second_blender._CRASHING = frozenset(item.name for item in formats if way == "ours")
    session = new_session(tokenlab)
    bpy.ops.ed.undo_push(message="Original")
    measuring = watch_measuring()
    task = tokenlab.generate("a ball")
    tick, ticks, begin = tokenlab.core.blender.tick.tick, [0.0], 0.0
    end = time.monotonic() + LIMIT_SECONDS
    while task.state != "IMPORTED":
        assert time.monotonic() < end and not task.error, task.error
        started = time.perf_counter()
        tick()
        if task.state not in BEFORE:
            begin = begin or started
            ticks.append(time.perf_counter() - started - sum(measuring))
        time.sleep(0.005)
    total = time.perf_counter() - begin - sum(measuring)
    triangles = sum(len(item.data.polygons) for item in task.objects if item.type == "MESH")
    session.engine.stop()
    own, second = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    result = {"blocked": max(ticks), "total": total, "own_mb": own, "second_mb": second, "triangles": triangles}
    if way == "ours":
        result |= bare_append(session.engine.records.get(task.local_id).blend_path)
    print(json.dumps(result), flush=True)
    bpy.ops.preferences.addon_disable(module=MODULE)
    os._exit(0)


def watch_measuring() -> list[float]:
    """Return where the seconds will be that the extension measures the model itself.

    With a window it never does that, so that the operator must not be blamed for it: it is the last thing in its call.
    """
    facts: Any = importlib.import_module(f"{MODULE}.core.blender.model_facts")
    measure, seconds = facts.measure, []

    def timed(collection: bpy.types.Collection) -> object:
        began = time.perf_counter()
        try:
            return measure(collection)
        finally:
            seconds.append(time.perf_counter() - began)

    facts.measure = timed
    return seconds


def bare_append(path: str) -> dict[str, float]:
    """Append all that a .blend has, as one undo step, and do nothing else: no append of ours can be faster.

    :return: the seconds of both, and those of them that the operating system took, mostly to give memory.
    """
    assert Path(path).is_file(), path
    began, kernel = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_stime
    with bpy.data.libraries.load(path, link=False) as (source, target):  # type: ignore[attr-defined,func-returns-value]  # the stubs know no `with`
        target.scenes = source.scenes
    bare = time.perf_counter() - began
    bpy.ops.ed.undo_push(message="Bare append")
    least = time.perf_counter() - began
    return {"bare": bare, "least": least, "kernel": resource.getrusage(resource.RUSAGE_SELF).ru_stime - kernel}


if __name__ == "__main__":
    main()
