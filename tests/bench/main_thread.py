# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tasks cost Blender's main thread: `python -m tests.bench.main_thread`. No bpy in this process. Linux alone.

Nothing is sent: all tasks run at a service that is not asked during the measurement, so that what is measured is ours.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench.child import Run, run_child
from tests.bench.report import Figure, table, write_section
from tests.build import build_zip

CHILD = Path(__file__).with_name("main_thread_child.py")
BLENDERS = ("4.2", "5.2")
COUNTS = (1, 100, 1000)
EVENT_GOAL_MS = 0.2
EVENT = "a task changes"
TICK = "a tick without news"


def main() -> int:
    lines = [
        "Medians of 200 events, and of 10 undos, saves and loads. All tasks are in one scene and run. The journal is",
        "written by a thread of its own: no figure holds a commit. Memory is what the tasks have added to the process.",
    ]
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        package = build_zip(Path(folder))
        for version in BLENDERS:
            runs = [run_child(version, CHILD, [str(package), str(count)]) for count in COUNTS]
            figures += headlines(version, runs)
            lines += ["", f"### Blender {version}", "", *rows(runs)]
            print("\n".join(lines[-len(runs[0]) - 4 :]), flush=True)
    lines += ["", f"Goal: one event with 1,000 tasks in the scene in less than {EVENT_GOAL_MS} ms."]
    write_section("main_thread", "Main thread", lines, figures)
    return 0 if all(figure.is_met for figure in figures) else 1


def rows(runs: list[Run]) -> list[str]:
    """Return the table of one Blender."""
    counts = [f"{count:,} task{'s' * (count > 1)}" for count in COUNTS]
    columns = ("main thread, ms", *counts, "longest of the last column")
    times = [
        [name, *(f"{statistics.median(run[name]):.3f}" for run in runs), f"{max(runs[-1][name]):.3f}"]
        for name in runs[-1]
        if name != "memory_mb"
    ]
    return table(columns, [*times, ["memory, MB", *(f"{run['memory_mb']:.1f}" for run in runs), "-"]])


def headlines(version: str, runs: list[Run]) -> list[Figure]:
    """Return what one event and one tick cost, and how that grows."""
    figures = []
    for name, goal in ((EVENT, EVENT_GOAL_MS), (TICK, None)):
        medians = [statistics.median(run[name]) for run in runs]
        figures.append(
            Figure(
                f"{name[0].upper()}{name[1:]}, {' / '.join(f'{count:,}' for count in COUNTS)} tasks, {version}",
                " / ".join(f"{median:.2f}" for median in medians) + " ms",
                goal=f"below {goal} ms" if goal else "-",
                is_met=goal is None or medians[-1] < goal,
            )
        )
    memory = " / ".join(f"{run['memory_mb']:.1f}" for run in runs)
    figures.append(Figure(f"Memory of {' / '.join(f'{count:,}' for count in COUNTS)} tasks, {version}", f"{memory} MB"))
    return figures


if __name__ == "__main__":
    sys.exit(main())
