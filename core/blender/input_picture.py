# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture that a form has chosen: how it is chosen, and what the panel says of it. bpy is allowed here.

A file is looked at when it is chosen and not when it is drawn: what is known is in memory, like the models.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..files.images import PictureError, picture_size
from . import pictures
from .file_paths import file_name

_OURS = "tokenlab_picture"
"""Custom property of images that were made to be sent: they go when another one takes their place."""
_MOST_FILES = 50
"""So many are remembered; a form has one."""

_lines: dict[str, str] = {}
"""What is known of files, by their whole path: in another .blend the same // path is another file."""


def use_file(form: Any, path: str) -> None:
    """Have a picture on disk sent."""
    form.image_path = path
    form.input_type = "IMAGE_FILE"


def use_new_image(form: Any, image: bpy.types.Image, name: str) -> None:
    """Have an image sent that was made for that, and drop the one before if nobody else wants it."""
    before = form.image
    image[_OURS] = True
    form.image = image
    form.input_type = "IMAGE_DATABLOCK"
    if before is not None and before != image and before.get(_OURS) and not before.users:
        bpy.data.images.remove(before)
    image.name = name  # The name of the one before may be free now.


def file_chosen(form: Any, _context: object) -> None:
    """Look at the file that was chosen; called by Blender."""
    while len(_lines) >= _MOST_FILES:
        del _lines[next(iter(_lines))]
    _lines[_absolute(form)] = _look(form.image_path)


def describe(form: Any) -> str:
    """Return what of a picture would be sent, beyond what its field shows, or "" when nothing is known."""
    if form.input_type == "IMAGE_FILE":
        return _lines.get(_absolute(form)) or file_name(form.image_path)
    if form.input_type == "IMAGE_DATABLOCK" and form.image is not None:
        return _describe_image(form.image)
    return ""


def forget() -> None:
    """Drop what is known, at the end of a session."""
    _lines.clear()


def _absolute(form: Any) -> str:
    """Return the path of the form's file, without looking at the disk."""
    return str(bpy.path.abspath(form.image_path))


def _look(path: str) -> str:
    """Read the header of a picture: some bytes, by far less than a millisecond."""
    if not path.strip():
        return ""
    absolute = Path(bpy.path.abspath(path))
    try:
        if not absolute.is_file():
            return f"{absolute.name} is not there"
        size = picture_size(absolute)
    except PictureError:
        return f"{absolute.name} is damaged"
    except (OSError, ValueError):
        return f"{absolute.name} cannot be read"
    if size is None:
        return f"{absolute.name}, sent as PNG"
    return f"{absolute.name}, {_sizes(size, is_written_anew=pictures.is_too_large(absolute, size))}"


def _describe_image(image: bpy.types.Image) -> str:
    """Say what is known without reading the image: its size is, once its pixels are in memory."""
    if not image.has_data:
        return ""
    return _sizes(pictures.image_size(image), is_written_anew=not pictures.is_sent_as_on_disk(image))


def _sizes(size: tuple[int, int], *, is_written_anew: bool) -> str:
    text = f"{size[0]} x {size[1]} px"
    sent = pictures.sent_size(*size) if is_written_anew else size
    return text if sent == size else f"{text}, sent as {sent[0]} x {sent[1]}"
