# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose the stand-in for the service, for whoever has no key yet. bpy is allowed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty

from ..core.blender import properties
from ..core.service import stand_in
from ..core.service.contract import DEFAULT_MODEL

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class TOKENLAB_OT_try_without_key(bpy.types.Operator):
    """Let TokenLab 3D make a small model itself at the next Generate: nothing is sent, nothing is charged"""

    bl_idname = "tokenlab.try_without_key"
    bl_label = "Try Without a Key"
    bl_options = {"UNDO"}  # The model is a setting of the scene, as if it had been entered. No panel for one button.

    back: BoolProperty(
        name="Back", description="Choose a model of the service again instead", options={"SKIP_SAVE", "HIDDEN"}
    )

    @classmethod
    def description(cls, _context: bpy.types.Context, given: Any) -> str:
        """Say what the button does that is pointed at."""
        return "Generate with the TokenLab service again, which needs a key" if given.back else str(cls.__doc__)

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Choose the model in the form."""
        properties.form(context.scene).model = DEFAULT_MODEL if self.back else stand_in.MODEL
        if not self.back:
            self.report({"INFO"}, "Write a prompt and generate: nothing is sent, and nothing is charged")
        return {"FINISHED"}
