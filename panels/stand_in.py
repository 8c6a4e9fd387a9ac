# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is shown of the stand-in for the service: the offer, that it is chosen, and what it made. bpy is allowed here.

Nothing is changed.
"""

from __future__ import annotations

from typing import Any

import bpy

from ..core.blender import models
from .sentences import draw_sentence

_OFFER = "Or see every step without one: TokenLab 3D makes a small model itself. Nothing is sent or charged."
_CHOSEN = (
    "Trial: TokenLab 3D makes one of a few small models itself, as an example of every step. "
    "Nothing is sent, nothing is charged."
)
_MADE = "Made by TokenLab 3D itself: nothing was sent, nothing is charged."


def draw_offer(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the other way on for whoever has no key."""
    draw_sentence(layout, context, _OFFER)
    layout.operator("tokenlab.try_without_key", icon="PLAY")


def draw_chosen(layout: bpy.types.UILayout, context: bpy.types.Context, form: Any) -> bool:
    """Draw that the form's model is the stand-in, and the way back; return whether it is.

    What keeps the service from being used is of no interest then.
    """
    if not models.is_stand_in_chosen(form):
        return False
    box = layout.box()
    draw_sentence(box, context, _CHOSEN, icon="INFO")
    box.operator("tokenlab.try_without_key", text="Use the Service", icon="LOOP_BACK").back = True
    return True


def generate_label(form: Any) -> str:
    """Return what is written on the button."""
    return "Generate Trial Model" if models.is_stand_in_chosen(form) else "Generate"


def draw_made(layout: bpy.types.UILayout, context: bpy.types.Context, task: Any) -> None:
    """Draw of a task that the service had nothing to do with it, if so."""
    if task.is_stand_in:
        draw_sentence(layout, context, _MADE, icon="INFO")


def row_title(task: Any) -> str:
    """Return what a task is called in the list."""
    return f"Trial: {task.prompt}" if task.is_stand_in else str(task.prompt)
