# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was asked for before is asked for again, something changed: from the list, or from a model in the scene."""

from __future__ import annotations

import errno
import os
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


def test_the_user_s_own_picture_comes_back_as_long_as_it_is_what_was_sent_and_then_our_copy_of_it(
    extension: ModuleType, simulator: SimulatorProcess, session: Any, tmp_path: Path
) -> None:
    picture, data = tmp_path / "chair.png", png(8, 8)
    picture.write_bytes(data)
    task = asked(extension, "a chair", image=picture)
    bpy.ops.tokenlab.reuse_settings(local_id=task.local_id)
    assert (form().input_type, form().image_path) == ("IMAGE_FILE", str(picture)), "no path of the data folder"
    picture.write_bytes(png(9, 9))
    bpy.ops.tokenlab.reuse_settings(local_id=task.local_id)
    copy = Path(form().image_path)
    assert form().input_type == "IMAGE_FILE" and copy != picture and copy.read_bytes() == data
    copy.unlink()
    bpy.ops.tokenlab.reuse_settings(local_id=task.local_id)
    assert form().input_type == "TEXT"


@pytest.fixture
def waiting(extension: ModuleType, simulator: SimulatorProcess, preferences: Any) -> tuple[Any, Any]:
    """A task that is under way, and one behind it whose picture was made for it."""
    preferences.max_concurrent_tasks = 1
    simulator.configure(seconds=1000.0)
    first = extension.generate("a chair")
    pump(extension, lambda: first.task_id)
    return first, extension.generate("a vase", image=bpy.data.images.new("Painted", 8, 8))


@pytest.mark.parametrize("has_links", [True, False])
def test_a_variation_of_a_task_that_waits_has_a_picture_of_its_own(
    extension: ModuleType,
    simulator: SimulatorProcess,
    waiting: tuple[Any, Any],
    monkeypatch: pytest.MonkeyPatch,
    has_links: bool,
) -> None:
    first, second = waiting
    if not has_links:

        def refuse(*_paths: object) -> None:
            raise OSError(errno.EPERM, "This disk has no links")

        monkeypatch.setattr(os, "link", refuse)
    assert bpy.ops.tokenlab.generate_variation(local_id=second.local_id) == {"FINISHED"}
    simulator.configure(seconds=0.1)
    simulator.steer(first.task_id, seconds=0.0)
    for task in extension.tasks():
        task.wait(timeout=60)
    pictures = [task["request"].get("image") for task in simulator.creates()]
    assert pictures[0] is None and pictures[1] is not None and pictures[1] == pictures[2]
    assert not list((extension.core.blender.preferences.data_directory() / "pictures").iterdir())


def test_a_picture_that_is_on_its_way_is_not_put_into_the_form(
    extension: ModuleType,
    simulator: SimulatorProcess,
    waiting: tuple[Any, Any],
    capfd: pytest.CaptureFixture[str],
) -> None:
    first, second = waiting
    bpy.ops.tokenlab.generate_variation(local_id=second.local_id)
    for task in (second, extension.tasks()[-1]):
        assert bpy.ops.tokenlab.reuse_settings(local_id=task.local_id) == {"FINISHED"}
        assert (form().prompt, form().input_type, form().image_path) == ("a vase", "TEXT", "")
        assert "kept once it is sent" in capfd.readouterr().out
    simulator.configure(seconds=0.1)
    simulator.steer(first.task_id, seconds=0.0)
    second.wait(timeout=60)
    assert bpy.ops.tokenlab.reuse_settings(local_id=second.local_id) == {"FINISHED"}
    assert form().input_type == "IMAGE_FILE" and Path(form().image_path).is_file()


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
