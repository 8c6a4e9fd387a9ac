# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""States of the interface, set by hand and fast, that between them have every panel drawn in every way. Uses bpy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import bpy

TASK_STATES = (
    *("QUEUED", "SUBMITTING", "UNCERTAIN", "PENDING", "PROCESSING", "DOWNLOADING", "CONVERTING"),
    *("READY", "IMPORTED", "FAILED", "STOPPED", "LOST"),
)
SENTENCE = (
    "The balance is too low. Nothing was charged. Top up at tokenlab.sh/dashboard/billing, or in the preferences."
)
FACTS = {"triangles": 12, "parts": 1, "materials": 1, "textures": 1, "missing_textures": 1, "dimensions": [1, 1, 1]}
_SAID = ("notice", "connection_status", "library_use", "library_status", "diagnostics_status")

States = Iterator[tuple[str, Callable[[], None]]]


def shown() -> Any:
    return bpy.context.window_manager.tokenlab


def states(extension: ModuleType, preferences: Any) -> States:
    """Name each state, with a function that brings it about. They are meant to follow one another."""
    yield "no key", partial(setattr, preferences, "api_key", "")
    yield "a key", partial(setattr, preferences, "api_key", "sk-of-nobody")
    address = preferences.base_url
    yield "online access off", partial(setattr, preferences, "base_url", "https://api.example.com")
    yield "online access on", partial(setattr, preferences, "base_url", address)
    yield from _choices_of_the_form()
    for model in ("tripo-h3.1", "tripo-p1.0", "a-model-of-tomorrow", extension.core.service.stand_in.INFO.id):
        yield f"model {model}", partial(setattr, _form(), "model", model)
    yield "a long prompt", partial(setattr, _form(), "prompt", "dragon " * 1000)
    yield "sentences", _say
    for seen in extension.core.tasks.records.ServiceState:
        yield f"service {seen.name}", partial(setattr, shown(), "service_state", seen.value)
    bar = extension.core.blender.status_bar
    yield "news", partial(bar._memory.__setitem__, 0, bar.Shown(1, "a chair", "PROCESSING", 50, "a vase", "FAILED"))
    for state in TASK_STATES:
        for is_wrong in (False, True):
            name = f"a task {state}{', with an error' if is_wrong else ''}"
            yield name, partial(_show_task, state, is_wrong=is_wrong)
    yield "in another file", lambda: setattr(shown().tasks[-1], "scene_name", "")
    yield "no task again", shown().tasks.clear


def _form() -> Any:
    return bpy.context.scene.tokenlab


def _choices_of_the_form() -> States:
    """Each choice of the form once, whoever adds one."""
    for item in _form().bl_rna.properties:
        name, before = item.identifier, getattr(_form(), item.identifier)
        if item.type == "ENUM":
            for value in item.enum_items.keys():  # noqa: SIM118
                yield f"{name} {value}", partial(setattr, _form(), name, value)
            yield f"{name} as before", partial(setattr, _form(), name, before)
        elif item.type == "BOOLEAN":
            yield name, partial(setattr, _form(), name, not before)


def clear(extension: ModuleType) -> None:
    """Take away what the states have left outside of the file."""
    shown().tasks.clear()
    for name in (*_SAID, "service_state", "tasks_elsewhere", "library_is_busy", "active_task_index"):
        shown().property_unset(name)
    extension.core.blender.status_bar.forget()


def _say() -> None:
    for name in _SAID:
        setattr(shown(), name, SENTENCE)
    shown().tasks_elsewhere = 2


def _show_task(state: str, *, is_wrong: bool) -> None:
    """Add a task to the list, which is written by no tick here, and make it the active one."""
    row = shown().tasks.add()
    row.name = row.local_id = f"0000-{len(shown().tasks)}"
    row.state, row.prompt, row.model, row.format = state, "a chair", "tripo-h3.1", "GLB"
    row.scene_name, row.task_id, row.billing_transaction_id = bpy.context.scene.name, "ldtask_1", "billtxn_1"
    row.created_at = row.submitted_at = "1700000000"
    row.progress, row.has_result = (50, True) if is_wrong else (-1, state in ("READY", "IMPORTED"))
    row.was_imported = row.has_result
    row.error = row.note = SENTENCE if is_wrong else ""
    row.request_id = "req_1" if is_wrong else ""
    row.waits_for = "Object Mode" if state == "READY" else ""
    row.is_stand_in = is_wrong
    row.facts = json.dumps(FACTS) if row.has_result else ""
    shown().active_task_index = len(shown().tasks) - 1
