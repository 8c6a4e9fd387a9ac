# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything behind the panels and operators. Only `core.blender` may import bpy."""
