# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A batch that everything goes wrong with: `python -m tests.campaigns.batch --rounds 200`. bpy is in its children only.

So many rows against a simulator that refuses bursts of requests, fails tasks and cuts connections, while the command is
killed twice. The same command again and again has to settle every row, and to send none twice. The table goes to
docs/batch.md; the last line is `N passed, N failed, N skipped`.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.report import table
from tests.blender.commands import CommandLine, Ended
from tests.build import build_zip
from tests.simulator.process import SimulatorProcess
from tests.tiers import PRIVATE_VARIABLES, Outcome
from tests.tiny_models import write_assets

REPORT = Path(__file__).resolve().parents[2] / "docs" / "batch.md"
ROWS = 200
CONCURRENCY = 8
KILLS = 2
RUN_SECONDS = 900.0
TROUBLES = (
    ("create-429:25", "create-reset-before-body-read:2"),
    ("create-429-header-only:15", "create-500-after-task:2"),
    ("create-429:10", "create-unreadable-200:1"),
)
"""What goes wrong at the service in each of the runs until the rows are settled."""
DOOMED = 17
"""Each so many-th row fails at the service."""
TASK_SECONDS = 1.0
UNCERTAIN, FAILED, DONE = "uncertain", "failed", "done"
Results = dict[str, dict[str, str]]


@dataclass
class Campaign:
    """One batch and what was found out about it."""

    folder: Path
    simulator: SimulatorProcess
    command: CommandLine
    rows: int
    random: random.Random
    problems: list[str] = field(default_factory=list)
    table: list[tuple[object, ...]] = field(default_factory=list)

    @property
    def output(self) -> Path:
        return self.folder / "out"

    def prepare(self) -> None:
        lines = ["prompt,output,seed", *(f"thing {number},thing{number}.glb,{number}" for number in range(self.rows))]
        (self.folder / "batch.csv").write_text("\n".join(lines), encoding="utf-8")

    def words(self, *more: str) -> tuple[object, ...]:
        options = ("--output-dir", self.output, "--concurrency", CONCURRENCY, *more)
        return ("batch", self.folder / "batch.csv", *options)

    def results(self) -> Results:
        path = self.output / "results.csv"
        if not path.is_file():
            return {}
        with path.open(encoding="utf-8", newline="") as file:
            return {row["prompt"]: row for row in csv.DictReader(file)}

    def run_and_kill(self, name: str, least: int) -> None:
        """Start the command and kill it at a random moment after so many rows were done."""
        process = self.command.start(*self.words("--quiet"))
        begun, end = time.monotonic(), time.monotonic() + RUN_SECONDS
        while self.counts()[DONE] < least and process.poll() is None:
            self.check(time.monotonic() < end, f"{name}: {least} rows were not done in time")
            time.sleep(0.05)
        time.sleep(self.random.uniform(0.0, 1.0))
        self.check(process.poll() is None, f"{name}: it ended before it could be killed")
        process.kill()
        process.communicate()
        self.note(name, "killed", time.monotonic() - begun)

    def run(self, name: str, *more: str) -> Ended:
        begun = time.monotonic()
        ended = self.command.run(*self.words("--quiet", *more))
        self.note(name, ended.status, time.monotonic() - begun)
        if ended.status not in (0, 1, 4):
            self.problems.append(f"{name}: it ended with {ended.status}: {ended.said[-500:]}")
        return ended

    def counts(self) -> Counter[str]:
        return Counter(row["status"] for row in self.results().values())

    def note(self, name: str, ending: object, seconds: float) -> None:
        counts = self.counts()
        accepted = len(self.simulator.creates())
        row = (name, ending, f"{seconds:.0f}", accepted, counts[DONE], counts[FAILED], counts[UNCERTAIN])
        self.table.append(row)
        print(*row, sep=" | ", flush=True)

    def check(self, holds: bool, sentence: str) -> None:
        if not holds:
            self.problems.append(sentence)

    def doom(self, is_over: threading.Event) -> None:
        """Let some tasks fail, as soon as the service has them. On a thread of its own."""
        failed = set()
        while not is_over.wait(0.1):
            for task in self.simulator.creates():
                is_doomed = int(str(task["prompt"]).rpartition(" ")[2]) % DOOMED == 1
                if is_doomed and task["id"] not in failed:
                    failed.add(task["id"])
                    self.simulator.steer(task["id"], status=FAILED)

    # The judgement

    def judge(self, *, was_retried: bool) -> None:
        """Compare the result file with what the service says."""
        results, created = self.results(), self.simulator.creates()
        by_prompt: dict[str, list[dict[str, object]]] = {}
        for task in created:
            by_prompt.setdefault(str(task["prompt"]), []).append(task)
        self.check(len(results) == self.rows, f"{len(results)} rows are in the result file")
        unsettled = [row["row"] for row in results.values() if row["status"] not in (DONE, FAILED, UNCERTAIN)]
        self.check(not unsettled, f"rows {unsettled} are not settled")
        for prompt, tasks in by_prompt.items():
            alive = [task for task in tasks if task["state"] != FAILED] if was_retried else tasks
            self.check(len(alive) <= 1, f"{prompt} has {len(alive)} accepted creates")
        unseen = [row for row in results.values() if row["status"] == UNCERTAIN and row["prompt"] not in by_prompt]
        if not was_retried:
            expected = self.rows - len(unseen)
            self.check(len(created) == expected, f"{len(created)} creates were accepted, not {expected}")
        for prompt, row in results.items():
            self._judge_row(row, by_prompt.get(prompt, []))

    def _judge_row(self, row: dict[str, str], tasks: list[dict[str, object]]) -> None:
        number, status = row["row"], row["status"]
        if status == UNCERTAIN:
            return
        task = next((task for task in tasks if task["id"] == row["task_id"]), None)
        if task is None:
            self.problems.append(f"row {number} names a task that the service does not know")
            return
        state = "completed" if status == DONE else FAILED
        self.check(task["state"] == state, f"row {number} is {status} and {task['state']} at the service")
        bill = str(task["billing_transaction_id"] or "")
        self.check(row["billing_transaction_id"] == bill, f"row {number} has another billing id than the service")
        if status == DONE:
            path = self.output / row["path"]
            self.check(path.is_file() and path.read_bytes()[:4] == b"glTF", f"row {number} has no model")


