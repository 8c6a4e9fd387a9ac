# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of the interface follow Blender's own rules, each action is in a menu, and each grey button says why.

Checked are all classes that the extension registers, whoever adds one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender import panel_states, registered
from tests.blender.support import MODULE, new_session

SMALL_WORDS = frozenset(
    "a an and as at but by for from in into nor of off on or per so than the to up via with".split()  # noqa: SIM905
)
"""What a title in the MLA's style leaves small between its first and its last word."""
_ADVERBS = frozenset(("by", "in", "off", "on", "up"))
"""These begin large in "Clean Up Library", where they belong to the verb: both can be right."""
NAMES = frozenset({"px"})
"""Words that are written as they are."""
WITHOUT_MENU: dict[str, str] = {}
"""Operators that no menu has, and why not. Blender's search finds what is in a menu, and nothing else."""

ONLY_IN_A_WINDOW = {"tokenlab.generate": "without a window it is its `execute` that says why nothing can be sent"}
"""Operators whose `poll` says no only where there is a window, and why."""


@pytest.fixture(autouse=True)
def interface(extension: ModuleType) -> Iterator[None]:
    """The interface is as it was afterwards."""
    yield
    panel_states.clear(extension)


def title_problem(text: str) -> str:
    """Say which word of a label is not written as in a title, or nothing."""
    # What is quoted, and what is a value rather than a word, is as it is.
    words = [word for word in re.split(r"[\s/-]+", re.sub(r"“[^”]*”", "", text)) if word]
    for index, word in enumerate(words):
        bare = word.strip("….,:()!?'")
        if not bare or not bare[0].isalpha() or bare in NAMES:
            continue
        is_inner = 0 < index < len(words) - 1
        if bare[0].islower() and not (is_inner and bare in SMALL_WORDS):
            return f"“{text}”: “{bare}” begins small"
        is_after_colon = index > 0 and words[index - 1].endswith(":")
        if is_inner and not is_after_colon and bare[0].isupper() and bare.lower() in SMALL_WORDS - _ADVERBS:
            return f"“{text}”: “{bare}” begins large"
    return f"“{text}” ends with a period" if text.endswith(".") else ""


def description_problem(text: str) -> str:
    """Say what is wrong with a tooltip, or nothing."""
    if not text:
        return "has no description"
    if text.endswith("."):
        return f"“{text}” ends with a period"
    return f"“{text}” does not begin with a capital" if text[0].isalpha() and not text[0].isupper() else ""


def labels() -> Iterator[tuple[str, str]]:
    """Every name that a class gives something on the screen, and where it is from."""
    for cls in registered.classes():
        label = getattr(cls, "bl_label", "")
        if label:
            yield cls.__name__, label
        for name, item in registered.properties(cls).items():
            yield f"{cls.__name__}.{name}", item.name
            for choice in choices(item):
                yield f"{cls.__name__}.{name}={choice.identifier}", choice.name


def choices(item: Any) -> list[Any]:
    return list(item.enum_items) if item.type == "ENUM" else []


def descriptions() -> Iterator[tuple[str, str]]:
    """Every tooltip, and where it is from. Rows of lists are drawn as text, without any."""
    for cls in registered.classes("Operator", "Menu", "Panel"):
        yield cls.__name__, cls.bl_rna.description or (cls.__doc__ or "").strip()
    for cls in registered.classes("Operator", "AddonPreferences", "PropertyGroup"):
        for name, item in registered.properties(cls).items():
            is_seen = cls.__name__ not in copies_for_drawing() or item.description
            if is_seen:
                yield f"{cls.__name__}.{name}", item.description
            for choice in choices(item):
                yield f"{cls.__name__}.{name}={choice.identifier}", choice.description


def copies_for_drawing() -> set[str]:
    """The types of what is kept for drawing only (`window_manager.tokenlab`); its fields are texts, seen as labels."""
    session = type(bpy.context.window_manager.tokenlab)
    rows = [item.fixed_type.identifier for item in session.bl_rna.properties if item.type == "COLLECTION"]
    return {session.__name__, *rows}


