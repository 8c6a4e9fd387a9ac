# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a redraw of the sidebar costs in a real window: `python -m tests.bench.draw_cost`. No bpy in this process."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench.report import Figure, table, write_section
from tests.build import build_zip
from tests.gui.window import Window, missing_window

COUNT = 500
REDRAWS = 40
GOAL_MS = 1.5
PROBE = Path(__file__).with_name("draw_probe.py")


def main() -> int:
    reason = missing_window()
    if reason:
        print(f"Not measured: {reason}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        environment = {"TOKENLAB_API_BASE": "http://127.0.0.1:9", "TOKENLAB_API_KEY": "a key that nobody is given"}
        with Window(build_zip(Path(folder)), environment) as window:
            window.open_sidebar("TokenLab")
            window.run(PROBE.read_text(encoding="utf-8"))
            window.run("probe = DrawProbe()")
            empty = measure(window)
            window.run(f"fill({COUNT})")
            window.settle(20)
            full = measure(window)
            version = window.run("bpy.app.version_string")
    rows = [
        [name, f"{statistics.median(values):.2f}", f"{max(values):.2f}"]
        for name, values in (("no task", empty), (f"{COUNT} tasks", full))
    ]
    median = statistics.median(full)
    lines = [
        f"Milliseconds of our Python in one redraw of the sidebar: panels, list and menus; {REDRAWS} redraws each;",
        f"Blender {version} in a window without a graphics card.",
        "",
        *table(("in the list", "median, ms", "longest, ms"), rows),
        "",
        f"Goal: {COUNT} tasks in less than {GOAL_MS} ms.",
    ]
    figure = Figure(
        f"One redraw of the sidebar with {COUNT} tasks, {version}",
        f"{median:.2f} ms",
        goal=f"below {GOAL_MS} ms",
        is_met=median < GOAL_MS,
    )
    write_section("draw_cost", "Drawing", lines, [figure])
    print("\n".join(lines))
    return 0 if figure.is_met else 1


def measure(window: Window) -> list[float]:
    """Return the milliseconds of each redraw."""
    window.run("probe.redraws.clear()")
    for _ in range(REDRAWS):
        window.run("probe.begin(); sidebar().tag_redraw()")
        window.settle(2)
        window.wait("probe.end()")
    return [float(value) for value in window.run("probe.redraws")]


if __name__ == "__main__":
    sys.exit(main())
