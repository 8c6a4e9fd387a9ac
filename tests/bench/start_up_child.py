# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What enabling costs, in a Blender of its own: `start_up_child.py first ZIP` or `usual ours|naive`. Uses bpy.

`first` installs the zip and enables the extension, and leaves what Python has compiled. `usual` is a later start, in
another process with the same folder: `ours` enables the extension, `naive` imports `requests` as the usual add-on does
at its top. Both print JSON, with milliseconds.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import bpy

from tests.blender.support import MODULE, REPOSITORY

NEIGHBOR = "io_scene_gltf2"
"""An add-on of Blender's own that everybody has, to compare with."""
REPEATS = 10
LIMIT_SECONDS = 60.0


def main() -> None:
    way, argument = sys.argv[1:]
    works = {"first": lambda: first(argument), "usual": naive if argument == "naive" else usual}
    result = works[way]()
    print(json.dumps(result), flush=True)
    os._exit(0)


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000.0 * (time.perf_counter() - began)


def enable(module: str) -> None:
    bpy.ops.preferences.addon_enable(module=module)


def disable(module: str) -> None:
    bpy.ops.preferences.addon_disable(module=module)


def first(package: str) -> dict[str, Any]:
    """Enable it for the first time: Python compiles it."""
    bpy.ops.extensions.package_install_files(filepath=package, repo=REPOSITORY, enable_on_install=False)
    result = {"first": milliseconds(lambda: enable(MODULE))}
    disable(MODULE)
    return result


def naive() -> dict[str, Any]:
    return {"requests": milliseconds(lambda: importlib.import_module("requests"))}


def usual() -> dict[str, Any]:
    """Enable it as each start of Blender does, and let it find its tasks."""
    known = set(sys.modules)
    result: dict[str, Any] = {"usual": milliseconds(lambda: enable(MODULE))}
    result["libraries"] = sorted({"requests", "urllib3", "certifi"} & (set(sys.modules) - known))
    tokenlab: Any = importlib.import_module(MODULE)
    result["session"] = [milliseconds(tokenlab.core.blender.session.current), *ticks(tokenlab)]
    disable(MODULE)
    enable(MODULE)
    registering = []
    for _ in range(REPEATS):
        tokenlab.unregister()
        registering.append(milliseconds(tokenlab.register))
    result["register"] = statistics.median(registering)
    disable(MODULE)
    for name, module in (("again", MODULE), ("neighbor", NEIGHBOR)):
        result[name] = statistics.median(again(module) for _ in range(REPEATS))
    return result


def ticks(tokenlab: Any) -> list[float]:
    """Return what each call of the timer takes until the tasks of an empty journal are known."""
    tick, session, found = tokenlab.core.blender.tick.tick, tokenlab.core.blender.session.current(), []
    end = time.monotonic() + LIMIT_SECONDS
    while not session.is_restored:
        assert time.monotonic() < end, "it did not happen in time"
        found.append(milliseconds(tick))
        time.sleep(0.01)
    return found


def again(module: str) -> float:
    """Enable an add-on whose modules are not loaded, but all that they import from elsewhere is."""
    disable(module)
    for name in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
        del sys.modules[name]
    spent = milliseconds(lambda: enable(module))
    disable(module)
    return spent


if __name__ == "__main__":
    main()
