# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Location, size and facing in the form, as the operator's properties and in scripts; read when the task is sent."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import draw
from tests.blender.models_to_place import add, block
from tests.blender.support import pump
from tests.simulator.process import SimulatorProcess


@pytest.fixture(autouse=True)
def slow_service(simulator: SimulatorProcess) -> None:
    simulator.configure(seconds=1000.0)


def form() -> Any:
    return bpy.context.scene.tokenlab


def placement() -> dict[str, Any]:
    """What the scene's copy of the only task says."""
    (text,) = bpy.context.scene["tokenlab_tasks"].values()
    record: dict[str, Any] = json.loads(text)["placement"]
    return record


def drawn(extension: ModuleType) -> list[str]:
    names: list[str] = draw(extension.panels.placement.TOKENLAB_PT_placement).properties
    return names


def nothing_was_sent(extension: ModuleType, simulator: SimulatorProcess) -> bool:
    for _ in range(3):
        extension.core.blender.tick.tick()
    return extension.tasks() == [] and simulator.creates() == [] and "tokenlab_tasks" not in bpy.context.scene


def test_by_default_the_model_goes_to_the_cursor_as_it_is_delivered(extension: ModuleType) -> None:
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    extension.generate("a chair")
    bpy.context.scene.cursor.location = (9.0, 9.0, 9.0)
    assert placement() == {
        "location": [1.0, 2.0, 3.0],
        "size": "AS_DELIVERED",
        "height": 1.0,
        "box": [0.0, 0.0, 0.0],
        "facing": "AS_DELIVERED",
        "on_floor": False,
    }


def test_the_panel_is_closed_and_draws_what_matters_for_the_choice(extension: ModuleType) -> None:
    panel = extension.panels.placement.TOKENLAB_PT_placement
    assert panel.bl_options == {"DEFAULT_CLOSED"} and panel.bl_parent_id == "TOKENLAB_PT_generate"
    assert drawn(extension) == ["placement", "size", "facing", "on_floor"]
    form().size = "HEIGHT"
    assert drawn(extension) == ["placement", "size", "height", "facing", "on_floor"]
    form().size = "SELECTED"
    assert drawn(extension) == ["size", "facing"]


def test_a_size_puts_the_model_on_the_floor_and_none_leaves_it_as_delivered() -> None:
    assert not form().on_floor
    form().size = "HEIGHT"
    assert form().on_floor
    form().on_floor = False
    assert not form().on_floor, "it is a choice"
    form().size = "AS_DELIVERED"
    assert not form().on_floor


