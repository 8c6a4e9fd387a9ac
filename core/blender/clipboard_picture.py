# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture on the clipboard, as an image of the file. bpy is allowed here.

Only Blender's Image Editor can paste one, so an area becomes one for a moment, before anything of it is drawn.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import bpy

from ..service.errors import TokenLabError

NAME = "TokenLab Clipboard"
"""Of the image."""
WHY_NOT = "This Blender reads no pictures from the clipboard. Save the picture and choose the file."
_NOTHING_THERE = "There is no picture on the clipboard. Nothing was changed. Copy one, and paste again."


def is_possible() -> bool:
    """Whether Blender can read pictures from the clipboard: not without a window, and not under X11."""
    return not bpy.app.background and (sys.platform in ("win32", "darwin") or "WAYLAND_DISPLAY" in os.environ)


def paste(context: bpy.types.Context) -> bpy.types.Image:
    """Return a new packed image with the picture that is on the clipboard.

    :raises TokenLabError: when there is none.
    """
    before = {image.session_uid for image in bpy.data.images}
    with _image_editor(context) as override, context.temp_override(**override):  # type: ignore[attr-defined]
        # Asked here and not when a button is drawn: another program has to answer.
        can_paste = bpy.ops.image.clipboard_paste.poll()  # type: ignore[call-arg]  # the stubs know no poll
        if not can_paste or bpy.ops.image.clipboard_paste() != {"FINISHED"}:
            raise TokenLabError(_NOTHING_THERE)
    image = next((image for image in bpy.data.images if image.session_uid not in before), None)
    if image is None:
        raise TokenLabError(_NOTHING_THERE)
    image.pack()  # Blender itself would lose it with the file.
    return image


@contextlib.contextmanager
def _image_editor(context: bpy.types.Context) -> Iterator[dict[str, Any]]:
    """Make an area of the window an Image Editor, and all as it was afterwards.

    One that is an Image Editor already is best, and the one that the user is in comes last.
    """
    window: Any = context.window
    areas = list(window.screen.areas)
    area = min(areas, key=lambda area: (area.type != "IMAGE_EDITOR", area == context.area, area.width * area.height))
    kind = area.ui_type
    if area.type != "IMAGE_EDITOR":
        area.type = "IMAGE_EDITOR"
    editor = area.spaces.active
    shown = editor.image
    try:
        yield {"window": window, "area": area}
    finally:
        editor.image = shown
        if area.ui_type != kind:
            area.ui_type = kind
