# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot work ends in one sentence, as the operator's error and in the panel; nothing is lost or charged twice."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.support import MODULE, RESIDENT, pump, run_script
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import glb, ply


def row(task: Any) -> Any:
    """The task's row in the sidebar's list."""
    rows = bpy.context.window_manager.tokenlab.tasks
    return rows[rows.find(task.local_id)]


def fails(extension: ModuleType, task: Any) -> str:
    """Wait for the task to fail, check that all places say the same sentence, and return it."""
    with pytest.raises(extension.TokenLabError) as caught:
        task.wait(timeout=60)
    sentence = str(caught.value)
    assert row(task).error == task.error == sentence
    assert json.loads(bpy.context.scene["tokenlab_tasks"][task.local_id])["error"] == sentence
    assert sentence.endswith((".", "?")) and "Traceback" not in sentence and "http" not in sentence
    return sentence


def charged(simulator: SimulatorProcess) -> list[Any]:
    return [task for task in simulator.creates() if task["charged"]]


def test_without_a_key_nothing_is_sent_and_the_way_to_the_preferences_is_named(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    preferences.api_key = ""
    with pytest.raises(extension.TokenLabError, match=r"No API key is set.*preferences"):
        extension.generate("a cube")
    with pytest.raises(RuntimeError, match="No API key is set"):
        bpy.ops.tokenlab.generate(prompt="a cube")
    assert simulator.journal()["requests"] == []
    assert "tokenlab_tasks" not in bpy.context.scene


def test_a_key_that_was_copied_masked_is_not_sent_and_the_way_to_the_preferences_is_named(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    preferences.api_key = "sk-••••••••1234"
    with pytest.raises(extension.TokenLabError, match=r"characters that no key has.*in the preferences"):
        extension.generate("a cube")
    assert simulator.journal()["requests"] == []
    assert "tokenlab_tasks" not in bpy.context.scene


def test_with_online_access_off_no_request_leaves_for_another_machine(
    extension: ModuleType, session: Any, preferences: Any
) -> None:
    preferences.api_key, preferences.base_url = "sk-any", "https://service.invalid"
    assert not bpy.app.online_access
    with pytest.raises(extension.TokenLabError, match=r"Online access is off.*preferences"):
        extension.generate("a cube")


def test_a_key_is_not_given_to_an_address_without_encryption(
    extension: ModuleType, session: Any, preferences: Any
) -> None:
    preferences.api_key, preferences.base_url = "sk-any", "http://service.invalid"
    with pytest.raises(extension.TokenLabError, match="not a secure https address"):
        extension.generate("a cube")


def test_the_version_at_the_end_of_the_service_address_does_no_harm(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    preferences.base_url += "/v1/"
    extension.generate("a cube").wait(30)
    assert len(charged(simulator)) == 1


def test_a_service_address_that_leads_to_something_else_is_said_to_be_wrong(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    preferences.base_url += "/somewhere"
    sentence = fails(extension, extension.generate("a cube"))
    assert "Nothing was charged. Check the service address in the preferences." in sentence


def test_a_wrong_key_is_said_to_be_wrong(extension: ModuleType, simulator: SimulatorProcess, preferences: Any) -> None:
    preferences.api_key = "sk-wrong"
    sentence = fails(extension, extension.generate("a cube"))
    assert "does not accept the API key" in sentence and "preferences" in sentence
    assert simulator.creates() == []
    assert "sk-wrong" not in sentence


def test_no_network_is_said_and_nothing_was_sent(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    preferences.base_url = "http://127.0.0.1:9"
    task = extension.generate("a cube")
    sentence = fails(extension, task)
    assert "could not be reached" in sentence and "Nothing was" in sentence
    assert task.state == "FAILED"


def test_an_unknown_model_is_named_with_what_was_meant(extension: ModuleType, simulator: SimulatorProcess) -> None:
    sentence = fails(extension, extension.generate("a cube", model="tripo-h31"))
    assert "does not know the model" in sentence
    assert "tripo-h3.1" in sentence or "another model" in sentence
    assert charged(simulator) == []


def test_an_empty_prompt_is_refused_before_anything_is_sent(extension: ModuleType, simulator: SimulatorProcess) -> None:
    with pytest.raises(extension.TokenLabError, match="prompt is empty"):
        extension.generate("  ")
    with pytest.raises(RuntimeError, match="prompt is empty"):
        bpy.ops.tokenlab.generate()
    assert simulator.journal()["requests"] == []


def test_an_empty_prompt_with_a_picture_is_filled_in_where_the_user_sees_it(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    form = bpy.context.scene.tokenlab
    form.input_type, form.image = "IMAGE_DATABLOCK", bpy.data.images.new("Vase", 8, 8)
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    assert form.prompt == "The object in the picture"
    extension.tasks()[0].wait(timeout=60)
    assert simulator.creates()[0]["prompt"] == form.prompt


def test_a_missing_picture_is_named(extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path) -> None:
    with pytest.raises(extension.TokenLabError, match=r"gone\.png is not there"):
        extension.generate("a cube", image=tmp_path / "gone.png")
    with pytest.raises(RuntimeError, match="No picture is chosen"):
        bpy.ops.tokenlab.generate(prompt="a cube", input_type="IMAGE_FILE")
    assert simulator.journal()["requests"] == []


def test_a_file_that_is_no_picture_is_refused(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(extension.TokenLabError, match=r"text\.png cannot be read\. Nothing was sent or charged\."):
        extension.generate("a cube", image=tmp_path / "text.png")
    (tmp_path / "text.txt").write_text("no picture")
    sentence = fails(extension, extension.generate("a cube", image=tmp_path / "text.txt"))
    assert "is not a PNG, JPEG or WebP picture" in sentence
    assert simulator.creates() == []
    assert len(bpy.data.images) == 0


def test_a_picture_for_a_model_that_takes_only_text_is_refused_before_it_is_sent(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    image = bpy.data.images.new("Vase", 8, 8)
    sentence = fails(extension, extension.generate("a vase", image=image, model="tripo-p1.0"))
    assert "takes text only" in sentence
    assert simulator.creates() == []


def test_a_format_that_does_not_exist_is_refused(extension: ModuleType, simulator: SimulatorProcess) -> None:
    with pytest.raises(extension.TokenLabError, match=r"no format.*GLB"):
        extension.generate("a cube", format="DWG")


def test_a_result_that_is_no_model_is_kept_and_can_be_fetched_again_without_paying(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    simulator.configure(faults=["asset-html"])
    task = extension.generate("a cube")
    sentence = fails(extension, task)
    assert "a web page, not a 3D model" in sentence and "nothing is charged again" in sentence
    assert task.state == "READY"
    with pytest.raises(RuntimeError, match="not a 3D model"):
        bpy.ops.tokenlab.import_model(local_id=task.local_id)
    simulator.configure(faults=[])
    assert bpy.ops.tokenlab.resume(local_id=task.local_id) == {"FINISHED"}
    assert task.wait(timeout=60)
    assert len(simulator.creates()) == 1


def test_a_broken_model_leaves_nothing_behind_and_can_be_tried_again(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    assets = tmp_path / "broken"
    assets.mkdir()
    broken = glb(change=lambda document: document["accessors"][1].update(bufferView=7))
    (assets / "broken.glb").write_bytes(broken)
    simulator.configure(assets=str(assets))
    before = [len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "materials", "images", "collections")]
    task = extension.generate("broken.glb")
    sentence = fails(extension, task)
    assert "could not read the delivered GLB file" in sentence
    after = [len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "materials", "images", "collections")]
    assert after == before
    assert (task.state, task.result_path.is_file()) == ("READY", True)


def test_a_file_that_would_crash_blender_never_reaches_its_importer(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    assets = tmp_path / "crashing"
    assets.mkdir()
    (assets / "model.glb").write_bytes(ply(2_000_000_000))
    simulator.configure(assets=str(assets))
    task = extension.generate("a cube")
    assert "holds less than its header promises" in fails(extension, task)
    with pytest.raises(RuntimeError, match="holds less than its header promises"):
        bpy.ops.tokenlab.import_model(local_id=task.local_id)


def test_a_model_without_geometry_is_not_called_imported(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    assets = tmp_path / "empty"
    assets.mkdir()
    run_script(RESIDENT, "export_empty", assets / "empty.glb", environment={})
    simulator.configure(assets=str(assets))
    assert "holds no geometry" in fails(extension, extension.generate("empty.glb"))
    assert len(bpy.data.objects) == 0


def test_a_task_that_the_service_fails_says_that_it_is_not_charged(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    simulator.configure(faults=["task-fails"])
    task = extension.generate("a cube")
    assert "You are not charged" in fails(extension, task)
    assert task.state == "FAILED"
    assert charged(simulator) == []


def test_an_answer_that_never_came_is_uncertain_and_never_sent_again(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    simulator.configure(faults=["create-reset-after-body"])
    task = extension.generate("a cube")
    sentence = fails(extension, task)
    assert "may have started a paid task" in sentence and "dashboard" in sentence
    assert task.state == "UNCERTAIN"
    bpy.ops.tokenlab.generate(prompt="another")
    pump(extension, lambda: all(task.state == "UNCERTAIN" for task in extension.tasks()))
    assert len(simulator.creates()) == 2


def test_buttons_that_cannot_be_used_say_why(extension: ModuleType, simulator: SimulatorProcess) -> None:
    for name in ("import_model", "resume", "stop_waiting", "remove_task"):
        with pytest.raises(RuntimeError, match="There is no task yet"):
            getattr(bpy.ops.tokenlab, name)()
    task = extension.generate("a cube")
    task.wait(timeout=60)
    with pytest.raises(RuntimeError, match="not running"):
        bpy.ops.tokenlab.stop_waiting()
    with pytest.raises(RuntimeError, match="on this computer already"):
        bpy.ops.tokenlab.resume()


def test_the_environment_wins_over_the_preferences(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    preferences.api_key = "sk-wrong"
    monkeypatch.setenv("TOKENLAB_API_KEY", simulator.key)
    assert extension.generate("a cube").wait(timeout=60)
    assert MODULE in bpy.context.preferences.addons
