# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TokenLab tab of the 3D View's sidebar. bpy is allowed here; nothing is changed and nothing is asked for."""

from __future__ import annotations

import time
from typing import Any, Final

import bpy

from .. import __package__ as base_package
from ..core.blender import models, preferences, properties
from ..core.service.errors import DASHBOARD_BILLING, DASHBOARD_RUNS, IN_PREFERENCES
from .model_facts import draw_model_facts
from .models import ago, draw_input_type, draw_model, draw_options, draw_price, draw_prompt_length
from .sentences import draw_sentence
from .stand_in import draw_chosen, draw_made, draw_offer, generate_label
from .task_list import STATE_LABELS, draw_progress, is_in_progress

_LONG_SECONDS: Final = 900.0
"""So long the service's own clients wait (API notes 3.3)."""


class TOKENLAB_PT_generate(bpy.types.Panel):
    """What to generate"""

    bl_idname = "TOKENLAB_PT_generate"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "TokenLab"
    bl_label = "Generate"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        form = properties.form(context.scene)
        if not draw_chosen(layout, context, form):
            _draw_problem(layout, context)
            _draw_connection(layout, context)
        draw_input_type(layout, form)
        _draw_picture(layout, form)
        layout.prop(form, "prompt", text="", placeholder="A low-poly robot mascot")
        draw_prompt_length(layout, form)
        draw_price(layout, form)
        found = models.objection_to_form(form)
        if found:
            draw_sentence(layout, context, f"{found.what} {found.advice}", icon="ERROR", alert=True)
        row = layout.row()
        row.scale_y = 1.4
        row.enabled = found is None
        row.operator("tokenlab.generate", text=generate_label(form), icon="SHADERFX")


class TOKENLAB_PT_options(bpy.types.Panel):
    """Model, format and other choices"""

    bl_idname = "TOKENLAB_PT_options"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "TokenLab"
    bl_parent_id = "TOKENLAB_PT_generate"
    bl_label = "Options"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        form = properties.form(context.scene)
        draw_model(layout, context, form)
        draw_options(layout, context, form)


class TOKENLAB_PT_tasks(bpy.types.Panel):
    """Running and finished tasks"""

    bl_idname = "TOKENLAB_PT_tasks"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "TokenLab"
    bl_label = "Tasks"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        session = properties.session_list()
        if session.notice:
            draw_sentence(layout, context, session.notice, icon="ERROR", alert=True)
        if not session.tasks:
            draw_sentence(layout, context, "No tasks yet. Write a prompt and click Generate.")
        else:
            row = layout.row()
            row.template_list(
                "TOKENLAB_UL_tasks", "", session, "tasks", session, "active_task_index", rows=4, maxrows=8
            )
            column = row.column()
            column.operator("tokenlab.remove_task", text="", icon="REMOVE")
        if session.tasks_elsewhere:
            text = f"{session.tasks_elsewhere} of other files: open those, or import the models here."
            draw_sentence(layout, context, text, icon="INFO")


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
        column = layout.column(align=True)
        for name, value in _facts(context, task):
            row = column.split(factor=0.3)
            row.label(text=name)
            row.label(text=value, translate=False)
        draw_model_facts(layout, context, task)


def _draw_patience(layout: bpy.types.UILayout, context: bpy.types.Context, task: Any) -> None:
    """Say of a task that takes long that it still runs: a deadline is no failure (API notes 3.3)."""
    age = time.time() - float(task.created_at or 0)
    if task.state in ("PENDING", "PROCESSING") and age > _LONG_SECONDS and not task.error:
        text = f"Still running, sent {ago(age)}. The service is asked about it again and again; nothing has to be done."
        draw_sentence(layout, context, text, icon="TIME")


def _draw_problem(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Say what keeps anything from being sent, with the one action that mends it."""
    problem = preferences.problem()
    if not problem:
        return
    box = layout.box()
    draw_sentence(box, context, problem, icon="INFO")
    if not preferences.api_key() or not preferences.has_safe_address():
        box.operator("preferences.addon_show", text="Open Preferences", icon="PREFERENCES").module = base_package
        if not preferences.api_key():
            draw_offer(box, context)
    else:
        box.operator("screen.userpref_show", text="Open System Preferences", icon="PREFERENCES").section = "SYSTEM"


def _draw_connection(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    status = properties.session_list().connection_status
    if status:
        draw_sentence(layout, context, status, icon="URL")


def _draw_picture(layout: bpy.types.UILayout, form: Any) -> None:
    if form.input_type == "IMAGE_FILE":
        layout.prop(form, "image_path", text="")
    elif form.input_type == "IMAGE_DATABLOCK":
        layout.template_ID(form, "image", open="image.open")
    elif form.input_type == "IMAGE_URL":
        layout.prop(form, "image_url", text="", placeholder="https://…")


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
    if task.state == "READY" and task.error:
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
    facts = [("Request ID", task.request_id)] if task.request_id else []
    if task.submitted_at:
        facts.append(("Sent", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(task.submitted_at)))))
    return facts
