# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The active task of the list: what it is, how it is, and what to do next. bpy is allowed here; nothing is changed."""

from __future__ import annotations

import time
from typing import Any, Final

import bpy

from .. import __package__ as base_package
from ..core.blender import properties, thumbnails
from ..core.service.errors import DASHBOARD_BILLING, DASHBOARD_RUNS, IN_PREFERENCES
from .model_facts import draw_model_facts
from .models import ago
from .sentences import draw_sentence
from .stand_in import draw_made
from .task_list import STATE_LABELS, draw_progress, is_in_progress

_LONG_SECONDS: Final = 900.0
"""So long the service's own clients wait (API notes 3.3)."""

_PICTURE_SCALE: Final = 5.0
"""Of the model's picture, in lines of text."""


class TOKENLAB_PT_details(bpy.types.Panel):
    """The active task: what it is, how it is, and what to do next"""

    bl_idname = "TOKENLAB_PT_details"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "TokenLab"
    bl_parent_id = "TOKENLAB_PT_tasks"
    bl_label = "Details"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _active_task() is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        task = _active_task()
        draw_made(layout, context, task)
        if task.error:
            draw_sentence(layout, context, task.error, icon="ERROR", alert=True)
        if task.note:
            draw_sentence(layout, context, task.note, icon="INFO")
        if task.waits_for and task.state == "READY":
            draw_sentence(layout, context, f"The import waits for {task.waits_for}.", icon="TIME")
        if is_in_progress(task):
            draw_progress(layout, task)
            _draw_patience(layout, context, task)
        _draw_actions(layout, task)
        _draw_show_file(layout, task)
        _draw_places(layout, task)
        picture = thumbnails.icon_id(task.local_id)
        if picture:
            layout.template_icon(icon_value=picture, scale=_PICTURE_SCALE)
        column = layout.column(align=True)
        for name, value in _facts(context, task):
            row = column.split(factor=0.3)
            row.label(text=name)
            row.label(text=value, translate=False)
        draw_model_facts(layout, context, task)


def _draw_patience(layout: bpy.types.UILayout, context: bpy.types.Context, task: Any) -> None:
    """Say of a task that takes long that it still runs: a deadline is no failure (API notes 3.3)."""
    # It may have waited here for hours before it was sent.
    age = time.time() - float(task.submitted_at or task.created_at or 0)
    if task.state in ("PENDING", "PROCESSING") and age > _LONG_SECONDS and not task.error:
        text = f"Still running, sent {ago(age)}. The service is asked about it again and again; nothing has to be done."
        draw_sentence(layout, context, text, icon="TIME")


def _active_task() -> Any:
    session = properties.session_list()
    index = session.active_task_index
    return session.tasks[index] if 0 <= index < len(session.tasks) else None


def _draw_actions(layout: bpy.types.UILayout, task: Any) -> None:
    """One button: the next step that makes sense in this state."""
    if task.state in ("READY", "IMPORTED") and task.has_result:
        row = layout.row(align=True)
        button = row.operator("tokenlab.import_model", text=_import_label(task), icon="IMPORT")
        button.local_id, button.here = task.local_id, not task.scene_name
        if not task.error:
            row.operator("tokenlab.open_folder", text="", icon="FILE_FOLDER").local_id = task.local_id
    elif task.state == "UNCERTAIN":
        layout.operator("tokenlab.attach_task", icon="LINKED").local_id = task.local_id
        layout.operator("tokenlab.submit_again", text="Submit Again", icon="EXPORT").local_id = task.local_id
        layout.operator("tokenlab.remove_task", text="Discard", icon="X").local_id = task.local_id
    elif task.state in ("READY", "DOWNLOADING") and task.error:
        layout.operator("tokenlab.resume", text="Try Again", icon="FILE_REFRESH").local_id = task.local_id
    elif task.state in ("STOPPED", "LOST"):
        layout.operator("tokenlab.resume", text="Resume", icon="PLAY").local_id = task.local_id
    elif task.state == "QUEUED":
        layout.operator("tokenlab.resume", text="Submit", icon="EXPORT").local_id = task.local_id
    elif task.state in ("PENDING", "PROCESSING", "DOWNLOADING"):
        layout.operator("tokenlab.stop_waiting", text="Stop Waiting", icon="CANCEL").local_id = task.local_id


def _draw_show_file(layout: bpy.types.UILayout, task: Any) -> None:
    """Where something is wrong with a file, it is there to be looked at."""
    if task.state in ("READY", "IMPORTED") and task.error:
        layout.operator("tokenlab.open_folder", text="Show File", icon="FILE_FOLDER").local_id = task.local_id


def _draw_places(layout: bpy.types.UILayout, task: Any) -> None:
    """Offer the way to each place that the task's sentences name."""
    said = f"{task.error} {task.note}"
    for page, text in ((DASHBOARD_BILLING, "Top Up"), (DASHBOARD_RUNS, "Open Dashboard")):
        if page in said:
            layout.operator("wm.url_open", text=text, icon="URL").url = f"https://{page}"
    if IN_PREFERENCES in said:
        layout.operator("preferences.addon_show", text="Open Preferences", icon="PREFERENCES").module = base_package


def _import_label(task: Any) -> str:
    if not task.scene_name:
        return "Import Here"
    return "Import Again" if task.was_imported else "Import"


def _facts(context: bpy.types.Context, task: Any) -> list[tuple[str, str]]:
    facts = [] if is_in_progress(task) else [("State", STATE_LABELS.get(task.state, task.state))]
    facts += [("Model", task.model), ("Format", task.format)]
    facts += [(name, text) for name, text in (("Options", task.options), ("Price", task.price)) if text]
    facts += _times(task)
    if task.scene_name != context.scene.name:
        facts.append(("Scene", task.scene_name or "In Another File"))
    if task.task_id:
        facts.append(("Task ID", task.task_id))
    if task.billing_transaction_id:
        facts.append(("Billing ID", task.billing_transaction_id))
    return facts + _facts_for_support(task)


def _facts_for_support(task: Any) -> list[tuple[str, str]]:
    """By which a request is found in the dashboard, or by support, that ended badly or may have arrived."""
    if task.state not in ("UNCERTAIN", "FAILED", "LOST"):
        return []
    return [("Request ID", task.request_id)] if task.request_id else []


def _times(task: Any) -> list[tuple[str, str]]:
    """When it was sent, and how long the service took."""
    if not task.submitted_at:
        return []
    sent = float(task.submitted_at)
    times = [("Sent", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(sent)))]
    took = duration(task)
    return [*times, ("Took", took)] if took else times


def duration(task: Any) -> str:
    """Return how long the service took for a task, or "" while that is not known."""
    if not task.submitted_at or not task.settled_at or float(task.settled_at) < float(task.submitted_at):
        return ""
    minutes, seconds = divmod(round(float(task.settled_at) - float(task.submitted_at)), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
