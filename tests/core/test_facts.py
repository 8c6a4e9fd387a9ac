# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about a model as text and back; what comes from elsewhere is not trusted."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given

from core.files.facts import ModelFacts
from tests.arbitrary import json_values

FACTS = ModelFacts(
    triangles=500_000,
    parts=2,
    non_manifold_edges=12,
    loose_pieces=3,
    materials=4,
    textures=4,
    missing_textures=1,
    texture_size=2048,
    texture_bytes=67_108_864,
    has_uvs=True,
    dimensions=(1.2, 0.8, 2.0),
)


def test_what_is_written_is_read_again() -> None:
    assert ModelFacts.from_record(json.loads(json.dumps(FACTS.to_record()))) == FACTS


@given(json_values)
def test_nothing_that_json_can_hold_makes_reading_fail(value: Any) -> None:
    for record in (value, {"triangles": 1, "dimensions": value, "parts": value, "has_uvs": value}):
        facts = ModelFacts.from_record(record)
        assert facts is None or ModelFacts.from_record(json.loads(json.dumps(facts.to_record()))) == facts


@pytest.mark.parametrize("record", [None, 1, "x", [], {}, {"triangles": "many"}, {"triangles": True}, {"parts": 2}])
def test_what_is_no_record_of_facts_is_none(record: object) -> None:
    assert ModelFacts.from_record(record) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("parts", -1),
        ("parts", 2.0),
        ("parts", 2**60),
        ("has_uvs", 1),
        ("texture_bytes", None),
        ("dimensions", [1.0, 2.0]),
        ("dimensions", [1.0, 2.0, math.nan]),
        ("dimensions", [1.0, 2.0, math.inf]),
        ("dimensions", [1.0, 2.0, -3.0]),
        ("dimensions", [1.0, 2.0, "3"]),
        ("dimensions", "123"),
        ("unknown", 1),
    ],
)
def test_a_value_of_the_wrong_kind_is_left_out_and_the_rest_is_kept(name: str, value: object) -> None:
    facts = ModelFacts.from_record({"triangles": 7, "materials": 3, name: value})
    assert facts == ModelFacts(triangles=7, materials=3)


def test_only_missing_textures_are_worth_a_remark() -> None:
    assert ModelFacts(triangles=7).remark == ""
    assert ModelFacts(missing_textures=1).remark.startswith("One texture of the model could not be found")
    assert ModelFacts(missing_textures=3).remark.startswith("3 textures of the model could not be found")
