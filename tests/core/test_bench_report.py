# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the benchmarks: a run replaces what is its own, and the table leaves no benchmark out. No bpy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.report import TABLE, Figure, forget, write_section, write_table


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A page with two sections, `polling` and `download`."""
    page = tmp_path / "performance.md"
    polling = Figure("a poll", "5 ms", "100 ms", "1/20", "below 10 ms")
    write_section("polling", "Polling", ["First lines."], [polling], page, tmp_path)
    write_section("download", "Downloads", ["Of another run."], [Figure("a download", "2 s")], page, tmp_path)
    return page


def test_a_run_replaces_its_own_section_and_leaves_the_others_alone(report: Path, tmp_path: Path) -> None:
    before = report.read_text("utf-8")
    write_section("polling", "Polling", ["Second lines."], [], report, tmp_path)
    assert report.read_text("utf-8") == before.replace("First lines.", "Second lines.")


def test_every_line_of_the_table_has_the_command_beside_it(report: Path, tmp_path: Path) -> None:
    write_table(["polling", "download"], report, tmp_path)
    page = report.read_text("utf-8")
    assert "| a poll | 100 ms | 5 ms | 1/20 | below 10 ms | `make bench BENCH=polling` |" in page
    assert "| a download | - | 2 s | - | - | `make bench BENCH=download` |" in page


def test_the_table_stays_at_the_top_and_is_there_once(report: Path, tmp_path: Path) -> None:
    for _ in range(2):
        write_table(["polling", "download"], report, tmp_path)
    titles = [line for line in report.read_text("utf-8").splitlines() if line.startswith("## ")]
    assert titles == [f"## {TABLE}", "## Polling", "## Downloads"]


def test_a_missed_goal_is_said_in_the_table(report: Path, tmp_path: Path) -> None:
    slow = Figure("a poll", "50 ms", goal="below 10 ms", is_met=False)
    write_section("polling", "Polling", [], [slow], report, tmp_path)
    write_table(["polling"], report, tmp_path)
    assert "| below 10 ms: **missed** |" in report.read_text("utf-8")


def test_a_benchmark_that_did_not_run_is_named_and_its_older_figures_are_not_shown(
    report: Path, tmp_path: Path
) -> None:
    forget(["download"], tmp_path)
    write_table(["polling", "download"], report, tmp_path)
    page = report.read_text("utf-8")
    assert "`download`: not measured in this run" in page
    assert "| a download |" not in page
