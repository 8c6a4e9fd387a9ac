# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Models that a second Blender prepares: what arrives is what a plain import gives; this Blender only appends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.fingerprint import fingerprint
from tests.blender.preparing import Preparer
from tests.blender.support import SHARED_SAMPLES, pump
from tests.simulator.models import ensure_models
from tests.simulator.process import SimulatorProcess


def folder_of(task: Any) -> Path:
    return Path(task.result_path).parent


def test_a_model_is_prepared_by_a_second_blender_and_appended(
    extension: ModuleType, simulator: SimulatorProcess, prepared: Any
) -> None:
    task = extension.generate("a red cube")
    objects = task.wait(timeout=60)
    assert [item.type for item in objects] == ["MESH"]
    record = prepared.engine.records.get(task.local_id)
    assert Path(record.blend_path).name == "model.blend"
    assert record.blend_version == ".".join(map(str, bpy.app.version))
    assert task.state == "IMPORTED"
    assert (record.facts.triangles, record.facts.parts, record.facts.dimensions) == (1, 1, (1.0, 0.0, 1.0))
    assert json.loads((folder_of(task) / "task.json").read_text())["facts"]["triangles"] == 1
    collection = objects[0].users_collection[0]
    assert collection.name == "a red cube"
    assert collection["tokenlab_local_id"] == objects[0]["tokenlab_local_id"] == task.local_id
    assert collection.asset_data is None and not collection.use_fake_user
    assert list(bpy.data.libraries) == []
    assert [scene.name for scene in bpy.data.scenes] == ["Scene"]


def test_the_prepared_model_is_an_asset_with_a_picture(
    extension: ModuleType, simulator: SimulatorProcess, prepared: Any
) -> None:
    task = extension.generate("a red cube")
    task.wait(timeout=60)
    picture = folder_of(task) / "preview.png"
    pump(extension, lambda: picture.is_file() and not prepared.engine.is_busy)
    with bpy.data.libraries.load(str(folder_of(task) / "model.blend"), assets_only=True) as (source, target):  # type: ignore[func-returns-value]
        assert source.collections == ["a red cube"]
        target.collections = source.collections
    asset = target.collections[0]
    assert asset.asset_data.description == "a red cube"
    assert asset.asset_data.catalog_id == extension.core.files.asset_catalog.CATALOG_ID
    assert {tag.name for tag in asset.asset_data.tags} == {"TokenLab 3D", "tripo-h3.1"}
    assert asset.preview.image_size[:] == (256, 256)
    image = bpy.data.images.load(str(picture))
    assert image.size[:] == (256, 256)
    alpha = list(image.pixels)[3::4]
    assert min(alpha) == 0.0 and max(alpha) > 0.9, "a model before nothing"
    assert sorted(path.name for path in folder_of(task).iterdir()) == [
        "model.blend",
        "original.glb",
        "preview.png",
        "task.json",
    ]


def test_importing_by_hand_prepares_the_model_anew_where_that_is_needed_and_then_imports_it(
    extension: ModuleType, simulator: SimulatorProcess, prepared: Any
) -> None:
    task = extension.generate("a red cube")
    task.wait(timeout=60)
    (folder_of(task) / "model.blend").unlink()
    other = bpy.data.scenes.new("Other")
    bpy.context.window_manager.windows[0].scene = other
    assert bpy.ops.tokenlab.import_model(local_id=task.local_id, here=True) == {"FINISHED"}
    assert not other.collection.all_objects, "it is being prepared"
    pump(extension, lambda: other.collection.all_objects)
    assert len(simulator.creates()) == 1
    assert (folder_of(task) / "model.blend").is_file()


def test_nothing_is_written_where_other_programs_of_the_user_look(
    extension: ModuleType,
    simulator: SimulatorProcess,
    prepared: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such as pictures of temporary files among the thumbnails of the desktop."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    task = extension.generate("a red cube")
    task.wait(timeout=60)
    pump(extension, lambda: (folder_of(task) / "preview.png").is_file() and not prepared.engine.is_busy)
    assert [path for path in home.rglob("*") if path.is_file()] == []


# ------------------------------------------------------------------------------
# As a plain import


@pytest.fixture(scope="module")
def preparer(extension: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preparer]:
    made = Preparer(extension, tmp_path_factory.mktemp("preparer"))
    yield made
    made.stop()


def own_models() -> list[Path]:
    """What the simulator serves: made here, with materials, textures and a hierarchy."""
    return sorted(path for path in ensure_models().iterdir() if path.suffix in (".glb", ".fbx", ".obj", ".usdz"))


def samples() -> list[Any]:
    folder = SHARED_SAMPLES / "valid"
    if not folder.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason="The shared samples are not on this machine."))]
    return sorted(path for path in folder.iterdir() if path.suffix != ".md")


