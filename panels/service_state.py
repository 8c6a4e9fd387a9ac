# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps anything from being sent, with the one action that mends it. bpy is allowed here; nothing is changed."""

from __future__ import annotations

import bpy

from .. import __package__ as base_package
from ..core.blender import preferences, properties
from ..core.tasks.records import ServiceState
from .sentences import draw_sentence
from .stand_in import draw_offer


def draw_service_state(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw what is wrong with key, address or network; else what the last test of the connection said, if anything."""
    problem = preferences.problem()
    if problem:
        box = layout.box()
        draw_sentence(box, context, problem, icon="INFO")
        if preferences.api_key() and preferences.has_safe_address():
            _draw_system_preferences(box)
        else:
            _draw_preferences(box)
        if not preferences.api_key():
            draw_offer(box, context)
        return
    shown = properties.session_list()
    state = shown.service_state
    if state == ServiceState.KEY_REFUSED.value:
        box = layout.box()
        text = (
            f"{preferences.host()} refuses the API key. No new request is charged, and running tasks go on. Enter "
            "another key, or correct the address, in the preferences."
        )
        draw_sentence(box, context, text, icon="ERROR", alert=True)
        _draw_preferences(box)
    elif state == ServiceState.UNREACHABLE.value:
        box = layout.box()
        text = (
            f"{preferences.host()} cannot be reached. Running tasks go on there, and are asked about by themselves. "
            "Check the network."
        )
        draw_sentence(box, context, text, icon="ERROR", alert=True)
        box.operator("tokenlab.test_connection", text="Try Again", icon="FILE_REFRESH")
    elif shown.connection_status:
        draw_sentence(layout, context, shown.connection_status, icon="URL")


def is_of_use() -> bool:
    """Whether nothing is known that keeps the service from answering: what it last refused is then worth a word."""
    return properties.session_list().service_state in (ServiceState.UNKNOWN.value, ServiceState.ANSWERS.value)


def _draw_preferences(layout: bpy.types.UILayout) -> None:
    layout.operator("preferences.addon_show", text="Open Preferences", icon="PREFERENCES").module = base_package


def _draw_system_preferences(layout: bpy.types.UILayout) -> None:
    layout.operator("screen.userpref_show", text="Open System Preferences", icon="PREFERENCES").section = "SYSTEM"
