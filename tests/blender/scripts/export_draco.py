# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes a cube of 2 m to the GLB file that the first argument names, compressed with Draco where this Blender can.

In a process of its own: Blender 4.2 and 4.5 do not end well after an export.
"""

from __future__ import annotations

import sys

import bpy

bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
bpy.ops.mesh.primitive_cube_add(size=2.0)
bpy.ops.export_scene.gltf(filepath=sys.argv[1], export_draco_mesh_compression_enable=True)
