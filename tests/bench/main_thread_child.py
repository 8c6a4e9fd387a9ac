# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a number of tasks costs, in a Blender of its own: `main_thread_child.py ZIP COUNT`. Uses bpy; prints JSON.

Milliseconds of each kind of work, and the memory that the tasks have added, in megabytes.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from tests.blender.support import MODULE, REPOSITORY

REPEATS = 200
RARE_REPEATS = 10
FAR = 1e6
"""Seconds until a task is asked about: not during this."""


def main() -> None:
    package, count = sys.argv[1], int(sys.argv[2])
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.extensions.package_install_files(filepath=package, repo=REPOSITORY, enable_on_install=True)
    tokenlab: Any = importlib.import_module(MODULE)
    tick = tokenlab.core.blender.tick
    session = tokenlab.core.blender.session.current()
    while not session.is_restored:
        tick.tick()
        time.sleep(0.01)
    before = megabytes()
    ids = [add(tokenlab, session, f"a model of something, number {number}") for number in range(count)]
    while (event := session.engine.next_event()) is not None:
        session.handle(event)
    session.file.mirror()
    memory = megabytes() - before
    times = measure(tokenlab, session, ids)
    session.engine.stop()
    print(json.dumps({**times, "memory_mb": memory}), flush=True)
    bpy.ops.preferences.addon_disable(module=MODULE)
    os._exit(0)


def add(tokenlab: Any, session: Any, prompt: str) -> str:
    """Add a task that runs at the service and is not asked about for a long time."""
    contract, task_module = tokenlab.core.service.contract, tokenlab.core.tasks.task
    scene_id = tokenlab.core.blender.store.scene_id(bpy.context.scene)
    task = task_module.new_task(contract.GenerationRequest(prompt=prompt), scene_id)
    session.engine.records.add(task)
    for changes in (
        {"state": task_module.TaskState.SUBMITTING, "submitted_at": time.time()},
        {"state": task_module.TaskState.PENDING, "task_id": f"ldtask_{task.local_id}"},
        {"state": task_module.TaskState.PROCESSING},
    ):
        session.engine.records.change(task.local_id, **changes)
    session.imports.wait_for(task.local_id)
    session.engine._plan(task.local_id, FAR)
    return str(task.local_id)


def measure(tokenlab: Any, session: Any, ids: list[str]) -> dict[str, list[float]]:
    """Return the milliseconds of each kind of work."""
    clock = Clock()
    for number in range(REPEATS):
        local_id = ids[number * 7 % len(ids)]
        session.engine.records.change(local_id, progress=number % 90 + 1)
        event = session.engine.next_event()
        clock.time("a task changes", partial(session.handle, event))
    for _ in range(REPEATS):
        clock.time("a tick without news", tokenlab.core.blender.tick.run_once)
    row = tokenlab.core.tasks.journal.Row
    rows = tuple(row(session.engine.records.get(local_id), is_ours=True) for local_id in ids)
    for _ in range(RARE_REPEATS):
        clock.time("undo or redo", session.after_undo_or_redo)
        clock.time("save", session.file.mirror)
        session.imports.forget()
        session.file.is_restored = False
        clock.time("a file is opened", lambda: session.file.take(rows))
    return clock.milliseconds


def megabytes() -> float:
    """Return the memory that this process has now (proc_pid_statm(5))."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Clock:
    """Notes how long things took."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, list[float]] = {}

    def time(self, name: str, work: Callable[[], object]) -> None:
        begin = time.perf_counter()
        work()
        self.milliseconds.setdefault(name, []).append(1000.0 * (time.perf_counter() - begin))


if __name__ == "__main__":
    main()
