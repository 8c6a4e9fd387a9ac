# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Models that a second Blender prepares: what arrives is what a plain import gives; this Blender only appends it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.support import pump
from tests.simulator.process import SimulatorProcess


@pytest.fixture
def prepared(extension: ModuleType, session: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The session, as it is where there is a window: every model goes through a second Blender."""
    formats = extension.core.files.formats.ModelFormat
    monkeypatch.setattr(extension.core.blender.second_blender, "_CRASHING", frozenset(item.name for item in formats))
    yield session
    session.engine.stop()


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
    with bpy.data.libraries.load(str(folder_of(task) / "model.blend"), assets_only=True) as (source, target):
        assert source.collections == ["a red cube"]
        target.collections = source.collections
    asset = target.collections[0]
    assert asset.asset_data.description == "a red cube"
    assert {tag.name for tag in asset.asset_data.tags} == {"TokenLab 3D", "tripo-h3.1"}
    assert tuple(asset.preview.image_size) == (256, 256)
    image = bpy.data.images.load(str(picture))
    assert tuple(image.size) == (256, 256)
    alpha = list(image.pixels)[3::4]
    assert min(alpha) == 0.0 and max(alpha) > 0.9, "a model before nothing"
    assert sorted(path.name for path in folder_of(task).iterdir()) == [
        "model.blend",
        "original.glb",
        "preview.png",
        "task.json",
    ]
