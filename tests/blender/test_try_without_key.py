# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Without a key, and with Blender offline, the whole way can be walked; nothing of it ever gets to the service."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

import bpy
import pytest

from tests.blender.fake_layout import Drawn, draw
from tests.blender.support import new_session, pump
from tests.simulator.process import SimulatorProcess

MODEL = "try-without-key"
PROMPT = "a robot that waters the plants"


@pytest.fixture
def no_key(preferences: Any, session: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The session of somebody without a key, who has not allowed online access, and where no socket can be opened."""
    preferences.api_key, preferences.base_url = "", "https://service.invalid"
    assert not bpy.app.online_access
    block_sockets(monkeypatch)
    hurry(session)
    return session


def block_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> NoReturn:
        raise AssertionError("a socket was wanted")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


def hurry(session: Any) -> None:
    """Let the stand-in's clock run ten times as fast."""
    trial = session.engine._context.stand_in
    clock = trial._clock
    trial._clock = lambda: 10.0 * clock()


def form() -> Any:
    return bpy.context.scene.tokenlab


def rows() -> Any:
    return bpy.context.window_manager.tokenlab.tasks


def entry(local_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bpy.context.scene["tokenlab_tasks"][local_id])
    return found


def sidebar(extension: ModuleType) -> Drawn:
    return draw(extension.panels.sidebar.TOKENLAB_PT_generate)


def triangles(objects: Any) -> int:
    total = 0
    for item in objects:
        if item.type == "MESH":
            item.data.calc_loop_triangles()
            total += len(item.data.loop_triangles)
    return total


def test_the_panel_offers_it_where_no_key_is_set_and_the_way_back_while_it_is_chosen(
    extension: ModuleType, no_key: Any
) -> None:
    drawn = sidebar(extension)
    assert {"preferences.addon_show", "tokenlab.try_without_key"} <= set(drawn.operators)
    assert "Nothing is sent or charged." in drawn.text
    assert bpy.ops.tokenlab.try_without_key() == {"FINISHED"}
    assert form().model == MODEL
    drawn = sidebar(extension)
    assert "Nothing is sent, nothing is charged." in drawn.text
    assert "No API key" not in drawn.text
    assert "preferences.addon_show" not in drawn.operators
    assert "Generate Trial Model" in drawn.buttons
    assert drawn.operators["tokenlab.try_without_key"] == {"back": True}
    options = draw(extension.panels.sidebar.TOKENLAB_PT_options)
    assert [name for name in options.properties if "=" in name] == ["format=GLB", "format=AUTO"]
    assert "is not known yet" not in options.text
    assert bpy.ops.tokenlab.try_without_key(back=True) == {"FINISHED"}
    assert form().model == "tripo-h3.1"
    assert "Generate" in sidebar(extension).buttons


def test_with_a_key_it_is_offered_last_among_the_models_and_nowhere_else(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    pump(extension, lambda: not bpy.app.timers.is_registered(extension.core.blender.tick.tick))
    names = extension.core.blender.models.search(None, bpy.context, "")
    assert len(names) > 3
    assert names[-1] == (MODEL, "Try Without a Key, TokenLab 3D itself, $0.00")
    assert [name for name, _text in names].count(MODEL) == 1
    assert "tokenlab.try_without_key" not in sidebar(extension).operators
    assert MODEL not in [model.id for model in extension.models()]
    form().model = MODEL
    pump(extension, lambda: not bpy.app.timers.is_registered(extension.core.blender.tick.tick))
    bpy.ops.tokenlab.refresh_models()
    assert MODEL not in json.dumps(simulator.requests())


def test_the_whole_way_without_a_key_and_without_a_socket(extension: ModuleType, no_key: Any) -> None:
    bpy.ops.tokenlab.try_without_key()
    form().prompt = PROMPT
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    (task,) = extension.tasks()
    pump(extension, lambda: (task.progress or 0) > 0)
    assert task.state == "PROCESSING"
    assert not extension.operators.tasks._may_be_charged_for_nothing(task.local_id)
    stop = extension.operators.tasks.TOKENLAB_OT_stop_waiting
    assert "nothing is charged" in stop.description(bpy.context, SimpleNamespace(local_id=""))
    objects = task.wait(60)
    assert triangles(objects) > 50
    assert [item.name for item in objects if item.type == "MESH"] == ["Robot"]
    assert min((objects[0].matrix_world @ vertex.co).z for vertex in objects[0].data.vertices) == pytest.approx(0.0)
    # Marked wherever it can be met.
    assert objects[0]["tokenlab_model"] == MODEL
    assert entry(task.local_id)["model"] == MODEL
    assert task.is_stand_in
    assert rows()[0].is_stand_in
    assert extension.panels.stand_in.row_title(rows()[0]) == f"Trial: {PROMPT}"
    details = draw(extension.panels.details.TOKENLAB_PT_details)
    assert "Made by TokenLab 3D itself: nothing was sent, nothing is charged." in details.text
    provenance = json.loads((Path(task.result_path).parent / "task.json").read_text(encoding="utf-8"))
    assert (provenance["is_trial"], provenance["billing_transaction_id"]) == (True, "")
    # Once more at once: nobody asks whether that is meant, since nobody pays.
    again = extension.generate(PROMPT, model=MODEL, seed=3)
    assert extension.generate(PROMPT, model=MODEL, seed=3).local_id != again.local_id


def test_a_task_id_of_it_is_not_taken_to_the_service(extension: ModuleType, simulator: SimulatorProcess) -> None:
    with pytest.raises(RuntimeError, match="This ID belongs to a trial model"):
        bpy.ops.tokenlab.attach_task(task_id="tokenlab3d-trial-0123")
    assert [entry["path"] for entry in simulator.requests("api") if "trial" in entry["path"]] == []


def test_scripts_name_the_model_and_everything_else_still_needs_a_key(extension: ModuleType, no_key: Any) -> None:
    with pytest.raises(extension.TokenLabError, match="No API key is set"):
        extension.generate(PROMPT)
    with pytest.raises(RuntimeError, match="No API key is set"):
        bpy.ops.tokenlab.generate(prompt=PROMPT)
    with pytest.raises(extension.TokenLabError, match="takes no image URL"):
        extension.generate(PROMPT, model=MODEL, image_url="https://pictures.example/cat.png")
    assert bpy.ops.tokenlab.generate(prompt="a wooden chair", model=MODEL) == {"FINISHED"}
    assert form().model == "tripo-h3.1"
    (task,) = extension.tasks()
    assert triangles(task.wait(60)) > 50


def test_in_the_middle_the_file_is_reopened_with_a_key_and_still_nothing_is_sent(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any, tmp_path: Path
) -> None:
    key, preferences.api_key = preferences.api_key, ""
    task = extension.generate(PROMPT, model=MODEL)
    pump(extension, lambda: task.state == "PROCESSING")
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    preferences = bpy.context.preferences.addons[extension.__name__].preferences
    preferences.api_key = key
    hurry(new_session(extension))
    bpy.ops.wm.open_mainfile(filepath=path)
    (task,) = extension.resume_all()
    assert triangles(task.wait(60)) > 50
    assert task.state == "IMPORTED"
    asked = simulator.requests("api")
    assert [item for item in asked if item["method"] == "POST"] == []
    assert [item["path"] for item in asked if "/tasks/" in item["path"]] == []
    said = json.dumps(simulator.requests())
    assert "waters the plants" not in said
    assert MODEL not in said


def test_another_computer_makes_the_model_again_of_what_the_file_says(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = extension.generate(PROMPT, model=MODEL)
    pump(extension, lambda: task.state == "PROCESSING")
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(tmp_path / "another computer"))
    hurry(new_session(extension))
    bpy.ops.wm.open_mainfile(filepath=path)
    (task,) = extension.resume_all()
    assert triangles(task.wait(60)) > 50
    assert "/tasks/" not in json.dumps(simulator.requests())


def test_a_prepared_model_carries_the_mark_into_the_asset_browser(
    extension: ModuleType, prepared: Any, no_key: Any
) -> None:
    task = extension.generate("a tree", model=MODEL)
    objects = task.wait(60)
    assert [item.name for item in objects] == ["Tree"]
    blend = Path(task.result_path).with_name("model.blend")
    with bpy.data.libraries.load(str(blend), assets_only=True) as (source, target):  # type: ignore[func-returns-value]
        target.collections = source.collections
    (asset,) = target.collections
    assert sorted(tag.name for tag in asset.asset_data.tags) == ["TokenLab 3D", "Trial", MODEL]
