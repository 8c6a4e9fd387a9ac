# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin that writes down each test's outcome as it happens, and the reader of that file. No bpy.

Blender can end the process at any moment, also after the last test: pytest's own reports, written at the end, would
then be lost, and with them the name of the test that did it. Use: `pytest -p tests.recording --record FILE`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import pytest

OUTCOMES = ("passed", "failed", "skipped")


@dataclass
class Record:
    """What a recorded run says."""

    outcomes: dict[str, str] = field(default_factory=dict)
    """Test to outcome."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Skipped test to its reason."""
    running: str = ""
    """The test that had started and not ended."""
    ended: bool = False
    """Whether pytest reached its own end; the process may still die or hang after that."""

    def count(self, outcome: str) -> int:
        return sum(1 for each in self.outcomes.values() if each == outcome)


def read(path: Path) -> Record:
    """Read what there is of a record; its last line may be torn."""
    record = Record()
    if not path.exists():
        return record
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            apply(record, json.loads(line))
    return record


def apply(record: Record, event: dict[str, str]) -> None:
    if event["event"] == "start":
        record.running = event["test"]
    elif event["event"] == "end":
        record.ended = True
    else:
        record.running = ""
        record.outcomes[event["test"]] = event["outcome"]
        if event["outcome"] == "skipped":
            record.reasons[event["test"]] = event["reason"]


class Recorder:
    """Appends one line of JSON for each event, and flushes it."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._outcome = "passed"
        self._reason = ""

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._outcome, self._reason = "passed", ""
        self._write(event="start", test=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A test has up to three reports: set-up, call and tear-down. The worst of them is its outcome.
        if OUTCOMES.index(report.outcome) > OUTCOMES.index("passed") and self._outcome != "failed":
            self._outcome, self._reason = report.outcome, reason_of(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._write(event="test", test=nodeid, outcome=self._outcome, reason=self._reason)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        # A module that cannot be imported is a failure, one that skips itself a skip; neither has tests of its own.
        if report.outcome != "passed":
            self._write(event="test", test=report.nodeid, outcome=report.outcome, reason=reason_of(report))

    def pytest_sessionfinish(self) -> None:
        self._write(event="end")

    def _write(self, **event: str) -> None:
        self._file.write(json.dumps(event) + "\n")
        self._file.flush()


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    expected_failure: str | None = getattr(report, "wasxfail", None)
    if expected_failure is not None:
        return f"expected to fail: {expected_failure}"
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return ""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", type=Path, help="write each outcome to this file, one line of JSON each")


def pytest_configure(config: pytest.Config) -> None:
    path: Path | None = config.getoption("--record")
    if path is not None:
        # Line-buffered and never closed: it must outlive everything that happens in this process.
        config.pluginmanager.register(Recorder(path.open("a", encoding="utf-8", buffering=1)), "recorder")
