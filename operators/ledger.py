# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Export what was asked for and what it may have cost, and take over what it did cost. bpy is allowed here."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..core.blender import scripting, session
from ..core.blender.file_paths import BLEND_RELATIVE

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

_FILE_PATH: set[Any] = {"SKIP_SAVE", *BLEND_RELATIVE}


class _LedgerOperator:
    """Asks for a file, and has a worker do something with it."""

    filepath: str

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Whether there can be a session with books."""
        is_enabled = session.is_enabled()
        if not is_enabled:
            cls.poll_message_set(  # type: ignore[attr-defined]  # Operator's
                "TokenLab 3D is not enabled. Enable it in the preferences under Add-ons."
            )
        return is_enabled

    def carry_out(self, work: Callable[[Path], None], doing: str) -> set[OperatorReturnItems]:
        """Have the work done; without a window wait for it."""
        report: Callable[[set[str], str], None] = self.report  # type: ignore[attr-defined]  # Operator's
        if not self.filepath:
            report({"ERROR"}, "No file is chosen. Nothing was changed. Choose one.")
            return {"CANCELLED"}
        work(Path(bpy.path.abspath(self.filepath)))
        if not bpy.app.background:
            report({"INFO"}, f"{doing}. The preferences say what came of it")
            return {"FINISHED"}
        answer = scripting.wait_for_ledger()
        report({"ERROR" if answer.is_bad else "INFO"}, answer.sentence)
        return {"CANCELLED"} if answer.is_bad else {"FINISHED"}


class TOKENLAB_OT_export_ledger(_LedgerOperator, bpy.types.Operator):
    """Write all tasks of this computer with their ids and prices into a CSV file, without prompts"""

    bl_idname = "tokenlab.export_ledger"
    bl_label = "Export Ledger"
    bl_options = {"REGISTER"}  # No UNDO: nothing of the file changes.

    filepath: StringProperty(name="File Path", description="CSV file to write", subtype="FILE_PATH", options=_FILE_PATH)
    filter_glob: StringProperty(
        name="Filter", description="Files that are shown", default="*.csv", options={"HIDDEN", "SKIP_SAVE"}
    )
    check_existing: BoolProperty(
        name="Check Existing",
        description="Ask before a file is overwritten",
        default=True,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Ask for the file."""
        if bpy.app.background or self.filepath:
            return self.execute(context)
        name = time.strftime("tokenlab_ledger_%Y-%m-%d.csv")
        self.filepath = str(Path(bpy.data.filepath).parent / name) if bpy.data.filepath else name
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Have it written."""
        return self.carry_out(session.current().books.export, "Exporting the ledger")


class TOKENLAB_OT_import_usage(_LedgerOperator, bpy.types.Operator):
    """Take the exact prices over from a usage file, CSV or JSON, that was downloaded from the service's dashboard"""

    bl_idname = "tokenlab.import_usage"
    bl_label = "Import Usage File"
    bl_options = {"REGISTER"}  # No UNDO: tasks are no scene data.

    filepath: StringProperty(
        name="File Path", description="Usage file to read", subtype="FILE_PATH", options=_FILE_PATH
    )
    filter_glob: StringProperty(
        name="Filter", description="Files that are shown", default="*.csv;*.json", options={"HIDDEN", "SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Ask for the file."""
        if bpy.app.background or self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Have the prices taken over."""
        return self.carry_out(session.current().books.import_usage, "Reading the usage file")
