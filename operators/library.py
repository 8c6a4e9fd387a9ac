# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The library of models: into the Asset Browser, and cleaned up. bpy is allowed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..core.blender import assets, scripting, session
from ..core.blender.properties import session_list
from ..core.text import bytes_text

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

_BUSY = "The library is being looked at. Try again in a moment."


class _LibraryOperator:
    """Can be used while nothing else is being done with the library."""

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Whether the library is free."""
        is_free = session.is_enabled() and not session_list().library_is_busy
        if not is_free:
            cls.poll_message_set(_BUSY)  # type: ignore[attr-defined]  # Operator's
        return is_free

    def tell(self, kind: str, sentence: str) -> set[OperatorReturnItems]:
        """Report a sentence; an error means that nothing was done."""
        self.report({kind}, sentence)  # type: ignore[attr-defined]  # Operator's
        return {"CANCELLED"} if kind == "ERROR" else {"FINISHED"}


class TOKENLAB_OT_add_asset_library(_LibraryOperator, bpy.types.Operator):
    """Show the generated models in the Asset Browser; Blender keeps that when its preferences are saved"""

    bl_idname = "tokenlab.add_asset_library"
    bl_label = "Add Library to Asset Browser"
    bl_options = {"REGISTER"}  # No UNDO: preferences are not undone.

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Register the folder at once; a worker makes it, with our catalog in it."""
        library = session.current().library
        name = assets.register_library(library.folder)
        library.add_catalog()
        report = scripting.wait_for_library() if bpy.app.background else None
        if report is not None and report.is_bad:
            return self.tell("WARNING", report.sentence)
        return self.tell("INFO", f"“{name}” is in the Asset Browser. Blender keeps it when its preferences are saved")


class TOKENLAB_OT_clean_up_library(_LibraryOperator, bpy.types.Operator):
    """Remove the files of tasks that you removed from the list, and what downloads that were given up have left"""

    bl_idname = "tokenlab.clean_up_library"
    bl_label = "Clean Up Library"
    # No UNDO: what was removed cannot be brought back. No REGISTER: Repeat Last would skip the question.
    bl_options = set()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Name what would be freed, and ask."""
        if bpy.app.background:
            return self.execute(context)
        return self._ask(context, event)

    def _ask(self, context: bpy.types.Context, event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Ask, once it is known what there is to be freed."""
        library = session.current().library
        if library.use is None:
            library.measure()
            self.report({"WARNING"}, _BUSY)
            return {"CANCELLED"}
        if not library.use.removable:
            return self.tell("INFO", "There is nothing to clean up. Models stay until their task is removed")
        size = bytes_text(library.use.removable_size)
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Clean Up the Library?",
            message=f"Models of tasks that you removed, and broken downloads: {size}. They cannot be brought back.",
            confirm_text="Remove Files",
            icon="WARNING",
        )

    def execute(self, _context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Have a worker do it; in a window the preferences show what came of it, without one it is waited for."""
        session.current().library.clean_up()
        if not bpy.app.background:
            return self.tell("INFO", "Cleaning up the library. The preferences show what was freed")
        report = scripting.wait_for_library()
        return self.tell("ERROR" if report.is_bad else "INFO", report.sentence)
