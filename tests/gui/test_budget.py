# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A limit for spending in a real window: Generate asks first, with the figures, and sends after a yes."""

from __future__ import annotations

from tests.gui.test_generate import ARRIVAL_SECONDS, ROWS
from tests.gui.test_states import SHOWN
from tests.gui.window import PICTURES, Window
from tests.simulator.process import SimulatorProcess

PREFERENCES = "bpy.context.preferences.addons['bl_ext.user_default.tokenlab_3d'].preferences"


def test_generate_asks_before_the_limit_could_be_passed(window: Window, simulator: SimulatorProcess) -> None:
    window.open_sidebar("TokenLab")
    window.wait(f"{SHOWN}.service_state == 'ANSWERS'")
    # A request costs up to $0.40.
    window.run(f"{PREFERENCES}.month_limit = 0.3")
    window.fill("tokenlab.prompt", "a golden statue")
    window.click("bpy.ops.tokenlab.generate")
    window.settle(10)
    window.screenshot(PICTURES / "budget.png")
    assert not simulator.creates(), "the limit is named first"
    x, y = window.run("a = sidebar(); [a.x + a.width // 2, a.y + a.height // 2]")
    window.run(f"tap('RET', {x}, {y})")
    window.wait(f"len({ROWS}) == 1 and {ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)
    assert len(simulator.creates()) == 1
