# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the preferences in a real window of the width that Blender gives it, and the diagnostics file."""

from __future__ import annotations

from tests.build import REPOSITORY
from tests.gui.window import Window
from tests.simulator.process import SimulatorProcess

PICTURES = REPOSITORY / "out" / "gui"
SHOWN = "bpy.context.window_manager.tokenlab"
OWN = "bpy.context.preferences.addons['bl_ext.user_default.tokenlab_3d'].preferences"
PAGE = "bpy.context.window_manager.windows[-1].screen.areas[0]"
SCROLL = f"""
area = {PAGE}
region = next(region for region in area.regions if region.type == "WINDOW")
with bpy.context.temp_override(window=bpy.context.window_manager.windows[-1], area=area, region=region):
    for _ in range(40):
        bpy.ops.view2d.scroll_down()
"""


def test_the_preferences_are_readable_and_the_diagnostics_open_in_their_folder(
    window: Window, simulator: SimulatorProcess
) -> None:
    opened, browser = window.folder / "opened", window.folder / "bin" / "xdg-open"
    browser.parent.mkdir()
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" >{opened}\n')
    browser.chmod(0o755)
    window.run(f"import os; os.environ['PATH'] = {str(browser.parent)!r} + ':' + os.environ['PATH']")

    # As most people see it first: nothing comes from the environment, and there is no key.
    window.run("del os.environ['TOKENLAB_API_KEY'], os.environ['TOKENLAB_API_BASE']")
    window.run("bpy.ops.screen.userpref_show()")
    window.wait("len(bpy.context.window_manager.windows) == 2")
    window.run("bpy.ops.preferences.addon_show(module='bl_ext.user_default.tokenlab_3d')")
    window.settle(10)
    window.screenshot(PICTURES / "preferences_first.png")
    window.run(SCROLL)
    window.settle(10)
    window.screenshot(PICTURES / "preferences_below.png")

    # With a key of its own that was tested, and an address that the environment sets.
    window.run(f"os.environ['TOKENLAB_API_BASE'] = {simulator.url!r}; {OWN}.api_key = {simulator.key!r}")
    window.run("bpy.ops.tokenlab.test_connection('INVOKE_DEFAULT')")
    window.wait(f"'accepts' in {SHOWN}.connection_status")
    window.run("bpy.ops.tokenlab.save_diagnostics('INVOKE_DEFAULT')")
    window.wait(f"{SHOWN}.diagnostics_status.startswith('Saved ')")
    window.wait(f"os.path.exists({str(opened)!r})")
    assert opened.read_text().rstrip("/") == str(window.folder / "data")
    (saved,) = window.folder.glob("data/diagnostics-*.txt")
    told = saved.read_text(encoding="utf-8")
    assert "Window: Yes" in told and "API Key: Set in the preferences" in told
    assert simulator.key not in told and "://" not in told
    window.run(SCROLL)
    window.settle(10)
    window.screenshot(PICTURES / "preferences_saved.png")

    # The other button asks where to write it, with the tick beside.
    window.run("bpy.ops.tokenlab.save_diagnostics('INVOKE_DEFAULT', choose_file=True)")
    window.wait(
        "any(area.type == 'FILE_BROWSER' for w in bpy.context.window_manager.windows for area in w.screen.areas)"
    )
    window.settle(10)
    window.screenshot(PICTURES / "diagnostics_browser.png")
