# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tasks cost Blender's main thread: `python -m tests.bench.main_thread`. Uses bpy, and the built zip.

Nothing is sent: all tasks run at a service that is not asked during the measurement, so that what is measured is ours.
"""

from __future__ import annotations

import importlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.report import table, write_section
from tests.blender.support import MODULE, REPOSITORY
from tests.build import build_zip

COUNTS = (1, 100, 1000)
REPEATS = 200
RARE_REPEATS = 10
EVENT_GOAL_MS = 0.2
NEVER = 1e6
COLUMNS = ("main thread, ms", *(f"{count} task{'s' * (count > 1)}" for count in COUNTS), "longest of the last column")


def main() -> int:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # Blender reads the folder of its settings once, when it is imported.
        os.environ["BLENDER_USER_RESOURCES"] = str(Path(folder, "blender"))
        os.environ["TOKENLAB_API_KEY"] = "a key that nobody is given"
        os.environ["TOKENLAB_API_BASE"] = "http://127.0.0.1:9"
        tokenlab = enable(build_zip(Path(folder)))
        measured = []
        for count in COUNTS:
            os.environ["TOKENLAB_DATA_DIR"] = str(Path(folder, str(count)))
            measured.append(measure(tokenlab, count))
        disable()
    event = statistics.median(measured[-1]["a task changes"])
    rows = [
        [name, *(f"{statistics.median(one[name]):.3f}" for one in measured), f"{max(measured[-1][name]):.3f}"]
        for name in measured[-1]
    ]
    lines = [
        f"Medians of {REPEATS} events, and of {RARE_REPEATS} undos, saves and loads; Blender {blender_version()}.",
        "All tasks are in one scene and run. The journal is written by a thread of its own: no figure holds a commit.",
        "",
        *table(COLUMNS, rows),
        "",
        f"Goal: one event with 1,000 tasks in the scene in less than {EVENT_GOAL_MS} ms. Seen: {event:.3f} ms.",
    ]
    write_section("Main thread", lines)
    print("\n".join(lines))
    return 0 if event < EVENT_GOAL_MS else 1


def blender_version() -> str:
    import bpy  # noqa: PLC0415  # after the folders were set

    return bpy.app.version_string


def enable(package: Path) -> Any:
    import bpy  # noqa: PLC0415

    bpy.ops.extensions.package_install_files(filepath=str(package), repo=REPOSITORY, enable_on_install=True)
    return importlib.import_module(MODULE)


def disable() -> None:
    import bpy  # noqa: PLC0415

    bpy.ops.preferences.addon_disable(module=MODULE)


def measure(tokenlab: Any, count: int) -> dict[str, list[float]]:
    """Return the milliseconds of each kind of work, with `count` tasks that run."""
    import bpy  # noqa: PLC0415

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    blender, tasks = tokenlab.core.blender, tokenlab.core.tasks
    blender.session.stop()
    blender.session.start(blender.tick.ensure_running)
    session = blender.session.current()
    while not session.is_restored:
        blender.tick.tick()
        time.sleep(0.01)
    ids = [add(tokenlab, session, f"a model of something, number {number}") for number in range(count)]
    while (event := session.engine.next_event()) is not None:
        session.handle(event)
    session.file.mirror()
    clock = Clock()
    for number in range(REPEATS):
        local_id = ids[number * 7 % count]
        session.engine.records.change(local_id, progress=number % 90 + 1)
        event = session.engine.next_event()
        clock.time("a task changes", partial(session.handle, event))
    for _ in range(REPEATS):
        clock.time("a tick without news", blender.tick.run_once)
    rows = tuple(tasks.journal.Row(session.engine.records.get(local_id), is_ours=True) for local_id in ids)
    for _ in range(RARE_REPEATS):
        clock.time("undo or redo", session.after_undo_or_redo)
        clock.time("save", session.mirror)
        session.imports.forget()
        session.file.is_restored = False
        clock.time("a file is opened", lambda: session.file.take(rows))
    bpy.app.timers.unregister(blender.tick.tick)
    return clock.milliseconds


def add(tokenlab: Any, session: Any, prompt: str) -> str:
    """Add a task that runs at the service and is not asked about for a long time."""
    import bpy  # noqa: PLC0415

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
    session.engine._plan(task.local_id, NEVER)
    return str(task.local_id)


class Clock:
    """Notes how long things took."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, list[float]] = {}

    def time(self, name: str, work: Callable[[], object]) -> None:
        begin = time.perf_counter()
        work()
        self.milliseconds.setdefault(name, []).append(1000.0 * (time.perf_counter() - begin))


if __name__ == "__main__":
    sys.exit(main())
