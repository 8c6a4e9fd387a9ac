# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blender's import operators in the timer against ours: `python -m tests.bench.importing`. No bpy. Not for Windows.

Each import is in a process of its own, both ways in turn, on the oldest and the newest Blender that is supported, from
the moment at which the service calls the task completed until the model is in the scene.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.big_models import ensure_big_models
from tests.bench.child import Run, run_child
from tests.bench.report import Figure, table, write_section
from tests.build import build_zip
from tests.simulator.process import SimulatorProcess
from tests.tiers import PRIVATE_VARIABLES

CHILD = Path(__file__).with_name("importing_child.py")
SIZES = (100_000, 500_000, 2_000_000)
FILES = ("model.glb", "model.fbx", "model.zip", "model.usdz", "model.stl", "model.ply")
LABELS = {".zip": "OBJ (ZIP)"}
BLENDERS = ("4.2", "5.2")
WAYS = ("direct", "ours")
GOALS_SECONDS = {500_000: 0.1, 2_000_000: 0.2}
GOALS_RATIO = {500_000: 12.0, 2_000_000: 20.0}
GLB_GOALS_RATIO = {500_000: 20.0, 2_000_000: 30.0}
FREE_MEMORY_SHARE = 0.7
"""How much of what is free is touched before anything is measured; some runs take several gigabytes."""
COLUMNS = (
    "format, triangles",
    "direct: blocked, s",
    "ours: blocked, s",
    "ratio",
    "bare append, s",
    "and an undo step, s",
    "of it the system, s",
    "direct: total, s",
    "ours: total, s",
    "direct: memory, MB",
    "ours: memory, MB",
    "second Blender, MB",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.importing", description="Measure imports.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bpy", nargs="+", default=BLENDERS)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--files", nargs="+", default=FILES)
    options = parser.parse_args()
    for name in PRIVATE_VARIABLES:
        os.environ.pop(name, None)
    lines = [
        "The longest call of the timer, from the service's \"completed\" to the imported model: with Blender's own",
        "operator in the timer (*direct*), and with a second Blender that prepares what the timer appends (*ours*).",
        "The undo step is in both, the measuring of the model in neither: with a window the second Blender does it.",
        "One mesh with a UV map and four textures of 2048 pixels (STL and PLY: the mesh alone), over loopback, each",
        f"import in a process of its own, medians of {options.repeats}. *Total* holds the download, the start of the",
        "second Blender and the unpacking. Memory is the peak of the process, and of the second Blender apart.",
        "*Bare append* is `bpy.data.libraries.load` of the .blend that ours appends, and nothing",
        "else; with the undo step it is the least that any import of one append takes: what is left of ours beside it",
        "is the placing and the looking at what has come.",
        "*Of it the system* is what the operating system takes of both, to give memory for the model page by page.",
    ]
    missed: list[str] = []
    figures: list[Figure] = []
    touch_memory()
    with tempfile.TemporaryDirectory(prefix="tokenlab-bench-", ignore_cleanup_errors=True) as text:
        folder = Path(text)
        package = build_zip(folder)
        for version in options.bpy:
            rows = []
            for name in options.files:
                sizes = {}
                for triangles in options.sizes:
                    model = ensure_big_models(triangles) / name
                    sizes[triangles] = measure(version, package, model, options.repeats, folder)
                    rows.append(row(name, triangles, sizes[triangles]))
                    print(version, *rows[-1], flush=True)
                missed += [line for triangles in sizes for line in misses(version, name, triangles, sizes[triangles])]
                figures += headlines(version, name, sizes)
            lines += ["", f"### Blender {version}", "", *table(COLUMNS, rows)]
    lines += ["", *(missed or ["Every goal is met."]), "", goals()]
    if (options.bpy, options.sizes, options.files) == (BLENDERS, SIZES, FILES):
        write_section("importing", "Import", lines, figures)
    print("\n".join(lines))
    return 1 if missed else 0


def touch_memory() -> None:
    """Have a virtual machine get its memory from its host now: each page takes long the first time, in any process."""
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        size = int(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * FREE_MEMORY_SHARE)
        # Where a process may have less than is free, it ends early, and that does no harm.
        subprocess.run([sys.executable, "-c", f"b'x' * {size}"], stderr=subprocess.DEVNULL, check=False)


def goals() -> str:
    return (
        "Goals: blocked for less than 0.1 s at 500,000 triangles and 0.2 s at 2,000,000; at most 1/12 and 1/20 of the "
        "direct way for every format, 1/20 and 1/30 for GLB."
    )


