# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one tier of the tests as a pytest process with a time limit, and say honestly how it went. No bpy."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests import recording
from tests.simulator.configuration import CAPTURES_VARIABLE, DEFAULT_KEY

REPOSITORY = Path(__file__).resolve().parent.parent
TIERS = ("core", "blender", "gui")
TIME_LIMITS = {"core": 900.0, "blender": 1800.0, "gui": 1500.0}
"""Seconds for a whole tier, several times what it takes on two cores."""
EXIT_LIMIT = 30.0
"""Seconds between pytest's own end and the end of its process. Blender 4.5 hangs there when something is left over."""
PRIVATE_VARIABLES = ("TOKENLAB_API_KEY", "TOKENLAB_API_BASE", "TOKENLAB_DATA_DIR")
"""What a user may have set for real work: no test may see a key that costs money, or touch real tasks."""
POLL_INTERVAL = 0.1
INTERRUPTED = "was interrupted"


@dataclass
class Outcome:
    """How a tier, or several, went."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    problems: list[str] = field(default_factory=list)
    """Failures that no test reported: a crash, a time-out, a tier that could not run. Each is counted in `failed`."""
    skip_reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: Outcome) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.problems += other.problems
        self.skip_reasons += other.skip_reasons

    @property
    def executed(self) -> int:
        return self.passed + self.failed

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def problem(sentence: str) -> Outcome:
    return Outcome(failed=1, problems=[sentence])


def skip(sentence: str) -> Outcome:
    return Outcome(skipped=1, skip_reasons=Counter([sentence]))


def run_tier(tier: str, python: Path, label: str, arguments: list[str]) -> Outcome:
    """Run one tier with this Python. `label` names the tier and the Blender in what is printed."""
    with tempfile.TemporaryDirectory(prefix="tokenlab-tests-") as folder:
        record_file = Path(folder) / "record.jsonl"
        command = [str(python), "-m", "pytest", "-p", "tests.recording", "--record", str(record_file)]
        left = Path(folder) / "left"
        left.mkdir()
        started = time.monotonic()
        process = subprocess.Popen(
            [*command, *([] if _names_tests(tier, arguments) else [f"tests/{tier}"]), *arguments],
            cwd=REPOSITORY,
            # Whatever the tests and Blender leave behind is in one place, to be searched.
            env={
                **clean_environment(),
                **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(left)),
                CAPTURES_VARIABLE: str(left / "captures"),
            },
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            ending = wait(process, record_file, started + TIME_LIMITS[tier])
        finally:
            kill(process)
        outcome = judge(recording.read(record_file), ending, label)
        outcome.add(search_for_key(left, label))
    print(f"{label}: {outcome} ({time.monotonic() - started:.0f} s)", flush=True)
    return outcome


def _names_tests(tier: str, arguments: list[str]) -> bool:
    """Whether the arguments say which files of the tier to run."""
    return any(argument.startswith(f"tests/{tier}/") for argument in arguments)


def search_for_key(folder: Path, label: str) -> Outcome:
    """Fail when a file that the tests left holds the simulator's key, or a request to another host than the API's."""
    from tests.secrets_search import holding  # noqa: PLC0415  # whoever only wants an environment needs no zstandard

    started = time.monotonic()
    found = [str(path.relative_to(folder)) for path in holding(folder, DEFAULT_KEY)]
    count = sum(path.is_file() for path in folder.rglob("*"))
    print(f"{label}: looked for the key in {count} files ({time.monotonic() - started:.0f} s)", flush=True)
    return problem(f"{label} left the key in {', '.join(found)}.") if found else Outcome()


def clean_environment() -> dict[str, str]:
    """Give the tests no way to reach, or to pay, the real service by accident."""
    return {name: value for name, value in os.environ.items() if name not in PRIVATE_VARIABLES}


def wait(process: subprocess.Popen[bytes], record_file: Path, deadline: float) -> str:
    """Wait for the end of the process; return what was wrong with that end, if anything."""
    exit_deadline: float | None = None
    while process.poll() is None:
        now = time.monotonic()
        if exit_deadline is None and recording.read(record_file).ended:
            exit_deadline = now + EXIT_LIMIT
        if now > deadline:
            return "did not end within its time limit"
        if exit_deadline is not None and now > exit_deadline:
            return f"did not exit within {EXIT_LIMIT:.0f} s after its last test"
        time.sleep(POLL_INTERVAL)
    return describe_exit(process.returncode)


def describe_exit(status: int) -> str:
    # 0: all passed. 1: some failed, which their own lines say. 5: nothing collected, which judge() says.
    if status in (0, 1, 5):
        return ""
    if status == 2:
        return INTERRUPTED
    if status < 0:
        return f"crashed with signal {signal.Signals(-status).name}"
    return f"ended with status {status}"


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the process, and what it started and left behind: a simulator, a converter, a window."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):  # the usual case: all of them are gone
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()


def judge(record: recording.Record, ending: str, label: str) -> Outcome:
    outcome = Outcome(
        passed=record.count("passed"),
        failed=record.count("failed"),
        skipped=record.count("skipped"),
        skip_reasons=Counter(record.reasons.values()),
    )
    # Pytest's 2 means that it stopped early; when a test module could not be imported, that is already counted.
    if ending and not (ending == INTERRUPTED and outcome.failed):
        where = f" in {record.running}" if record.running else ""
        outcome.add(problem(f"{label} {ending}{where}."))
    elif not record.ended:
        outcome.add(problem(f"{label} ended without a report."))
    elif outcome.executed == 0:
        outcome.add(problem(f"{label} ran no test."))
    return outcome
