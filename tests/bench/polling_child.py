# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask about running tasks, in a Blender of its own: `polling_child.py ZIP naive|ours IDS`. Uses bpy; prints JSON.

`ticks_ms` is every call of the timer's function, `answers` how many answers there were meanwhile.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import bpy
import requests

from tests.blender.support import MODULE, REPOSITORY, new_session

SERVICE = os.environ["TOKENLAB_API_BASE"]
NAIVE_ROUNDS = 3
OURS_SECONDS = 5.0
WARM_UP_SECONDS = 2.0
PAUSE_SECONDS = 0.005
TIMEOUT_SECONDS = 30.0


def main() -> None:
    package, way, ids = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
    result = naive(ids) if way == "naive" else ours(package, ids)
    print(json.dumps(result), flush=True)
    os._exit(0)


def timed(work: Callable[[], object]) -> float:
    """Return the milliseconds that a call takes."""
    began = time.perf_counter()
    work()
    return 1000.0 * (time.perf_counter() - began)


def naive(ids: list[str]) -> dict[str, Any]:
    """Ask in the timer, on one connection."""
    service = requests.Session()
    service.headers["Authorization"] = f"Bearer {os.environ['TOKENLAB_API_KEY']}"

    def tick() -> None:
        for task_id in ids:
            service.get(f"{SERVICE}/v1/tasks/{task_id}", timeout=TIMEOUT_SECONDS).raise_for_status()

    ticks = [timed(tick) for _ in range(NAIVE_ROUNDS)]
    return {"ticks_ms": ticks, "answers": NAIVE_ROUNDS * len(ids)}


def ours(package: str, ids: list[str]) -> dict[str, Any]:
    """Have the extension follow the same tasks."""
    bpy.ops.extensions.package_install_files(filepath=package, repo=REPOSITORY, enable_on_install=True)
    tokenlab: Any = importlib.import_module(MODULE)
    session = new_session(tokenlab)
    # Nor any longer for many: this is about what an answer costs, and a hundred tasks are asked about once a minute.
    tokenlab.core.tasks.pacing._FEW = len(ids)
    for task_id in ids:
        session.attach("", task_id, bpy.context.scene)
    tick = tokenlab.core.blender.tick.tick
    end = time.monotonic() + WARM_UP_SECONDS
    while time.monotonic() < end:
        tick()
        time.sleep(PAUSE_SECONDS)
    before, ticks, end = answers(), [], time.monotonic() + OURS_SECONDS
    while time.monotonic() < end:
        ticks.append(timed(tick))
        time.sleep(PAUSE_SECONDS)
    result = {"ticks_ms": ticks, "answers": answers() - before}
    session.engine.stop()
    bpy.ops.preferences.addon_disable(module=MODULE)
    return result


def answers() -> int:
    """Return how often the service was asked about a task so far."""
    journal = requests.get(f"{SERVICE}/_simulator/journal", timeout=TIMEOUT_SECONDS).json()
    return sum(entry["method"] == "GET" and "/v1/tasks/" in entry["path"] for entry in journal["requests"])


if __name__ == "__main__":
    main()
