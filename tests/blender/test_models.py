# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The form goes by what the service publishes of its models: what a model does not take is neither offered nor sent."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import Drawn, draw
from tests.blender.support import new_session, pump
from tests.blender.test_main_thread import Watch
from tests.blender.test_whole_way import png
from tests.simulator.process import SimulatorProcess

OPTIONS = ("quality", "style", "use_seed", "seed")
TWO_DAYS = 2 * 86_400


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


def form() -> Any:
    return bpy.context.scene.tokenlab


def settle(extension: ModuleType) -> None:
    """Let the tick run for as long as it wants to."""
    tick = extension.core.blender.tick.tick
    pump(extension, lambda: not bpy.app.timers.is_registered(tick))


def choose(extension: ModuleType, model: str, **fields: Any) -> None:
    """Choose a model as a user does, and let the session ask what it takes."""
    settle(extension)
    form().model = model
    for name, value in fields.items():
        setattr(form(), name, value)
    settle(extension)


def sidebar(extension: ModuleType) -> Drawn:
    """Everything that the sidebar's form shows."""
    panels = extension.panels.sidebar
    drawn, options = draw(panels.TOKENLAB_PT_generate), draw(panels.TOKENLAB_PT_options)
    for name in ("texts", "properties", "buttons", "disabled"):
        getattr(drawn, name).extend(getattr(options, name))
    drawn.operators.update(options.operators)
    return drawn


def questions(simulator: SimulatorProcess) -> list[str]:
    return [entry["path"] for entry in simulator.requests("api") if "/models" in entry["path"]]


def offered(drawn: Drawn, names: Iterable[str] = OPTIONS) -> set[str]:
    return {name for name in names if name in drawn.properties}


# ---- what is offered


