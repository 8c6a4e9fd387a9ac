# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every state that a user can be in, drawn in a real window from what the service does, each with its next step.

The pictures are those of the user guide (`make pictures`).
"""

from __future__ import annotations

from collections.abc import Callable

from tests.gui.test_generate import ARRIVAL_SECONDS, ROWS, away_from_buttons
from tests.gui.window import PICTURES, Window
from tests.loopback import refused_port
from tests.simulator.models import ensure_models
from tests.simulator.process import SimulatorProcess

SHOWN = "bpy.context.window_manager.tokenlab"
THUMBNAILS = "__import__('sys').modules['bl_ext.user_default.tokenlab_3d.core.blender.thumbnails']"


class Walk:
    """Goes from state to state in one window."""

    def __init__(self, window: Window, simulator: SimulatorProcess) -> None:
        self.window = window
        self.simulator = simulator

    def sees(self, name: str, *buttons: str) -> None:
        """Look for the buttons of a state, and take its picture."""
        self.window.settle(5)
        found = " ".join(self.window.buttons())
        if not all(button in found for button in buttons):
            # Below the window's edge, where a user scrolls to.
            self.window.scroll()
            found += " ".join(self.window.buttons())
        assert all(button in found for button in buttons), f"{name}: {buttons} among {found}"
        away_from_buttons(self.window)
        self.window.settle(5)
        self.window.picture(PICTURES / f"state_{name}.png")

    def connects_to(self, url: str, key: str) -> None:
        self.window.run(f"import os; os.environ.update(TOKENLAB_API_BASE={url!r}, TOKENLAB_API_KEY={key!r})")
        self.window.run("viewport().tag_redraw()")

    def generates(self, prompt: str, state: str, *faults: str, seconds: float = 0.2) -> None:
        """Send a prompt to a service with faults, and wait until its task, the active one, is in a state."""
        self.simulator.configure(faults=list(faults), seconds=seconds)
        self.window.run(f"bpy.ops.tokenlab.generate(prompt={prompt!r})")
        self.window.wait(f"[row.state for row in {ROWS} if row.prompt == {prompt!r}] == [{state!r}]", ARRIVAL_SECONDS)


def test_each_state_is_drawn_with_its_next_step(window: Window, simulator: SimulatorProcess) -> None:
    simulator.configure(assets=ensure_models())
    walk = Walk(window, simulator)
    window.open_sidebar("TokenLab")
    window.wait(f"{SHOWN}.service_state == 'ANSWERS'")
    walk.sees("empty", "tokenlab.prompt", "tokenlab.generate")
    _what_keeps_from_sending(walk)
    walk.generates("a boat", "SUBMITTING", "create-never-answers")
    walk.sees("submitting")
    walk.generates("a ship", "PROCESSING", "never-completes")
    walk.sees("running", "tokenlab.stop_waiting")
    window.click("bpy.ops.tokenlab.stop_waiting")
    window.wait(f"any(row.state == 'STOPPED' for row in {ROWS})")
    walk.sees("stopped", "tokenlab.resume")
    walk.generates("a small chair", "UNCERTAIN", "create-reset-after-body")
    walk.sees("uncertain", "tokenlab.attach_task", "tokenlab.submit_again", "tokenlab.remove_task")
    walk.generates("a table", "FAILED", "create-402")
    walk.sees("failed", "wm.url_open")
    walk.generates("a low-poly robot mascot", "IMPORTED")
    window.wait(f"{THUMBNAILS}.icon_id({SHOWN}.tasks[{SHOWN}.active_task_index].local_id)", ARRIVAL_SECONDS)
    walk.sees("imported", "tokenlab.import_model")
    window.key("Z", ctrl=True)
    window.wait(f"any(row.state == 'READY' for row in {ROWS})")
    walk.sees("ready", "tokenlab.import_model")
    walk.generates("a lamp", "PROCESSING", "never-completes")
    window.run("bpy.ops.wm.read_homefile()")
    simulator.configure(faults=[])
    window.wait(f"any(row.state == 'READY' for row in {ROWS})", ARRIVAL_SECONDS)
    window.open_sidebar("TokenLab")
    window.run(f"{SHOWN}.active_task_index = [row.state for row in {ROWS}].index('READY')")
    walk.sees("other_files", "tokenlab.import_model")


def _what_keeps_from_sending(walk: Walk) -> None:
    window, simulator = walk.window, walk.simulator
    window.run("import os; os.environ.pop('TOKENLAB_API_KEY'); viewport().tag_redraw()")
    walk.sees("no_key", "preferences.addon_show")
    walk.connects_to("https://service.invalid", simulator.key)
    walk.sees("offline", "screen.userpref_show")
    walk.connects_to(simulator.url, "sk-nobody-has-this-key")
    window.run("bpy.ops.tokenlab.test_connection()")
    window.wait(f"{SHOWN}.service_state == 'KEY_REFUSED'")
    walk.sees("key_refused", "preferences.addon_show")
    walk.connects_to(f"http://127.0.0.1:{refused_port()}", simulator.key)
    window.run("bpy.ops.tokenlab.test_connection()")
    window.wait(f"{SHOWN}.service_state == 'UNREACHABLE'")
    walk.sees("no_network", "tokenlab.test_connection")
    walk.connects_to(simulator.url, simulator.key)
    window.run("bpy.ops.tokenlab.test_connection()")
    window.wait(f"{SHOWN}.service_state == 'ANSWERS'")
    window.run(f"{SHOWN}.connection_status = ''")


def _searches(window: Window, words: str, until: Callable[[], object]) -> None:
    """Find an action with the search, and start it."""
    window.key("F3")
    x, y = window.run("a = viewport(); [a.x + a.width // 2, a.y + a.height // 2]")
    window.run(f"type_text({words!r}, {x}, {y})")
    window.settle(5)
    window.run(f"tap('RET', {x}, {y})")
    window.settle(5)
    until()


def test_actions_are_found_by_the_search_and_the_list_is_narrowed_by_hand(
    window: Window, simulator: SimulatorProcess
) -> None:
    walk = Walk(window, simulator)
    window.open_sidebar("TokenLab")
    walk.generates("a ship", "PROCESSING", "never-completes")
    _searches(window, "Stop Waiting for Model", lambda: window.wait(f"{ROWS}[0].state == 'STOPPED'"))
    _searches(window, "Resume Task", lambda: window.wait(f"{ROWS}[0].state == 'PROCESSING'", ARRIVAL_SECONDS))
    walk.generates("a table", "FAILED", "create-402", "never-completes")
    _searches(window, "Clear Finished Tasks", lambda: window.settle(10))
    window.screenshot(PICTURES / "clear_finished.png")
    x, y = window.run("a = viewport(); [a.x + a.width // 2, a.y + a.height // 2]")
    window.run(f"tap('RET', {x}, {y})")
    window.wait(f"[row.prompt for row in {ROWS}] == ['a ship']")
    _searches(window, "Copy Prompt", lambda: window.wait("bpy.context.window_manager.clipboard == 'a ship'"))
    _searches(window, "Refresh Models", lambda: window.wait(f"{SHOWN}.service_state == 'ANSWERS'"))
