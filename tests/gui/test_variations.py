# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variations of a prompt in a real window: asked about with their price, compared side by side, one of them kept."""

from __future__ import annotations

from tests.gui.test_generate import ARRIVAL_SECONDS, ROWS, away_from_buttons
from tests.gui.test_states import SHOWN, THUMBNAILS
from tests.gui.window import PICTURES, Window
from tests.simulator.models import ensure_models
from tests.simulator.process import SimulatorProcess

FORM = "bpy.context.scene.tokenlab"
COUNT = 3


def test_variations_are_asked_about_compared_and_one_is_kept(window: Window, simulator: SimulatorProcess) -> None:
    simulator.configure(assets=ensure_models(), seconds=0.2)
    _open_by_default(window, "TOKENLAB_PT_variants")
    window.open_sidebar("TokenLab")
    window.wait(f"{SHOWN}.service_state == 'ANSWERS'")
    window.fill("tokenlab.prompt", "a low-poly robot mascot")
    window.run(f"{FORM}.variations = {COUNT}")
    window.settle(5)
    window.click("bpy.ops.tokenlab.generate")
    window.settle(5)
    window.screenshot(PICTURES / "variations_price.png")
    assert not simulator.creates(), "the price is named first"
    x, y = window.run("a = sidebar(); [a.x + a.width // 2, a.y + a.height // 2]")
    window.run(f"tap('RET', {x}, {y})")
    window.wait(f"[row.state for row in {ROWS}] == ['IMPORTED'] * {COUNT}", ARRIVAL_SECONDS)
    assert len(simulator.creates()) == COUNT
    assert len({create["request"]["seed"] for create in simulator.creates()}) == COUNT
    window.wait(f"all({THUMBNAILS}.icon_id(row.local_id) for row in {ROWS})", ARRIVAL_SECONDS)
    window.scroll()
    away_from_buttons(window)
    window.settle(20)
    window.picture(PICTURES / "variants.png")
    _keep(window)
    away_from_buttons(window)
    window.settle(20)
    window.picture(PICTURES / "variants_kept.png")
    window.key("Z", ctrl=True)
    window.wait(f"[row.state for row in {ROWS}] == ['IMPORTED'] * {COUNT}")
    assert len(simulator.creates()) == COUNT
    _ask_for_one_more_by_a_right_click(window, simulator)


def _ask_for_one_more_by_a_right_click(window: Window, simulator: SimulatorProcess) -> None:
    """Choose the last entry of the menu: what costs money asks there too."""
    window.run(f"bpy.ops.tokenlab.select_model(local_id={ROWS}[0].local_id)")
    window.key("RIGHTMOUSE")
    window.settle(5)
    window.key("UP_ARROW")
    window.key("RET")
    window.settle(10)
    window.screenshot(PICTURES / "variation_asks.png")
    assert len(simulator.creates()) == COUNT, "the price is named first"
    window.key("RET")
    window.wait(f"len({ROWS}) == {COUNT + 1} and {ROWS}[{COUNT}].task_id", ARRIVAL_SECONDS)
    assert len(simulator.creates()) == COUNT + 1


def _keep(window: Window) -> None:
    """Click on Keep; once more if a line has come above it meanwhile, and moved it from under the pointer."""
    kept = f"sorted(row.state for row in {ROWS}) == ['IMPORTED'] + ['READY'] * {COUNT - 1}"
    for _ in range(3):
        window.click("bpy.ops.tokenlab.keep_variant")
        window.settle(20)
        if window.run(kept):
            return
    raise AssertionError("the others were not put away")


def _open_by_default(window: Window, name: str) -> None:
    """Have a panel be open that begins closed: before it was drawn, which panels are open is Blender's to know."""
    window.run(
        f"panel = bpy.types.{name}; bpy.utils.unregister_class(panel); panel.bl_options = set()\n"
        "bpy.utils.register_class(panel)"
    )