def play(campaign: Campaign) -> None:
    """Two kills, then the same command until all is settled, then without and with a retry of what failed."""
    simulator = campaign.simulator
    campaign.prepare()
    is_over = threading.Event()
    doom = threading.Thread(target=campaign.doom, args=(is_over,))
    doom.start()
    for number in range(KILLS):
        simulator.configure(faults=list(TROUBLES[number]))
        campaign.run_and_kill(f"run {number + 1}", campaign.rows * (number + 1) // (KILLS + 1))
    simulator.configure(faults=list(TROUBLES[KILLS]))
    campaign.run(f"run {KILLS + 1}")
    is_over.set()
    doom.join()
    campaign.judge(was_retried=False)
    simulator.configure(faults=[])
    _again(campaign, "the same command again", added=lambda: 0)
    campaign.judge(was_retried=False)
    _again(campaign, "--retry-failed", "--retry-failed", added=lambda: campaign.counts()[FAILED])
    campaign.judge(was_retried=True)
    campaign.check(campaign.counts()[FAILED] == 0, "what failed was not made by --retry-failed")
    left = [path.name for path in campaign.output.iterdir() if path.name.startswith(".")]
    campaign.check(not left, f"these are left in the folder: {left}")


def _again(campaign: Campaign, name: str, *more: str, added: Callable[[], int]) -> None:
    """Run it once more; it may send so many requests and no other."""
    expected = len(campaign.simulator.creates()) + added()
    campaign.run(name, *more)
    found = len(campaign.simulator.creates())
    campaign.check(found == expected, f"{name}: {found} creates are accepted by now, not {expected}")


def write_report(campaign: Campaign, seed: int) -> None:
    lines = [
        "# A batch that everything goes wrong with",
        "",
        f"Written by a run; not by hand. {campaign.rows} rows against the simulator, which refuses bursts of requests",
        "(429), fails tasks and cuts connections, while the command is killed twice. The same command goes on each",
        "time. Afterwards the result file is compared with the service's own books: no row may have two accepted",
        "creates, and each row's task, billing id and state have to be the service's.",
        "",
        f"{datetime.date.today().isoformat()}, seed {seed}. To repeat it: `make campaign CAMPAIGN=batch N={ROWS}`.",
        "",
        *table(("run", "exit status", "seconds", "accepted creates", DONE, FAILED, UNCERTAIN), campaign.table),
        "",
        *(campaign.problems or ["Nothing was sent twice, and every row agrees with the service."]),
    ]
    REPORT.write_text("\n".join(lines) + "\n", "utf-8")


def main() -> int:
    """Run the campaign; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.batch", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROWS, help="rows of the batch")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311  # no secret
    options = parser.parse_args()
    for name in PRIVATE_VARIABLES:
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="tokenlab-batch-", ignore_cleanup_errors=True) as text:
        folder = Path(text)
        package = build_zip(folder)
        with SimulatorProcess(assets=write_assets(folder / "assets"), seconds=TASK_SECONDS) as simulator:
            command = CommandLine(folder, simulator, package)
            campaign = Campaign(folder, simulator, command, options.rounds, random.Random(options.seed))  # noqa: S311  # no secret
            play(campaign)
    write_report(campaign, options.seed)
    for problem in campaign.problems:
        print(problem)
    print(Outcome(passed=int(not campaign.problems), failed=len(campaign.problems), skipped=0))
    return int(bool(campaign.problems))


if __name__ == "__main__":
    sys.exit(main())
