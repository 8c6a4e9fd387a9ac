# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a prompt or a picture to a model in the scene, and what the file and the disk say of it afterwards."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests import tiny_models
from tests.blender.support import SHARED_SAMPLES, pump, vertex_count
from tests.simulator.models import ensure_models
from tests.simulator.process import SimulatorProcess


def png(path: Path) -> Path:
    """Write a picture of one red pixel."""
    path.write_bytes(tiny_models.png())
    return path


def sample_files() -> list[Path]:
    folder = SHARED_SAMPLES / "valid"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def direct_import(path: Path) -> tuple[int, int, int]:
    """Import with Blender's own operator; return vertices, materials and images."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    suffix = path.suffix.lower()
    if suffix in (".glb", ".gltf"):
        bpy.ops.import_scene.gltf(filepath=str(path))
    elif suffix == ".fbx":
        has_new_importer = "fbx_import" in dir(bpy.ops.wm)
        (bpy.ops.wm.fbx_import if has_new_importer else bpy.ops.import_scene.fbx)(filepath=str(path))
    elif suffix == ".usdz":
        bpy.ops.wm.usd_import(filepath=str(path))
    else:
        bpy.ops.wm.obj_import(filepath=str(path))
    return counts(bpy.data.objects)


def counts(objects: Any) -> tuple[int, int, int]:
    images = [image for image in bpy.data.images if image.source == "FILE"]
    return vertex_count(objects), len(bpy.data.materials), len(images)


def delivered_model(task: Any) -> Path:
    """The file that was imported: the download, or what was in the archive."""
    path: Path = task.result_path
    return path


@pytest.mark.parametrize("wanted", ["GLB", "FBX", "OBJ", "USDZ"])
def test_a_prompt_becomes_a_model_with_its_materials_and_textures(
    extension: ModuleType, simulator: SimulatorProcess, wanted: str
) -> None:
    simulator.configure(assets=str(ensure_models()))
    task = extension.generate("a low-poly robot mascot", format=wanted)
    assert task.state == "QUEUED"
    objects = task.wait(timeout=60)
    assert task.state == "IMPORTED"
    got = counts(objects)
    assert all(image.packed_file is not None for image in bpy.data.images if image.source == "FILE")
    path = delivered_model(task)
    assert got == direct_import(path)
    assert got[0] > 0 and got[1] > 0 and got[2] > 0
    assert len(simulator.creates()) == 1
    assert simulator.journal()["contract_violations"] == []


@pytest.mark.parametrize("sample", sample_files() or [None], ids=lambda path: path.name if path else "none")
def test_a_file_of_another_maker_goes_the_whole_way(
    extension: ModuleType, simulator: SimulatorProcess, sample: Path | None
) -> None:
    if sample is None:
        pytest.skip(
            "the folder shared/samples is not beside this one; the models that the tests make went the same way"
        )
    simulator.configure(assets=str(sample.parent))
    task = extension.generate(f"the model of {sample.name}")
    got = vertex_count(task.wait(timeout=60))
    assert task.state == "IMPORTED"
    expected = direct_import(delivered_model(task))[0]
    assert got == expected > 0


def test_the_collection_and_its_objects_say_where_they_come_from(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    task = extension.generate("a small cube", seed=7)
    objects = task.wait(timeout=60)
    collection = bpy.data.collections["a small cube"]
    assert collection.name in bpy.context.scene.collection.children
    assert set(collection.all_objects) == set(objects)
    for item in (collection, *objects):
        assert item["tokenlab_local_id"] == task.local_id
        assert item["tokenlab_task_id"] == task.task_id == simulator.creates()[0]["id"]
        assert item["tokenlab_prompt"] == "a small cube"
        assert item["tokenlab_model"] == "tripo-h3.1"
    assert not [item for item in bpy.context.scene.collection.objects if item in objects]


def test_the_scene_says_all_that_another_computer_needs_and_nothing_secret(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    task = extension.generate("a small cube", format="GLB", seed=7)
    task.wait(timeout=60)
    entry = json.loads(bpy.context.scene["tokenlab_tasks"][task.local_id])
    assert entry["state"] == "IMPORTED"
    assert entry["task_id"] == task.task_id
    assert entry["poll_url"] == f"/v1/tasks/{task.task_id}"
    assert (entry["model"], entry["format"], entry["prompt"], entry["seed"]) == (
        "tripo-h3.1",
        "GLB",
        "a small cube",
        7,
    )
    blend = tmp_path / "saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend), compress=False)
    content = blend.read_bytes()
    assert task.task_id.encode() in content
    assert simulator.key.encode() not in content
    assert b"signature=" not in content
    assert str(tmp_path / "data").encode() not in content


def test_the_journal_holds_the_task_and_no_key(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    task = extension.generate("a small cube")
    task.wait(timeout=60)
    journal = tmp_path / "data" / "journal.sqlite3"
    with sqlite3.connect(journal) as connection:
        ((state, record),) = connection.execute("SELECT state, record FROM tasks").fetchall()
    assert state == "READY"
    assert json.loads(record)["asset_urls"]
    for path in journal.parent.glob("journal*"):
        assert simulator.key.encode() not in path.read_bytes()


def test_the_library_keeps_the_untouched_download_and_where_it_comes_from(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    task = extension.generate("A Small Cube!", seed=3)
    task.wait(timeout=60)
    folder = task.result_path.parent
    assert folder.name == f"a-small-cube-{task.local_id[:8]}"
    assert folder.parent.parent == tmp_path / "data" / "library"
    facts = json.loads((folder / "task.json").read_text())
    assert (facts["prompt"], facts["seed"], facts["task_id"]) == ("A Small Cube!", 3, task.task_id)
    # Not at once: a worker may just be writing down what the model is like.
    pump(extension, lambda: not [path for path in folder.rglob("*") if path.suffix == ".part"])
    assert "http" not in (folder / "task.json").read_text()


def test_a_picture_file_is_sent_as_a_data_url_and_kept(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    task = extension.generate("", image=png(tmp_path / "red.png"))
    task.wait(timeout=60)
    request = simulator.creates()[0]["request"]
    assert request["image"]["encoding"] == "data-url"
    assert request["image"]["type"] == "image/png"
    assert request["prompt"] == "The object in the picture"
    assert (task.result_path.parent / "source.png").read_bytes() == (tmp_path / "red.png").read_bytes()


def test_what_the_model_does_not_list_is_not_sent(extension: ModuleType, simulator: SimulatorProcess) -> None:
    publishes_nothing = "hyper3d-gen2"
    task = extension.generate("a cube", model=publishes_nothing, format="FBX", quality="HIGH", style="toy", seed=1)
    task.wait(timeout=60)
    assert set(simulator.creates()[0]["request"]) == {"model", "prompt"}


def test_the_operator_sends_the_form_and_given_properties_win(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    form = bpy.context.scene.tokenlab
    form.prompt, form.use_seed, form.seed = "from the form", True, 11
    assert bpy.ops.tokenlab.generate(model="tripo-h3.1") == {"FINISHED"}
    assert bpy.ops.tokenlab.generate(prompt="from the script", seed=12) == {"FINISHED"}
    for task in extension.tasks():
        task.wait(timeout=60)
    sent = sorted((item["request"]["prompt"], item["request"]["seed"]) for item in simulator.creates())
    assert sent == [("from the form", 11), ("from the script", 12)]


def test_models_lists_what_the_endpoint_takes(extension: ModuleType, simulator: SimulatorProcess) -> None:
    names = [model.id for model in extension.models()]
    assert "tripo-h3.1" in names
    assert not [name for name in names if name.startswith("marble")]


def test_the_connection_test_reports_whether_the_key_is_accepted(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    assert bpy.ops.tokenlab.test_connection() == {"FINISHED"}
    preferences.api_key = "sk-wrong"
    with pytest.raises(RuntimeError, match="does not accept the API key"):
        bpy.ops.tokenlab.test_connection()
    assert simulator.creates() == []
