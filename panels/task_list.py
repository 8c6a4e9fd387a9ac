# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One row of the task list. bpy is allowed here; nothing is changed."""

from __future__ import annotations

from typing import Any

import bpy

from .stand_in import row_title

STATE_ICONS: dict[str, Any] = {  # Any: the stubs want one of a thousand literals
    "QUEUED": "PAUSE",
    "SUBMITTING": "EXPORT",
    "UNCERTAIN": "QUESTION",
    "PENDING": "TIME",
    "PROCESSING": "TIME",
    "DOWNLOADING": "IMPORT",
    "CONVERTING": "IMPORT",
    "READY": "FILE_3D",
    "IMPORTED": "CHECKMARK",
    "FAILED": "ERROR",
    "STOPPED": "PAUSE",
    "LOST": "ERROR",
}
STATE_LABELS = {
    "QUEUED": "Waiting to Be Sent",
    "SUBMITTING": "Sending",
    "UNCERTAIN": "Uncertain",
    "PENDING": "Accepted",
    "PROCESSING": "Generating",
    "DOWNLOADING": "Downloading",
    "CONVERTING": "Preparing",
    "READY": "Ready to Import",
    "IMPORTED": "Imported",
    "FAILED": "Failed",
    "STOPPED": "Stopped Waiting",
    "LOST": "Unknown to the Service",
}
_IN_PROGRESS = ("SUBMITTING", "PENDING", "PROCESSING", "DOWNLOADING", "CONVERTING")


class TOKENLAB_UL_tasks(bpy.types.UIList):
    """Tasks with their state and progress"""

    bl_idname = "TOKENLAB_UL_tasks"

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: Any,
        item: Any,
        _icon: int | None,
        _active_data: Any,
        _active_property: str | None,
        _index: int | None,
        _flt_flag: int | None,
    ) -> None:
        row = layout.split(factor=0.6)
        row.label(text=row_title(item), icon=STATE_ICONS.get(item.state, "DOT"), translate=False)
        if is_in_progress(item):
            row.progress(text=f"{item.progress}%" if item.progress > 0 else "", factor=max(0, item.progress) / 100)
        else:
            row.label(text=STATE_LABELS.get(item.state, item.state))


def is_in_progress(task: Any) -> bool:
    """Whether something is being done for the task, so that a progress bar makes sense."""
    return task.state in _IN_PROGRESS


def draw_progress(layout: bpy.types.UILayout, task: Any) -> None:
    """Draw a running task's state and progress as a bar of the full width."""
    label = STATE_LABELS.get(task.state, task.state)
    if task.progress > 0:
        layout.progress(text=f"{label} {task.progress}%", factor=task.progress / 100)
    else:
        layout.progress(text=label, factor=0.0)
