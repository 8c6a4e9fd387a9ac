# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The library in a real window: a task's files in the system's file browser, the Asset Browser, the clean-up."""

from __future__ import annotations

from pathlib import Path

from tests.gui.test_generate import ARRIVAL_SECONDS, ROWS, away_from_buttons
from tests.gui.window import PICTURES, Window
from tests.simulator.process import SimulatorProcess

SHOWN = "bpy.context.window_manager.tokenlab"
LIBRARIES = "bpy.context.preferences.filepaths.asset_libraries"


def generate(window: Window, simulator: SimulatorProcess) -> Path:
    """Generate a model and return its folder."""
    simulator.configure(seconds=0.1)
    window.open_sidebar("TokenLab")
    window.run("bpy.ops.tokenlab.generate(prompt='a triangle')")
    window.wait(f"{ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)
    (folder,) = window.folder.glob("data/library/*/a-triangle-*")
    return folder


def test_the_folder_of_a_task_is_handed_to_the_system(window: Window, simulator: SimulatorProcess) -> None:
    folder = generate(window, simulator)
    opened, browser = window.folder / "opened", window.folder / "bin" / "xdg-open"
    browser.parent.mkdir()
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" >{opened}\n')
    browser.chmod(0o755)
    window.run(f"import os; os.environ['PATH'] = {str(browser.parent)!r} + ':' + os.environ['PATH']")
    window.run("bpy.ops.tokenlab.open_folder('INVOKE_DEFAULT')")
    window.wait(f"__import__('os').path.exists({str(opened)!r})")
    assert opened.read_text().rstrip("/") == str(folder)


def test_the_library_is_shown_in_the_preferences_and_added_to_the_asset_browser(
    window: Window, simulator: SimulatorProcess
) -> None:
    folder = generate(window, simulator)
    window.wait(f"{SHOWN}.library_use.startswith('1 model, ')")
    window.run("viewport().type = 'PREFERENCES'")
    window.run("bpy.ops.preferences.addon_show(module='bl_ext.user_default.tokenlab_3d')")
    window.settle(10)
    window.screenshot(PICTURES / "library_preferences.png")
    window.run("bpy.ops.tokenlab.add_asset_library('INVOKE_DEFAULT')")
    window.wait(f"not {SHOWN}.library_is_busy")
    assert (folder.parents[1] / "blender_assets.cats.txt").is_file()
    assert window.run(f"[library.name for library in {LIBRARIES}]")[-1] == "TokenLab 3D"
    window.settle(10)
    window.screenshot(PICTURES / "library_added.png")


def test_a_clean_up_names_what_it_frees_and_asks(window: Window, simulator: SimulatorProcess) -> None:
    folder = generate(window, simulator)
    window.run("bpy.ops.tokenlab.remove_task()")
    away_from_buttons(window)
    # The removal has the library looked at once more.
    window.run("import importlib; tokenlab = importlib.import_module('bl_ext.user_default.tokenlab_3d')")
    window.wait("(use := tokenlab.core.blender.session.current().library.use) and use.removable")
    window.run("bpy.ops.tokenlab.clean_up_library('INVOKE_DEFAULT')")
    window.settle(5)
    window.screenshot(PICTURES / "clean_up.png")
    assert folder.is_dir(), "nothing is removed before the user says so"
    x, y = window.run("a = viewport(); [a.x + a.width // 3, a.y + a.height // 8]")
    window.run(f"tap('RET', {x}, {y})")
    window.wait(f"'freed' in {SHOWN}.library_status")
    assert not folder.exists()
    assert window.run("len(bpy.data.collections)") > 1, "what was imported stays"
