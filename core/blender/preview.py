# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small picture of a model, for the asset browser and the list; in the second Blender only. bpy is allowed here."""

from __future__ import annotations

import array
import logging
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy
from mathutils import Vector

from . import importers

logger = logging.getLogger(__name__)

_SIDE = 256
"""Pixels."""
_FLOAT_BYTES = 4
_SAMPLES = 24
_DIRECTION = Vector((0.55, -1.0, 0.45)).normalized()
"""From the model to the camera: models are delivered with their front towards -Y."""
_TO_SUN = Vector((-0.4, -0.7, 1.0)).normalized()
_FIELD_OF_VIEW = math.radians(30.0)
_AIR = 1.05
"""So much farther away than where the model fits exactly."""
_SMALLEST = 1e-6
"""Metres: a model that is a single point has a radius all the same."""


def render(collection: bpy.types.Collection, picture: Path) -> bool:
    """Render a collection of the open file's scene, and make that the picture of the asset.

    :param picture: PNG file to write, whatever its suffix.
    :return: whether there is a picture; everything that was added for it is gone again in both cases.
    """
    scene = bpy.context.scene
    corners = list(_corners(collection))
    if not corners:
        return False
    before = importers.snapshot()
    try:
        _set_up(scene, picture)
        _build_stage(scene, corners)
        bpy.ops.render.render(write_still=True)
        _show(collection, picture)
    except (TypeError, RuntimeError) as error:
        # A build without Cycles, or a model that it cannot take.
        logger.warning("A preview was not rendered: %s", error)
        return False
    finally:
        importers.remove_new(before)
    return True


def _show(collection: Any, picture: Path) -> None:
    """Make a file the picture of the asset.

    Blender's own operator for that leaves a copy among the thumbnails that all programs of the user share.
    """
    image: Any = bpy.data.images.load(str(picture))
    preview = collection.preview_ensure()
    preview.image_size = image.size
    pixels = array.array("f", bytes(_FLOAT_BYTES * len(image.pixels)))
    image.pixels.foreach_get(pixels)
    alphas = pixels[3::4]
    for channel in range(3):
        # As Blender draws pictures of assets; a picture file keeps its colors whole.
        colors = (color * alpha for color, alpha in zip(pixels[channel::4], alphas, strict=True))
        pixels[channel::4] = array.array("f", colors)
    preview.image_pixels_float.foreach_set(pixels)


def _corners(collection: bpy.types.Collection) -> Iterator[Any]:
    for item in collection.all_objects:
        if isinstance(item.data, bpy.types.Mesh) and len(item.data.vertices):
            yield from (item.matrix_world @ Vector(corner[:]) for corner in item.bound_box)


def _set_up(scene: Any, picture: Path) -> None:
    settings = scene.render
    settings.engine = "CYCLES"
    settings.resolution_x = settings.resolution_y = _SIDE
    settings.resolution_percentage = 100
    settings.film_transparent = True
    settings.use_file_extension = False
    settings.image_settings.file_format, settings.image_settings.color_mode = "PNG", "RGBA"
    settings.filepath = str(picture)
    # One processor stays with the user.
    settings.threads_mode, settings.threads = "FIXED", max(1, (os.cpu_count() or 2) - 1)
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", _SAMPLES, False
    # Colours as they are, not as on film.
    scene.view_settings.view_transform = "Standard"


def _build_stage(scene: bpy.types.Scene, corners: Sequence[Any]) -> None:
    """Put a camera before the model, so that all of it is seen, and light around it."""
    low, high = (Vector([extreme(values) for values in zip(*corners, strict=True)]) for extreme in (min, max))
    centre, radius = (low + high) / 2, max((high - low).length / 2, _SMALLEST)
    camera = bpy.data.cameras.new("Preview")
    camera.angle = _FIELD_OF_VIEW
    camera.clip_start, camera.clip_end = radius / 1000, radius * 100
    scene.camera = _add(scene, camera, _DIRECTION)
    fitting, _ = scene.camera.camera_fit_coords(
        bpy.context.evaluated_depsgraph_get(), [value for corner in corners for value in corner]
    )
    scene.camera.location = centre + (Vector(fitting[:]) - centre) * _AIR
    sun: Any = bpy.data.lights.new("Preview", "SUN")
    sun.energy, sun.angle = 2.5, math.radians(20.0)
    _add(scene, sun, _TO_SUN)
    scene.world = _lit_world()


def _add(scene: bpy.types.Scene, data: bpy.types.Camera | bpy.types.Light, direction: Vector) -> bpy.types.Object:
    """Put a camera or a light into the scene that looks against `direction`."""
    item = bpy.data.objects.new("Preview", data)
    item.rotation_euler = (-direction).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(item)
    return item


def _lit_world() -> bpy.types.World:
    world = bpy.data.worlds.new("Preview")
    if world.node_tree is None:
        world.use_nodes = True  # From 5.0 on every world has nodes.
    nodes: Any = world.node_tree.nodes
    for node in nodes:
        if node.type == "BACKGROUND":
            node.inputs["Color"].default_value, node.inputs["Strength"].default_value = (1.0, 1.0, 1.0, 1.0), 0.7
    return world
