# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture to generate from, and what of it would be sent. bpy is allowed here; nothing is changed or read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import bpy

from ..core.blender import clipboard_picture, input_picture, preferences
from ..core.service.address import is_loopback, objection_to_image_url
from .sentences import draw_sentence


def draw_picture(layout: bpy.types.UILayout, context: bpy.types.Context, form: Any) -> None:
    """Draw the field for the chosen kind of picture, if it is one."""
    if form.input_type == "IMAGE_FILE":
        layout.prop(form, "image_path", text="")
    elif form.input_type == "IMAGE_DATABLOCK":
        # Without an image the preview would be a large empty box.
        template = layout.template_ID if form.image is None else layout.template_ID_preview
        template(form, "image", open="image.open")
    elif form.input_type == "IMAGE_URL":
        layout.prop(form, "image_url", text="", placeholder="https://…")
        _draw_url(layout, context, form.image_url.strip())
        return
    else:
        return
    row = layout.row(align=True)
    row.operator("tokenlab.use_viewport", icon="VIEW3D")
    if clipboard_picture.is_possible():
        row.operator("tokenlab.paste_image", text="Paste", icon="PASTEDOWN")
    line = input_picture.describe(form)
    if line:
        draw_sentence(layout, context, line, icon="IMAGE_DATA")


def _draw_url(layout: bpy.types.UILayout, context: bpy.types.Context, url: str) -> None:
    """Say who fetches the picture, or what is wrong with the address."""
    if not url:
        return
    objection = objection_to_image_url(url, is_local=is_loopback(preferences.base_url()))
    if objection:
        draw_sentence(layout, context, objection, icon="ERROR", alert=True)
    else:
        draw_sentence(layout, context, f"The service fetches it from {urlsplit(url).hostname}.", icon="IMAGE_DATA")
