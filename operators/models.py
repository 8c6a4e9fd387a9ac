# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch the list of models. bpy is allowed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..core.blender import scripting, session
from .service import ServiceOperator

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class TOKENLAB_OT_refresh_models(ServiceOperator, bpy.types.Operator):
    """Ask the service which models there are, and what the chosen one costs and takes; costs nothing"""

    bl_idname = "tokenlab.refresh_models"
    bl_label = "Refresh TokenLab Models"
    bl_options = {"REGISTER"}  # No UNDO: nothing of the file changes.

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Ask; in a window the answer appears in the sidebar, without one it is waited for."""
        scripting.ask_for_models()
        known = session.current().models
        if bpy.app.background and known.error:
            self.report({"ERROR"}, known.error)
            return {"CANCELLED"}
        return {"FINISHED"}
