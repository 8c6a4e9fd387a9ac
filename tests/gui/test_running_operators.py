# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model that is there while an operator runs: it waits, but not for a click on Import, which no transform lets by."""

from __future__ import annotations

import pytest

from tests.gui.test_generate import ARRIVAL_SECONDS, ROWS, away_from_buttons
from tests.gui.window import Window, WindowError
from tests.simulator.process import SimulatorProcess

SHOW_KEYS = """
class SHOW_OT_keys(bpy.types.Operator):
    bl_idname, bl_label = "show.keys", "Show Pressed Keys"

    def invoke(self, context, event):
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        return {"PASS_THROUGH"}

bpy.utils.register_class(SHOW_OT_keys)
with bpy.context.temp_override(window=window()):
    bpy.ops.show.keys("INVOKE_DEFAULT")
"""
"""As add-ons do that show pressed keys: an operator that never ends, and is in nobody's way."""
SHOWN_BELOW = """
import sys
bar = sys.modules["bl_ext.user_default.tokenlab_3d.core.blender.status_bar"]
shown_below = []
def look(self, context):
    shown_below.append(bar.shown().running)
bpy.types.STATUSBAR_HT_header.append(look)
window().workspace.status_text_set("Keys of the operator")
"""
"""Note how many tasks run, each time that the status bar is drawn."""
RUNNING = "len(window().modal_operators)"
WAITS = f"{ROWS}[0].state == 'READY' and {ROWS}[0].waits_for"


def begin(window: Window, simulator: SimulatorProcess) -> str:
    """Send a request, whose model comes when the test says so; return the service's id of the task."""
    simulator.configure(seconds=1000.0)
    window.open_sidebar("TokenLab")
    window.fill("tokenlab.prompt", "a small wooden chair")
    window.click("bpy.ops.tokenlab.generate")
    window.wait(f"len({ROWS}) == 1 and {ROWS}[0].task_id != ''", ARRIVAL_SECONDS)
    away_from_buttons(window)
    return str(window.run(f"{ROWS}[0].task_id"))


def test_a_click_on_import_need_not_wait_for_an_operator_that_never_ends(
    window: Window, simulator: SimulatorProcess
) -> None:
    task_id = begin(window, simulator)
    window.run(SHOW_KEYS)
    simulator.steer(task_id, seconds=0.0)
    said = window.wait(WAITS, ARRIVAL_SECONDS)
    assert said == "the running operator to end, or for your click on Import"
    window.settle(100)
    assert window.run(f"{ROWS}[0].state") == "READY", "by itself it does not come"
    window.click("tokenlab.import_model")
    window.wait(f"{ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)
    assert window.run(RUNNING) == 1
    away_from_buttons(window)
    window.key("Z", ctrl=True)
    window.wait(f"{ROWS}[0].state == 'READY'", ARRIVAL_SECONDS)
    window.key("Z", ctrl=True, shift=True)
    window.wait(f"{ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)


def test_nothing_is_imported_while_the_user_moves_something(window: Window, simulator: SimulatorProcess) -> None:
    task_id = begin(window, simulator)
    window.key("G")
    window.wait(f"{RUNNING} == 1")
    simulator.steer(task_id, seconds=0.0)
    window.wait(WAITS, ARRIVAL_SECONDS)
    with pytest.raises(WindowError, match="has to wait for the running operator to end"):
        window.run("bpy.ops.tokenlab.import_model()")
    window.settle(20)
    assert window.run(f"[{RUNNING}, {ROWS}[0].state]") == [1, "READY"]
    window.key("ESC")
    window.wait(f"{ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)


def test_the_status_bar_goes_on_telling_while_an_operator_runs_that_never_ends(
    window: Window, simulator: SimulatorProcess
) -> None:
    task_id = begin(window, simulator)
    window.run(SHOW_KEYS)
    window.run(SHOWN_BELOW)
    window.wait("shown_below[-1:] == [1]", ARRIVAL_SECONDS)
    simulator.steer(task_id, seconds=0.0)
    window.wait("shown_below[-1:] == [0]", ARRIVAL_SECONDS)
    assert window.run(RUNNING) == 1
    assert window.run("window().workspace.name") == "Layout"
