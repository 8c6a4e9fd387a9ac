# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source picture out of Blender, as a file that a worker can read. bpy is allowed here."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..service.errors import TokenLabError


@dataclass(frozen=True, slots=True)
class Picture:
    """A source picture as a file."""

    path: str = ""
    name: str = ""
    key: str = ""
    """What tells it from others without reading it: for finding the same request again."""


_SENDABLE = (".png", ".jpg", ".jpeg", ".webp")


def from_file(path: str) -> Picture:
    """Return a picture on disk.

    :raises TokenLabError: when none is chosen or it is not there.
    """
    if not path.strip():
        raise TokenLabError("No picture is chosen. Nothing was sent or charged. Choose an image file.")
    absolute = Path(bpy.path.abspath(path))
    if not absolute.is_file():
        raise TokenLabError(
            f"The picture {absolute.name} is not there. Nothing was sent or charged. Choose another image file."
        )
    return _as_it_is(absolute, absolute.name)


def from_datablock(image: bpy.types.Image | None, folder: Path) -> Picture:
    """Return an image of this file; painted, generated and packed ones are written into `folder`.

    :raises TokenLabError: when there is none or it cannot be written.
    """
    if image is None:
        raise TokenLabError("No image is chosen. Nothing was sent or charged. Choose an image.")
    on_disk = Path(bpy.path.abspath(image.filepath, library=image.library))
    is_as_on_disk = image.source == "FILE" and not image.is_dirty and image.packed_file is None
    if is_as_on_disk and on_disk.suffix.lower() in _SENDABLE and on_disk.is_file():
        return _as_it_is(on_disk, image.name)
    # Painted images have no time stamp: the same name asks once too often rather than not at all.
    return Picture(_write_png(image, folder), image.name, f"image {image.name}")


def _as_it_is(path: Path, name: str) -> Picture:
    status = path.stat()
    return Picture(str(path), name, f"{path} {status.st_size} {status.st_mtime_ns}")


def _write_png(image: bpy.types.Image, folder: Path) -> str:
    """Write a copy, since saving turns the user's generated image into a file image (blender_rules 10)."""
    name = image.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4()}.png"
    copy = image.copy()
    try:
        copy.filepath_raw = str(path)
        copy.file_format = "PNG"
        copy.save()
    except RuntimeError as error:
        raise TokenLabError(
            f"The image {name} has no pixels that could be sent. Nothing was sent or charged. Choose another image."
        ) from error
    finally:
        bpy.data.images.remove(copy)
    return str(path)
