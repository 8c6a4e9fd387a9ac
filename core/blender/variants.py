# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of one prompt side by side: which they are, and how all but one are put away. bpy is allowed here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import bpy

from . import selection


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


def is_in_scene(local_id: str, scene: bpy.types.Scene) -> bool:
    """Whether the model of a task is in a scene."""
    return bool(_models(scene, {local_id}))


def put_away(local_ids: Collection[str], scene: bpy.types.Scene) -> int:
    """Remove every copy of the models of tasks from a scene; return of how many tasks there was one.

    Their files stay in the library, and what the user has put into the collection of a model where it is.
    """
    found = _models(scene, local_ids)
    for name in found:
        if name in bpy.data.collections:  # Else it was inside another one.
            _remove(bpy.data.collections[name])
    return len(set(found.values()))


def show(local_id: str) -> str:
    """Select the model of a task in the scene that is shown; return a user's sentence why that cannot be, or ""."""
    scene, layer = bpy.context.scene, bpy.context.view_layer
    layer.update()
    here = _models(scene, {local_id})
    for name in here:
        if _can_be_selected(bpy.data.collections[name], layer):
            selection.select(bpy.data.collections[name], scene)
            return ""
    if here:
        return (
            "The model of this task is hidden, or in a collection that this view layer leaves out. Nothing was "
            "selected. Show it, then select it"
        )
    other = next((other.name for other in bpy.data.scenes if is_in_scene(local_id, other)), "")
    if other:
        return (
            f"The model of this task is in the scene “{other}”. Nothing was selected. Open that scene, then select it"
        )
    return "The model of this task is not in this file. Import it, then select it"


def _can_be_selected(collection: bpy.types.Collection, layer: bpy.types.ViewLayer) -> bool:
    """Whether anything of a model can be."""
    return any(
        item.name in layer.objects and item.visible_get(view_layer=layer) and not item.hide_select
        for item in collection.all_objects
    )


def _models(scene: bpy.types.Scene, local_ids: Collection[str]) -> dict[str, str]:
    """Return the local ids by the names of the scene's collections that hold models of these tasks."""
    found = {item.name: item.get("tokenlab_local_id") for item in scene.collection.children_recursive}
    return {name: value for name, value in found.items() if isinstance(value, str) and value in local_ids}


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
