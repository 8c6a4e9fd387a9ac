# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a model is to land: what it means for a model's transform, and how it is kept with the task."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.service.contract import GenerationRequest
from core.tasks.placement import (
    AS_DELIVERED,
    FARTHEST,
    MAX_HEIGHT,
    MIN_HEIGHT,
    Facing,
    Placement,
    Size,
    Vector3,
    angle,
    offset,
    scale_factor,
)
from core.tasks.task import from_text, merge, new_task, to_scene_text, to_text
from tests import arbitrary
from tests.arbitrary import HUGE

coordinates = st.floats(-FARTHEST, FARTHEST)
sides = st.floats(0.0, FARTHEST)
placements = st.builds(
    Placement,
    location=st.tuples(coordinates, coordinates, coordinates),
    size=st.sampled_from(Size),
    height=st.floats(MIN_HEIGHT, MAX_HEIGHT),
    box=st.tuples(sides, sides, sides),
    facing=st.sampled_from(Facing),
    on_floor=st.booleans(),
)
any_dimensions = st.tuples(*[st.floats(0.0, 1e30, allow_subnormal=True)] * 3)


# ---- size


def test_as_delivered_no_model_is_scaled() -> None:
    assert scale_factor(AS_DELIVERED, (1.0, 2.0, 3.0)) == 1.0


def test_a_height_is_met_exactly() -> None:
    assert scale_factor(Placement(size=Size.HEIGHT, height=1.8), (5.0, 0.2, 0.9)) == 2.0


@pytest.mark.parametrize(
    ("box", "dimensions", "factor"),
    [
        ((2.0, 2.0, 2.0), (1.0, 1.0, 1.0), 2.0),
        ((2.0, 2.0, 2.0), (1.0, 4.0, 1.0), 0.5),
        ((9.0, 9.0, 1.0), (1.0, 1.0, 2.0), 0.5),
        ((2.0, 2.0, 0.0), (1.0, 1.0, 7.0), 2.0),  # on a plane there is no lid
        ((2.0, 2.0, 2.0), (1.0, 1.0, 0.0), 2.0),  # a flat model
        ((0.0, 0.0, 6.0), (3.0, 3.0, 0.0), 2.0),  # a flat model on a pole: the longest sides
        ((0.0, 0.0, 0.0), (3.0, 3.0, 3.0), 1.0),
    ],
)
def test_into_a_box_it_is_as_large_as_fits(box: Vector3, dimensions: Vector3, factor: float) -> None:
    assert scale_factor(Placement(size=Size.BOX, box=box), dimensions) == pytest.approx(factor)


@pytest.mark.parametrize("flat", [0.0, 1e-12, 1e-5])
def test_a_flat_model_takes_a_height_as_its_largest_side(flat: float) -> None:
    assert scale_factor(Placement(size=Size.HEIGHT, height=2.0), (1.0, 4.0, flat)) == 0.5


@pytest.mark.parametrize("size", [Size.HEIGHT, Size.BOX])
@pytest.mark.parametrize("side", [0.0, 1e-20, math.nan, math.inf])
def test_a_single_point_or_no_size_at_all_is_left_as_it_is(size: Size, side: float) -> None:
    assert scale_factor(Placement(size=size, box=(1.0, 1.0, 1.0)), (side, side, side)) == 1.0


@given(placements, any_dimensions)
def test_whatever_the_model_the_factor_is_one_that_can_be_used(placement: Placement, dimensions: Vector3) -> None:
    assert 1e-6 <= scale_factor(placement, dimensions) <= 1e6


# ---- place


LOW, HIGH = (-1.0, -2.0, -3.0), (2.0, 4.0, 5.0)


def test_only_what_stands_or_fills_a_box_is_moved_from_its_own_origin() -> None:
    assert offset(Placement(size=Size.HEIGHT), LOW, HIGH) == (0.0, 0.0, 0.0)
    assert offset(Placement(on_floor=True), LOW, HIGH) == (0.0, 0.0, 3.0)
    assert offset(Placement(size=Size.BOX), LOW, HIGH) == (-0.5, -1.0, 3.0)


def test_what_needs_no_measuring_is_not_measured() -> None:
    assert not AS_DELIVERED.needs_dimensions
    assert not Placement(location=(1.0, 2.0, 3.0), facing=Facing.CAMERA).needs_dimensions
    assert Placement(on_floor=True).needs_dimensions
    assert Placement(size=Size.HEIGHT).needs_dimensions
    assert Placement(size=Size.BOX).needs_dimensions


