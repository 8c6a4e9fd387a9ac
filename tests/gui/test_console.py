# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of docs/scripting.md, line by line in the Python console of a real window."""

from __future__ import annotations

from tests.blender.documentation import examples
from tests.gui.test_generate import ARRIVAL_SECONDS, ROWS
from tests.gui.window import Window
from tests.simulator.process import SimulatorProcess

OPEN_CONSOLE = """
area = min((a for a in window().screen.areas if a.type != 'VIEW_3D'), key=lambda a: a.y)
area.type = 'CONSOLE'
"""
ENTER = """
area = next(a for a in window().screen.areas if a.type == 'CONSOLE')
region = next(r for r in area.regions if r.type == 'WINDOW')
with bpy.context.temp_override(window=window(), area=area, region=region):
    bpy.ops.console.clear_line()
    bpy.ops.console.insert(text=LINE)
    bpy.ops.console.execute(interactive=True)
"""
RUN_TEXT = """
import bpy
text = bpy.data.texts.new("Script")
text.write('''
import importlib
import bpy
tokenlab = importlib.import_module("bl_ext.user_default.tokenlab_3d")
def hear(task):
    bpy.context.scene["heard"] = task.state
tokenlab.generate("a paper lantern").on_change(hear)
''')
area = min((a for a in window().screen.areas if a.type != 'VIEW_3D'), key=lambda a: a.y)
area.type = 'TEXT_EDITOR'
area.spaces.active.text = text
region = next(r for r in area.regions if r.type == 'WINDOW')
with bpy.context.temp_override(window=window(), area=area, region=region, space_data=area.spaces.active):
    bpy.ops.text.run_script()
"""
ERRORS = """
[line.body for a in window().screen.areas if a.type == 'CONSOLE'
 for line in a.spaces.active.scrollback if line.type == 'ERROR']
"""


def enter(window: Window, line: str) -> None:
    """Type a line into the console and press Enter."""
    window.run(f"LINE = {line!r}\n{ENTER}")


def test_the_examples_of_the_documentation_run_in_the_console(window: Window, simulator: SimulatorProcess) -> None:
    window.run(OPEN_CONSOLE)
    window.settle()
    for example in examples():
        if example.is_for_background:
            continue
        for line in example.code.splitlines():
            enter(window, line)
        enter(window, "")
        assert window.run(ERRORS) == [], example.code
    asked = sum(example.code.count(".generate(") for example in examples() if not example.is_for_background)
    window.wait(f"len({ROWS}) >= {asked}", ARRIVAL_SECONDS)
    window.wait(f"all(row.state == 'IMPORTED' for row in {ROWS})", ARRIVAL_SECONDS)
    assert len(simulator.creates()) == window.run(f"len({ROWS})")
    # What `on_change` was given has moved its model.
    moved = "[o.location.x for o in bpy.data.objects if o.get('tokenlab_prompt') == 'a wooden chair']"
    assert window.run(moved) == [2.0]


def test_a_wait_in_the_console_does_not_freeze_the_window_and_names_the_way(
    window: Window, simulator: SimulatorProcess
) -> None:
    window.run(OPEN_CONSOLE)
    window.settle()
    enter(window, "import importlib")
    enter(window, "tokenlab = importlib.import_module('bl_ext.user_default.tokenlab_3d')")
    enter(window, "tokenlab.generate('a chair').wait()")
    assert "on_change()" in " ".join(window.run(ERRORS))
    window.wait(f"{ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)


def test_a_script_in_the_text_editor_gets_its_model_and_a_command_does_nothing_to_the_open_file(
    window: Window, simulator: SimulatorProcess
) -> None:
    window.run(RUN_TEXT)
    window.wait(f"len({ROWS}) == 1 and {ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)
    assert window.run("bpy.context.scene['heard']") == "IMPORTED"
    command = "importlib.import_module('bl_ext.user_default.tokenlab_3d').run_command(['list'])"
    assert window.run(f"import importlib\n{command}") == 3
    assert window.run("'Cube' in bpy.data.objects")
