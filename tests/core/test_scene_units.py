# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""For which scenes a model is as it was prepared: those that agree in the units that count for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.files.scene_units import FACTORY, LENGTH, from_text, of_those, suits, to_text

CENTIMETRES = {**FACTORY, "scale_length": 0.009999999776482582}
FILM = {**FACTORY, "fps": 30, "fps_base": 1.001}


@given(
    st.fixed_dictionaries(
        {
            "scale_length": st.floats(2**-29, 2**29, width=32),
            "fps": st.integers(1, 32767),
            "fps_base": st.floats(2**-16, 2**19, width=32),
            "frame_start": st.integers(0, 1048574),
        }
    )
)
def test_what_was_made_for_a_scene_suits_it_whatever_its_units_are(units: dict[str, float]) -> None:
    """Or it would be prepared again and again."""
    assert from_text(to_text(units)) == units
    assert suits(to_text(units), to_text(units))


def test_only_the_units_that_count_for_a_model_have_to_agree() -> None:
    still = to_text(of_those(FACTORY, sorted(LENGTH)))
    assert suits(still, to_text(FILM)) and not suits(still, to_text(CENTIMETRES))
    nothing = to_text(of_those(CENTIMETRES, []))
    assert suits(nothing, to_text(FACTORY)) and suits(nothing, to_text(FILM))
    assert not suits(to_text(FILM), to_text(FACTORY))


def test_of_a_model_of_an_earlier_version_all_units_count_and_are_those_of_the_factory() -> None:
    assert suits("", "") and suits("", to_text(FACTORY))
    assert not suits("", to_text(FILM)) and not suits("", to_text(CENTIMETRES))


@pytest.mark.parametrize("names", [None, 5, "scale_length", {}, [[], None]])
def test_a_child_that_talks_nonsense_of_units_is_not_believed_to_know_none(names: object) -> None:
    assert of_those(FILM, names) == ({} if isinstance(names, list) else FILM)


@pytest.mark.parametrize("text", ["[", "[]", "5", '"fps"', "[" * 100_000])
def test_what_cannot_be_read_is_as_from_the_factory(text: str) -> None:
    assert from_text(text) == FACTORY


@pytest.mark.parametrize("text", ['{"fps": true}', '{"fps": "30"}', '{"fps": NaN}', '{"other": 5}'])
def test_what_is_no_unit_is_left_out(text: str) -> None:
    assert from_text(text) == {}
