# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/performance.md: each benchmark writes a section of its own, and a whole run the table at the top. No bpy."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
REPORT = REPOSITORY / "docs" / "performance.md"
FIGURES = REPOSITORY / "out" / "bench"
"""Where a benchmark leaves its lines of the table."""
TABLE = "In one table"
_HEAD = """\
# Performance

Written by the runs; not by hand. Times are of the machine that a section names, so look at the ratios. To measure all
of it again: `make bench`.
"""
_COLUMNS = ("what", "the naive way", "ours", "ratio", "goal", "command")


@dataclass(frozen=True)
class Figure:
    """A line of the table. Times and sizes have their unit with them."""

    what: str
    ours: str
    naive: str = "-"
    ratio: str = "-"
    goal: str = "-"
    is_met: bool = True


def machine() -> str:
    """Say on what a run was measured, without a name that only its owner knows."""
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    gigabytes = f", {memory / 1e6:.0f} GB" if memory else ""
    return f"{os.cpu_count()} cores ({processor}){gigabytes}, {platform.system()}, Python {platform.python_version()}"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of a table; the first column holds words, the others figures."""
    return [
        f"| {' | '.join(columns)} |",
        f"|---{'|--:' * (len(columns) - 1)}|",
        *(f"| {' | '.join(map(str, row))} |" for row in rows),
    ]


def write_section(
    bench: str,
    title: str,
    lines: Sequence[str],
    figures: Sequence[Figure] = (),
    report: Path = REPORT,
    folder: Path = FIGURES,
) -> None:
    """Put a section in the place of the one with the same title, or at the end, and keep its lines of the table.

    :param bench: the name that `make bench BENCH=` knows it by.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = json.dumps([dataclasses.asdict(figure) for figure in figures])
    folder.joinpath(f"{bench}.json").write_text(kept, encoding="utf-8")
    _put(title, [f"`make bench BENCH={bench}`, {_when()}", "", *lines], report)


def write_table(benches: Sequence[str], report: Path = REPORT, folder: Path = FIGURES) -> None:
    """Put the lines that the benchmarks have kept when they last ran into one table, at the top of the page."""
    rows = []
    for bench in benches:
        for figure in _kept(bench, folder):
            goal = figure.goal if figure.is_met else f"{figure.goal}: **missed**"
            rows.append((figure.what, figure.naive, figure.ours, figure.ratio, goal, f"`make bench BENCH={bench}`"))
    lines = ["Of the latest run of each part, one after the other. *Ratio* is of the medians. What a line means",
             "is in the section that its command has written.", "", *table(_COLUMNS, rows)]  # fmt: skip
    _put(TABLE, [f"`make bench`, {_when()}", "", *lines], report, is_first=True)


def forget(benches: Sequence[str], folder: Path = FIGURES) -> None:
    """Delete what earlier runs have kept, so that the table holds nothing of theirs."""
    for bench in benches:
        folder.joinpath(f"{bench}.json").unlink(missing_ok=True)


def _kept(bench: str, folder: Path) -> list[Figure]:
    try:
        text = folder.joinpath(f"{bench}.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return [Figure(f"`{bench}`: not measured in this run", "-")]
    return [Figure(**kept) for kept in json.loads(text)]


def _put(title: str, lines: Sequence[str], report: Path, *, is_first: bool = False) -> None:
    head, *sections = (report.read_text(encoding="utf-8") if report.exists() else _HEAD).split("\n## ")
    text = "\n".join([title, "", *lines])
    found = [number for number, section in enumerate(sections) if section.partition("\n")[0] == title]
    if found:
        sections[found[0]] = text
    else:
        sections.insert(0 if is_first else len(sections), text)
    report.write_text("\n\n## ".join([head.strip(), *(section.strip() for section in sections)]) + "\n", "utf-8")


def _when() -> str:
    return f"{datetime.date.today().isoformat()}, {machine()}."


def _lines(path: str) -> list[str]:
    """Return the lines of a file of the system, none where it has no such file."""
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