def test_the_outline_is_what_is_known_of_the_size() -> None:
    assert AS_DELIVERED.outline is None
    assert Placement(size=Size.HEIGHT, height=1.8).outline == (1.8, 1.8, 1.8)
    assert Placement(size=Size.BOX, box=(1.0, 2.0, 0.0)).outline == (1.0, 2.0, 0.0)
    assert Placement(size=Size.BOX).outline is None


# ---- facing


def front(radians: float) -> tuple[float, float]:
    """Where a model looks that looked along -Y before it was turned."""
    return (round(math.sin(radians), 9), round(-math.cos(radians), 9))


@pytest.mark.parametrize(
    ("facing", "way"),
    [
        (Facing.AS_DELIVERED, (0, -1)),
        (Facing.NEGATIVE_Y, (0, -1)),
        (Facing.X, (1, 0)),
        (Facing.Y, (0, 1)),
        (Facing.NEGATIVE_X, (-1, 0)),
    ],
)
def test_the_front_looks_where_it_is_to_look(facing: Facing, way: tuple[int, int]) -> None:
    assert front(angle(facing)) == way
    assert front(angle(facing, (3.0, 3.0))) == way, "whatever the camera"


@pytest.mark.parametrize("way", [(1.0, 0.0), (0.0, -1.0), (-0.6, 0.8), (0.6, -0.8)])
def test_towards_the_camera_the_distance_does_not_matter(way: tuple[float, float]) -> None:
    for distance in (0.001, 1.0, 1e5):
        assert front(angle(Facing.CAMERA, (way[0] * distance, way[1] * distance))) == pytest.approx(way)


@pytest.mark.parametrize("way", [None, (0.0, 0.0), (math.nan, 1.0)])
def test_without_a_camera_to_look_at_nothing_is_turned(way: tuple[float, float] | None) -> None:
    assert angle(Facing.CAMERA, way) == 0.0


# ---- with the task


def task(placement: Placement) -> Any:
    return replace(new_task(GenerationRequest(prompt="a chair"), "scene-1"), placement=placement)


@given(placements)
def test_it_is_in_the_journal_and_in_the_scenes_copy_to_the_last_digit(placement: Placement) -> None:
    one = task(placement)
    for read in (from_text(to_text(one)), from_text(to_scene_text(one), scene_id="scene-1")):
        assert read is not None
        assert read.placement == placement


def test_a_change_of_the_task_and_a_merge_keep_it() -> None:
    ours = task(Placement(size=Size.HEIGHT, height=3.0))
    theirs = from_text(to_scene_text(ours.evolve(error="x")), scene_id="scene-1")
    assert theirs is not None
    assert merge(ours, theirs).placement == ours.placement
    assert ours.evolve(progress=5).placement == ours.placement


def test_a_task_of_an_older_version_has_the_default() -> None:
    record = json.loads(to_text(task(Placement(on_floor=True))))
    del record["placement"]
    read = from_text(json.dumps(record))
    assert read is not None
    assert read.placement == AS_DELIVERED


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, HUGE, -HUGE, "1", None, True, [1.0]])
def test_a_value_that_is_no_length_is_the_default_and_the_rest_stays(value: object) -> None:
    read = Placement.from_record({"location": [0.0, 1.0, value], "height": value, "facing": "X", "on_floor": True})
    assert read == Placement(facing=Facing.X, on_floor=True)


@pytest.mark.parametrize("height", [0, -1, 0.0, MIN_HEIGHT / 2, MAX_HEIGHT * 2])
def test_a_height_out_of_range_is_the_default(height: float) -> None:
    assert Placement.from_record({"height": height}) == AS_DELIVERED


@pytest.mark.parametrize("box", [[1, 2], [1, 2, 3, 4], [1, 2, -3], {"0": 1}, "123", [[1], 2, 3]])
def test_a_box_that_is_none_is_the_default(box: object) -> None:
    assert Placement.from_record({"box": box}) == AS_DELIVERED


@pytest.mark.parametrize("word", ["x", "", "name", 5, None, [], "__class__"])
def test_a_word_that_is_no_choice_is_the_default(word: object) -> None:
    assert Placement.from_record({"facing": word, "size": word}) == AS_DELIVERED


NAMES = ("location", "size", "height", "box", "facing", "on_floor")


@given(st.one_of(arbitrary.json_values, arbitrary.records(*NAMES)), any_dimensions)
@example({"location": [HUGE, 1, 2], "height": HUGE}, (1.0, 1.0, 1.0))
def test_no_json_makes_a_placement_that_cannot_be_used(value: object, dimensions: Vector3) -> None:
    read = Placement.from_record(json.loads(json.dumps(value)))
    assert Placement.from_record(read.to_record()) == read
    assert all(math.isfinite(number) for number in (*read.location, *read.box, read.height))
    assert 1e-6 <= scale_factor(read, dimensions) <= 1e6
