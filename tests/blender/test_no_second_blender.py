# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No second Blender can be started: what crashes Blender is not read by this one, and it goes on when that is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests import odd_models, tiny_models
from tests.blender.support import pump, vertex_count
from tests.simulator.process import SimulatorProcess

SKY = """
    def DomeLight "Sky"
    {
        color3f inputs:color = (1, 0, 0)
        float inputs:intensity = 5
    }
"""


@pytest.fixture
def blocked(session: Any, simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Path]:
    """Something that keeps any second Blender from being started: a file where its folder has to be."""
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "model.ply").write_bytes(tiny_models.ply())
    (assets / "model.glb").write_bytes(tiny_models.glb())
    simulator.configure(assets=str(assets), seconds=0)
    obstacle = tmp_path / "data" / "scratch"
    obstacle.parent.mkdir(exist_ok=True)
    obstacle.write_bytes(b"")
    yield obstacle
    session.engine.stop()


def refused(extension: ModuleType, task: Any) -> None:
    with pytest.raises(extension.TokenLabError) as caught:
        task.wait(timeout=60)
    assert str(caught.value).startswith("No second Blender could be started, and this one does not read PLY files")
    assert "is kept on disk, and nothing is charged again" in str(caught.value)
    assert task.state == "READY" and task.result_path.is_file()
    assert list(bpy.data.meshes) == []


@pytest.mark.parametrize("way", ["import_model", "resume"])
def test_what_crashes_blender_waits_in_the_library_until_the_user_tries_again(
    extension: ModuleType, blocked: Path, way: str
) -> None:
    task = extension.generate("the model in model.ply", format="AUTO")
    refused(extension, task)
    assert getattr(bpy.ops.tokenlab, way)(local_id=task.local_id) == {"FINISHED"}
    refused(extension, task)
    blocked.unlink()
    assert getattr(bpy.ops.tokenlab, way)(local_id=task.local_id) == {"FINISHED"}
    pump(extension, lambda: task.state == "IMPORTED")
    assert vertex_count(bpy.data.objects) == 3 and task.error == ""


def test_what_does_not_crash_blender_is_imported_by_this_one(
    extension: ModuleType, prepared_as_in_a_window: None, blocked: Path
) -> None:
    task = extension.generate("the model in model.glb", format="AUTO")
    assert vertex_count(task.wait(timeout=60)) == 3


@pytest.fixture
def prepared_as_in_a_window(extension: ModuleType, session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model goes through a second Blender, but those that crash none need not."""
    second_blender = extension.core.blender.second_blender
    command = second_blender.command(is_wanted=False)
    is_everything = type(command)(command.words, command.version)
    monkeypatch.setattr(second_blender, "command", lambda *, is_wanted: is_everything)


def looks(world: Any) -> list[tuple[str, list[Any]]]:
    """The nodes of a world, with what is set in them."""
    fields = [
        (node.bl_idname, [socket for socket in node.inputs if socket.type in ("RGBA", "VALUE")])
        for node in world.node_tree.nodes
    ]
    return [
        (name, [tuple(one.default_value) if one.type == "RGBA" else one.default_value for one in sockets])
        for name, sockets in fields
    ]


def test_a_light_of_the_sky_in_a_model_leaves_the_users_world_alone(extension: ModuleType, tmp_path: Path) -> None:
    world = bpy.context.scene.world = bpy.data.worlds.new("Mine")
    if world.node_tree is None:  # before Blender 5.0
        world.use_nodes = True
    before = looks(world)
    path = tmp_path / "sky.usdz"
    path.write_bytes(odd_models.usdz({"model.usda": odd_models.usd_text(more=SKY)}))
    model_format = extension.core.files.formats.ModelFormat.USDZ
    collection = extension.core.blender.importers.import_file(path, model_format, bpy.context.scene, "Model")
    assert vertex_count(collection.all_objects) == 3
    assert looks(world) == before
    assert bpy.context.scene.world == world and list(bpy.data.worlds) == [world]
