# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every supported Blender: `python -m tests.matrix [--bpy VERSION ...] [--window VERSION ...]`. No bpy in here.

The core and blender tiers of all versions run at once, since they mostly wait; then the windows, both at once too.
What they print is in out/matrix. At the end there is a table, and the usual last line.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.tiers import REPOSITORY, Outcome

LOGS = REPOSITORY / "out" / "matrix"
VERSIONS = ("4.2", "4.5", "5.0", "5.1", "5.2")
WINDOWS = ("4.3", "5.2")
SECONDS = 3600.0
_TIER = re.compile(r"^The (\w+) tier(?: on Blender [\d.]+)?: (\d+) passed, (\d+) failed, (\d+) skipped", re.MULTILINE)
_REASON = re.compile(r"^Skipped \d+ x: .*$|^Failed: .*$", re.MULTILINE)


@dataclass
class Row:
    """What came of one Blender."""

    name: str
    tiers: dict[str, Outcome] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    """Why tests were left out, and what else went wrong."""

    @property
    def total(self) -> Outcome:
        every = Outcome()
        for outcome in self.tiers.values():
            every.add(outcome)
        if not self.tiers:
            every.failed += 1
        return every

    @property
    def line(self) -> str:
        """A line of the table."""
        total = self.total
        ran = ", ".join(self.tiers) or "nothing"
        why = "; ".join(self.reasons) or "-"
        return f"| {self.name} | {ran} | {total.passed} | {total.failed} | {total.skipped} | {why} |"


def read(name: str, log: str) -> Row:
    """Return what a log says."""
    row = Row(name, reasons=_REASON.findall(log))
    for tier, *counts in _TIER.findall(log):
        passed, failed, skipped = map(int, counts)
        row.tiers[tier] = Outcome(passed, failed, skipped)
    return row


def run(name: str, arguments: Sequence[str], **environment: str) -> Row:
    """Run the tests in a process of their own, and return what came of it."""
    log = LOGS / f"{name.replace(' ', '-')}.log"
    print(f"{name}: begins, see {log.relative_to(REPOSITORY)}", flush=True)
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "tests", *arguments],
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
    row = read(name, log.read_text(encoding="utf-8", errors="replace"))
    print(f"{name}: {row.total}, exit status {done.returncode}", flush=True)
    return row


def run_without_window(version: str) -> Row:
    return run(version, ("--bpy", version, "--tier", "core", "--tier", "blender"))


def run_window(version: str) -> Row:
    return run(f"{version} window", ("--tier", "gui", "--if-possible"), BLENDER_WINDOW=version)


def table(rows: Iterable[Row]) -> list[str]:
    head = ["| Blender | tiers | passed | failed | skipped | why |", "|---|---|--:|--:|--:|---|"]
    return [*head, *(row.line for row in rows)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description="Test every supported Blender.")
    parser.add_argument("--bpy", nargs="*", default=VERSIONS, metavar="VERSION")
    parser.add_argument("--window", nargs="*", default=WINDOWS, metavar="VERSION")
    options = parser.parse_args()
    LOGS.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=max(1, len(options.bpy), len(options.window))) as pool:
        rows = list(pool.map(run_without_window, options.bpy))
        rows += pool.map(run_window, options.window)
    total = Outcome()
    for row in rows:
        total.add(row.total)
    print("\n".join(["", *table(rows), "", str(total)]))
    return int(total.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
