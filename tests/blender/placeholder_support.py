# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of placeholders share: a model that the service will deliver, and where it landed. Uses bpy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
from mathutils import Matrix, Vector

from tests.blender.models_to_place import KINDS, empty_file, is_same, look
from tests.simulator.process import SimulatorProcess

PROMPT = "a model"
Generate = Callable[..., Any]
"""The fixture `generate`."""


def deliver(name: str, simulator: SimulatorProcess, folder: Path) -> dict[str, Matrix]:
    """Have the service deliver a model, when it is told to; return where a plain import has its objects."""
    kind, assets = KINDS[name], folder / "assets"
    assets.mkdir()
    path = kind.write(assets)
    (assets / "model.mtl").unlink(missing_ok=True)
    kind.plain_import(path)
    plain = {name: seen.world for name, seen in look().items()}
    empty_file()
    bpy.ops.ed.undo_push(message="Original")
    simulator.configure(assets=str(assets))
    return plain


def finish(extension: ModuleType, simulator: SimulatorProcess, task: Any) -> None:
    """Let the service complete a task, and wait for the model."""
    simulator.steer(task.task_id, seconds=0.0)
    task.wait(timeout=60)


def let_the_timer_run(extension: ModuleType, times: int = 5) -> None:
    for _ in range(times):
        extension.core.blender.tick.tick()


def marked() -> list[Any]:
    return [item for item in bpy.data.objects if item.get("tokenlab_placeholder")]


def placeholder() -> Any:
    (item,) = marked()
    return item


def moved_by(plain: dict[str, Matrix]) -> Matrix:
    """Check that all objects were moved by the same transform, and return it."""
    seen = look()
    transforms = [seen[name].world @ world.inverted() for name, world in plain.items()]
    assert all(is_same(one, transforms[0]) for one in transforms)
    return transforms[0]


def cube_box(item: Any) -> tuple[Vector, Vector]:
    """The room that the placeholder's cube takes, as Blender draws it."""
    bpy.context.view_layer.update()
    world, size = item.matrix_world, item.empty_display_size
    corners = [world @ Vector((x, y, z)) for x in (-size, size) for y in (-size, size) for z in (-size, size)]
    low, high = (Vector([choose(corner[axis] for corner in corners) for axis in range(3)]) for choose in (min, max))
    return low, high
