# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A placeholder at work in a real window: seen, moved, taken over by the model; undo and redo around all of it."""

from __future__ import annotations

import pytest

from tests.gui.test_generate import ARRIVAL_SECONDS, ROWS, away_from_buttons
from tests.gui.window import PICTURES, Window
from tests.simulator.models import ensure_models
from tests.simulator.process import SimulatorProcess

LONG = 80.0
"""Seconds until a task ends by itself; after a seventh of them the service says that it is processed."""
PROMPT = "a low-poly robot mascot"
PLACEHOLDERS = "[item for item in bpy.data.objects if item.get('tokenlab_placeholder')]"
MODEL = "[item for item in bpy.data.collections if item.get('tokenlab_local_id')]"
SHOWN = (
    "[[line.name, line.state, line.progress] for line in "
    "__import__('sys').modules['bl_ext.user_default.tokenlab_3d.core.blender.placeholder_watch'].shown()]"
)
MEASURE = """
layer = bpy.context.view_layer
layer.update()
model = next(item for item in bpy.data.collections if item.get('tokenlab_local_id'))
meshes = [item for item in model.all_objects if item.type == 'MESH']
points = [item.matrix_world @ __import__('mathutils').Vector(corner) for item in meshes for corner in item.bound_box]
[[min(point[axis] for point in points), max(point[axis] for point in points)] for axis in range(3)]
"""


@pytest.fixture
def studio(window: Window, simulator: SimulatorProcess) -> Window:
    """A window with a robot to come, whose progress the test steers, and nothing in the way."""
    simulator.configure(assets=ensure_models(), seconds=LONG)
    window.open_sidebar("TokenLab")
    window.run("bpy.data.objects.remove(bpy.data.objects['Cube'])")
    window.run("bpy.context.scene.cursor.location = (1.0, -1.0, 0.0); bpy.ops.ed.undo_push(message='Set Up')")
    return window


def begin(window: Window, simulator: SimulatorProcess, **form: object) -> str:
    """Fill in the form, click Generate, and return the service's id of the task."""
    window.run(f"[setattr(bpy.context.scene.tokenlab, *pair) for pair in {form!r}.items()]")
    window.fill("tokenlab.prompt", PROMPT)
    window.click("bpy.ops.tokenlab.generate")
    window.wait(f"len({ROWS}) == 1 and {ROWS}[0].task_id != ''", ARRIVAL_SECONDS)
    away_from_buttons(window)
    return str(window.run(f"{ROWS}[0].task_id"))


def progress(window: Window, simulator: SimulatorProcess, task_id: str, percent: int) -> None:
    simulator.steer(task_id, progress=percent)
    window.wait(f"{ROWS}[0].state == 'PROCESSING'", ARRIVAL_SECONDS)
    window.settle(5)


