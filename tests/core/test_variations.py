# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several tasks for one prompt: different seeds, places that do not overlap, and what all of them cost."""

from __future__ import annotations

import pytest

from core.service.catalogue import ModelInfo
from core.tasks.placement import Placement, Size
from core.tasks.variations import seeds, side_by_side, total_price


def test_no_seed_comes_twice_and_a_chosen_one_comes_first() -> None:
    found = seeds(7, 8)
    assert found[0] == 7
    assert len(set(found)) == 8 and all(0 <= seed <= 2**31 - 1 for seed in found)
    assert len(set(seeds(None, 8))) == 8


@pytest.mark.parametrize(
    ("placement", "step"),
    [
        (Placement(location=(1.0, 2.0, 3.0)), 2.0),
        (Placement(location=(1.0, 2.0, 3.0), size=Size.HEIGHT, height=4.0), 5.0),
        (Placement(location=(1.0, 2.0, 3.0), size=Size.BOX, box=(2.0, 9.0, 9.0)), 2.5),
        (Placement(location=(1.0, 2.0, 3.0), size=Size.BOX, box=(0.0, 9.0, 9.0)), 2.0),
    ],
)
def test_models_land_side_by_side_from_where_one_would_land(placement: Placement, step: float) -> None:
    places = side_by_side(placement, 3)
    assert [place.location[0] for place in places] == pytest.approx([1.0, 1.0 + step, 1.0 + 2 * step])
    assert {place.location[1:] for place in places} == {(2.0, 3.0)}
    assert {(place.size, place.height, place.box) for place in places} == {
        (placement.size, placement.height, placement.box)
    }


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (ModelInfo(id="m", min_price="0.10", max_price="0.40"), "$0.40 to $1.60"),
        (ModelInfo(id="m", min_price="0.25", max_price="0.25"), "$1.00"),
        (ModelInfo(id="m", max_price="a lot"), ""),
        (ModelInfo(id="m"), ""),
        (None, ""),
    ],
)
def test_the_price_of_all_is_said_where_one_is_published(model: ModelInfo | None, words: str) -> None:
    assert total_price(model, 4) == words