def test_a_model_that_lists_everything_is_offered_everything_and_gets_it(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    choose(extension, "tripo-h3.1", prompt="a chair", format="FBX", quality="HIGH", style="clay", use_seed=True, seed=4)
    drawn = sidebar(extension)
    assert offered(drawn) == set(OPTIONS)
    formats = [name for name in drawn.properties if name.startswith("format=")]
    assert formats == ["format=GLB", "format=FBX", "format=OBJ", "format=USDZ", "format=AUTO"]
    assert "input_type" in drawn.properties
    assert "tripo-h3.1, $0.10 to $0.40" in drawn.texts
    assert "By tripo3d. Updated just now." in drawn.text
    assert "tokenlab.generate" not in drawn.disabled
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    pump(extension, simulator.creates)
    request = {
        "model": "tripo-h3.1",
        "prompt": "a chair",
        "format": "fbx",
        "quality": "high",
        "style": "clay",
        "seed": 4,
    }
    assert simulator.creates()[0]["request"] == request


def test_what_a_model_does_not_list_is_not_offered_and_not_sent_though_the_form_still_holds_it(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    choose(
        extension, "tripo-p1.0", prompt="a chair", format="USDZ", quality="HIGH", style="clay", use_seed=True, seed=4
    )
    drawn = sidebar(extension)
    assert offered(drawn) == {"use_seed", "seed"}
    formats = [name for name in drawn.properties if name.startswith("format=")]
    assert formats == ["format=GLB", "format=FBX", "format=AUTO"]
    assert "USDZ is not offered, so the model decides." in drawn.text
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    (task,) = extension.tasks()
    assert task.wait(timeout=60)
    assert simulator.creates()[0]["request"] == {"model": "tripo-p1.0", "prompt": "a chair", "seed": 4}
    row = bpy.context.window_manager.tokenlab.tasks[0]
    assert row.note == "The service delivered GLB instead of USDZ.", "what was hidden was not asked for"


def test_a_script_that_asks_for_what_the_model_does_not_list_is_told_in_the_task(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    choose(extension, "tripo-p1.0", style="from the form")
    assert bpy.ops.tokenlab.generate(prompt="a chair", quality="HIGH") == {"FINISHED"}
    (task,) = extension.tasks()
    task.wait(timeout=60)
    row = bpy.context.window_manager.tokenlab.tasks[0]
    assert row.note == "Sent without quality, which tripo-p1.0 does not list."


def test_of_a_model_that_publishes_nothing_no_option_is_offered_and_the_minimal_request_is_sent(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    choose(extension, "hyper3d-gen2", prompt="a chair", quality="HIGH", style="clay", use_seed=True)
    drawn = sidebar(extension)
    assert offered(drawn) == set()
    assert [name for name in drawn.properties if name.startswith("format")] == []
    assert "hyper3d-gen2 publishes no options. Only what has to be is sent." in drawn.text
    assert "hyper3d-gen2, $0.75 to $2.25" in drawn.texts
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    pump(extension, simulator.creates)
    assert simulator.creates()[0]["request"] == {"model": "hyper3d-gen2", "prompt": "a chair"}


def test_a_model_that_nobody_knows_can_be_typed_and_the_panel_says_that_nothing_is_known(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    choose(extension, "my-own-model")
    drawn = sidebar(extension)
    assert "What my-own-model takes is not known yet." in drawn.text
    assert "does not know the model" in drawn.text
    assert offered(drawn) == set()
    assert form().model == "my-own-model"
    choose(extension, "tripo-h3.1")
    assert "does not know the model" not in sidebar(extension).text


def test_what_was_chosen_goes_along_though_the_form_does_not_know_yet_that_the_model_takes_it(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    settle(extension)
    form().model, form().prompt, form().use_seed, form().seed = "tripo-p1.0", "a chair", True, 4
    assert offered(sidebar(extension)) == set(), "the answer is not there yet"
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    pump(extension, simulator.creates)
    assert simulator.creates()[0]["request"] == {"model": "tripo-p1.0", "prompt": "a chair", "format": "glb", "seed": 4}


# ---- what is said before the send


@pytest.mark.parametrize("way", ["IMAGE_FILE", "IMAGE_DATABLOCK", "IMAGE_URL"])
def test_a_text_only_model_says_so_before_the_send(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, way: str
) -> None:
    choose(
        extension,
        "tripo-p1.0",
        input_type=way,
        image_path=str(png(tmp_path / "red.png")),
        image=bpy.data.images.new("red", 2, 2),
        image_url="https://example.com/red.png",
    )
    drawn = sidebar(extension)
    assert "tripo-p1.0 takes text only. Choose another model, or generate from text." in drawn.text
    assert "tokenlab.generate" in drawn.disabled
    assert "input_type" in drawn.properties, "the way out"
    with pytest.raises(RuntimeError, match=r"tripo-p1\.0 takes text only\. Nothing was sent or charged\."):
        bpy.ops.tokenlab.generate()
    assert [entry for entry in simulator.requests() if entry["method"] == "POST"] == []
    assert extension.tasks() == []
    form().input_type = "TEXT"
    drawn = sidebar(extension)
    assert "input_type" not in drawn.properties, "there is no choice"
    assert "tokenlab.generate" not in drawn.disabled


def test_a_model_that_needs_a_picture_and_a_prompt_that_is_too_long_are_said_before_the_send(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    choose(extension, "hitem3d-2.0", prompt="a chair")
    assert "hitem3d-2.0 needs a picture." in sidebar(extension).text
    choose(extension, "tripo-h3.1")
    assert "7 of 1024 characters" in sidebar(extension).texts
    form().prompt = "x" * 1025
    drawn = sidebar(extension)
    assert "1025 of 1024 characters" in drawn.texts
    assert "tokenlab.generate" in drawn.disabled
    with pytest.raises(extension.TokenLabError, match=r"tripo-h3\.1 takes 1024"):
        extension.generate("x" * 1025)
    assert simulator.creates() == []


def test_the_dialog_says_the_same(extension: ModuleType, simulator: SimulatorProcess) -> None:
    choose(extension, "tripo-p1.0", input_type="IMAGE_URL")
    drawn = draw(extension.operators.generate.TOKENLAB_OT_generate)
    assert "tripo-p1.0 takes text only." in drawn.texts
    assert "format=FBX" in drawn.properties and "format=OBJ" not in drawn.properties


def test_a_deprecated_model_names_the_one_that_replaces_it(extension: ModuleType, simulator: SimulatorProcess) -> None:
    choose(extension, "seed3d-1.0")
    drawn = sidebar(extension)
    assert "Deprecated, use seed3d-2.0." in drawn.text
    assert "Use seed3d-2.0" in drawn.buttons
    called_with = drawn.operators["wm.context_set_string"]
    assert bpy.ops.wm.context_set_string(**called_with) == {"FINISHED"}
    assert form().model == "seed3d-2.0"


# ---- the list


def test_the_search_lists_the_models_of_our_endpoint_with_their_prices(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    settle(extension)
    found = dict(extension.core.blender.models.search(form(), bpy.context, ""))
    assert found["tripo-h3.1"] == "tripo3d, $0.10 to $0.40"
    assert found["seed3d-1.0"] == "bytedance, $0.30, Deprecated"
    assert list(found)[-2:] == ["seed3d-1.0", "try-without-key"]
    assert "seed3d-1.0: bytedance, $0.30, Deprecated" in sidebar(extension).buttons
    assert not [name for name in found if name.startswith("marble")]
    names = [model.id for model in extension.models()]
    assert sorted([*names, "try-without-key"]) == sorted(found)


def test_what_is_known_serves_without_the_network_and_says_how_old_it_is(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any, tmp_path: Path
) -> None:
    choose(extension, "tripo-p1.0")
    known = extension.models()
    assert make_old(tmp_path, TWO_DAYS) == 2
    preferences.api_key = ""
    simulator.reset()
    new_session(extension)
    settle(extension)
    drawn = sidebar(extension)
    assert offered(drawn) == {"use_seed", "seed"}
    assert "Updated 2 days ago." in drawn.text
    assert "No API key is set." in drawn.text
    assert extension.models() == known or [model.id for model in extension.models()] == [model.id for model in known]
    assert simulator.requests() == []


def test_without_anything_known_and_no_way_to_ask_scripts_get_a_sentence(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    preferences.api_key = ""
    with pytest.raises(extension.TokenLabError, match="No API key is set"):
        extension.models()
    assert offered(sidebar(extension)) == set()
    assert simulator.requests() == []


def test_the_list_is_fetched_by_itself_once_a_session_and_only_when_it_is_old(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    settle(extension)
    assert questions(simulator) == ["/v1/models", "/v1/models/tripo-h3.1"]
    for _ in range(20):
        extension.core.blender.tick.tick()
    new_session(extension)
    settle(extension)
    assert len(questions(simulator)) == 2, "it is fresh"
    make_old(tmp_path, TWO_DAYS)
    simulator.configure(faults=["models-500"])
    new_session(extension)
    settle(extension)
    asked = len(questions(simulator))
    assert asked == 3, "what fails is not tried again by itself"
    settle(extension)
    assert len(questions(simulator)) == asked
    assert "did not answer clearly" in sidebar(extension).text
    simulator.configure(faults=[])
    assert bpy.ops.tokenlab.refresh_models() == {"FINISHED"}
    assert questions(simulator)[asked:] == ["/v1/models", "/v1/models/tripo-h3.1"]
    assert "did not answer clearly" not in sidebar(extension).text


def test_a_refresh_that_fails_says_so_and_leaves_what_was_known(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    settle(extension)
    simulator.configure(faults=["models-500"])
    with pytest.raises(RuntimeError, match="did not answer clearly"):
        bpy.ops.tokenlab.refresh_models()
    assert offered(sidebar(extension)) == set(OPTIONS)
    assert extension.models()


def test_another_service_is_asked_anew_as_soon_as_it_is_entered(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    settle(extension)
    before = len(questions(simulator))
    preferences.base_url = simulator.url.replace("127.0.0.1", "localhost")
    settle(extension)
    assert len(questions(simulator)) > before


# ---- drawing


def test_drawing_and_searching_ask_nothing_read_no_file_and_change_nothing(
    extension: ModuleType, simulator: SimulatorProcess, watch: Watch, tmp_path: Path
) -> None:
    choose(extension, "tripo-p1.0", input_type="IMAGE_FILE", prompt="a chair")
    panels, files = extension.panels.sidebar, modified(tmp_path)
    before = (questions(simulator), state_of_form())
    watch.seen.clear()
    with watch.watching():
        for _ in range(3):
            for panel in (panels.TOKENLAB_PT_generate, panels.TOKENLAB_PT_options, panels.TOKENLAB_PT_tasks):
                draw(panel)
            extension.core.blender.models.search(form(), bpy.context, "tri")
    assert watch.seen == []
    assert (questions(simulator), state_of_form(), modified(tmp_path)) == (*before, files)
    assert not bpy.app.timers.is_registered(extension.core.blender.tick.tick)


# ---- the delivery tier


@pytest.mark.parametrize(
    ("chosen", "said"), [("DEFAULT", None), ("AUTO", "auto"), ("VERIFIED", "verified"), ("OFFICIAL", "official")]
)
def test_the_delivery_tier_of_the_preferences_goes_along_with_the_create_request(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any, chosen: str, said: str | None
) -> None:
    preferences.delivery_policy = chosen
    task = extension.generate("a chair")
    task.wait(timeout=60)
    headers = {entry["method"]: entry["headers"] for entry in simulator.requests()}
    assert headers["POST"].get("X-TokenLab-Delivery-Policy") == said
    assert "X-TokenLab-Delivery-Policy" not in headers["GET"]
    facts = json.loads((task.result_path.parent / "task.json").read_text())
    assert facts["delivery_policy"] == (said or "")


def test_the_preferences_show_the_delivery_tier_under_advanced(extension: ModuleType, preferences: Any) -> None:
    drawn = draw(extension.core.blender.preferences.TOKENLAB_AP_preferences, **fields_of(preferences))
    assert "Advanced" in drawn.texts
    assert "delivery_policy" in drawn.properties


def fields_of(preferences: Any) -> dict[str, Any]:
    return {"bl_rna": preferences.bl_rna}


def state_of_form() -> dict[str, Any]:
    return {name: getattr(form(), name) for name in form().bl_rna.properties.keys()}  # noqa: SIM118


def modified(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def make_old(folder: Path, seconds: float) -> int:
    """Say that what is kept of the models was fetched so long ago; return how many details there are."""
    path = folder / "data" / "models.json"
    record = json.loads(path.read_text())
    assert abs(record["fetched_at"] - time.time()) < 600
    for part in (record, *record["details"]):
        part["fetched_at"] -= seconds
    path.write_text(json.dumps(record))
    return len(record["details"])
