# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small pictures of the models, for the lists. bpy is allowed here.

Blender reads a picture when it is first drawn, on a thread of its own; until then nothing is read. Whether there is one
is found out by workers (`core.tasks.previews`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import bpy
import bpy.utils.previews

from ..tasks import previews
from ..tasks.engine import Engine

_collections: list[bpy.utils.previews.ImagePreviewCollection] = []
"""The one collection of this session, or empty."""
_icons: dict[str, int] = {}
"""By local id, Blender's numbers of the pictures."""


def icon_id(local_id: str) -> int:
    """Return Blender's number of a task's picture, or 0 when there is none."""
    return _icons.get(local_id, 0)


def take(pictures: Iterable[tuple[str, str]]) -> None:
    """Take notice of pictures that are there: local ids and paths. Without a window nobody would see them."""
    if bpy.app.background:
        return
    if not _collections:
        _collections.append(bpy.utils.previews.new())
    (collection,) = _collections
    for local_id, path in pictures:
        # A picture that was made anew has another name here: Blender reads no name twice.
        preview = collection.load(f"{local_id} {len(collection)}", path, "IMAGE")
        _icons[local_id] = preview.icon_id


def look_for(engine: Engine) -> None:
    """Have the pictures of models looked for that were made before; those of new ones are told of."""
    tasks = [task for task in engine.records.all() if task.blend_path and not icon_id(task.local_id)]
    if tasks and not bpy.app.background:
        engine.run(partial(previews.find, models=[(task.local_id, task.blend_path) for task in tasks]))


def forget() -> None:
    """Free what belongs to a session that has ended."""
    _icons.clear()
    while _collections:
        bpy.utils.previews.remove(_collections.pop())
