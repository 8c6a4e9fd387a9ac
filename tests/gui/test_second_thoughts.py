# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Double clicks, undo in the middle, a request whose fate is unknown, and quitting, in a real window."""

from __future__ import annotations

import time

from tests.gui.test_generate import ARRIVAL_SECONDS, ROWS, away_from_buttons, entries
from tests.gui.window import PICTURES, Window
from tests.simulator.models import ensure_models
from tests.simulator.process import SimulatorProcess

IMPORTED = '[item.name for item in bpy.data.collections if item.get("tokenlab_local_id")]'


def test_a_second_click_asks_before_the_same_is_paid_twice(window: Window, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["never-completes"])
    window.open_sidebar("TokenLab")
    window.fill("tokenlab.prompt", "a low-poly robot mascot")
    button = next(place for name, place in window.buttons("tokenlab.generate").items() if "tokenlab.generate" in name)
    window.click(button)
    window.wait(f"len({ROWS}) == 1 and {ROWS}[0].task_id != ''", ARRIVAL_SECONDS)
    window.click(button)
    window.settle(5)
    window.screenshot(PICTURES / "duplicate.png")
    assert window.run(f"len({ROWS})") == 1
    assert len(simulator.creates()) == 1
    x, y = button
    window.run(f"tap('ESC', {x}, {y})")
    window.settle(5)
    assert len(simulator.creates()) == 1


def test_undo_and_redo_while_a_task_runs_touch_neither_the_task_nor_its_import(
    window: Window, simulator: SimulatorProcess
) -> None:
    simulator.configure(assets=ensure_models(), seconds=1000.0)
    window.open_sidebar("TokenLab")
    window.fill("tokenlab.prompt", "a low-poly robot mascot")
    window.click("bpy.ops.tokenlab.generate")
    task_id = window.wait(f"{ROWS}[0].task_id if len({ROWS}) == 1 else ''", ARRIVAL_SECONDS)
    window.run("bpy.data.objects['Cube'].location.x = 3; bpy.ops.ed.undo_push(message='Move')")
    away_from_buttons(window)
    window.screenshot(PICTURES / "before_undo.png")
    window.key("Z", ctrl=True)
    window.key("Z", ctrl=True)
    window.key("Z", ctrl=True, shift=True)
    assert window.run(f"[row.state for row in {ROWS}]")[0] in ("PENDING", "PROCESSING")
    simulator.steer(task_id, seconds=0.0)
    window.wait(f"{ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)
    window.settle()
    away_from_buttons(window)
    window.screenshot(PICTURES / "after_undo.png")
    assert len(window.run(IMPORTED)) == 1
    assert [entry["state"] for entry in entries(window)] == ["IMPORTED"]
    assert len(simulator.creates()) == 1


def test_a_request_without_an_answer_offers_its_three_ways_out(window: Window, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["create-reset-after-body"])
    window.open_sidebar("TokenLab")
    window.fill("tokenlab.prompt", "a low-poly robot mascot")
    window.click("bpy.ops.tokenlab.generate")
    window.wait(f"len({ROWS}) == 1 and {ROWS}[0].state == 'UNCERTAIN'", ARRIVAL_SECONDS)
    window.settle(5)
    window.scroll()
    buttons = " ".join(window.buttons())
    for name in ("attach_task", "submit_again", "remove_task"):
        assert f"tokenlab.{name}" in buttons
    away_from_buttons(window)
    window.screenshot(PICTURES / "uncertain.png")


def test_quitting_with_tasks_running_and_a_request_hanging_ends_well(
    window: Window, simulator: SimulatorProcess
) -> None:
    simulator.configure(faults=["never-completes"])
    generate = (
        "import importlib; t = importlib.import_module('bl_ext.user_default.tokenlab_3d')\nt.generate({!r}).state"
    )
    for number in range(3):
        window.run(generate.format(f"robot {number}"))
    window.wait(f"len({ROWS}) == 3 and all(row.task_id for row in {ROWS})", ARRIVAL_SECONDS)
    simulator.configure(faults=["never-completes", "create-never-answers"])
    window.run(generate.format("robot 3"))
    window.wait(f"any(row.state == 'SUBMITTING' for row in {ROWS})", ARRIVAL_SECONDS)
    window.settle(50)
    began = time.monotonic()
    assert window.quit() == 0
    print(f"quit with four tasks in {time.monotonic() - began:.2f} s")


def test_quitting_without_tasks_ends_well(window: Window) -> None:
    began = time.monotonic()
    assert window.quit() == 0
    print(f"quit without tasks in {time.monotonic() - began:.2f} s")
