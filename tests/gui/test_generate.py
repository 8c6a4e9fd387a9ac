# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job with mouse and keyboard in a real window."""

from __future__ import annotations

import json

from tests.gui.window import PICTURES, Window
from tests.simulator.models import ensure_models
from tests.simulator.process import SimulatorProcess

TASK_SECONDS = 6.0
"""Longer than the first pause between polls, so that the task is seen running."""
ARRIVAL_SECONDS = 90.0

ROWS = "bpy.context.window_manager.tokenlab.tasks"
ENTRIES = 'bpy.context.scene["tokenlab_tasks"].to_dict()'


def entries(window: Window) -> list[dict[str, object]]:
    return [json.loads(text) for text in window.run(ENTRIES).values()]


def away_from_buttons(window: Window) -> None:
    """Move the pointer where it brings up no tooltip."""
    window.run("a = viewport(); move(a.x + a.width // 3, a.y + a.height // 8)")
    window.settle()


def test_a_prompt_is_typed_generate_is_clicked_and_the_model_arrives(
    window: Window, simulator: SimulatorProcess
) -> None:
    simulator.configure(assets=ensure_models(), seconds=TASK_SECONDS)
    window.open_sidebar("TokenLab")
    window.fill("tokenlab.prompt", "a low-poly robot mascot")
    window.click("bpy.ops.tokenlab.generate")
    window.wait(f"len({ROWS}) == 1")
    window.wait(f"{ROWS}[0].state == 'PROCESSING'", ARRIVAL_SECONDS)
    away_from_buttons(window)
    window.screenshot(PICTURES / "running.png")
    before = window.run("len(bpy.data.objects)")
    window.wait(f"{ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)
    window.settle()
    assert window.run("len(bpy.data.objects)") > before
    assert [entry["state"] for entry in entries(window)] == ["IMPORTED"]
    assert len(simulator.creates()) == 1
    window.run("bpy.data.objects['Cube'].hide_set(True)")
    window.run("view_selected()")
    # Textures without a renderer, which would have to compile its shaders first.
    window.run("viewport().spaces.active.shading.color_type = 'TEXTURE'")
    window.run("viewport().spaces.active.overlay.show_outline_selected = False")
    away_from_buttons(window)
    window.settle(10)
    window.screenshot(PICTURES / "imported.png")
    # One step takes the import back, as any other; in 5.2 this is where an import without a step would crash.
    window.key("Z", ctrl=True)
    window.wait(f"{ROWS}[0].state == 'READY'")
    assert window.run("len(bpy.data.objects)") == before
    window.key("Z", ctrl=True, shift=True)
    window.wait(f"{ROWS}[0].state == 'IMPORTED'")
    assert len(simulator.creates()) == 1


def test_without_a_key_the_sidebar_says_so_and_leads_to_the_preferences(window: Window) -> None:
    window.run("import os; os.environ.pop('TOKENLAB_API_KEY')")
    window.open_sidebar("TokenLab")
    buttons = " ".join(window.buttons())
    assert "preferences.addon_show" in buttons
    window.screenshot(PICTURES / "no_key.png")
    window.run("import os; os.environ.update(TOKENLAB_API_KEY='sk-any', TOKENLAB_API_BASE='https://service.invalid')")
    window.run("viewport().tag_redraw()")
    window.settle()
    assert "screen.userpref_show" in " ".join(window.buttons())
    window.screenshot(PICTURES / "offline.png")


def test_the_search_finds_generate_with_default_preferences(window: Window, simulator: SimulatorProcess) -> None:
    window.key("F3")
    x, y = window.run("a = viewport(); [a.x + a.width // 2, a.y + a.height // 2]")
    window.run(f"type_text('Generate 3D Model', {x}, {y})")
    window.settle(5)
    window.screenshot(PICTURES / "search.png")
    window.run(f"tap('RET', {x}, {y})")
    window.settle(5)
    window.screenshot(PICTURES / "dialog.png")
    assert [entry for entry in simulator.requests() if entry["method"] == "POST"] == [], "the dialog asks first"


def test_blenders_own_list_of_extensions_reports_no_policy_violation(window: Window) -> None:
    listed = window.blender("--command", "extension", "list")
    assert "tokenlab_3d" in listed
    assert "Policy violation" not in listed
