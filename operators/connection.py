# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the key and the way to the service. bpy is allowed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..core.blender import preferences, scripting, session

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class TOKENLAB_OT_test_connection(bpy.types.Operator):
    """Ask the service whether it accepts the API key; costs nothing"""

    bl_idname = "tokenlab.test_connection"
    bl_label = "Test TokenLab Connection"
    bl_options = {"REGISTER"}  # No UNDO: nothing changes.

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Whether anything can be sent now."""
        problem = preferences.problem()
        if problem:
            cls.poll_message_set(problem)
        return not problem

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Ask; in a window the answer appears in the panel, without one it is waited for and reported."""
        current = session.current()
        current.test_connection()
        if not bpy.app.background:
            return {"FINISHED"}
        answer = scripting.wait_for_connection_test()
        if not answer.accepted:
            self.report({"ERROR"}, answer.sentence)
            return {"CANCELLED"}
        self.report({"INFO"}, answer.sentence)
        return {"FINISHED"}
