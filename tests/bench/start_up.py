# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the extension adds to a start of Blender: `python -m tests.bench.start_up`. No bpy here."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench.child import Run, run_child
from tests.bench.report import Figure, table, write_section
from tests.build import build_zip

CHILD = Path(__file__).with_name("start_up_child.py")
BLENDERS = ("4.2", "5.2")
REPEATS = 5
ROWS = (
    ("enabled for the first time, Python compiles it", "first"),
    ("enabled, as by each start of Blender", "usual"),
    ("`register()` alone", "register"),
    ("session begins: the longest piece", "session"),
    ("enabled again: ours", "again"),
    ("enabled again: Blender's glTF add-on", "neighbor"),
    ("naive: `import requests`", "requests"),
)


def main() -> int:
    lines = [
        f"Milliseconds of the main thread, medians of {REPEATS} processes. *Enabled again* is without what an add-on",
        "imports from elsewhere, which the process has loaded by then: to compare it with an add-on of Blender's own.",
        "*Naive* is what an add-on pays that imports `requests` at its top: nothing where Blender itself has loaded it",
        "by then, as 5.2 has; ours never imports it on the main thread.",
    ]
    figures = []
    columns: dict[str, Run] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        package = build_zip(Path(folder))
        for version in BLENDERS:
            columns[version] = measure(version, package, Path(folder, version))
            print(version, columns[version], flush=True)
            figures += headlines(version, columns[version])
    rows = [[label, *(f"{columns[version][name]:.1f}" for version in BLENDERS)] for label, name in ROWS]
    lines += ["", *table(("main thread, ms", *BLENDERS), rows)]
    write_section("start_up", "Start", lines, figures)
    return 0 if all(figure.is_met for figure in figures) else 1


def measure(version: str, package: Path, folder: Path) -> Run:
    """Return the medians, and which libraries of the network were loaded."""
    runs: list[Run] = []
    for number in range(REPEATS):
        profile = folder / str(number)
        run = run_child(version, CHILD, ["first", str(package)], profile=profile)
        for way in ("ours", "naive"):
            run |= run_child(version, CHILD, ["usual", way], profile=profile)
        runs.append({**run, "session": max(run["session"])})
    names = [name for _label, name in ROWS]
    medians: Run = {name: statistics.median(run[name] for run in runs) for name in names}
    medians["libraries"] = sorted({name for run in runs for name in run["libraries"]})
    return medians


def headlines(version: str, run: Run) -> list[Figure]:
    loads_requests = run["requests"] >= 1.0
    return [
        Figure(
            f"Enabling at a start of Blender, naive: `import requests` alone, {version}",
            f"{run['usual']:.0f} ms",
            f"{run['requests']:.0f} ms" if loads_requests else "loaded already",
            f"{run['usual'] / run['requests']:.2f}" if loads_requests else "-",
            "imports no library of the network",
            is_met=not run["libraries"],
        ),
        Figure(
            f"Enabling again, naive: Blender's glTF add-on, {version}",
            f"{run['again']:.0f} ms",
            f"{run['neighbor']:.0f} ms",
            f"{run['again'] / run['neighbor']:.1f}",
        ),
        Figure(f"`register()` alone, {version}", f"{run['register']:.1f} ms"),
        Figure(f"Longest piece of the session's begin, {version}", f"{run['session']:.1f} ms"),
    ]


if __name__ == "__main__":
    sys.exit(main())