def test_what_the_form_says_is_kept_with_the_task(extension: ModuleType) -> None:
    form().prompt, form().placement, form().size, form().height = "a chair", "ORIGIN", "HEIGHT", 1.5
    form().facing = "CAMERA"
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    record = placement()
    assert (record["location"], record["size"], record["height"]) == ([0.0, 0.0, 0.0], "HEIGHT", 1.5)
    assert (record["facing"], record["on_floor"]) == ("CAMERA", True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("HEIGHT", 2.0, "X", False)),
        ({"height": 5.0}, ("HEIGHT", 5.0, "X", True)),
        ({"size": "AS_DELIVERED"}, ("AS_DELIVERED", 2.0, "X", False)),
        ({"size": "HEIGHT", "on_floor": False}, ("HEIGHT", 2.0, "X", False)),
        ({"facing": "Y", "on_floor": True}, ("HEIGHT", 2.0, "Y", True)),
    ],
    ids=str,
)
def test_what_the_operator_is_given_wins_over_the_form(
    extension: ModuleType, given: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    form().size, form().height, form().facing = "HEIGHT", 2.0, "X"
    form().on_floor = False
    assert bpy.ops.tokenlab.generate(prompt="a chair", **given) == {"FINISHED"}
    record = placement()
    assert (record["size"], record["height"], record["facing"], record["on_floor"]) == expected


def test_every_field_is_a_property_of_the_operator_and_none_is_remembered(extension: ModuleType) -> None:
    properties = bpy.ops.tokenlab.generate.get_rna_type().properties
    for name in ("placement", "size", "height", "facing", "on_floor"):
        ours, forms = properties[name], form().bl_rna.properties[name]
        assert ours.is_skip_save, name
        assert (ours.name, ours.description, ours.type) == (forms.name, forms.description, forms.type)


@pytest.mark.parametrize(
    ("arguments", "size", "on_floor"),
    [
        ({}, "AS_DELIVERED", False),
        ({"height": 2}, "HEIGHT", True),
        ({"size": "height"}, "HEIGHT", True),
        ({"size": "AS_DELIVERED", "height": 2.0}, "AS_DELIVERED", False),
        ({"on_floor": True}, "AS_DELIVERED", True),
        ({"height": 2.0, "on_floor": False}, "HEIGHT", False),
    ],
    ids=str,
)
def test_a_script_says_what_differs_from_a_plain_import(
    extension: ModuleType, arguments: dict[str, Any], size: str, on_floor: bool
) -> None:
    extension.generate("a chair", **arguments)
    assert (placement()["size"], placement()["on_floor"]) == (size, on_floor)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"placement": "THERE"}, "is no placement"),
        ({"size": "BOX"}, "is no size"),
        ({"facing": "UP"}, "is no facing"),
        ({"height": 0.0}, "out of range"),
        ({"height": -1.0}, "out of range"),
        ({"height": float("nan")}, "out of range"),
        ({"height": float("inf")}, "out of range"),
        ({"size": "SELECTED"}, "Nothing is selected"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    extension: ModuleType, simulator: SimulatorProcess, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(extension.TokenLabError, match=rf"{sentence}.*Nothing was sent"):
        extension.generate("a chair", **arguments)
    assert nothing_was_sent(extension, simulator)


def test_without_a_selection_the_operator_says_what_to_do(extension: ModuleType, simulator: SimulatorProcess) -> None:
    add("Unselected", block(1.0, 1.0, 1.0))
    for kind in (None, bpy.data.lights.new("Lamp", "POINT"), bpy.data.cameras.new("Camera")):
        add("No Room", kind).select_set(True)
    form().prompt, form().size = "a chair", "SELECTED"
    with pytest.raises(RuntimeError, match=r"Nothing is selected.*Select an object"):
        bpy.ops.tokenlab.generate()
    assert nothing_was_sent(extension, simulator)


def test_several_selected_objects_are_one_box_whatever_they_are(extension: ModuleType) -> None:
    bpy.ops.object.text_add(location=(0.0, 0.0, 0.0))
    bpy.ops.curve.primitive_bezier_circle_add(radius=2.0, location=(10.0, 0.0, 1.0))
    mine = add("Mine", block(1.0, 1.0, 1.0))
    mine.location, mine.scale = (0.0, 5.0, -1.0), (2.0, 2.0, 2.0)
    add("Lamp", bpy.data.lights.new("Lamp", "POINT")).location = (100.0, 0.0, 0.0)
    add("Unselected", block(1.0, 1.0, 1.0)).location = (-100.0, 0.0, 0.0)
    for item in bpy.context.scene.objects:
        item.select_set(item.name != "Unselected")
    extension.generate("a chair", size="SELECTED", facing="X")
    record = placement()
    assert (record["size"], record["facing"], record["on_floor"]) == ("BOX", "X", False)
    # The circle reaches x = 12 and y = -2, the block z = -0.5 and y = 7, the circle z = 1, the block z = 1.5.
    assert record["box"] == pytest.approx([12.0, 9.0, 2.0], abs=1e-4)
    assert record["location"] == pytest.approx([6.0, 2.5, -0.5], abs=1e-4)


def test_the_box_is_that_of_the_modified_object_where_a_script_has_just_put_it(extension: ModuleType) -> None:
    mine = add("Mine", block(1.0, 1.0, 1.0))
    mine.modifiers.new("Array", "ARRAY").count = 3
    mine.select_set(True)
    mine.location = (5.0, 0.0, 0.0)
    extension.generate("a chair", size="SELECTED")
    assert placement()["box"] == pytest.approx([3.0, 1.0, 1.0], abs=1e-5)
    assert placement()["location"] == pytest.approx([6.5, 0.5, 0.25], abs=1e-5)


def test_of_another_scene_its_own_cursor_and_selection_count(extension: ModuleType) -> None:
    other = bpy.data.scenes.new("Other")
    other.cursor.location = (1.0, 2.0, 3.0)
    parent, mine = bpy.data.objects.new("Parent", None), bpy.data.objects.new("Mine", block(1.0, 1.0, 1.0))
    mine.parent, parent.location = parent, (4.0, 0.0, 0.0)
    for item in (parent, mine):
        other.collection.objects.link(item)
    mine.select_set(True, view_layer=other.view_layers[0])
    extension.generate("a chair", scene=other)
    extension.generate("a table", scene=other, size="SELECTED")
    records = [json.loads(text)["placement"] for text in other["tokenlab_tasks"].values()]
    assert records[0]["location"] == [1.0, 2.0, 3.0]
    assert records[1]["location"] == pytest.approx([4.5, 0.5, 0.25], abs=1e-5)


def test_the_journal_has_it_too(extension: ModuleType, session: Any) -> None:
    task = extension.generate("a chair", height=2.5, facing="CAMERA")
    pump(extension, lambda: task.task_id)
    again = extension.core.tasks.journal.Journal(session.engine.settings.data_directory)
    (row,) = again.load().result(30)
    assert again.stop(5.0)
    assert row.task.placement == session.engine.records.get(task.local_id).placement
    assert (row.task.placement.height, row.task.placement.facing.value) == (2.5, "CAMERA")
