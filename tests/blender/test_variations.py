# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One prompt with several seeds: as many requests as were asked for, side by side, each of them once."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import Drawn, draw
from tests.blender.registered import StandIn
from tests.blender.support import pump
from tests.simulator.process import SimulatorProcess


def test_each_variation_is_one_request_with_a_seed_of_its_own(
    extension: ModuleType, simulator: SimulatorProcess, session: Any
) -> None:
    handles = extension.generate_variations("a red cube", variations=3, seed=7)
    for handle in handles:
        handle.wait(timeout=60)
    assert len(simulator.creates()) == 3
    tasks = [session.engine.records.get(handle.local_id) for handle in handles]
    assert tasks[0].request.seed == 7 and len({task.request.seed for task in tasks}) == 3
    places = sorted(item.location.x for handle in handles for item in handle.objects)
    assert places == pytest.approx([0.0, 2.0, 4.0])


def test_a_picture_that_is_made_for_a_request_is_made_for_each(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    image = bpy.data.images.new("Painted", 8, 8)
    for handle in extension.generate_variations("a chair", variations=2, image=image):
        handle.wait(timeout=60)
    assert len(simulator.creates()) == 2


def test_the_form_asks_for_as_many_as_it_says_and_names_what_all_cost(
    extension: ModuleType, simulator: SimulatorProcess, session: Any
) -> None:
    bpy.ops.tokenlab.refresh_models()
    form = bpy.context.scene.tokenlab
    form.prompt, form.variations = "a red cube", 2
    assert "tripo-h3.1 × 2, $0.20 to $0.80" in draw(extension.panels.sidebar.TOKENLAB_PT_generate).texts  # noqa: RUF001
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    pump(extension, lambda: len(simulator.creates()) == 2)
    # The same again is what was asked for here.
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    pump(extension, lambda: len(simulator.creates()) == 4)


class Pressed(StandIn):
    """A generate operator whose button was pressed in a window, which a test does not have."""

    def __init__(self, extension: ModuleType, **given: Any) -> None:
        properties = SimpleNamespace(is_property_set=lambda name: name in given)
        super().__init__(extension.operators.generate.TOKENLAB_OT_generate, Drawn(), properties=properties, **given)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    @property
    def question(self) -> str:
        """What it asks before it sends anything."""
        said: dict[str, str] = {}
        manager = SimpleNamespace(invoke_confirm=lambda _self, _event, **words: said.update(words))
        self._ask_about_variations(SimpleNamespace(scene=bpy.context.scene, window_manager=manager), None)
        return said["message"]


def test_the_price_that_is_named_is_that_of_the_model_that_is_sent(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    bpy.ops.tokenlab.refresh_models()
    assert "$0.30 to $1.20 in all" in Pressed(extension, variations=3).question
    assert "$0.90 to $1.50 in all" in Pressed(extension, variations=3, model="tripo-p1.0").question
    assert "no price is published" in Pressed(extension, variations=3, model="nobody-knows").question
    assert "nothing is charged" in Pressed(extension, variations=3, model="try-without-key").question


def test_a_model_without_seeds_makes_no_variations(extension: ModuleType, simulator: SimulatorProcess) -> None:
    form = bpy.context.scene.tokenlab
    form.prompt, form.variations, form.model = "a red cube", 3, "hyper3d-gen2"
    bpy.ops.tokenlab.refresh_models()
    with pytest.raises(extension.TokenLabError, match="takes no seed"):
        extension.generate_variations("a red cube", variations=3, model="hyper3d-gen2")
    assert "variations" not in draw(extension.panels.sidebar.TOKENLAB_PT_options).properties
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    pump(extension, simulator.creates)
    assert len(bpy.context.window_manager.tokenlab.tasks) == 1


def test_when_one_of_them_cannot_be_sent_it_is_said_how_many_are(
    extension: ModuleType, simulator: SimulatorProcess, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = session.generate
    sent: list[Any] = []

    def generate(*arguments: Any, **options: Any) -> Any:
        if len(sent) == 2:
            raise extension.TokenLabError("The disk is full.")
        sent.append(real(*arguments, **options))
        return sent[-1]

    monkeypatch.setattr(session, "generate", generate)
    with pytest.raises(extension.TokenLabError, match=r"2 of 4 variations are being sent\. The disk is full\."):
        extension.generate_variations("a red cube", variations=4)
    assert len(sent) == 2


def test_a_variation_of_a_model_in_the_scene_asks_for_the_same_with_another_seed(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    bpy.ops.tokenlab.refresh_models()
    task = extension.generate("a red cube", quality="HIGH", seed=7, height=2.0)
    task.wait(timeout=60)
    bpy.context.view_layer.objects.active = task.objects[0]
    assert bpy.ops.tokenlab.generate_variation(of_object=True) == {"FINISHED"}
    pump(extension, lambda: len(simulator.creates()) == 2)
    first, second = (create["request"] for create in simulator.creates())
    assert first["seed"] == 7 and second["seed"] != 7
    assert {**first, "seed": 0} == {**second, "seed": 0}


# ---- side by side


def states() -> dict[str, str]:
    return {row.local_id: row.state for row in bpy.context.window_manager.tokenlab.tasks}


def test_keeping_one_puts_the_others_away_as_one_step_that_is_undone_and_redone(
    extension: ModuleType, simulator: SimulatorProcess, session: Any
) -> None:
    bpy.ops.ed.undo_push(message="Begin")
    handles = extension.generate_variations("a red cube", variations=3)
    for handle in handles:
        handle.wait(timeout=60)
    kept, *others = (handle.local_id for handle in handles)
    before = len(bpy.data.meshes)
    assert bpy.ops.tokenlab.keep_variant(local_id=kept) == {"FINISHED"}
    bpy.ops.ed.undo_push(message="Keep This Variant")  # Blender itself does it for a button.
    assert states() == {kept: "IMPORTED", **dict.fromkeys(others, "READY")}
    assert len(bpy.data.meshes) == before - 2
    assert bpy.context.window is not None
    bpy.ops.ed.undo()
    assert set(states().values()) == {"IMPORTED"} and len(bpy.data.meshes) == before
    bpy.ops.ed.redo()
    assert states() == {kept: "IMPORTED", **dict.fromkeys(others, "READY")}
    pump(extension, lambda: not session.engine.is_busy)
    assert states()[others[0]] == "READY", "what was put away does not come back by itself"
    assert bpy.ops.tokenlab.import_model(local_id=others[0]) == {"FINISHED"}
    assert states()[others[0]] == "IMPORTED"
    assert len(simulator.creates()) == 3


def test_what_a_user_put_beside_a_model_stays_when_it_is_put_away(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    handles = extension.generate_variations("a red cube", variations=2)
    for handle in handles:
        handle.wait(timeout=60)
    own = bpy.data.objects.new("My Light", None)
    handles[1].objects[0].users_collection[0].objects.link(own)
    assert bpy.ops.tokenlab.keep_variant(local_id=handles[0].local_id) == {"FINISHED"}
    assert bpy.data.objects.get("My Light") is not None and own.users_collection
    assert states()[handles[1].local_id] == "READY"


def test_the_results_of_one_prompt_are_shown_side_by_side(extension: ModuleType, simulator: SimulatorProcess) -> None:
    panel = extension.panels.variants.TOKENLAB_PT_variants
    extension.generate("a chair").wait(timeout=60)
    assert not panel.poll(bpy.context)
    handles = extension.generate_variations("a red cube", variations=2, seed=7)
    for handle in handles:
        handle.wait(timeout=60)
    assert panel.poll(bpy.context)
    drawn = draw(panel)
    assert drawn.texts.count("1 triangles") == 2 and "a chair" not in drawn.text
    assert "Seed 7" in drawn.texts and drawn.texts.count("$0.10 to $0.40") == 2
    assert drawn.buttons == ["Keep", ""] * 2


def test_what_was_put_away_is_offered_again_and_models_are_named_where_they_differ(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    away = extension.generate("a chair")
    away.wait(timeout=60)
    kept = extension.generate("a chair", model="tripo-p1.0")
    kept.wait(timeout=60)
    bpy.ops.tokenlab.keep_variant(local_id=kept.local_id)
    drawn = draw(extension.panels.variants.TOKENLAB_PT_variants)
    assert drawn.buttons == ["Import", "", "Keep", ""] and not drawn.disabled
    assert "tripo-h3.1" in drawn.texts and "tripo-p1.0" in drawn.texts


def test_nothing_is_put_away_for_a_model_that_is_not_in_the_scene(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    first, second = extension.generate_variations("a red cube", variations=2)
    for handle in (first, second):
        handle.wait(timeout=60)
    bpy.ops.tokenlab.keep_variant(local_id=first.local_id)
    with pytest.raises(RuntimeError, match=r"not in its scene\. Nothing was changed\."):
        bpy.ops.tokenlab.keep_variant(local_id=second.local_id)
    assert first.objects


def test_only_other_models_of_the_same_scene_are_put_away_each_with_all_its_copies(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    elsewhere = extension.generate("a chair", scene=bpy.data.scenes.new("Other"))
    elsewhere.wait(timeout=60)
    kept, away = extension.generate_variations("a chair", variations=2)
    for handle in (kept, away):
        handle.wait(timeout=60)
    bpy.ops.tokenlab.import_model(local_id=away.local_id)
    assert bpy.ops.tokenlab.keep_variant(local_id=kept.local_id) == {"FINISHED"}
    assert kept.objects and elsewhere.objects and not away.objects
    assert states() == {elsewhere.local_id: "IMPORTED", kept.local_id: "IMPORTED", away.local_id: "READY"}


def test_pictures_of_one_name_have_no_variants_in_common(extension: ModuleType, simulator: SimulatorProcess) -> None:
    made = []
    for color in (0.2, 0.8):
        image = bpy.data.images.new("TokenLab Viewport", 8, 8)
        image.pixels[:] = [color] * 256
        made.append(extension.generate(image=image, confirm_duplicate=True))
        made[-1].wait(timeout=60)
        bpy.data.images.remove(image)
    assert not extension.panels.variants.TOKENLAB_PT_variants.poll(bpy.context)
    assert bpy.ops.tokenlab.keep_variant(local_id=made[1].local_id) == {"CANCELLED"}
    assert all(task.objects for task in made)


def test_the_model_of_a_task_is_selected_in_the_scene(extension: ModuleType, simulator: SimulatorProcess) -> None:
    task = extension.generate("a chair")
    assert bpy.ops.tokenlab.select_model(local_id=task.local_id) == {"CANCELLED"}
    task.wait(timeout=60)
    assert bpy.ops.tokenlab.select_model(local_id=task.local_id) == {"FINISHED"}
    assert bpy.context.window_manager.tokenlab.tasks[0].local_id == task.local_id


def selected() -> list[str]:
    return [item.name for item in bpy.context.view_layer.objects.selected]


@pytest.mark.parametrize("place", ["another scene", "an excluded collection", "a hidden collection", "a hidden object"])
def test_a_model_that_cannot_be_selected_leaves_the_selection_as_it_is(
    extension: ModuleType,
    simulator: SimulatorProcess,
    place: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    scene = bpy.data.scenes.new("Shop") if place == "another scene" else bpy.context.scene
    task = extension.generate("a chair", scene=scene)
    task.wait(timeout=60)
    (item,) = task.objects
    if place == "an excluded collection":
        bpy.context.view_layer.layer_collection.children[item.users_collection[0].name].exclude = True
    elif place == "a hidden collection":
        item.users_collection[0].hide_viewport = True
    elif place == "a hidden object":
        item.hide_set(True)
    own = bpy.data.objects.new("Mine", None)
    bpy.context.scene.collection.objects.link(own)
    own.select_set(True)
    before = selected()
    assert "Mine" in before
    assert bpy.ops.tokenlab.select_model(local_id=task.local_id) == {"CANCELLED"}
    assert selected() == before
    where = "in the scene “Shop”" if place == "another scene" else "hidden, or in a collection"
    assert f"The model of this task is {where}" in capfd.readouterr().out


def test_of_two_copies_of_a_model_the_one_in_this_scene_is_selected(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    task = extension.generate("a chair", scene=bpy.data.scenes.new("Shop"))
    task.wait(timeout=60)
    bpy.ops.tokenlab.import_model(local_id=task.local_id, here=True)
    for name in ("Scene", "Shop"):
        assert bpy.context.window is not None
        bpy.context.window.scene = bpy.data.scenes[name]
        for item in list(bpy.context.view_layer.objects.selected):
            item.select_set(False)
        assert bpy.ops.tokenlab.select_model(local_id=task.local_id) == {"FINISHED"}
        assert selected() == [item.name for item in bpy.data.scenes[name].collection.all_objects]