def unpacked(extension: ModuleType, path: Path, folder: Path) -> tuple[Path, Any]:
    """The file to import, and its format."""
    files = extension.core.files
    model_format = files.formats.sniff(path)
    if model_format is files.formats.ModelFormat.ZIP:
        path, model_format = files.archive.unpack(path, folder / "unpacked")
    return path, model_format


def both_ways(extension: ModuleType, preparer: Preparer, path: Path, model_format: Any, folder: Path) -> list[Any]:
    """What a plain import and a prepared model come to, each in an empty file."""
    importing, task_module = extension.core.blender.importing, extension.core.tasks.task
    task = task_module.new_task(extension.core.service.contract.GenerationRequest(prompt="a model"), "scene")
    blend = preparer.prepare(path, model_format, folder / "model.blend")
    prints = []
    for is_prepared in (False, True):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        if is_prepared:
            name = importing.append_model(task, blend, bpy.context.scene, is_selected=True)
        else:
            name = importing.import_model(task, path, model_format, bpy.context.scene, is_selected=True)
        prints.append(fingerprint(bpy.data.collections[name]))
        assert list(bpy.data.libraries) == []
    return prints


@pytest.mark.parametrize("path", own_models(), ids=lambda path: path.name)
def test_a_prepared_model_is_what_a_plain_import_gives(
    extension: ModuleType, preparer: Preparer, tmp_path: Path, path: Path
) -> None:
    file, model_format = unpacked(extension, path, tmp_path)
    plain, prepared = both_ways(extension, preparer, file, model_format, tmp_path)
    assert plain["meshes"]
    assert prepared == plain


@pytest.mark.parametrize("path", samples(), ids=lambda path: getattr(path, "name", "none"))
def test_real_files_arrive_as_a_plain_import_gives_them(
    extension: ModuleType, preparer: Preparer, tmp_path: Path, path: Path
) -> None:
    before = path.read_bytes()
    file, model_format = unpacked(extension, path, tmp_path)
    plain, prepared = both_ways(extension, preparer, file, model_format, tmp_path)
    assert plain["meshes"]
    assert prepared == plain
    assert path.read_bytes() == before


# ------------------------------------------------------------------------------
# Beside what the user is doing


def add_object(name: str) -> Any:
    item = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(item)
    return item


@pytest.mark.parametrize("way", ["prepared", "as delivered"])
@pytest.mark.parametrize("is_in_use", [False, True])
def test_a_model_is_selected_unless_the_user_has_selected_something_else_meanwhile(
    extension: ModuleType, simulator: SimulatorProcess, request: pytest.FixtureRequest, way: str, is_in_use: bool
) -> None:
    if way == "prepared":
        request.getfixturevalue("prepared")
    mine = add_object("Mine")
    mine.select_set(True)
    bpy.context.view_layer.objects.active = mine
    simulator.configure(faults=["never-completes"])
    task = extension.generate("a cube")
    pump(extension, lambda: task.task_id)
    if is_in_use:
        other = add_object("Other")
        other.select_set(True)
        bpy.context.view_layer.objects.active = other
    simulator.configure(faults=[])
    objects = task.wait(timeout=60)
    chosen = {item.name for item in bpy.context.selected_objects}
    active = bpy.context.view_layer.objects.active
    if is_in_use:
        assert chosen == {"Mine", "Other"} and active.name == "Other"
    else:
        assert chosen == {objects[0].name} and active == objects[0]


# ------------------------------------------------------------------------------
# Into its own file


@pytest.mark.parametrize("unit", [1.0, 0.01], ids=["as prepared", "another unit"])
def test_a_model_is_not_imported_into_its_own_file_nor_is_that_written_anew(
    extension: ModuleType, simulator: SimulatorProcess, prepared: Any, unit: float
) -> None:
    simulator.configure(seconds=0.5)
    task = extension.generate("a red cube")
    pump(extension, lambda: task.task_id)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    pump(extension, lambda: task.state == "READY" and not prepared.engine.is_busy)
    blend = folder_of(task) / "model.blend"
    before = blend.stat().st_mtime_ns
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    pump(extension, lambda: prepared.is_restored)
    bpy.context.scene.unit_settings.scale_length = unit
    with pytest.raises(RuntimeError, match=r"is the file that is open.*nothing is charged again"):
        bpy.ops.tokenlab.import_model(local_id=task.local_id, here=True)
    record = prepared.engine.records.get(task.local_id)
    assert (record.state.name, record.blend_path) == ("READY", str(blend))
    pump(extension, lambda: not prepared.engine.is_busy)
    assert blend.stat().st_mtime_ns == before
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    pump(extension, lambda: prepared.is_restored)
    assert bpy.ops.tokenlab.import_model(local_id=task.local_id, here=True) == {"FINISHED"}
    assert len(task.objects) == 1
    assert blend.stat().st_mtime_ns == before
    assert prepared.engine.records.get(task.local_id).error == ""
