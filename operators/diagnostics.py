# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Save what somebody who helps has to know. bpy is allowed here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, StringProperty

from ..core.blender import scripting, session
from ..core.blender.file_paths import BLEND_RELATIVE

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

_SUGGESTED_NAME = "tokenlab-diagnostics.txt"


class TOKENLAB_OT_save_diagnostics(bpy.types.Operator):
    """Write versions, settings, request ids and errors into a text file for support; no key, no prompt, no address"""

    bl_idname = "tokenlab.save_diagnostics"
    bl_label = "Save Diagnostics"
    bl_options = {"REGISTER"}  # No UNDO: nothing of the file changes.

    filepath: StringProperty(
        name="File Path",
        description="File to write; one in the data folder if empty",
        subtype="FILE_PATH",
        options={"SKIP_SAVE", *BLEND_RELATIVE},
    )
    include_prompts: BoolProperty(
        name="Include Prompts",
        description="Write the prompts, styles and names of pictures too",
        options={"SKIP_SAVE"},
    )
    choose_file: BoolProperty(name="Choose File", description="Ask for the file first", options={"SKIP_SAVE", "HIDDEN"})
    check_existing: BoolProperty(
        name="Check Existing",
        description="Ask before a file is overwritten",
        default=True,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Whether there can be a session to tell of."""
        is_enabled = session.is_enabled()
        if not is_enabled:
            cls.poll_message_set("TokenLab 3D is not enabled. Enable it in the preferences under Add-ons.")
        return is_enabled

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Write at once, or open a file browser, in which the prompts can be ticked too."""
        if bpy.app.background or not self.choose_file:
            return self.execute(context)
        self.filepath = str(session.current().engine.settings.data_directory / _SUGGESTED_NAME)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Have a worker write it; in a window the folder opens when it is done, without one it is waited for."""
        path = Path(bpy.path.abspath(self.filepath)) if self.filepath else None
        session.current().diagnostics.save(path, include_prompts=self.include_prompts)
        if not bpy.app.background:
            self.report({"INFO"}, "Saving the diagnostics. Their folder opens, or the preferences say why not")
            return {"FINISHED"}
        saved = scripting.wait_for_diagnostics()
        self.report({"INFO" if saved.path else "ERROR"}, saved.sentence)
        return {"FINISHED"} if saved.path else {"CANCELLED"}
