# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small photo studio: floor, light, camera around the model, rendered by Cycles on the CPU. bpy is needed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy
from mathutils import Vector

PICTURE_SIZE = (800, 600)
_FILL = 1.9
"""Distance of the camera, in sizes of the model."""


def photograph(objects: Iterable[bpy.types.Object], picture: Path, samples: int) -> None:
    """Render the objects from the front left, slightly above, and write the picture."""
    scene: Any = bpy.context.scene  # Any: the stubs know neither Cycles nor its settings
    low, high = bounds(objects)
    center, size = (low + high) / 2, max((high - low).length, 1e-3)
    _world(scene)
    _floor(scene, low.z, center, size)
    for direction, energy in (((-0.9, -1.2, 1.5), 40.0), ((1.5, -0.8, 0.6), 15.0)):
        _lamp(scene, Vector(direction) * size, center, energy)
    _camera(scene, center, size)
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y = PICTURE_SIZE
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(picture)
    bpy.ops.render.render(write_still=True)


def bounds(objects: Iterable[bpy.types.Object]) -> tuple[Vector, Vector]:
    """Return the lowest and highest corner of all meshes, in world space."""
    bpy.context.view_layer.update()
    corners = [
        item.matrix_world @ Vector(corner) for item in objects if item.type == "MESH" for corner in item.bound_box
    ]
    axes = list(zip(*corners, strict=True))
    return Vector([min(axis) for axis in axes]), Vector([max(axis) for axis in axes])


def _world(scene: bpy.types.Scene) -> None:
    world = bpy.data.worlds.new("Studio")
    world.color = (0.35, 0.38, 0.42)
    world.use_nodes = True
    background: Any = world.node_tree.nodes.get("Background")
    background.inputs["Color"].default_value = (0.35, 0.38, 0.42, 1.0)
    background.inputs["Strength"].default_value = 0.6
    scene.world = world


def _floor(scene: bpy.types.Scene, height: float, center: Vector, size: float) -> None:
    mesh = bpy.data.meshes.new("Floor")
    reach = size * 20
    corners = [(x * reach + center.x, y * reach + center.y, height) for x, y in itertools.product((-1, 1), (-1, 1))]
    mesh.from_pydata(corners, [], [(0, 2, 3, 1)])
    scene.collection.objects.link(bpy.data.objects.new("Floor", mesh))


def _lamp(scene: bpy.types.Scene, offset: Vector, target: Vector, energy: float) -> None:
    """Put an area light at `offset` from the target, as bright whatever the size of the model."""
    light: Any = bpy.data.lights.new("Lamp", "AREA")
    light.size = offset.length / 2
    # Light falls off with the square of the distance.
    light.energy = energy * offset.length_squared / 4
    lamp = bpy.data.objects.new("Lamp", light)
    lamp.location = target + offset
    lamp.rotation_euler = (-offset).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(lamp)


def _camera(scene: bpy.types.Scene, center: Vector, size: float) -> None:
    data = bpy.data.cameras.new("Camera")
    data.angle = math.radians(40)
    data.clip_end = max(1000.0, size * 10)
    camera = bpy.data.objects.new("Camera", data)
    place = center + Vector((-0.45, -1.0, 0.35)).normalized() * size * _FILL
    camera.location = place
    camera.rotation_euler = (center - place).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(camera)
    scene.camera = camera
