# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/performance.md: each benchmark writes its own section of it, and leaves the others alone. No bpy."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from pathlib import Path

REPORT = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
_HEAD = """\
# Performance

Written by the runs; not by hand. Times are of the machine that a section names, so look at the ratios. To measure all
of it again: `make bench`.
"""


def machine() -> str:
    """Say on what a run was measured, without naming the machine."""
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of a table; the first column holds words, the others figures."""
    return [
        f"| {' | '.join(columns)} |",
        f"|---{'|--:' * (len(columns) - 1)}|",
        *(f"| {' | '.join(map(str, row))} |" for row in rows),
    ]


def write_section(title: str, lines: Sequence[str], report: Path = REPORT) -> None:
    """Put a section in the place of the one with the same title, or at the end."""
    head, *sections = (report.read_text(encoding="utf-8") if report.exists() else _HEAD).split("\n## ")
    text = "\n".join([title, "", f"{datetime.date.today().isoformat()}, {machine()}.", "", *lines])
    found = [number for number, section in enumerate(sections) if section.partition("\n")[0] == title]
    if found:
        sections[found[0]] = text
    else:
        sections.append(text)
    report.write_text("\n\n## ".join([head.strip(), *(section.strip() for section in sections)]) + "\n", "utf-8")
