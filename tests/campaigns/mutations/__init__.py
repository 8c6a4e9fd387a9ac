# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to make a model hostile, by format: bits flipped, lengths swapped, promises broken. No bpy.

Most leave the container as it should be, so that the file gets as far as Blender's importer.
"""