def in_all_states(extension: ModuleType, preferences: Any) -> Iterator[Any]:
    drawings = [draw for _name, draw in registered.drawings()]
    for _state, enter in panel_states.states(extension, preferences):
        enter()
        for draw in drawings:
            yield draw()


def test_labels_are_in_title_case(extension: ModuleType) -> None:
    found = dict(labels())
    assert {"TOKENLAB_PT_generate", "TOKENLAB_PG_form.prompt", "TOKENLAB_OT_generate.quality=HIGH"} <= found.keys()
    assert not {where: title_problem(text) for where, text in found.items() if title_problem(text)}


def test_tooltips_begin_with_a_capital_and_end_without_a_period(extension: ModuleType) -> None:
    found = dict(descriptions())
    assert {"TOKENLAB_OT_generate", "TOKENLAB_AP_preferences.api_key", "TOKENLAB_MT_add"} <= found.keys()
    assert not {where: description_problem(text) for where, text in found.items() if description_problem(text)}


def test_what_is_written_on_the_screen_is_in_title_case_and_what_can_be_changed_has_a_tooltip(
    extension: ModuleType, session: Any, preferences: Any
) -> None:
    written: set[str] = set()
    fields: set[tuple[str, str]] = set()
    for drawn in in_all_states(extension, preferences):
        written |= set(drawn.labels)
        fields |= set(drawn.fields)
    assert {"Generate", "Stop Waiting", "Get API Key"} <= written
    assert not [title_problem(text) for text in sorted(written) if title_problem(text)]
    assert ("TOKENLAB_PG_form", "prompt") in fields
    groups = {cls.__name__: cls for cls in registered.classes("PropertyGroup", "AddonPreferences", "UIList")}
    ours = [(groups[owner], name) for owner, name in fields if owner in groups]
    bare = [(cls.__name__, name) for cls, name in ours if not registered.rna(cls).properties[name].description]
    assert not bare, f"these can be changed and have no tooltip: {bare}"


# ---- every action is in a menu


def test_every_operator_is_in_a_menu(extension: ModuleType, session: Any) -> None:
    found: set[str] = set()
    for owner, functions in registered.appended().items():
        if "_MT_" in owner:
            for function in functions:
                found |= registered._draw_appended(owner, function).operators.keys()
    assert "tokenlab.generate" in found
    missing = registered.operators().keys() - found - WITHOUT_MENU.keys()
    assert not missing, f"Blender's search does not find {sorted(missing)}: put them into a menu, or say why not here"
    assert not WITHOUT_MENU.keys() & found, "these are in a menu after all"


def test_what_asks_before_it_costs_something_asks_from_every_menu(extension: ModuleType, session: Any) -> None:
    panel_states._show_model()
    asking = {name for name, cls in registered.operators().items() if hasattr(cls, "invoke")}
    assert {"tokenlab.generate_variation", "tokenlab.submit_again", "tokenlab.clear_finished"} <= asking
    silent = {
        f"{name} in {where}" for where, draw in registered.drawings() for name in asking.intersection(draw().unasked)
    }
    assert not silent, "set layout.operator_context there"


def test_no_operator_takes_a_name_that_is_not_ours(extension: ModuleType) -> None:
    assert registered.operators()
    assert all(name.startswith("tokenlab.") for name in registered.operators())
    assert all(cls.__name__.startswith("TOKENLAB_") for cls in registered.classes())


# ---- what cannot be used says why


@pytest.fixture
def poll_states(
    extension: ModuleType, session: Any, preferences: Any, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, Callable[[], None]]]:
    """States in which operators cannot be used, as in a window; between them they have each `poll` say no."""
    monkeypatch.setattr(extension.operators.generate, "_is_in_window", lambda: True)
    sessions = extension.core.blender.session

    def disable() -> None:
        sessions.stop()

    def enable() -> None:
        new_session(extension)

    return [
        ("disabled", disable),
        ("no key, no task", enable),
        ("library busy", lambda: setattr(panel_states.shown(), "library_is_busy", True)),
        ("library free", lambda: setattr(panel_states.shown(), "library_is_busy", False)),
        *panel_states.states(extension, preferences),
    ]


