# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A 3D View as a picture: what the user sees there, without overlays and gizmos. bpy is allowed here.

It is drawn once more out of sight, so no setting of the render is touched, and the colors are those of the screen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import bpy

from ..service.errors import TokenLabError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LONGEST_SIDE = 1024
"""Pixels of the longer side of the picture, which has the shape of the view."""
NAME = "TokenLab Viewport"
"""Of the image."""
_CHANNELS = 4
_OWN_ENGINES = "BLENDER_"
"""How the names of EEVEE and Workbench begin, in every version."""


def find_view(context: bpy.types.Context) -> Any:
    """Return the area whose view is meant: the one that the user is in, or else the largest; None without one."""
    area, window = context.area, context.window
    if area is not None and area.type == "VIEW_3D":
        return area
    areas = [area for area in window.screen.areas if area.type == "VIEW_3D"] if window else []
    return max(areas, key=lambda area: area.width * area.height, default=None)


def why_not(context: bpy.types.Context) -> str:
    """Return a user's sentence why there can be no picture now, or ""."""
    if bpy.app.background:
        return "Without a window there is no 3D View to take a picture of. Choose an image file."
    area = find_view(context)
    if area is None:
        return "There is no 3D View in this window to take a picture of. Open one."
    engine = context.scene.render.engine
    if area.spaces.active.shading.type == "RENDERED" and not engine.startswith(_OWN_ENGINES):
        # What other engines show stays black out of sight.
        return f"No picture can be taken of what {engine.title()} renders. Choose another viewport shading."
    return ""


def take(context: bpy.types.Context) -> bpy.types.Image:
    """Return a new packed image of what is seen in the 3D View.

    :raises TokenLabError: when there is no view, or the graphics card does not draw it.
    """
    area, what = find_view(context), why_not(context)
    if area is None or what:
        raise TokenLabError(what)
    try:
        width, height, pixels = _pixels(context, area)
    except (RuntimeError, SystemError) as error:
        raise TokenLabError(
            "The 3D View could not be drawn into a picture. Nothing was changed. Choose an image file."
        ) from error
    image = bpy.data.images.new(NAME, width, height)
    image.pixels.foreach_set(pixels)  # type: ignore[arg-type]  # the stubs know no arrays
    image.pack()  # Saved with the file, and there again after undo and redo.
    return image


def _pixels(context: bpy.types.Context, area: Any) -> tuple[int, int, NDArray[np.float32]]:
    """Return width, height and the pixels from the lower left corner, as an image of 8 bits takes them."""
    import gpu  # noqa: PLC0415  # There is none without a window.
    import numpy as np  # noqa: PLC0415  # Before Blender 5 it would take a third of our start.

    view = area.spaces.active
    region = _region(area, view)
    factor = _LONGEST_SIDE / max(region.width, region.height)
    width, height = max(1, round(region.width * factor)), max(1, round(region.height * factor))
    offscreen = gpu.types.GPUOffScreen(width, height)
    try:
        with _without_overlays(view):
            offscreen.draw_view3d(
                context.scene,
                context.view_layer,
                view,
                region,
                view.region_3d.view_matrix,
                view.region_3d.window_matrix,
                do_color_management=True,
            )
        with offscreen.bind():  # type: ignore[attr-defined]  # the stubs know no context manager
            buffer = gpu.state.active_framebuffer_get().read_color(0, 0, width, height, _CHANNELS, 0, "FLOAT")
    finally:
        offscreen.free()
    buffer.dimensions = width * height * _CHANNELS  # Blender 4.3 copies one of three wrongly.
    pixels = np.array(buffer, dtype=np.float32)
    pixels[_CHANNELS - 1 :: _CHANNELS] = 1.0  # Nothing shines through a screen.
    return width, height, pixels


def _region(area: Any, view: Any) -> Any:
    """Return the region that is drawn from `view.region_3d`: with four views in one, it is one of four."""
    regions = [region for region in area.regions if region.type == "WINDOW"]
    own = [region for region in regions if region.data == view.region_3d]
    return (own or regions)[0]


@contextlib.contextmanager
def _without_overlays(view: Any) -> Iterator[None]:
    shown = view.overlay.show_overlays
    view.overlay.show_overlays = False
    try:
        yield
    finally:
        view.overlay.show_overlays = shown