def measure(version: str, package: Path, model: Path, repeats: int, folder: Path) -> dict[str, list[Run]]:
    """Import a model both ways, in turn."""
    assets = folder / "assets"
    shutil.rmtree(assets, ignore_errors=True)
    assets.mkdir()
    # What the service does not offer is delivered under the name of what it does: the bytes tell.
    (assets / (model.name if is_offered(model) else "model.glb")).symlink_to(model)
    runs: dict[str, list[Run]] = {way: [] for way in WAYS}
    with SimulatorProcess(assets=assets) as simulator:
        simulator.configure(seconds=0)
        for _ in range(repeats):
            for way, results in runs.items():
                os.sync()  # What was measured before has left much to be written, which would be measured here.
                results.append(run_child(version, CHILD, [str(package), way], simulator))
    return runs


def is_offered(model: Path) -> bool:
    """Whether the service has this format."""
    return model.suffix not in (".stl", ".ply")


def median(runs: list[Run], name: str) -> float:
    return float(statistics.median(run[name] for run in runs))


def row(name: str, triangles: int, runs: dict[str, list[Run]]) -> list[object]:
    direct, ours = runs["direct"], runs["ours"]
    blocked = median(direct, "blocked"), median(ours, "blocked")
    return [
        f"{label(name)}, {triangles:,}",
        *(f"{seconds:.3f}" for seconds in blocked),
        f"1/{blocked[0] / blocked[1]:.0f}",
        *(f"{median(ours, figure):.3f}" for figure in ("bare", "least", "kernel")),
        *(f"{median(way, 'total'):.1f}" for way in (direct, ours)),
        *(f"{median(way, 'own_mb'):.0f}" for way in (direct, ours)),
        f"{median(ours, 'second_mb'):.0f}",
    ]


def label(name: str) -> str:
    suffix = Path(name).suffix
    return LABELS.get(suffix, suffix[1:].upper())


def headlines(version: str, name: str, sizes: dict[int, dict[str, list[Run]]]) -> list[Figure]:
    """Return the lines of the table at the top for one format: its sizes beside each other."""

    def beside(way: str, figure: str, digits: int, unit: str) -> str:
        return " / ".join(f"{median(runs[way], figure):.{digits}f}" for runs in sizes.values()) + f" {unit}"

    ratios = [median(runs["direct"], "blocked") / median(runs["ours"], "blocked") for runs in sizes.values()]
    wanted = [f"1/{(GLB_GOALS_RATIO if name.endswith('.glb') else GOALS_RATIO)[size]:.0f}" for size in GOALS_RATIO]
    model = f"{label(name)} of {' / '.join(f'{size:,}' for size in sizes)} triangles, {version}"
    block = Figure(
        f"Longest block by an import: {model}",
        beside("ours", "blocked", 3, "s"),
        beside("direct", "blocked", 3, "s"),
        " / ".join(f"1/{ratio:.0f}" for ratio in ratios),
        f"- / {' / '.join(wanted)}; {' / '.join(f'{goal} s' for goal in GOALS_SECONDS.values())}",
        is_met=not any(misses(version, name, size, runs) for size, runs in sizes.items()),
    )
    if not name.endswith(".glb"):
        return [block]
    return [
        block,
        Figure(
            f"From completed to imported: {model}", beside("ours", "total", 1, "s"), beside("direct", "total", 1, "s")
        ),
        Figure(f"Memory of Blender: {model}", beside("ours", "own_mb", 0, "MB"), beside("direct", "own_mb", 0, "MB")),
    ]


def misses(version: str, name: str, triangles: int, runs: dict[str, list[Run]]) -> list[str]:
    """Say which goals are not met."""
    if triangles not in GOALS_SECONDS:
        return []
    direct, ours = (median(runs[way], "blocked") for way in WAYS)
    ratio = (GLB_GOALS_RATIO if name.endswith(".glb") else GOALS_RATIO)[triangles]
    found = []
    if ours >= GOALS_SECONDS[triangles]:
        found.append(f"Missed: Blender {version}, {name}, {triangles:,}: blocked for {ours:.3f} s.")
    if direct / ours < ratio:
        least = direct / median(runs["ours"], "least")
        found.append(
            f"Missed: Blender {version}, {name}, {triangles:,}: 1/{direct / ours:.1f}, not 1/{ratio:.0f}. "
            f"A bare append with its undo step alone: 1/{least:.1f}."
        )
    return found


if __name__ == "__main__":
    sys.exit(main())
