# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab as a user sees it."""

from __future__ import annotations

from tests.gui.window import Window


def test_the_sidebar_has_a_tab_with_the_form_and_the_generate_button(window: Window) -> None:
    window.open_sidebar("TokenLab")
    buttons = " ".join(window.buttons())
    assert "tokenlab.generate" in buttons
    assert "tokenlab.prompt" in buttons


def test_a_prompt_can_be_typed_into_the_sidebar(window: Window) -> None:
    window.open_sidebar("TokenLab")
    window.fill("tokenlab.prompt", "a low-poly robot")
    assert window.run("bpy.context.scene.tokenlab.prompt") == "a low-poly robot"
