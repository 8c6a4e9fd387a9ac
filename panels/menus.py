# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries in the Add and Object menus: Blender's search finds what is in a menu. bpy is allowed here."""

from __future__ import annotations

import bpy

from ..core.blender import reuse


class TOKENLAB_MT_add(bpy.types.Menu):
    """Generate models with TokenLab"""

    bl_idname = "TOKENLAB_MT_add"
    bl_label = "TokenLab 3D"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("tokenlab.generate", text="Generate 3D Model…", icon="SHADERFX").show_form = True
        layout.separator()
        layout.operator("tokenlab.use_prompt", text="Use Earlier Prompt…", icon="RECOVER_LAST")
        layout.operator("tokenlab.use_image_file", text="Use Image File…", icon="FILE_IMAGE")
        layout.operator("tokenlab.use_viewport", icon="VIEW3D")
        layout.operator("tokenlab.paste_image", icon="PASTEDOWN")
        layout.operator("tokenlab.try_without_key", icon="PLAY")


class TOKENLAB_MT_object(bpy.types.Menu):
    """Generated models and running tasks"""

    bl_idname = "TOKENLAB_MT_object"
    bl_label = "TokenLab 3D"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("tokenlab.import_model", icon="IMPORT")
        layout.operator("tokenlab.resume", icon="FILE_REFRESH")
        layout.operator("tokenlab.stop_waiting", icon="CANCEL")
        layout.operator("tokenlab.submit_again", icon="EXPORT")
        layout.operator("tokenlab.attach_task", icon="LINKED")
        layout.operator("tokenlab.remove_task", icon="X")
        layout.operator("tokenlab.clear_finished", icon="TRASH")
        layout.operator("tokenlab.open_folder", icon="FILE_FOLDER")
        layout.operator("tokenlab.select_model", icon="RESTRICT_SELECT_OFF")
        layout.operator("tokenlab.keep_variant", icon="CHECKMARK")
        layout.operator("tokenlab.reuse_settings", icon="LOOP_BACK")
        layout.operator("tokenlab.generate_variation", icon="SHADERFX")
        layout.operator("tokenlab.copy_prompt", icon="COPYDOWN")
        layout.operator("tokenlab.random_seed", icon="RNDCURVE")
        layout.separator()
        layout.operator("tokenlab.add_asset_library", icon="ASSET_MANAGER")
        layout.operator("tokenlab.clean_up_library", icon="TRASH")
        layout.separator()
        layout.operator("tokenlab.refresh_models", icon="FILE_REFRESH")
        layout.operator("tokenlab.test_connection", icon="URL")
        layout.operator("tokenlab.export_ledger", icon="SPREADSHEET")
        layout.operator("tokenlab.import_usage", icon="IMPORT")
        layout.operator("tokenlab.save_diagnostics", icon="TEXT")


def _draw_add(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.menu(TOKENLAB_MT_add.bl_idname, icon="SHADERFX")


def _draw_context_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    """What can be done with a model of ours that was right-clicked."""
    if reuse.origin_of(context.active_object) is None:
        return
    layout = self.layout
    # A menu that opens at the pointer would run them as a script does, which is not asked what it pays for.
    layout.operator_context = "INVOKE_DEFAULT"
    layout.separator()
    layout.operator("tokenlab.reuse_settings", text="Reuse TokenLab Settings", icon="LOOP_BACK").of_object = True
    button = layout.operator("tokenlab.generate_variation", text="Generate TokenLab Variation", icon="SHADERFX")
    button.of_object = True


def _draw_object(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.menu(TOKENLAB_MT_object.bl_idname)


_register_classes, _unregister_classes = bpy.utils.register_classes_factory((TOKENLAB_MT_add, TOKENLAB_MT_object))


def register() -> None:
    """Add the menus and append them to Blender's own."""
    _register_classes()
    bpy.types.VIEW3D_MT_add.append(_draw_add)  # type: ignore[arg-type]  # the stubs forget self
    bpy.types.VIEW3D_MT_object.append(_draw_object)  # type: ignore[arg-type]  # the stubs forget self
    bpy.types.VIEW3D_MT_object_context_menu.append(_draw_context_menu)  # type: ignore[arg-type]  # the stubs forget self
    # A right-click in the Outliner makes the object the active one, as in the 3D View.
    bpy.types.OUTLINER_MT_object.append(_draw_context_menu)  # type: ignore[arg-type]  # the stubs forget self


def unregister() -> None:
    """Take them away in reverse."""
    bpy.types.OUTLINER_MT_object.remove(_draw_context_menu)  # type: ignore[arg-type]  # the stubs forget self
    bpy.types.VIEW3D_MT_object_context_menu.remove(_draw_context_menu)  # type: ignore[arg-type]  # the stubs forget self
    bpy.types.VIEW3D_MT_object.remove(_draw_object)  # type: ignore[arg-type]  # the stubs forget self
    bpy.types.VIEW3D_MT_add.remove(_draw_add)  # type: ignore[arg-type]  # the stubs forget self
    _unregister_classes()
