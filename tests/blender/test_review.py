# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Defects that were found by use and by review, each as a test that failed before."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.support import RESIDENT, new_session, pump, run_script
from tests.blender.test_files_and_history import collections_of, undo
from tests.loopback import LoopbackServer, answering, reply
from tests.simulator.process import SimulatorProcess


def test_the_answer_to_a_connection_test_comes_while_no_task_runs(
    extension: ModuleType, simulator: SimulatorProcess, session: Any
) -> None:
    pump(extension, lambda: session.is_restored)
    session.test_connection()
    status = bpy.context.window_manager.tokenlab
    pump(extension, lambda: "accepts the API key" in status.connection_status)


def test_what_the_connection_test_said_is_no_longer_shown_of_another_key_or_once_the_key_is_refused(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    shown, diagnostics = bpy.context.window_manager.tokenlab, extension.core.blender.diagnostics
    assert bpy.ops.tokenlab.test_connection() == {"FINISHED"}
    assert "accepts the API key" in shown.connection_status
    preferences.api_key = "sk-another"
    extension.core.blender.tick.tick()
    assert shown.connection_status == "" and "accepts" not in str(list(diagnostics._service()))
    preferences.api_key = simulator.key
    assert bpy.ops.tokenlab.test_connection() == {"FINISHED"}
    simulator.configure(faults=["create-401"])
    with pytest.raises(extension.TokenLabError, match="does not accept the API key"):
        extension.generate("a cube").wait(timeout=60)
    # A busy computer leaves what is left to be told to a later tick.
    pump(extension, lambda: shown.service_state == "KEY_REFUSED")
    assert shown.connection_status == ""


def test_the_answer_about_the_key_before_is_not_shown_of_the_one_that_is_set_now(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any, session: Any
) -> None:
    shown = bpy.context.window_manager.tokenlab
    session.test_connection()
    assert shown.connection_status.startswith("Asking")
    preferences.api_key = "sk-another"
    pump(extension, lambda: session.connection_test is not None)
    assert session.connection_test.accepted and shown.connection_status == ""


def test_a_task_that_stopped_at_a_mistyped_address_goes_on_at_the_right_one(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    simulator.configure(seconds=1000.0)
    task = extension.generate("a cube")
    pump(extension, lambda: task.task_id)
    error = b'{"error": {"message": "No such key.", "type": "unauthorized"}}'
    with LoopbackServer(answering(reply(error, status="401 Unauthorized", headers="Connection: close\r\n"))) as other:
        preferences.base_url = other.url
        pump(extension, lambda: task.state == "STOPPED")
        preferences.base_url = simulator.url
        pump(extension, lambda: task.state in ("PENDING", "PROCESSING"))
    assert task.error == "" and len(simulator.creates()) == 1


def test_the_list_of_models_comes_while_no_task_runs(
    extension: ModuleType, simulator: SimulatorProcess, session: Any
) -> None:
    pump(extension, lambda: session.is_restored)
    session.models.refresh()
    pump(extension, lambda: session.models.is_settled)
    assert session.models.catalogue.models


def test_a_prompt_with_a_lone_surrogate_is_sent_once_and_imported_once(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    task = extension.generate("a \ud800 cube")
    task.wait(timeout=60)
    assert len(collections_of(task)) == 1
    assert len(simulator.creates()) == 1


def test_an_import_that_fails_in_an_unforeseen_way_is_not_tried_again_by_itself(
    extension: ModuleType, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def fail(*_arguments: object) -> None:
        calls.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr(extension.core.blender.importing, "_mark", fail)
    task = extension.generate("a cube")
    with pytest.raises(extension.TokenLabError, match="could not read the delivered GLB file"):
        task.wait(timeout=60)
    for _ in range(5):
        extension.core.blender.tick.tick()
    assert len(calls) == 1
    assert len(bpy.data.collections) == 0 and len(bpy.data.meshes) == 0


def test_the_import_button_leaves_the_user_in_edit_mode(extension: ModuleType, simulator: SimulatorProcess) -> None:
    task = extension.generate("a cube")
    task.wait(timeout=60)
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="has to wait for Object Mode"):
        bpy.ops.tokenlab.import_model(local_id=task.local_id)
    assert bpy.context.mode == "EDIT_MESH"
    bpy.ops.object.mode_set(mode="OBJECT")


def skinned(folder: Path) -> Path:
    """A folder with a GLB with a skin."""
    folder.mkdir()
    run_script(RESIDENT, "export_skinned", folder / "skinned.glb", environment={})
    return folder


def test_a_second_skinned_model_shows_no_helper_of_the_first(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(assets=skinned(tmp_path / "skinned"))
    for seed in (1, 2):
        task = extension.generate("skinned.glb", seed=seed)
        task.wait(timeout=60)
        visible = [item.name for item in bpy.data.collections[collections_of(task)[0]].objects]
        assert not [name for name in visible if name.startswith("Icosphere")], seed


def test_a_model_arrives_whole_though_a_nested_collection_is_active(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    outer, inner = bpy.data.collections.new("Outer"), bpy.data.collections.new("Inner")
    bpy.context.scene.collection.children.link(outer)
    outer.children.link(inner)
    layer = bpy.context.view_layer
    layer.active_layer_collection = layer.layer_collection.children["Outer"].children["Inner"]
    task = extension.generate("a cube")
    assert task.wait(timeout=60)
    assert len(inner.objects) == 0 and len(outer.objects) == 0


def linked_scene(folder: Path) -> Any:
    """Link a scene from another file."""
    path = str(folder / "other.blend")
    made = bpy.data.scenes.new("Other")
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    bpy.data.scenes.remove(made)
    with bpy.data.libraries.load(path, link=True) as (_source, target):  # type: ignore[func-returns-value]
        target.scenes = ["Other"]
    return target.scenes[0]


def test_a_model_is_not_called_unreadable_because_its_scene_is_linked_from_another_file(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    task = extension.generate("a cube")
    task.wait(timeout=60)
    bpy.context.window.scene = linked_scene(tmp_path)
    with pytest.raises(RuntimeError, match=r"“Other” is linked from another file.*The model is safe"):
        bpy.ops.tokenlab.import_model(local_id=task.local_id, here=True)
    assert (task.state, task.error) == ("IMPORTED", "")


def test_a_model_that_was_asked_for_in_a_scene_which_is_deleted_meanwhile_comes_into_no_other_one(
    extension: ModuleType, simulator: SimulatorProcess, prepared: Any
) -> None:
    task = extension.generate("a cube")
    task.wait(timeout=60)
    other = bpy.data.scenes.new("Other")
    other.unit_settings.scale_length = 0.01  # So it has to be prepared anew.
    own, bpy.context.window.scene = bpy.context.scene, other
    assert bpy.ops.tokenlab.import_model(local_id=task.local_id, here=True) == {"FINISHED"}
    assert task.state == "CONVERTING"
    bpy.context.window.scene = own
    bpy.data.scenes.remove(other)
    pump(extension, lambda: task.state == "IMPORTED" and not prepared.imports.has_awaited)
    assert collections_of(task) == ["a cube"]


def test_a_model_that_cannot_be_imported_again_is_in_the_scene_all_the_same(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    task = extension.generate("a cube")
    (imported,) = task.wait(timeout=60)
    task.result_path.write_bytes(b"glTF and nothing else")
    with pytest.raises(RuntimeError, match="Blender cannot read"):
        bpy.ops.tokenlab.import_model(local_id=task.local_id)
    assert imported.name in bpy.context.scene.objects
    assert task.state == "IMPORTED" and "Blender cannot read" in task.error


def test_waiting_ends_when_the_download_was_given_up(extension: ModuleType, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["asset-500"])
    task = extension.generate("a cube")
    with pytest.raises(extension.TokenLabError, match=r"could not be fetched.*nothing is charged again"):
        task.wait(timeout=60)
    simulator.configure(faults=[])
    assert bpy.ops.tokenlab.resume(local_id=task.local_id) == {"FINISHED"}
    assert task.wait(timeout=60)


def test_a_removed_task_does_not_come_back_by_undo(extension: ModuleType, simulator: SimulatorProcess) -> None:
    task = extension.generate("a cube")
    task.wait(timeout=60)
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.tokenlab.remove_task(local_id=task.local_id)
    bpy.ops.object.empty_add()
    bpy.ops.ed.undo_push(message="Add Empty")
    undo()
    assert task.local_id not in bpy.context.scene.get("tokenlab_tasks", {})


def test_a_model_whose_file_is_gone_is_fetched_again(extension: ModuleType, simulator: SimulatorProcess) -> None:
    task = extension.generate("a cube")
    task.wait(timeout=60)
    task.result_path.unlink()
    with pytest.raises(RuntimeError, match="not on this computer"):
        bpy.ops.tokenlab.import_model(local_id=task.local_id)
    pump(extension, lambda: not bpy.context.window_manager.tokenlab.tasks[0].has_result)
    assert bpy.ops.tokenlab.resume(local_id=task.local_id) == {"FINISHED"}
    pump(extension, lambda: bpy.context.window_manager.tokenlab.tasks[0].has_result)
    assert bpy.ops.tokenlab.import_model(local_id=task.local_id) == {"FINISHED"}
    assert len(simulator.creates()) == 1


def test_another_data_folder_is_used_from_the_next_idle_moment_on(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked, free = tmp_path / "blocked", tmp_path / "free"
    blocked.write_text("a file where a folder should be")
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(blocked))
    session = new_session(extension)
    pump(extension, lambda: session.is_restored)
    with pytest.raises(extension.TokenLabError, match=r"journal.*nothing new is sent") as caught:
        extension.generate("a cube")
    assert str(tmp_path) not in str(caught.value)
    assert [entry for entry in simulator.requests() if entry["method"] == "POST"] == []
    pump(extension, lambda: not session.engine.is_busy)
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(free))
    assert extension.generate("a cube").wait(timeout=60)


@pytest.mark.parametrize("seed", [-1, 2**40])
def test_a_seed_out_of_range_is_refused(extension: ModuleType, simulator: SimulatorProcess, seed: int) -> None:
    with pytest.raises(extension.TokenLabError, match="out of range"):
        extension.generate("a cube", seed=seed)
