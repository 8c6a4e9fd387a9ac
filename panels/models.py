# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The model of the form and what it takes: only that is offered. bpy is allowed here; nothing is changed or asked."""

from __future__ import annotations

import time
from typing import Any

import bpy

from ..core.blender import models, prompts, properties
from .sentences import draw_sentence
from .service_state import is_of_use

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_LABEL = 0.4
"""How much of a line Blender itself gives to the name of a property."""


class TOKENLAB_MT_format(bpy.types.Menu):
    """File format to ask for"""

    bl_idname = "TOKENLAB_MT_format"
    bl_label = "Format"

    def draw(self, context: bpy.types.Context) -> None:
        form = properties.form(context.scene)
        for name in (*models.formats(form), "AUTO"):
            self.layout.prop_enum(form, "format", name)


class TOKENLAB_MT_models(bpy.types.Menu):
    """Models of the service with what they cost"""

    bl_idname = "TOKENLAB_MT_models"
    bl_label = "Models"

    def draw(self, _context: bpy.types.Context) -> None:
        for model in models.listed():
            _draw_choice(self.layout, f"{model.id}: {models.describe(model)}", model.id)
        if not models.shown().catalogue.models:
            self.layout.label(text="No Models Known Yet")


def draw_model(layout: bpy.types.UILayout, context: bpy.types.Context, form: Any) -> None:
    """Draw the choice of the model and what is known of it."""
    row = layout.row(align=True)
    row.prop(form, "model")
    row.menu(TOKENLAB_MT_models.bl_idname, text="", icon="DOWNARROW_HLT")
    row.operator("tokenlab.refresh_models", text="", icon="FILE_REFRESH")
    model, shown = models.info(form), models.shown()
    if model is not None and model.is_ending:
        _draw_ending(layout, context, model)
    if shown.error and not shown.is_asking and is_of_use():
        draw_sentence(layout, context, shown.error, icon="ERROR")
    draw_sentence(layout, context, " ".join(filter(None, (_maker(model), _state_of_knowledge(form, shown)))))


def draw_options(layout: bpy.types.UILayout, context: bpy.types.Context, form: Any) -> None:
    """Draw the options that the model takes, and no others."""
    options, formats = models.options(form), models.formats(form)
    if formats:
        split = layout.split(factor=_LABEL)
        label = split.row()
        label.alignment = "RIGHT"
        label.label(text="Format")
        split.menu(TOKENLAB_MT_format.bl_idname, text=layout.enum_item_name(form, "format", form.format))
        if form.format not in (*formats, "AUTO"):
            draw_sentence(layout, context, f"{form.format} is not offered, so the model decides.", icon="INFO")
    if "quality" in options:
        layout.prop(form, "quality")
    if "style" in options:
        layout.prop(form, "style")
    if "seed" in options:
        row = layout.row(heading="Seed")
        row.prop(form, "use_seed", text="")
        sub = row.row()
        sub.enabled = form.use_seed
        sub.prop(form, "seed", text="")
        row.operator("tokenlab.random_seed", text="", icon="RNDCURVE")


def draw_input_type(layout: bpy.types.UILayout, form: Any) -> None:
    """Draw the choice between text and pictures, unless the model leaves none."""
    model = models.info(form)
    if form.input_type != "TEXT" or model is None or model.takes_pictures is not False:
        layout.row().prop(form, "input_type", text="")


def draw_prompt_length(layout: bpy.types.UILayout, form: Any) -> None:
    """Draw how much of the longest prompt is used, if there is a longest."""
    model = models.info(form)
    limit = model.prompt_max_characters if model else None
    if limit is None:
        return
    length = len(prompts.to_send(form))
    row = layout.row()
    row.alignment, row.alert = "RIGHT", length > limit
    row.label(text=f"{length} of {limit} characters", translate=False)


def draw_price(layout: bpy.types.UILayout, form: Any) -> None:
    """Draw what will do the work, and what that costs."""
    model = models.info(form)
    price = f", {model.price}" if model and model.price else ""
    layout.label(text=f"{models.chosen(form)}{price}", translate=False)


def _maker(model: Any) -> str:
    if model is None:
        return ""
    name = model.name if model.name != model.id else ""
    maker = f"By {model.provider}." if model.provider else ""
    return " ".join(part for part in (f"{name}." if name else "", maker) if part)


def _draw_ending(layout: bpy.types.UILayout, context: bpy.types.Context, model: Any) -> None:
    stage = model.stage.capitalize() or "Deprecated"
    if not model.replacement:
        draw_sentence(layout, context, f"{stage}. Choose another model.", icon="INFO")
        return
    draw_sentence(layout, context, f"{stage}, use {model.replacement}.", icon="INFO")
    _draw_choice(layout, f"Use {model.replacement}", model.replacement)


def _draw_choice(layout: bpy.types.UILayout, text: str, name: str) -> None:
    """Draw a button that chooses a model."""
    button = layout.operator("wm.context_set_string", text=text, translate=False)
    button.data_path, button.value = "scene.tokenlab.model", name


def _state_of_knowledge(form: Any, shown: models.Shown) -> str:
    """Say what the options below go by."""
    if shown.is_asking:
        return "Asking the service about its models…"
    if models.is_stand_in_chosen(form):
        return "One of a few small models, by a word of the prompt."
    name, catalogue = models.chosen(form), shown.catalogue
    detail = catalogue.details.get(name)
    if detail is None:
        return f"What {name} takes is not known yet. Only what has to be is sent."
    if not models.options(form):
        return f"{name} publishes no options. Only what has to be is sent."
    return f"Updated {ago(time.time() - detail.fetched_at)}."


def ago(seconds: float) -> str:
    """Return an age in words."""
    if seconds < _MINUTE:
        return "just now"
    for unit, length in (("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' * (count > 1)} ago"
    return ""
