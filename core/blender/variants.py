# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of one prompt side by side: which they are, and how all but one are put away. bpy is allowed here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import bpy

from . import importing, selection


def rows(shown: Any) -> list[Any]:
    """Return the rows of the list that belong together with the active one, itself included, oldest first."""
    index = shown.active_task_index
    if not 0 <= index < len(shown.tasks):
        return []
    key = shown.tasks[index].variant_key
    return [row for row in shown.tasks if row.variant_key == key]


def has_several(shown: Any) -> bool:
    """Whether the active row belongs together with another one. Cheap, since it is asked at each redraw."""
    index = shown.active_task_index
    if not 0 <= index < len(shown.tasks):
        return False
    key = shown.tasks[index].variant_key
    return any(row.variant_key == key for number, row in enumerate(shown.tasks) if number != index)


def put_away(local_ids: Collection[str]) -> int:
    """Remove the models of tasks from the open file; return how many there were. Their files stay in the library.

    What the user has put into the collection of a model stays where it is.
    """
    names = [name for local_id, name in importing.imported_collections().items() if local_id in local_ids]
    for name in names:
        _remove(bpy.data.collections[name])
    return len(names)


def show(local_id: str) -> bool:
    """Select the model of a task, if a window shows it; return whether it is in the file."""
    name = importing.imported_collections().get(local_id)
    if name is None:
        return False
    selection.select(bpy.data.collections[name], bpy.context.scene)
    return True


def _remove(collection: bpy.types.Collection) -> None:
    local_id = collection["tokenlab_local_id"]
    ours = [item for item in collection.all_objects if item.get("tokenlab_local_id") == local_id]
    data = {item.data for item in ours if item.data is not None}
    bpy.data.batch_remove(ours)
    bpy.data.batch_remove([item for item in data if item.users == 0])
    if len(collection.all_objects):
        for key in [key for key in collection.keys() if key.startswith("tokenlab_")]:  # noqa: SIM118  # no dictionary
            del collection[key]
        return
    bpy.data.batch_remove([*collection.children_recursive, collection])
