# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was asked for before is asked for again, something changed: from the list, or from a model in the scene."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender import registered
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


def test_a_model_whose_task_is_gone_is_asked_for_again_by_what_it_says_itself(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    task = asked(extension, "a red cube", seed=3)
    (item,) = task.objects
    bpy.context.view_layer.objects.active = item
    bpy.ops.tokenlab.remove_task(local_id=task.local_id)
    assert bpy.ops.tokenlab.generate_variation(of_object=True) == {"FINISHED"}
    pump(extension, lambda: len(simulator.creates()) == 2)
    again = simulator.creates()[-1]["request"]
    assert (again["prompt"], again["model"]) == ("a red cube", "tripo-h3.1") and again.get("seed") != 3
    item["tokenlab_prompt"] = "The object in the picture"
    with pytest.raises(RuntimeError, match=r"made of a picture.* Nothing was sent or charged\."):
        bpy.ops.tokenlab.generate_variation(of_object=True)
    bpy.context.view_layer.objects.active = None
    with pytest.raises(RuntimeError, match="no generated model"):
        bpy.ops.tokenlab.generate_variation(of_object=True)
    assert len(simulator.creates()) == 2
    assert {"VIEW3D_MT_object_context_menu", "OUTLINER_MT_object"} <= registered.appended().keys()


def test_a_prompt_that_nobody_wrote_is_not_paid_for(extension: ModuleType, simulator: SimulatorProcess) -> None:
    bpy.ops.tokenlab.attach_task(task_id="ldtask_of_the_dashboard")
    with pytest.raises(RuntimeError, match=r"prompt of this model is not known.* Nothing was sent or charged\."):
        bpy.ops.tokenlab.generate_variation()
    assert not simulator.creates()


def test_what_stands_for_a_prompt_that_nobody_wrote_is_not_put_into_the_form(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    bpy.ops.tokenlab.attach_task(task_id="ldtask_of_the_dashboard")
    assert bpy.ops.tokenlab.reuse_settings() == {"FINISHED"}
    assert form().prompt == ""
    with pytest.raises(RuntimeError, match="The prompt is empty"):
        bpy.ops.tokenlab.generate()
    assert not simulator.creates()


def test_what_a_variation_costs_is_said_also_that_a_trial_costs_nothing_and_needs_no_key(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    bpy.ops.tokenlab.refresh_models()
    question, again = extension.operators.reuse._question, extension.core.blender.reuse.Again

    def said(model: str, **known: Any) -> str:
        return str(
            question(again({"prompt": "a chair", "model": model}, has_picture=False, **{"is_all": True, **known}))
        )

    assert said("tripo-h3.1") == "“a chair” with another seed. It costs $0.10 to $0.40."
    assert said("nobody-knows") == "“a chair” with another seed. It is charged, and no price is published."
    assert said("try-without-key", is_all=False) == (
        "“a chair” with another seed. Nothing is charged. Only prompt and model are known."
    )
    form().model = "hyper3d-gen2"
    bpy.ops.tokenlab.refresh_models()
    assert said("hyper3d-gen2") == (
        "“a chair” once more. It costs $0.75 to $2.25. hyper3d-gen2 takes no seed, so it may be the same again."
    )
    preferences.api_key = ""
    task = extension.generate("a chair", model="try-without-key")
    assert bpy.ops.tokenlab.generate_variation(local_id=task.local_id) == {"FINISHED"}
    assert not simulator.creates() and len(extension.tasks()) == 2


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
