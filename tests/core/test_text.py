# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from outside: what is kept of it, and what must never be shown or stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import bytes_text, clean_text, one_line, public_words

ANYTHING = st.one_of(st.text(), st.text(st.characters(categories=["Cs", "Cc", "Zs", "Ll"])), st.integers(), st.none())


@given(ANYTHING)
def test_cleaned_text_can_be_stored_in_a_custom_property(value: object) -> None:
    cleaned = clean_text(value)
    cleaned.encode("utf-8")
    assert "\0" not in cleaned
    assert cleaned == cleaned.strip()


@given(st.text())
def test_ordinary_text_survives_cleaning_but_for_the_space_around_it(value: str) -> None:
    assert clean_text(value, limit=10_000) == value.replace("\0", "").strip()


@pytest.mark.parametrize("value", [None, 5, 1.5, True, ["a"], {"a": "b"}, b"bytes"])
def test_what_is_no_string_becomes_empty(value: object) -> None:
    assert clean_text(value) == ""


def test_cleaned_text_has_a_limit() -> None:
    assert clean_text("x" * 9_000) == "x" * 4_000
    assert clean_text("abcdef", limit=3) == "abc"


def test_a_lone_surrogate_is_replaced_and_a_nul_removed() -> None:
    assert clean_text("a\ud800b\0c") == "a?bc"


@given(ANYTHING, st.integers(5, 60))
def test_one_line_is_one_line_and_not_longer_than_allowed(value: object, limit: int) -> None:
    line = one_line(value, limit=limit)
    assert len(line.splitlines()) <= 1
    assert len(line) <= limit


def test_one_line_joins_lines_and_shows_where_it_was_cut() -> None:
    assert one_line("two\n  lines\tof text") == "two lines of text"
    assert one_line("a long text", limit=6) == "a lon…"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("See https://cdn.example.com/a.glb?signature=secret for it.", "See … for it."),
        ("Fetch HTTP://example.com/x failed", "Fetch … failed"),
        ("Incorrect API key provided: sk-abcdef0123456789.", "Incorrect API key provided: …."),
        ("The token mt-abcdef0123456789 is no key", "The token … is no key"),
        ("data:image/png;base64,iVBORw0KGgo= is no picture", "… is no picture"),
        ("A sky-blue task-list at 3:1", "A sky-blue task-list at 3:1"),
    ],
)
def test_words_of_others_are_shown_without_addresses_and_keys(words: str, shown: str) -> None:
    assert public_words(words) == shown


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KB"),
        (1024**2 - 1, "1 MB"),
        (67_108_864, "64 MB"),
        (1024**3, "1.0 GB"),
        (1_500 * 1024**3, "1500.0 GB"),
    ],
)
def test_sizes_are_said_in_few_letters(count: int, text: str) -> None:
    assert bytes_text(count) == text
