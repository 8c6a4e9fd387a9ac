# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all operators share that speak to the service. bpy is allowed here."""

from __future__ import annotations

import bpy

from ..core.blender import preferences


class ServiceOperator:
    """Can be used only when something may be sent, and says why not."""

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Whether anything can be sent now."""
        problem = preferences.problem()
        if problem:
            cls.poll_message_set(problem)  # type: ignore[attr-defined]  # Operator's
        return not problem