def test_every_operator_that_cannot_be_used_says_why(
    extension: ModuleType, poll_states: list[tuple[str, Callable[[], None]]]
) -> None:
    silent: list[str] = []
    refused: set[str] = set()
    for state, enter in poll_states:
        enter()
        for name in registered.operators():
            sentence = reason(name)
            refused |= set() if sentence is None else {name}
            if sentence == "":
                silent.append(f"{name} in the state “{state}”")
            elif sentence is not None:
                assert sentence[0].isupper(), f"{name}: {sentence}"
                assert sentence.endswith("."), f"{name}: {sentence}"
    assert not silent, f"grey without a word: {silent}"
    polled = {name for name, cls in registered.operators().items() if "poll" in dir(cls)} - ONLY_IN_A_WINDOW.keys()
    assert not polled - refused, f"no state of this test has the poll of these say no: {sorted(polled - refused)}"


def reason(name: str) -> str | None:
    """Why an operator cannot be used, "" if it does not say, None if it can be."""
    operator = registered.operator(name)
    if operator.poll():
        return None
    with pytest.raises(RuntimeError) as caught:
        operator()
    said = str(caught.value).partition(".poll()")[2].strip()
    return "" if said.startswith("failed") else said


# ---- and the rules see what they are there for


@pytest.mark.parametrize(
    "text",
    [
        *("Generate 3D Model", "Add Library to Asset Browser", "As the Service Chooses", "Import in Background", "-Y"),
        *(
            "Clean Up Library",
            "Show in Files…",
            "Format: GLB",
            "“a chair” Again",
            "Non-Manifold Edges",
            "API Key",
            "Log In",
            "512 px",
        ),
    ],
)
def test_a_title_is_a_title(text: str) -> None:
    assert title_problem(text) == ""


@pytest.mark.parametrize("text", ["Generate model", "generate Model", "Add To Library", "Log in", "A Title."])
def test_what_is_no_title_is_found(text: str) -> None:
    assert text in title_problem(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        *(("Ask the service", ""), ("PNG, JPEG or WebP picture", ""), ("3D model", ""), ("", "no description")),
        *(("ask the service", "capital"), ("Ask the service.", "period")),
    ],
)
def test_tooltips_are_judged(text: str, problem: str) -> None:
    assert problem in description_problem(text) and bool(problem) == bool(description_problem(text))


@pytest.fixture
def planted(extension: ModuleType) -> Iterator[Any]:
    """An operator of the extension that does everything wrong, as somebody might add it."""
    content = {
        "__module__": f"{MODULE}.operators.planted",
        "__doc__": "do something.",
        "__annotations__": {"number": bpy.props.IntProperty(name="a Number")},
        "bl_idname": "tokenlab.planted",
        "bl_label": "Do something",
        "poll": classmethod(lambda _cls, _context: False),
    }
    cls: Any = type("TOKENLAB_OT_planted", (bpy.types.Operator,), content)
    bpy.utils.register_class(cls)
    yield cls
    bpy.utils.unregister_class(cls)


def test_an_operator_that_somebody_adds_is_judged_by_all_rules(
    planted: Any, extension: ModuleType, session: Any
) -> None:
    name = planted.__name__
    assert title_problem(dict(labels())[name]) and title_problem(dict(labels())[f"{name}.number"])
    assert "period" in description_problem(dict(descriptions())[name])
    assert "no description" in description_problem(dict(descriptions())[f"{name}.number"])
    assert reason("tokenlab.planted") == ""
    with pytest.raises(AssertionError, match="planted"):
        test_every_operator_is_in_a_menu(extension, session)


def test_the_extension_is_looked_for_where_it_is(extension: ModuleType) -> None:
    assert extension.__name__ == MODULE
    assert len(registered.classes("Operator")) > 10
    assert {"VIEW3D_MT_add", "VIEW3D_MT_object"} <= registered.appended().keys()
