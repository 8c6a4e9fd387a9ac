# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of core that knows Blender. bpy is allowed here, on the main thread only."""
