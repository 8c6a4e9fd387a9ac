# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger through its operators and the command line, compared with the service's own books."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.commands import CommandLine
from tests.blender.fake_layout import draw
from tests.blender.support import pump
from tests.simulator.process import SimulatorProcess


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def busy(extension: ModuleType, simulator: SimulatorProcess, session: Any) -> None:
    """Two models that were paid for, one that failed, one trial."""
    session.engine.pacing = type(session.engine.pacing)(usual=0.05, slow=0.05, billing=(0.05, 0.5))
    for prompt in ("a chair", "a table"):
        extension.generate(prompt).wait(timeout=60)
    simulator.configure(faults=["task-fails"])
    with pytest.raises(extension.TokenLabError):
        extension.generate("a lamp").wait(timeout=60)
    simulator.configure(faults=[])
    extension.generate("a toy", model="try-without-key").wait(timeout=60)
    pump(extension, lambda: not session.engine._bills)


def test_the_ledger_agrees_with_the_books_of_the_service(
    extension: ModuleType, simulator: SimulatorProcess, busy: None, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.csv"
    assert bpy.ops.tokenlab.export_ledger(filepath=str(path)) == {"FINISHED"}
    created = {task["id"]: task for task in simulator.creates()}
    found = read(path)
    assert {row["task_id"] for row in found} == created.keys()
    for row in found:
        theirs = created[row["task_id"]]
        assert row["billing_transaction_id"] == (theirs["billing_transaction_id"] or "")
        assert row["charged"] == ("yes" if theirs["charged"] else "no")
        if theirs["charged"]:
            assert float(row["min_price_usd"]) <= float(theirs["price_usd"]) <= float(row["max_price_usd"])
    status = bpy.context.window_manager.tokenlab.ledger_status
    assert status == "ledger.csv has 3 tasks, between $0.20 and $0.80 in all."


def test_a_usage_file_makes_the_prices_exact_also_after_a_restart(
    extension: ModuleType, simulator: SimulatorProcess, busy: None, tmp_path: Path, preferences: Any
) -> None:
    rows = [
        {"billing_transaction_id": task["billing_transaction_id"], "cost_decimal": "0.3", "model": task["model"]}
        for task in simulator.creates()
        if task["charged"]
    ]
    usage = tmp_path / "usage.json"
    usage.write_text(json.dumps({"data": [*rows, {"billing_transaction_id": "other", "cost": 1}]}))
    assert bpy.ops.tokenlab.import_usage(filepath=str(usage)) == {"FINISHED"}
    status = bpy.context.window_manager.tokenlab.ledger_status
    assert status == "2 tasks cost exactly $0.60. Left out: 1 row belonging to no task of this computer."
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.tokenlab.export_ledger(filepath=str(tmp_path / "ledger.csv"))
    assert [row["exact_price_usd"] for row in read(tmp_path / "ledger.csv")] == ["0.3", "0.3", ""]
    page = extension.core.blender.preferences.TOKENLAB_AP_preferences
    drawn = draw(page, bl_rna=preferences.bl_rna).text
    assert "$0.60 in all" in drawn
    assert "In the ledger for this month: 3 tasks, $0.60." in " ".join(drawn.split())


def test_the_sum_of_this_month_is_said_without_a_file(busy: None, session: Any) -> None:
    assert session.books.month_words == "In the ledger for this month: 3 tasks, between $0.20 and $0.80."


def test_what_goes_wrong_is_said_and_changes_nothing(extension: ModuleType, session: Any, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(RuntimeError, match="could not be written"):
        bpy.ops.tokenlab.export_ledger(filepath=str(tmp_path / "folder"))
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.tokenlab.import_usage(filepath=str(tmp_path / "none.csv"))
    with pytest.raises(RuntimeError, match="No file is chosen"):
        bpy.ops.tokenlab.import_usage()


def test_a_task_belongs_to_the_file_that_it_was_generated_in_once_that_has_a_name(
    extension: ModuleType, simulator: SimulatorProcess, session: Any, tmp_path: Path
) -> None:
    extension.generate("a chair").wait(timeout=60)
    removed = extension.generate("a stool")
    removed.wait(timeout=60)
    assert session.remove(removed.local_id)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "one.blend"))
    extension.generate("a table").wait(timeout=60)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "two.blend"))
    bpy.ops.tokenlab.export_ledger(filepath=str(tmp_path / "ledger.csv"))
    assert [row["project"] for row in read(tmp_path / "ledger.csv")] == [str(tmp_path / "one.blend")] * 3
    # The path of this machine is nobody else's business.
    assert str(tmp_path) not in json.dumps(bpy.context.scene["tokenlab_tasks"].to_dict())


def test_the_command_sums_up_writes_and_takes_exact_prices_over(
    simulator: SimulatorProcess, extension_zip: Path, tmp_path: Path
) -> None:
    command = CommandLine(tmp_path, simulator, extension_zip)
    assert command.run("billing").lines[-1].split()[:3] == ["in", "all", "0"]
    assert command.run("generate", "a robot").status == 0
    lines = command.run("billing", "--by", "model").lines
    assert lines[1].split()[:2] == ["tripo-h3.1", "1"] and "between $0.10 and $0.40" in lines[1]
    (task,) = simulator.creates()
    usage = tmp_path / "usage.csv"
    usage.write_text(f"task_id,cost\n{task['id']},0.22\n")
    ended = command.run("billing", "--usage", usage, "--output", tmp_path / "ledger.csv", "--json")
    assert ended.status == 0, ended.said
    assert ended.data["total"] == {
        "name": "in all",
        "tasks": 1,
        "charged": 1,
        "min_usd": "0.22",
        "max_usd": "0.22",
        "exact_usd": "0.22",
        "without_price": 0,
    }
    assert read(tmp_path / "ledger.csv")[0]["exact_price_usd"] == "0.22"
    assert command.run("billing", "--usage", tmp_path / "none.csv").status == 2
