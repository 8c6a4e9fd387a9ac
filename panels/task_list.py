# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task list: its rows, what it shows of them, and in which order. bpy is allowed here; nothing is changed."""

from __future__ import annotations

import time
from typing import Any

import bpy
from bpy.props import EnumProperty

from ..core.blender import thumbnails
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


_SHOWN = (
    ("ALL", "All", "Show every task"),
    ("RUNNING", "Running", "Show what the service or this computer works on"),
    ("WAITING", "Waiting for You", "Show what goes on when you decide something"),
    ("FINISHED", "Finished", "Show what was imported or has failed"),
)
_STATES_SHOWN = {
    "RUNNING": frozenset(_IN_PROGRESS),
    "WAITING": frozenset(("QUEUED", "UNCERTAIN", "READY", "STOPPED", "LOST")),
    "FINISHED": frozenset(("IMPORTED", "FAILED")),
}
_ORDERS = (
    ("NEWEST", "Newest First", "Sort by the time of sending"),
    ("OLDEST", "Oldest First", "Sort by the time of sending, the other way round"),
    ("PROMPT", "Prompt", "Sort by the alphabet"),
    ("STATE", "State", "Sort by what is to be done: what waits for you comes first"),
)
_STATE_ORDER = {
    state: number
    for number, state in enumerate(
        ("UNCERTAIN", "LOST", "FAILED", "QUEUED", "STOPPED", "READY", *reversed(_IN_PROGRESS), "IMPORTED")
    )
}


class TOKENLAB_UL_tasks(bpy.types.UIList):
    """Tasks with their state and progress"""

    bl_idname = "TOKENLAB_UL_tasks"

    shown: EnumProperty(name="Show", description="Which tasks to show", items=_SHOWN)
    order: EnumProperty(name="Sort By", description="Which tasks come first", items=_ORDERS)

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
        row = layout.split(factor=0.62)
        row.label(text=row_title(item), icon_value=thumbnails.icon_id(item.local_id), translate=False)
        age = short_age(time.time() - float(item.created_at or 0))
        if is_in_progress(item):
            text = f"{item.progress}%, {age}" if item.progress > 0 else age
            row.progress(text=text, translate=False, factor=max(0, item.progress) / 100)
        else:
            row.label(text=age, icon=STATE_ICONS.get(item.state, "DOT"), translate=False)

    def draw_filter(self, _context: bpy.types.Context, layout: bpy.types.UILayout) -> None:
        layout.prop(self, "filter_name", text="", icon="VIEWZOOM")
        row = layout.row(align=True)
        row.prop(self, "shown", text="")
        row.prop(self, "order", text="")

    def filter_items(self, _context: bpy.types.Context, data: Any, name: str) -> Any:  # the stubs want Blender's arrays
        """Called at each redraw with every task: what is not asked for is not looked at."""
        rows = getattr(data, name)
        flags: list[int] = []
        if self.filter_name or self.shown != "ALL":
            wanted, states = self.filter_name.casefold(), _STATES_SHOWN.get(self.shown)
            flags = [self.bitflag_filter_item if _is_shown(row, wanted, states) else 0 for row in rows]
        return flags, _places(rows, self.order)


class TOKENLAB_MT_list(bpy.types.Menu):
    """What can be done with the tasks of the list"""

    bl_idname = "TOKENLAB_MT_list"
    bl_label = "Tasks"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("tokenlab.reuse_settings", icon="LOOP_BACK")
        layout.operator("tokenlab.generate_variation", icon="SHADERFX")
        layout.operator("tokenlab.copy_prompt", icon="COPYDOWN")
        layout.operator("tokenlab.open_folder", icon="FILE_FOLDER")
        layout.separator()
        layout.operator("tokenlab.attach_task", icon="LINKED")
        layout.separator()
        layout.operator("tokenlab.clear_finished", icon="TRASH")


def _is_shown(row: Any, wanted: str, states: frozenset[str] | None) -> bool:
    return (states is None or row.state in states) and (not wanted or wanted in row_title(row).casefold())


def _places(rows: Any, order: str) -> list[int]:
    """Return for each row the place that it is drawn at; nothing for the order that they are in."""
    count = len(rows)
    if order == "OLDEST":
        return []
    if order == "NEWEST":
        return list(range(count - 1, -1, -1))
    # Newest first where the key is the same.
    if order == "PROMPT":
        keys = [(row.prompt.casefold(), count - index) for index, row in enumerate(rows)]
    else:
        keys = [(_STATE_ORDER.get(row.state, 0), count - index) for index, row in enumerate(rows)]
    places = [0] * count
    for place, index in enumerate(sorted(range(count), key=keys.__getitem__)):
        places[index] = place
    return places


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


def short_age(seconds: float) -> str:
    """Return an age in so few characters as there is room for in a row."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "now"
