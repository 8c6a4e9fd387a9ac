# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole way without a key, with mouse and keyboard in a real window: nothing of it gets to the service."""

from __future__ import annotations

import json

from tests.build import REPOSITORY
from tests.gui.test_generate import ARRIVAL_SECONDS, ROWS, away_from_buttons
from tests.gui.window import Window
from tests.simulator.process import SimulatorProcess

PICTURES = REPOSITORY / "out" / "gui"
MODEL = "bpy.context.scene.tokenlab.model"
TRIANGLES = "sum(len(o.data.polygons) for o in bpy.data.objects if o.type == 'MESH' and 'tokenlab_model' in o)"
NO_SOCKETS = """
import socket
def refuse(*arguments, **options):
    raise AssertionError('a socket was wanted')
socket.create_connection = socket.getaddrinfo = socket.socket = refuse
"""


def test_without_a_key_a_trial_model_goes_the_whole_way(window: Window, simulator: SimulatorProcess) -> None:
    window.run("import os; os.environ.pop('TOKENLAB_API_KEY'); os.environ.pop('TOKENLAB_API_BASE')")
    window.run(NO_SOCKETS)
    window.open_sidebar("TokenLab")
    away_from_buttons(window)
    window.settle(5)
    window.screenshot(PICTURES / "try_offered.png")
    window.click("bpy.ops.tokenlab.try_without_key")
    window.wait(f"{MODEL} == 'try-without-key'")
    # Blender is slow to tell where its buttons are, and these stay where they are.
    places = {name.partition("(")[0].rpartition(".")[2]: place for name, place in window.buttons().items()}
    window.fill(places["prompt"], "a friendly robot")
    away_from_buttons(window)
    window.settle(5)
    window.screenshot(PICTURES / "try_chosen.png")
    # One that is not wanted after all leaves without a question about money.
    window.click(places["generate"])
    window.wait(f"len({ROWS}) == 1 and {ROWS}[0].state == 'PROCESSING'")
    window.run("bpy.ops.tokenlab.remove_task('INVOKE_DEFAULT')")
    window.wait(f"len({ROWS}) == 0")
    window.click(places["generate"])
    window.wait(f"len({ROWS}) == 1 and {ROWS}[0].progress > 30", ARRIVAL_SECONDS)
    away_from_buttons(window)
    window.screenshot(PICTURES / "try_running.png")
    window.wait(f"{ROWS}[0].state == 'IMPORTED'", ARRIVAL_SECONDS)
    assert window.run(TRIANGLES) > 50
    assert window.run(f"{ROWS}[0].is_stand_in")
    window.run("bpy.data.objects['Cube'].hide_set(True)")
    window.run("view_selected()")
    window.run("viewport().spaces.active.overlay.show_outline_selected = False")
    away_from_buttons(window)
    window.settle(10)
    window.screenshot(PICTURES / "try_imported.png")
    window.key("Z", ctrl=True)
    window.wait(f"{ROWS}[0].state == 'READY'")
    window.key("Z", ctrl=True, shift=True)
    window.wait(f"{ROWS}[0].state == 'IMPORTED'")
    window.click(places["try_without_key"])
    window.wait(f"{MODEL} == 'tripo-h3.1'")
    asked = simulator.requests()
    assert [entry for entry in asked if entry["method"] == "POST" or "/tasks/" in entry["path"]] == []
    assert "robot" not in json.dumps(asked)
