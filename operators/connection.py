# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the key and the way to the service. bpy is allowed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..core.blender import scripting, session
from .service import ServiceOperator

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class TOKENLAB_OT_test_connection(ServiceOperator, bpy.types.Operator):
    """Ask the service whether it accepts the API key; costs nothing"""

    bl_idname = "tokenlab.test_connection"
    bl_label = "Test TokenLab Connection"
    bl_options = {"REGISTER"}  # No UNDO: nothing changes.

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Ask; in a window the answer appears in the preferences and the sidebar, without one it is waited for."""
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
