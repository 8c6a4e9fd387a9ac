# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A large model arrives in a real window without holding up whoever works in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.bench.big_models import ensure_big_models
from tests.gui.test_generate import ARRIVAL_SECONDS, ROWS, away_from_buttons
from tests.gui.window import PICTURES, Window
from tests.simulator.process import SimulatorProcess

TRIANGLES = 500_000
TRIES = 3
LIMIT_SHARE = 0.25
"""Of what a plain import holds Blender up for. It is 0.05 (0.05 s) where memory was in use before, and 0.2 in a virtual
machine that has to get each page from its host first."""
STALL_WATCH = Path(__file__).with_name("stall_watch.py")


def test_half_a_million_triangles_arrive_without_a_stall(
    window: Window, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    # A copy: Blender's folder system need not have what a link leads to.
    shutil.copyfile(ensure_big_models(TRIANGLES) / "model.glb", tmp_path / "model.glb")
    simulator.configure(assets=tmp_path, seconds=3.0)
    plain = watched_plain_import(window, tmp_path / "model.glb")
    limit = LIMIT_SHARE * plain["longest_python"]
    window.open_sidebar("TokenLab")
    found: list[dict[str, Any]] = []
    # Somebody else's work on this machine holds Blender up as well, but not every time.
    while len(found) < TRIES and not any(one["longest_python"] < limit for one in found):
        found.append(watched_import(window, len(found)))
    window.run("bpy.data.objects['Cube'].hide_set(True); view_selected()")
    away_from_buttons(window)
    window.settle(10)
    window.screenshot(PICTURES / "large.png")
    assert min(one["longest_python"] for one in found) < limit, (found, plain)
    assert window.run("sum(1 for item in bpy.data.collections if item.get('tokenlab_local_id'))") == len(found)
    window.key("Z", ctrl=True)
    window.wait(f"{ROWS}[{len(found) - 1}].state == 'READY'", ARRIVAL_SECONDS)
    window.key("Z", ctrl=True, shift=True)
    window.wait(f"{ROWS}[{len(found) - 1}].state == 'IMPORTED'", ARRIVAL_SECONDS)


def watched_plain_import(window: Window, path: Path) -> dict[str, Any]:
    """Import with Blender's own operator, say how long Blender was held up, and take the model away again."""
    window.run(STALL_WATCH.read_text(encoding="utf-8"))
    window.run("watch.start()")
    window.run(f"bpy.ops.import_scene.gltf(filepath={str(path)!r})")
    # Blender crashes at a later undo that finds no step after an import.
    window.run("bpy.ops.ed.undo_push(message='Import')")
    window.settle(20)
    found: dict[str, Any] = window.run("watch.stop()")
    window.run("bpy.data.batch_remove(bpy.context.selected_objects)")
    window.run("bpy.data.orphans_purge(do_recursive=True)")
    window.run("bpy.ops.ed.undo_push(message='Remove')")
    print(f"a plain import: longest gap {found['longest_gap']:.3f} s, of Python {found['longest_python']:.3f} s")
    return found


def watched_import(window: Window, number: int) -> dict[str, Any]:
    """Generate as a user does, and say how long Blender was held up until the model was there."""
    window.fill("tokenlab.prompt", f"a knobbly ball, number {number}")
    window.run(STALL_WATCH.read_text(encoding="utf-8"))
    window.run("watch.start()")
    window.click("bpy.ops.tokenlab.generate")
    window.wait(f"len({ROWS}) == {number + 1} and {ROWS}[{number}].state == 'IMPORTED'", ARRIVAL_SECONDS)
    window.settle(20)
    found: dict[str, Any] = window.run("watch.stop()")
    print(f"longest gap {found['longest_gap']:.3f} s, of Python {found['longest_python']:.3f} s: {found['booked_to']}")
    return found


def test_the_stall_watch_sees_a_stall(window: Window) -> None:
    window.run(STALL_WATCH.read_text(encoding="utf-8"))
    window.run("watch.start()")
    window.settle(10)
    window.run("import time; time.sleep(0.3)")
    window.run("sum(range(20_000_000))")
    window.settle(10)
    found = window.run("watch.stop()")
    assert found["longest_python"] > 0.2, found
