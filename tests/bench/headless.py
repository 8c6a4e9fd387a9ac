# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line against a bare import and export: `python -m tests.bench.headless`. No bpy. Not for Windows."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench.big_models import ensure_big_models
from tests.bench.child import FOLDER, run_child
from tests.bench.report import Figure, table, write_section
from tests.build import build_zip
from tests.simulator.process import SimulatorProcess
from tests.tiers import PRIVATE_VARIABLES

CHILD = Path(__file__).with_name("headless_child.py")
TRIANGLES = (100_000, 500_000)
SUFFIXES = (".glb", ".obj", ".blend")
COLUMNS = ("model, output", "bare import and export, s", "from completed to written, s", "ratio")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.headless", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bpy", default="5.2")
    options = parser.parse_args()
    for name in PRIVATE_VARIABLES:
        os.environ.pop(name, None)
    rows, figures = [], []
    with tempfile.TemporaryDirectory(prefix="tokenlab-bench-", ignore_cleanup_errors=True) as text:
        folder = Path(text)
        package = build_zip(folder)
        for triangles in TRIANGLES:
            for suffix in SUFFIXES:
                bare, ours = measure(options.bpy, package, triangles, suffix, options.repeats, folder)
                what, ratio = f"{triangles:,} triangles, {suffix}", f"{ours / bare:.2f}"
                rows.append((what, f"{bare:.2f}", f"{ours:.2f}", ratio))
                name = f"Without a window, to a file: {what}, {options.bpy}"
                figures.append(Figure(name, f"{ours:.2f} s", f"{bare:.2f} s", ratio))
                print(*rows[-1], flush=True)
    lines = [
        'Without a window, `generate --output`: from the answer that calls the task "completed" until the file is',
        "there, download over loopback, measuring of the model and all, against Blender's own import and export of the",
        "same file. Each in a process of its own, in turn. A GLB with a UV map and four textures of 2048 pixels; where",
        "a GLB is wanted, what was delivered is imported, to see that it is whole, and copied. Medians of",
        f"{options.repeats}, Blender {options.bpy}.",
        "",
        *table(COLUMNS, rows),
    ]
    write_section("headless", "Headless", lines, figures)
    print("\n".join(lines))
    return 0


def measure(
    version: str, package: Path, triangles: int, suffix: str, repeats: int, folder: Path
) -> tuple[float, float]:
    """Return the median seconds of both ways, the bare one first."""
    model = ensure_big_models(triangles) / "model.glb"
    assets = folder / f"assets{triangles}"
    assets.mkdir(exist_ok=True)
    if not (assets / "model.glb").exists():
        (assets / "model.glb").symlink_to(model)
    runs: dict[str, list[float]] = {"bare": [], "ours": []}
    with SimulatorProcess(assets=assets) as simulator:
        simulator.configure(seconds=0)
        for _ in range(repeats):
            for way, results in runs.items():
                arguments = [way, str(package), str(model), f"{FOLDER}/model{suffix}"]
                results.append(run_child(version, CHILD, arguments, simulator)["seconds"])
    return statistics.median(runs["bare"]), statistics.median(runs["ours"])


if __name__ == "__main__":
    sys.exit(main())
