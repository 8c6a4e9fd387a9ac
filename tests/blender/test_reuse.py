# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was asked for before is asked for again, something changed: from the list, or from a model in the scene."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.support import pump
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import png


def form() -> Any:
    return bpy.context.scene.tokenlab


def asked(extension: ModuleType, *arguments: Any, **options: Any) -> Any:
    """Generate, wait for the model, and empty the form's prompt."""
    task = extension.generate(*arguments, **options)
    task.wait(timeout=60)
    form().prompt = ""
    return task


def test_the_form_takes_all_that_a_task_was_asked_for(extension: ModuleType, simulator: SimulatorProcess) -> None:
    asked(extension, "a red\ncube", quality="HIGH", style="toy", seed=7, height=2.0, facing="X", format="OBJ")
    assert bpy.ops.tokenlab.reuse_settings() == {"FINISHED"}
    got = form()
    assert (got.prompt, got.input_type, got.format, got.quality, got.style) == (
        "a red\ncube",
        "TEXT",
        "OBJ",
        "HIGH",
        "toy",
    )
    assert (got.use_seed, got.seed) == (True, 7)
    assert (got.size, got.height, got.facing, got.on_floor) == ("HEIGHT", 2.0, "X", True)


def test_a_picture_comes_back_while_our_copy_of_it_is_there(
    extension: ModuleType, simulator: SimulatorProcess, session: Any, tmp_path: Path
) -> None:
    picture = tmp_path / "chair.png"
    picture.write_bytes(png(8, 8))
    task = asked(extension, "a chair", image=picture)
    bpy.ops.tokenlab.reuse_settings(local_id=task.local_id)
    copy = Path(form().image_path)
    assert form().input_type == "IMAGE_FILE" and copy.read_bytes() == picture.read_bytes()
    copy.unlink()
    bpy.ops.tokenlab.reuse_settings(local_id=task.local_id)
    assert form().input_type == "TEXT"


def test_an_object_knows_what_it_was_asked_for_although_its_task_was_removed(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    task = asked(extension, "a red cube", seed=3)
    (item,) = task.objects
    bpy.context.view_layer.objects.active = item
    bpy.ops.tokenlab.reuse_settings(of_object=True)
    assert (form().prompt, form().seed) == ("a red cube", 3)
    bpy.ops.tokenlab.remove_task(local_id=task.local_id)
    form().prompt = ""
    bpy.ops.tokenlab.reuse_settings(of_object=True)
    assert (form().prompt, form().model) == ("a red cube", "tripo-h3.1")
    bpy.context.view_layer.objects.active = None
    with pytest.raises(RuntimeError, match="There is no task yet"):
        bpy.ops.tokenlab.reuse_settings(of_object=True)


def test_a_seed_is_rolled_where_the_model_takes_one(extension: ModuleType, simulator: SimulatorProcess) -> None:
    bpy.ops.tokenlab.refresh_models()
    seeds = set()
    for _ in range(4):
        assert bpy.ops.tokenlab.random_seed() == {"FINISHED"}
        seeds.add(form().seed)
    assert form().use_seed and len(seeds) > 1
    form().model = "hyper3d-gen2"
    with pytest.raises(RuntimeError, match="takes no seed"):
        bpy.ops.tokenlab.random_seed()


def test_the_prompt_is_copied_whole(extension: ModuleType, simulator: SimulatorProcess) -> None:
    task = extension.generate("a long\nprompt " + "word " * 100)
    pump(extension, lambda: task.task_id)
    assert bpy.ops.tokenlab.copy_prompt() == {"FINISHED"}
