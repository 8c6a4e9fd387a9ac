# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The choice of a model in a real window: from the service's list, and of what is not on it."""

from __future__ import annotations

from tests.gui.window import PICTURES, Window
from tests.simulator.process import SimulatorProcess

LINE = 26
"""Pixels from one line of the sidebar to the next."""
MODEL = "bpy.context.scene.tokenlab.model"
KNOWN = "__import__('sys').modules['bl_ext.user_default.tokenlab_3d.core.blender.models'].shown()"


def test_a_model_is_searched_for_in_the_services_list_or_typed(window: Window, simulator: SimulatorProcess) -> None:
    window.open_sidebar("TokenLab")
    window.wait(f"len({KNOWN}.catalogue.details) == 1")
    window.settle()
    field = next(place for name, place in window.buttons("tokenlab.model").items() if "tokenlab.model" in name)
    window.click(field)
    window.settle(10)
    window.screenshot(PICTURES / "models.png")
    at = f"{field[0]}, {field[1]}"
    window.run(f"tap('A', {at}, ctrl=True)")
    window.run(f"type_text('p1', {at})")
    window.settle(10)
    window.run(f"tap('DOWN_ARROW', {at})")
    window.settle()
    window.run(f"tap('RET', {at})")
    window.wait(f"{MODEL} == 'tripo-p1.0'")
    window.wait(f"'tripo-p1.0' in {KNOWN}.catalogue.details")
    window.fill("tokenlab.model", "tripo-h3.1")
    _choose_format(window, "O")
    window.wait("bpy.context.scene.tokenlab.format == 'OBJ'")
    window.fill("tokenlab.model", "some-model-of-tomorrow")
    window.wait(f"{MODEL} == 'some-model-of-tomorrow'")
    window.run(f"move({field[0]}, {field[1] + 200}); bpy.ops.wm.call_menu(name='TOKENLAB_MT_models')")
    window.settle(10)
    window.screenshot(PICTURES / "prices.png")
    window.run(f"tap('ESC', {at})")


def _choose_format(window: Window, letter: str) -> None:
    """Open the menu of formats, one line above the quality, and choose by its underlined letter."""
    x, y = next(place for name, place in window.buttons("tokenlab.quality").items() if "tokenlab.quality" in name)
    at = f"{x}, {y + LINE}"
    window.run(f"move({at})")
    window.settle()
    window.run(f"tap('LEFTMOUSE', {at})")
    window.settle(10)
    window.screenshot(PICTURES / "formats.png")
    window.run(f"tap({letter!r}, {at})")
    window.settle()
