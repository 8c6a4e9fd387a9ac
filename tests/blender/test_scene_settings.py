# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An import leaves the settings of the user's scene as they are, whatever the delivered file has for its own scene."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.models_to_place import KINDS, empty_file, look

Import = Callable[..., Any]


@pytest.fixture
def import_file(extension: ModuleType) -> Import:
    """Import a file into the scene as a task's model, with Blender's own operator. Returns the collection."""

    def run(path: Path, scene: Any = None) -> Any:
        contract, formats = extension.core.service.contract, extension.core.files.formats
        task = extension.core.tasks.task.new_task(contract.GenerationRequest(prompt="a model"), "scene")
        scene = scene or bpy.context.scene
        model_format = formats.sniff(path)
        name = extension.core.blender.importing.import_model(task, path, model_format, scene, is_selected=True)
        return bpy.data.collections[name]

    return run


def set_rate(fps: int, base: float = 1.0) -> None:
    render: Any = bpy.context.scene.render
    render.fps, render.fps_base = fps, base


def rate() -> tuple[int, float]:
    render: Any = bpy.context.scene.render
    return render.fps, round(render.fps_base, 5)


def height_after(seconds: float) -> float:
    """How high the lift of the moving model is, so long after the first frame."""
    fps, base = rate()
    frame = 1 + seconds * fps / base
    bpy.context.scene.frame_set(int(frame), subframe=frame % 1)
    return float(look()["Lift"].world.translation.z)


# ------------------------------------------------------------------------------
# Frames per second


@pytest.mark.parametrize(("fps", "base"), [(24, 1.0), (60, 1.0), (30, 1.001), (12, 1.0)])
def test_an_fbx_file_leaves_the_frame_rate_alone_and_moves_as_fast_as_it_should(
    import_file: Import, tmp_path: Path, fps: int, base: float
) -> None:
    path = KINDS["fbx"].write(tmp_path)
    KINDS["fbx"].plain_import(path)
    assert rate() == (24, 1.0), "as the file was made"
    expected = [height_after(seconds) for seconds in (0.0, 0.2, 0.5, 19 / 24)]
    empty_file()
    set_rate(fps, base)
    import_file(path)
    assert rate() == (fps, round(base, 5))
    assert [height_after(seconds) for seconds in (0.0, 0.2, 0.5, 19 / 24)] == pytest.approx(expected, abs=1e-3)
    assert expected[-1] - expected[0] == pytest.approx(5.0, abs=1e-3), "it does move"


def test_a_frame_rate_is_put_back_in_a_scene_that_no_window_shows(import_file: Import, tmp_path: Path) -> None:
    path = KINDS["fbx"].write(tmp_path)
    empty_file()
    other = bpy.data.scenes.new("Other")
    other.render.fps = 60
    set_rate(50)
    import_file(path, other)
    assert (bpy.data.scenes["Other"].render.fps, rate()) == (60, (50, 1.0))


def test_a_frame_rate_is_put_back_also_when_the_file_turns_out_to_be_no_model(
    extension: ModuleType, import_file: Import, tmp_path: Path
) -> None:
    path = KINDS["nothing"].write(tmp_path)
    empty_file()
    set_rate(60)
    with pytest.raises(extension.core.blender.importers.ImportFailed):
        import_file(path)
    assert rate() == (60, 1.0)


# ------------------------------------------------------------------------------
# Custom properties


def with_scene_extras(path: Path, extras: dict[str, object]) -> Path:
    """Write into a GLB what its maker wants to be custom properties of the scene."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    document = json.loads(data[20 : 20 + length])
    document["scenes"][0]["extras"] = extras
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    head = struct.pack("<4sII", b"glTF", 2, 20 + len(text) + len(rest)) + struct.pack("<I4s", len(text), b"JSON")
    path.write_bytes(head + text + rest)
    return path


EXTRAS: dict[str, object] = {
    "tokenlab_tasks": {"mine": "not mine"},
    "tokenlab_scene_id": "another",
    "tokenlab": "nonsense",
    "note": "the file's",
    "numbers": [9, 9, 9],
    "new": 5,
}


@pytest.mark.parametrize("is_model", [True, False], ids=["model", "no model"])
def test_a_gltf_file_leaves_the_custom_properties_of_the_scene_alone(
    extension: ModuleType, import_file: Import, tmp_path: Path, *, is_model: bool
) -> None:
    path = with_scene_extras(KINDS["single" if is_model else "empty"].write(tmp_path), EXTRAS)
    empty_file()
    scene: Any = bpy.context.scene
    scene.tokenlab.prompt = "a chair"
    scene["tokenlab_tasks"] = {"one": "{}", "two": "{}"}
    scene["tokenlab_scene_id"] = "this one"
    scene["note"], scene["numbers"], scene["floats"], scene["none"] = "the user's", [1, 2, 3], [0.5], None
    if is_model:
        import_file(path)
    else:
        with pytest.raises(extension.core.blender.importers.ImportFailed):
            import_file(path)
    scene = bpy.context.scene
    assert scene["tokenlab_tasks"].to_dict() == {"one": "{}", "two": "{}"}
    assert (scene["tokenlab_scene_id"], scene["note"]) == ("this one", "the user's")
    assert (list(scene["numbers"]), list(scene["floats"]), scene["none"]) == ([1, 2, 3], [0.5], None)
    assert "new" not in scene
    assert scene.tokenlab.prompt == "a chair"
