# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of the user's scene that Blender's importers go by, or change, and how they are put back. bpy is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import bpy

from ..files.scene_units import Units

_FIRST_FRAME: Final = 1.0
"""Where the FBX importers put the beginning of a movement, whatever the frame rate is."""


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """What an import is not to change in a scene: the FBX importers set its frame rate, glTF its custom properties."""

    fps: int
    fps_base: float
    properties: dict[str, Any]

    @classmethod
    def of(cls, scene: bpy.types.Scene) -> SceneSettings:
        """Return what they are now."""
        return cls(scene.render.fps, scene.render.fps_base, _properties(scene))

    def restore(self, scene: bpy.types.Scene) -> float:
        """Put them back.

        :return: how many frames of this scene take as long as one did with what was found now.
        """
        render: Any = scene.render  # the stubs have `fps_base` without its type
        ratio: float = (self.fps / self.fps_base) / (render.fps / render.fps_base)
        if math.isclose(ratio, 1.0, rel_tol=1e-6):
            ratio = 1.0
        if (render.fps, render.fps_base) != (self.fps, self.fps_base):
            render.fps, render.fps_base = self.fps, self.fps_base
        self._restore_properties(scene)
        return ratio

    def _restore_properties(self, scene: bpy.types.Scene) -> None:
        now = _properties(scene)
        for key in now.keys() - self.properties.keys():
            del scene[key]
        for key, value in self.properties.items():
            if key not in now or now[key] != value:
                scene[key] = value


def units(scene: bpy.types.Scene) -> Units:
    """Return what importers go by."""
    render = scene.render
    return {
        "scale_length": scene.unit_settings.scale_length,
        "fps": render.fps,
        "fps_base": render.fps_base,
        "frame_start": scene.frame_start,
    }


def set_units(scene: bpy.types.Scene, wanted: Units) -> None:
    """Have a scene be as another one in what importers go by."""
    render: Any = scene.render  # the stubs have `fps_base` without its type
    scene.unit_settings.scale_length = wanted["scale_length"]
    render.fps, render.fps_base = int(wanted["fps"]), wanted["fps_base"]
    scene.frame_start = int(wanted["frame_start"])


def _properties(scene: bpy.types.Scene) -> dict[str, Any]:
    """Return a copy of a scene's custom properties; before Blender 5.0 the registered ones are among them."""
    return {key: _plain(value) for key, value in scene.items()}


def _plain(value: Any) -> Any:
    """Return a value that lives on when the property is overwritten."""
    for name in ("to_dict", "to_list"):
        if hasattr(value, name):
            return getattr(value, name)()
    return [_plain(item) for item in value] if isinstance(value, list) else value


def stretch(actions: Iterable[bpy.types.Action], ratio: float) -> None:
    """Have movements that begin at frame 1 take `ratio` times as many frames."""
    for action in actions:
        for curve in _curves(action):
            points = curve.keyframe_points
            for name in ("co", "handle_left", "handle_right"):
                values = [0.0] * (2 * len(points))
                points.foreach_get(name, values)
                values[::2] = [_FIRST_FRAME + (frame - _FIRST_FRAME) * ratio for frame in values[::2]]
                points.foreach_set(name, values)
            curve.update()


def _curves(action: bpy.types.Action) -> Iterator[bpy.types.FCurve]:
    layers: Any = getattr(action, "layers", ())
    if not layers:  # before Blender 4.4
        yield from getattr(action, "fcurves", ())
    for layer in layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from bag.fcurves
