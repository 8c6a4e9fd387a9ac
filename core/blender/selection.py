# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is selected, and whether a model that arrives may change that. bpy is allowed here.

Blender's own import operators select what they bring. A model that arrives minutes later does so only if the user has
left the selection alone since the task was sent: else somebody is in the middle of something.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import bpy


@dataclass(frozen=True, slots=True)
class Selection:
    """By `session_uid`: a reference does not live as long as a task, and a linked object may share its name."""

    selected: frozenset[int]
    active: int | None

    @classmethod
    def now(cls, scene: bpy.types.Scene) -> Selection:
        """Return what is selected in a scene that a window shows; for another one, in the scene of the context."""
        layer = _seen_layer(scene) or bpy.context.view_layer
        layer.update()
        active = layer.objects.active
        selected = frozenset(item.session_uid for item in layer.objects.selected)
        return cls(selected, active.session_uid if active else None)

    def may_change(self, before: Selection | None) -> bool:
        """Whether nobody minds another selection: there is none, or it is still as it was `before`."""
        return not self.selected or self == before

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left of it, as when it was the placeholder whose place a model takes."""
        left = {item.session_uid for item in bpy.data.objects}
        return bool(self.selected) and left.isdisjoint(self.selected)

    def restore(self, scene: bpy.types.Scene) -> None:
        """Select this again, and nothing else, where it was selected."""
        layer = _seen_layer(scene) or bpy.context.view_layer
        _select(layer, [item for item in layer.objects if item.session_uid in self.selected])
        active = next((item for item in layer.objects if item.session_uid == self.active), None)
        # Blender takes nothing that the layer leaves out.
        with contextlib.suppress(RuntimeError):
            layer.objects.active = active


def select(collection: bpy.types.Collection, scene: bpy.types.Scene) -> None:
    """Select the objects of a model, and make one that has no parent the active one, if anybody sees the scene."""
    layer = _seen_layer(scene)
    if layer is None:
        return
    selected = _select(layer, list(collection.all_objects))
    first = next((item for item in selected if item.parent is None), None)
    if first is not None:
        layer.objects.active = first


def deselect(collection: bpy.types.Collection, scene: bpy.types.Scene) -> None:
    """Have nothing of a model selected: what is appended is as it was in its own file."""
    layer = _seen_layer(scene) or scene.view_layers[0]
    for item in collection.all_objects:
        with contextlib.suppress(RuntimeError):
            item.select_set(False, view_layer=layer)


def _seen_layer(scene: bpy.types.Scene) -> bpy.types.ViewLayer | None:
    """Return the view layer of a scene that a window shows, or None. A timer sees the first window alone."""
    return next((window.view_layer for window in bpy.context.window_manager.windows if window.scene == scene), None)


def _select(layer: bpy.types.ViewLayer, items: Sequence[bpy.types.Object]) -> list[bpy.types.Object]:
    """Select these objects and no others; return those that could be."""
    # Until then the layer lists neither what was just added, nor leaves out what was just removed.
    layer.update()
    for item in list(layer.objects.selected):
        item.select_set(False, view_layer=layer)
    selected = []
    for item in items:
        # What lies in a collection that the layer leaves out cannot be selected.
        with contextlib.suppress(RuntimeError):
            item.select_set(True, view_layer=layer)
            selected.append(item)
    return selected
