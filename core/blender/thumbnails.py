# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small pictures of the models, for the lists. bpy is allowed here."""

from __future__ import annotations


def icon_id(_local_id: str) -> int:
    """Return Blender's number of a task's picture, or 0 when there is none."""
    return 0
