# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody has put another .blend in the place of a prepared model: a model or a sentence, and nothing else stays."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.support import data_counts, pump, vertex_count
from tests.simulator.process import SimulatorProcess

DAMAGED = "The prepared model cannot be read."
EMPTY = "holds no geometry"


def triangle(name: str, collection: Any) -> Any:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    item = bpy.data.objects.new(name, mesh)
    collection.objects.link(item)
    return item


def model(scene: Any, name: str = "Model") -> Any:
    """A collection with a triangle, as the second Blender makes it."""
    collection = bpy.data.collections.new(name)
    scene.collection.children.link(collection)
    triangle(name, collection)
    return collection


def save(path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)


def plain(path: Path) -> None:
    model(bpy.context.scene)
    save(path)


def several_scenes(path: Path) -> None:
    """The first one of which has more in it than a model, and another one behind it."""
    first = bpy.context.scene
    model(first)
    triangle("Beside", first.collection)
    extra = bpy.data.collections.new("Extra")
    first.collection.children.link(extra)
    triangle("In Extra", extra)
    first.world = bpy.data.worlds.new("World")
    first.background_set = bpy.data.scenes.new("A Second")
    model(first.background_set, "Second")
    save(path)


def script(path: Path) -> None:
    """Something that runs when a file is opened that is trusted."""
    collection = model(bpy.context.scene)
    text = bpy.data.texts.new("startup.py")
    text.write("raise SystemExit")
    text.use_module = text.use_fake_user = True
    collection.objects[0]["text"] = text
    save(path)


def linked(path: Path) -> None:
    """A triangle of its own, and one of a file that is not there any more."""
    other = path.with_name("other.blend")
    plain(other)
    collection = bpy.context.scene.collection.children[0]
    with bpy.data.libraries.load(str(other), link=True) as (source, target):  # type: ignore[func-returns-value]
        target.objects = source.objects
    collection.objects.link(target.objects[0])
    save(path)
    other.unlink()


def no_scene(path: Path) -> None:
    action = bpy.data.actions.new("Action")
    bpy.data.libraries.write(str(path), {bpy.data.meshes.new("Mesh"), action}, fake_user=True)


def no_collection(path: Path) -> None:
    triangle("Beside", bpy.context.scene.collection)
    bpy.context.scene.world = bpy.data.worlds.new("World")
    bpy.data.actions.new("Action").use_fake_user = True
    save(path)


def no_geometry(path: Path) -> None:
    collection = bpy.data.collections.new("Model")
    bpy.context.scene.collection.children.link(collection)
    collection.objects.link(bpy.data.objects.new("Empty", None))
    collection.objects.link(bpy.data.objects.new("Speaker", bpy.data.speakers.new("Speaker")))
    save(path)


def cut(path: Path) -> None:
    plain(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_bytes(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


MODELS = {"plain": plain, "several scenes": several_scenes, "script": script, "linked": linked}
NO_MODELS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no scene": (no_scene, DAMAGED),
    "no collection": (no_collection, DAMAGED),
    "no geometry": (no_geometry, EMPTY),
    "cut": (cut, DAMAGED),
    "web page": (other_bytes(b"<html>"), DAMAGED),
    "nothing": (other_bytes(b""), DAMAGED),
    "rubbish": (other_bytes(bytes(range(256)) * 50), DAMAGED),
    "head alone": (other_bytes(b"BLENDER-v502REND"), DAMAGED),
    "folder": (Path.mkdir, DAMAGED),
}


@pytest.fixture
def replace_with(tmp_path: Path) -> Callable[[Callable[[Path], object]], Path]:
    """A function that writes a .blend and leaves an empty file open, with a scene that has a name like its own."""

    def write(make: Callable[[Path], object]) -> Path:
        path = tmp_path / "model.blend"
        make(path)
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.data.scenes.new("A Second")
        return path

    return write


@pytest.fixture
def append(extension: ModuleType, session: Any) -> Callable[[Path], str]:
    contract, task_module = extension.core.service.contract, extension.core.tasks.task
    task = task_module.new_task(contract.GenerationRequest(prompt="A model"), "scene")

    def run(path: Path) -> str:
        return str(extension.core.blender.importing.append_model(task, path, bpy.context.scene, is_selected=True))

    return run


@pytest.mark.parametrize("name", MODELS)
def test_a_model_among_other_things_is_all_that_comes_along(
    replace_with: Callable[..., Path], append: Callable[[Path], str], name: str
) -> None:
    path = replace_with(MODELS[name])
    before = data_counts()
    collection = bpy.data.collections[append(path)]
    after = data_counts()
    assert vertex_count(collection.all_objects) == 3
    added = {kind: count - before[kind] for kind, count in after.items() if count != before[kind] and kind != "all_ids"}
    expected = {"objects": 1, "meshes": 1, "collections": 1}
    assert added == (expected | {"texts": 1} if name == "script" else expected)
    assert [scene.name for scene in bpy.data.scenes] == ["A Second", "Scene"]


@pytest.mark.parametrize("name", NO_MODELS)
def test_what_is_no_model_is_said_and_leaves_nothing(
    extension: ModuleType,
    replace_with: Callable[..., Path],
    append: Callable[[Path], str],
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    make, sentence = NO_MODELS[name]
    path = replace_with(make)
    before = data_counts()
    with pytest.raises(extension.core.blender.importers.ImportFailed, match=sentence) as caught:
        append(path)
    assert "delivered file" in str(caught.value) and "nothing is charged again" in str(caught.value)
    assert data_counts() == before
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    if path.is_dir():
        path.rmdir()
    plain(path)
    assert append(path)


def test_a_prepared_model_that_was_replaced_is_prepared_again(
    extension: ModuleType, simulator: SimulatorProcess, prepared: Any
) -> None:
    task = extension.generate("a triangle")
    record = imported_and_deleted(extension, prepared, task)
    Path(record.blend_path).write_bytes(b"not a model any more")
    with pytest.raises(RuntimeError, match=DAMAGED):
        bpy.ops.tokenlab.import_model(local_id=task.local_id)
    assert task.error.startswith(DAMAGED)
    assert bpy.ops.tokenlab.resume(local_id=task.local_id) == {"FINISHED"}
    assert vertex_count(task.wait(timeout=60)) == 3
    assert len(simulator.creates()) == 1


def imported_and_deleted(extension: ModuleType, session: Any, task: Any) -> Any:
    """Have the model in the scene, and take it out again as a user does who deletes it."""
    task.wait(timeout=60)
    pump(extension, lambda: not session.engine.is_busy)
    bpy.data.batch_remove([*task.objects, task.objects[0].users_collection[0]])
    return session.engine.records.get(task.local_id)
