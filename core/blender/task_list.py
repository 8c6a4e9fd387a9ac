# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sidebar's list in the window manager: neither saved nor undone, written here, read by the panels.

bpy is allowed here.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence

import bpy

from ..files.facts import ModelFacts
from ..service.catalogue import price_text
from ..service.contract import AUTO, GenerationRequest
from ..tasks.task import Task, TaskState
from .properties import TOKENLAB_PG_task, session_list


def is_open_elsewhere(task: Task) -> bool:
    """Whether a task of a file that is not open still wants something of somebody."""
    if task.state is TaskState.READY:
        return not task.delivered
    return task.state not in (TaskState.FAILED, TaskState.LOST)


def write_all(own: Sequence[tuple[Task, str]], elsewhere: Sequence[tuple[Task, str]]) -> None:
    """Write the list anew from tasks and the names of their scenes, keeping the active row.

    The newest task of this file comes last, as one does that `write_one` adds.
    """
    tasks = [*elsewhere, *own]
    group = session_list()
    active, is_news = active_local_id(), len(group.tasks) != len(tasks)
    while len(group.tasks) > len(tasks):
        group.tasks.remove(len(group.tasks) - 1)
    while len(group.tasks) < len(tasks):
        group.tasks.add()
    for row, (task, scene_name) in zip(group.tasks, tasks, strict=True):
        is_news |= _fill(row, task, scene_name)
    if group.tasks_elsewhere != len(elsewhere):
        group.tasks_elsewhere, is_news = len(elsewhere), True
    if select(active) or is_news:
        tag_redraw()


def write_one(task: Task, scene_name: str) -> None:
    """Write one task's row, adding it at the end if there is none."""
    group = session_list()
    index = group.tasks.find(task.local_id)
    row = group.tasks[index] if index >= 0 else group.tasks.add()
    if _fill(row, task, scene_name):
        tag_redraw()


def set_waits_for(local_id: str, reason: str) -> None:
    """Show why an import has to wait, or that it does not ("")."""
    group = session_list()
    index = group.tasks.find(local_id)
    if index >= 0 and group.tasks[index].waits_for != reason:
        group.tasks[index].waits_for = reason
        tag_redraw()


def active_local_id() -> str:
    """Return the local id of the active row, or ""."""
    group = session_list()
    index = group.active_task_index
    return group.tasks[index].local_id if 0 <= index < len(group.tasks) else ""


def is_stand_in(local_id: str) -> bool:
    """Whether a task of the list, the active one for "", is a trial that the service knows nothing of."""
    group = session_list()
    index = group.tasks.find(local_id or active_local_id())
    return index >= 0 and bool(group.tasks[index].is_stand_in)


def select(local_id: str) -> bool:
    """Make a task's row the active one, the last row if the task has none; return whether it was another one."""
    group = session_list()
    index = group.tasks.find(local_id) if local_id else -1
    index = index if index >= 0 else max(0, len(group.tasks) - 1)
    if group.active_task_index == index:
        return False
    group.active_task_index = index
    return True


def tag_redraw() -> None:
    """Have the sidebars and the preferences drawn again: nothing else does that after a timer (blender_rules 5)."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if (area.type, region.type) in (("VIEW_3D", "UI"), ("PREFERENCES", "WINDOW")):
                    region.tag_redraw()


def facts_of(row: TOKENLAB_PG_task) -> ModelFacts | None:
    """Return what a row says of its model, or None when that was not measured."""
    return ModelFacts.from_record(json.loads(row.facts)) if row.facts else None


@functools.lru_cache(maxsize=2048)
def _facts_text(facts: ModelFacts | None) -> str:
    """Return the facts as text. Rows are compared at each change of any task, and facts seldom change."""
    return json.dumps(facts.to_record()) if facts else ""


def _options_text(request: GenerationRequest) -> str:
    """Return what was chosen beside model and format, or ""."""
    options = [
        f"{request.quality.capitalize()} Quality" if request.quality != AUTO else "",
        f"Style {request.style}" if request.style else "",
        f"Seed {request.seed}" if request.seed is not None else "",
        "From a Picture" if request.picture_field else "",
    ]
    return ", ".join(filter(None, options))


def _variant_key(request: GenerationRequest, scene_name: str) -> str:
    """Return what the results of one prompt have in common.

    A picture is told by its content once it was read: every picture of the 3D View has the same name.
    """
    picture = request.image_sha256 or request.image_name or request.image_url
    return f"{scene_name}\n{request.prompt}\n{picture}"


def _fill(row: TOKENLAB_PG_task, task: Task, scene_name: str) -> bool:
    """Write a task into a row; return whether that changed anything."""
    values = {
        "name": task.local_id,
        "local_id": task.local_id,
        "task_id": task.task_id,
        "prompt": task.title,
        "model": task.request.model,
        "format": task.request.format,
        "options": _options_text(task.request),
        "price": price_text(task.min_price, task.max_price),
        "state": task.state.value,
        "progress": -1 if task.progress is None else task.progress,
        "error": task.error,
        "note": task.note,
        "variant_key": _variant_key(task.request, scene_name),
        "scene_name": scene_name,
        "billing_transaction_id": task.billing_transaction_id,
        "request_id": task.request_id,
        "submitted_at": "" if task.submitted_at is None else f"{task.submitted_at:.3f}",
        "settled_at": "" if task.settled_at is None else f"{task.settled_at:.3f}",
        "created_at": f"{task.created_at:.3f}",
        "is_stand_in": task.is_stand_in,
        "was_imported": task.delivered or task.state is TaskState.IMPORTED,
        "has_result": bool(task.result_path),
        "facts": _facts_text(task.facts),
        "waits_for": "",
    }
    news = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in news.items():
        setattr(row, name, value)
    return bool(news)
