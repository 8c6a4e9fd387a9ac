# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose the picture to generate from: a file, the 3D View, the clipboard. bpy is allowed here.

All of them have UNDO: the form is of the scene, and so is an image that is made for it. What was sent stays sent. None
has REGISTER: there is nothing to adjust afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import CollectionProperty, StringProperty

from ..core.blender import clipboard_picture, input_picture, properties, viewport_picture
from ..core.blender.file_paths import BLEND_RELATIVE, file_name
from ..core.service.errors import TokenLabError

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

_SUFFIXES: tuple[str, ...] = tuple(sorted(bpy.path.extensions_image))  # type: ignore[attr-defined]  # the stubs lack it
"""Of all that Blender reads: what the service does not take is sent as PNG (`core.blender.pictures`)."""
_SKIP: set[Any] = {"SKIP_SAVE"}
_HIDDEN: set[Any] = {"SKIP_SAVE", "HIDDEN"}


class TOKENLAB_OT_use_image_file(bpy.types.Operator):
    """Generate from a picture on disk"""

    bl_idname = "tokenlab.use_image_file"
    bl_label = "Use Image File"
    bl_options = {"UNDO"}

    filepath: StringProperty(
        name="Image File", description="Picture on disk", subtype="FILE_PATH", options={*_SKIP, *BLEND_RELATIVE}
    )
    directory: StringProperty(
        name="Folder", description="Where the files are", subtype="DIR_PATH", options={*_HIDDEN, *BLEND_RELATIVE}
    )
    files: CollectionProperty(
        name="Files",
        description="Names of the files; the first one is used",
        type=bpy.types.OperatorFileListElement,
        options=_HIDDEN,
    )
    filter_glob: StringProperty(
        name="Filter",
        description="Names that the file browser shows",
        default=";".join(f"*{suffix}" for suffix in _SUFFIXES),
        options=_HIDDEN,
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[OperatorReturnItems]:
        """Ask for a file, unless one was dropped."""
        if self._paths or bpy.app.background:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Set the form to the file; it is read when it is sent."""
        paths = self._paths
        if not paths:
            return self._refuse("No file is given. Nothing was changed. Choose an image file.")
        path = paths[0]
        name = file_name(path)
        if os.path.splitext(name)[1].lower() not in _SUFFIXES:
            return self._refuse(f"{name} is no picture that Blender reads. Nothing was changed. Choose another.")
        if not Path(bpy.path.abspath(path)).is_file():
            return self._refuse(f"The picture {name} is not there. Nothing was changed. Choose another.")
        input_picture.use_file(properties.form(context.scene), path)
        others = f", the first of {len(paths)}: only one can be sent" if len(paths) > 1 else ""
        self.report({"INFO"}, f"The input is {name}{others}")
        return {"FINISHED"}

    @property
    def _paths(self) -> list[str]:
        """The files that were dropped or chosen; a script gives a path alone."""
        folder = self.directory if self.directory.endswith(("/", "\\")) else f"{self.directory}/"
        named = [f"{folder}{item.name}" for item in self.files if item.name]
        return named or ([self.filepath] if self.filepath else [])

    def _refuse(self, sentence: str) -> set[OperatorReturnItems]:
        self.report({"ERROR"}, sentence)
        return {"CANCELLED"}


class _NewImageOperator:
    """Makes an image that becomes the input."""

    def use(
        self, context: bpy.types.Context, make: Callable[[bpy.types.Context], bpy.types.Image], name: str
    ) -> set[OperatorReturnItems]:
        """Set the form to the image that `make` returns, or report why there is none."""
        try:
            image = make(context)
        except TokenLabError as error:
            self.report({"ERROR"}, str(error))  # type: ignore[attr-defined]  # Operator's
            return {"CANCELLED"}
        input_picture.use_new_image(properties.form(context.scene), image, name)
        self.report({"INFO"}, f"The input is {image.name}")  # type: ignore[attr-defined]  # Operator's
        return {"FINISHED"}


class TOKENLAB_OT_use_viewport(_NewImageOperator, bpy.types.Operator):
    """Generate from what the 3D View shows now, without overlays"""

    bl_idname = "tokenlab.use_viewport"
    bl_label = "Use Viewport"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a view of which a picture can be taken."""
        why_not = viewport_picture.why_not(context)
        if why_not:
            cls.poll_message_set(why_not)
        return not why_not

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Draw the view into an image of this file."""
        return self.use(context, viewport_picture.take, viewport_picture.NAME)


class TOKENLAB_OT_paste_image(_NewImageOperator, bpy.types.Operator):
    """Generate from the picture that is on the clipboard"""

    bl_idname = "tokenlab.paste_image"
    bl_label = "Paste Image"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether pictures can be pasted here at all; whether there is one is found out when it is wanted."""
        is_possible = clipboard_picture.is_possible() and context.window is not None
        if not is_possible:
            cls.poll_message_set(clipboard_picture.WHY_NOT)
        return is_possible

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Make an image of this file of it."""
        return self.use(context, clipboard_picture.paste, clipboard_picture.NAME)


class TOKENLAB_FH_image(bpy.types.FileHandler):
    """Offered by Blender when a picture is dropped, beside what Blender itself does with one"""

    bl_idname = "TOKENLAB_FH_image"
    bl_label = "TokenLab 3D: Use as Input"
    bl_import_operator = TOKENLAB_OT_use_image_file.bl_idname
    bl_file_extensions = ";".join(_SUFFIXES)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Offer it where the sidebar is: a picture that is dropped elsewhere keeps its meaning."""
        return context.space_data is not None and context.space_data.type == "VIEW_3D"
