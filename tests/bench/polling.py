# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking in the timer against asking on workers: `python -m tests.bench.polling`. No bpy in this process.

Both ways ask the same service about the same number of running tasks, each in a process of its own.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench.child import Run, run_child
from tests.bench.report import Figure, table, write_section
from tests.build import build_zip
from tests.simulator.plain_client import PlainClient
from tests.simulator.process import SimulatorProcess

CHILD = Path(__file__).with_name("polling_child.py")
BLENDERS = ("4.2", "5.2")
COUNTS = (1, 10, 100)
WAYS = ("naive", "ours")
ANSWER_SECONDS = 0.1
GOAL_MS = 10.0
COLUMNS = ("tasks that run", "naive: longest, ms", "ours: longest, ms", "ours: median, ms", "ours: answers", "ratio")


def main() -> int:
    lines = [
        "The longest call of the timer while tasks are asked about: with a `requests.Session` in the timer (*naive*,",
        "three rounds), and with ours (five seconds, all tasks asked about as often as the workers can). The service",
        f"takes {1000 * ANSWER_SECONDS:.0f} ms for an answer; a real one takes as long, or longer. *Ratio* is of the",
        "longest calls.",
    ]
    figures = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        package = build_zip(Path(folder))
        for version in BLENDERS:
            runs = {count: measure(version, package, count) for count in COUNTS}
            lines += ["", f"### Blender {version}", "", *table(COLUMNS, [row(*item) for item in runs.items()])]
            figures += [headline(version, *item) for item in runs.items()]
            print("\n".join(lines[-len(runs) - 4 :]), flush=True)
    lines += ["", f"Goal: no call of the timer longer than {GOAL_MS:.0f} ms."]
    write_section("polling", "Asking", lines, figures)
    return 0 if all(figure.is_met for figure in figures) else 1


def measure(version: str, package: Path, count: int) -> dict[str, Run]:
    """Ask about `count` tasks both ways."""
    with SimulatorProcess(seconds=3600) as simulator:
        client = PlainClient(simulator)
        ids = ",".join(client.create_task(prompt=f"a ball, number {number}") for number in range(count))
        simulator.configure(delay=ANSWER_SECONDS)
        return {way: run_child(version, CHILD, [str(package), way, ids], simulator) for way in WAYS}


def longest(runs: dict[str, Run]) -> list[float]:
    return [max(runs[way]["ticks_ms"]) for way in WAYS]


def row(count: int, runs: dict[str, Run]) -> list[object]:
    naive, ours = longest(runs)
    median = statistics.median(runs["ours"]["ticks_ms"])
    return [count, f"{naive:.0f}", f"{ours:.2f}", f"{median:.2f}", runs["ours"]["answers"], f"1/{naive / ours:.0f}"]


def headline(version: str, count: int, runs: dict[str, Run]) -> Figure:
    naive, ours = longest(runs)
    return Figure(
        f"Longest block while {count} task{'s are' if count > 1 else ' is'} asked about, {version}",
        f"{ours:.2f} ms",
        f"{naive:.0f} ms",
        f"1/{naive / ours:.0f}",
        f"below {GOAL_MS:.0f} ms",
        is_met=ours < GOAL_MS,
    )


if __name__ == "__main__":
    sys.exit(main())
