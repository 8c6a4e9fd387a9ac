# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far the tasks are, in Blender's status bar. bpy is allowed here; nothing is changed."""

from __future__ import annotations

import bpy

from ..core.blender import status_bar
from ..core.blender.status_bar import Shown
from ..core.text import one_line
from .task_list import STATE_ICONS, STATE_LABELS

_LONGEST_TITLE = 32


def _draw(self: bpy.types.Header, _context: bpy.types.Context) -> None:
    shown = status_bar.shown()
    if shown.news_title:
        icon = STATE_ICONS.get(shown.news_state, "NONE")
        self.layout.label(text=news_text(shown), icon=icon, translate=False)
    if shown.running:
        self.layout.label(text=running_text(shown), icon="SHADERFX", translate=False)


def running_text(shown: Shown) -> str:
    """Return what is said of the tasks that run."""
    if shown.running > 1:
        return f"TokenLab: {shown.running} Tasks Running"
    label = STATE_LABELS.get(shown.state, shown.state)
    progress = f" {shown.progress}%" if shown.progress else ""
    return f"TokenLab: {label} “{one_line(shown.title, limit=_LONGEST_TITLE)}”{progress}"


def news_text(shown: Shown) -> str:
    """Return what has become of a task."""
    title = one_line(shown.news_title, limit=_LONGEST_TITLE)
    if shown.news_state == "IMPORTED":
        return f"“{title}” is in the scene"
    return f"“{title}” needs a look in the TokenLab tab"


def register() -> None:
    """Add it to the right end of the status bar."""
    bpy.types.STATUSBAR_HT_header.append(_draw)  # type: ignore[arg-type]  # the stubs forget self


def unregister() -> None:
    """Take it away."""
    bpy.types.STATUSBAR_HT_header.remove(_draw)  # type: ignore[arg-type]  # the stubs forget self