def finish(window: Window, simulator: SimulatorProcess, task_id: str) -> None:
    simulator.steer(task_id, seconds=0.0)
    window.wait(f"{ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)
    window.settle(5)


def count(window: Window, what: str) -> int:
    return int(window.run(f"len({what})"))


def undo(window: Window) -> None:
    window.key("Z", ctrl=True)
    window.settle(5)


def redo(window: Window) -> None:
    window.key("Z", ctrl=True, shift=True)
    window.settle(5)


def test_it_shows_the_progress_is_moved_like_any_object_and_the_model_takes_its_place(
    studio: Window, simulator: SimulatorProcess
) -> None:
    window = studio
    task_id = begin(window, simulator, size="HEIGHT", height=1.5, facing="CAMERA")
    assert count(window, PLACEHOLDERS) == 1
    progress(window, simulator, task_id, 40)
    assert window.run(SHOWN) == [[PROMPT, "PROCESSING", 40]]
    window.settle(5)
    window.screenshot(PICTURES / "placeholder_running.png")
    # Grabbed with the keyboard, two metres along X.
    window.run(f"item = {PLACEHOLDERS}[0]; item.select_set(True); bpy.context.view_layer.objects.active = item")
    window.key("G")
    window.key("X")
    window.run("a = viewport(); tap('TWO', a.x + a.width // 2, a.y + a.height // 2, unicode='2')")
    window.key("RET")
    window.wait(f"round({PLACEHOLDERS}[0].location.x, 3) == 3.0")
    window.screenshot(PICTURES / "placeholder_moved.png")
    undo(window)
    assert window.run(f"round({PLACEHOLDERS}[0].location.x, 3)") == 1.0
    redo(window)
    assert window.run(f"round({PLACEHOLDERS}[0].location.x, 3)") == 3.0
    finish(window, simulator, task_id)
    window.screenshot(PICTURES / "placeholder_taken.png")
    assert count(window, PLACEHOLDERS) == 0 and window.run(SHOWN) == []
    x, y, z = window.run(MEASURE)
    assert z == pytest.approx([0.0, 1.5], abs=1e-3)
    assert x[0] < 3.0 < x[1] and y[0] < -1.0 < y[1]
    # One step is the model with the end of its placeholder.
    undo(window)
    assert (count(window, PLACEHOLDERS), count(window, MODEL)) == (1, 0)
    assert window.run(f"{ROWS}[0].state") == "READY"
    redo(window)
    assert (count(window, PLACEHOLDERS), count(window, MODEL)) == (0, 1)
    undo(window)
    window.run(f"{PLACEHOLDERS}[0].location.x = -1.0; bpy.ops.ed.undo_push(message='Move')")
    window.run("bpy.ops.tokenlab.import_model()")
    window.settle(5)
    x, _y, _z = window.run(MEASURE)
    assert (count(window, PLACEHOLDERS), count(window, MODEL)) == (0, 1)
    assert x[0] < -1.0 < x[1]
    assert len(simulator.creates()) == 1


def test_undo_right_after_generate_takes_the_placeholder_and_not_the_task(
    studio: Window, simulator: SimulatorProcess
) -> None:
    window = studio
    task_id = begin(window, simulator)
    for _ in range(3):
        undo(window)
        assert count(window, PLACEHOLDERS) == 0
        redo(window)
        assert count(window, PLACEHOLDERS) == 1
    undo(window)
    progress(window, simulator, task_id, 20)
    assert window.run(SHOWN) == []
    finish(window, simulator, task_id)
    assert (count(window, PLACEHOLDERS), count(window, MODEL)) == (0, 1)
    for _ in range(3):
        undo(window)
        redo(window)
    assert (count(window, PLACEHOLDERS), count(window, MODEL)) == (0, 1)
    assert len(simulator.creates()) == 1


def test_in_edit_mode_it_is_in_nobodys_way(studio: Window, simulator: SimulatorProcess) -> None:
    window = studio
    window.run("bpy.ops.mesh.primitive_cube_add(); bpy.ops.ed.undo_push(message='Add')")
    window.key("TAB")
    window.wait("bpy.context.mode == 'EDIT_MESH'")
    task_id = begin(window, simulator)
    assert window.run("bpy.context.mode") == "EDIT_MESH"
    assert count(window, PLACEHOLDERS) == 1
    window.run("bpy.ops.mesh.subdivide('EXEC_DEFAULT', True)")
    undo(window)
    undo(window)
    redo(window)
    redo(window)
    window.run("bpy.ops.mesh.subdivide('EXEC_DEFAULT', True)")
    window.screenshot(PICTURES / "placeholder_edit_mode.png")
    simulator.steer(task_id, seconds=0.0)
    window.wait(f"{ROWS}[0].state == 'READY' and {ROWS}[0].waits_for != ''", ARRIVAL_SECONDS)
    window.key("TAB")
    window.wait(f"{ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)
    window.settle(5)
    for _ in range(5):
        undo(window)
    for _ in range(5):
        redo(window)
    assert count(window, MODEL) == 1
    assert len(simulator.creates()) == 1


def test_when_no_model_comes_it_goes_without_taking_away_what_can_be_redone(
    studio: Window, simulator: SimulatorProcess
) -> None:
    window = studio
    begin(window, simulator)
    window.run("bpy.ops.object.empty_add('EXEC_DEFAULT', True)")
    undo(window)
    window.run("bpy.ops.tokenlab.stop_waiting()")
    window.settle(150)
    assert count(window, PLACEHOLDERS) == 1, "the Empty can be redone"
    redo(window)
    window.wait(f"len({PLACEHOLDERS}) == 0")
    window.settle(5)
    for _ in range(3):
        undo(window)
    for _ in range(3):
        redo(window)
    window.wait(f"len({PLACEHOLDERS}) == 0")
    window.run("bpy.ops.tokenlab.resume()")
    window.settle(5)
    assert count(window, PLACEHOLDERS) == 1


def test_the_sub_panel_is_closed_and_holds_the_choices(studio: Window) -> None:
    window = studio
    window.screenshot(PICTURES / "placement_closed.png")
    window.run("bpy.context.scene.tokenlab.size = 'HEIGHT'")
    window.run("a = viewport(); move(a.x + a.width // 2, a.y + a.height // 2)")
    window.run("bpy.ops.wm.call_panel(name='TOKENLAB_PT_placement')")
    window.settle(10)
    window.screenshot(PICTURES / "placement_open.png")
