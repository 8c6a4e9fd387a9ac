# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source picture out of Blender, as a file that a worker can read. bpy is allowed here.

What needs Blender is done here, on the main thread: pictures that only Blender reads, and those that are too large. All
else is looked at by its size on disk and its header, a few hundred bytes, and left to the worker, which reads it whole.
"""

from __future__ import annotations

import array
import os
import shutil
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import bpy

from ..files.images import MAX_BYTES, MAX_SIDE, PictureError, picture_size
from ..service.errors import TokenLabError


@dataclass(frozen=True, slots=True)
class Picture:
    """A source picture as a file."""

    path: str = ""
    name: str = ""
    key: str = ""
    """What tells it from others without reading it: for finding the same request again."""


_SENT_FORMATS = frozenset({"JPEG", "PNG", "WEBP"})
"""Blender's names of what the service takes."""
_RGBA = 4
_LONGEST_SIDE = 2048
"""Pixels of what is encoded here; more tells the service nothing (API notes 2.1). A picture that can be sent as it is
may have up to `MAX_SIDE`: to make a smaller one of 12 million pixels holds Blender up for half a second."""
_MAX_PIXELS = 200_000_000
"""Most pixels that are decoded: 0.8 GB, and more than any camera has. A file of a few KB can claim to have more."""


def from_file(path: str, folder: Path) -> Picture:
    """Return a picture on disk; one of another kind, or too large to be sent, is written anew into `folder`.

    :raises TokenLabError: when none is chosen, it is not there or Blender cannot read it.
    """
    if not path.strip():
        raise TokenLabError("No picture is chosen. Nothing was sent or charged. Choose an image file.")
    absolute = Path(bpy.path.abspath(path))
    if not absolute.is_file():
        raise TokenLabError(
            f"The picture {absolute.name} is not there. Nothing was sent or charged. Choose another image file."
        )
    picture, size = _as_it_is(absolute, absolute.name), _size_on_disk(absolute)
    # By its bytes and not by its name; what is no picture at all is said by the worker.
    is_for_blender = size is None and absolute.suffix.lower() in bpy.path.extensions_image  # type: ignore[attr-defined]  # the stubs lack it
    if is_for_blender or is_too_large(absolute, size):
        return replace(picture, path=_written_anew(absolute, folder))
    if absolute.parent == folder:
        return replace(picture, path=_taken_over(absolute, folder))
    return picture


def find_source(key: str) -> str:
    """Return the path of the file that was chosen when a key was made, or "" when it is not there as it was."""
    path = key.rsplit(" ", 2)[0]
    try:
        return path if _as_it_is(Path(path), "").key == key else ""
    except (OSError, ValueError):
        return ""  # An image of a file has no path, and nothing is named like its key.


def from_datablock(image: bpy.types.Image | None, folder: Path) -> Picture:
    """Return an image of this file; painted, generated and packed ones are written into `folder`.

    :raises TokenLabError: when there is none or it cannot be written.
    """
    if image is None:
        raise TokenLabError("No image is chosen. Nothing was sent or charged. Choose an image.")
    on_disk = Path(bpy.path.abspath(image.filepath, library=image.library))
    size = _size_on_disk(on_disk) if is_as_on_disk(image) and on_disk.is_file() else None
    if size is not None:
        picture = _as_it_is(on_disk, image.name)
        return replace(picture, path=_written_anew(on_disk, folder)) if is_too_large(on_disk, size) else picture
    # Painted images have no time stamp: the same name asks once too often rather than not at all.
    return Picture(_write_png(image, folder), image.name, f"image {image.name}")


def is_as_on_disk(image: bpy.types.Image) -> bool:
    """Whether the file of an image, if it has one, shows what the image shows."""
    return image.source == "FILE" and not image.is_dirty and image.packed_file is None


def is_sent_as_on_disk(image: bpy.types.Image) -> bool:
    """Whether the file of an image is sent and not its pixels, for all that is known without reading it."""
    return is_as_on_disk(image) and image.file_format in _SENT_FORMATS and max(image_size(image)) <= MAX_SIDE


def sent_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of a picture that is written anew."""
    return _fitting(width, height) if max(width, height) > _LONGEST_SIDE else (width, height)


def _as_it_is(path: Path, name: str) -> Picture:
    status = path.stat()
    return Picture(str(path), name, f"{path} {status.st_size} {status.st_mtime_ns}")


def _taken_over(path: Path, folder: Path) -> str:
    """Return for a further task a picture that was made for one, which takes it away when it is sent.

    :raises TokenLabError: when that has just been done.
    """
    own = folder / f"{uuid.uuid4()}{path.suffix}"
    try:
        try:
            os.link(path, own)
        except OSError:
            shutil.copyfile(path, own)  # Where the disk has no links. A few MB at most: it was written here.
    except OSError as error:
        raise TokenLabError(
            f"The picture {path.name} is not there. Nothing was sent or charged. Choose another image file."
        ) from error
    return str(own)


def _size_on_disk(path: Path) -> tuple[int, int] | None:
    """Return width and height of a picture that can be sent, or None when it is of another kind."""
    try:
        size = picture_size(path)
    except PictureError as error:
        raise TokenLabError(str(error)) from error
    if size is not None:
        _check_pixels(path.name, *size)
    return size


def _check_pixels(name: str, width: int, height: int) -> None:
    if width * height > _MAX_PIXELS:
        raise TokenLabError(
            f"The picture {name} has {width * height / 1e6:.0f} million pixels, more than the "
            f"{_MAX_PIXELS / 1e6:.0f} million that can be read. Nothing was sent or charged. Make it smaller and "
            "generate again."
        )


def is_too_large(path: Path, size: tuple[int, int] | None) -> bool:
    """Whether a picture has more bytes or pixels than can be sent."""
    return path.stat().st_size > MAX_BYTES or max(size or (0,)) > MAX_SIDE


def _written_anew(path: Path, folder: Path) -> str:
    """Write what Blender reads in a file into `folder`, with sides of at most `_LONGEST_SIDE`.

    Only Blender reads it, and only on this thread: 0.03 to 0.1 s for each million pixels, once for each request. It
    does so in an image of ours, whatever images of the file there are.
    """
    unreadable = TokenLabError(
        f"The picture {path.name} cannot be read. Nothing was sent or charged. Choose another picture."
    )
    try:
        image = bpy.data.images.load(str(path), check_existing=False)
    except RuntimeError as error:
        raise unreadable from error
    try:
        width, height = image_size(image)
        if not (width and height):
            raise unreadable
        if max(width, height) > _LONGEST_SIDE:
            image.scale(*_fitting(width, height))  # Fewer pixels to pass through Python.
        return _write_png(image, folder)
    finally:
        bpy.data.images.remove(image)


def _write_png(image: bpy.types.Image, folder: Path) -> str:
    """Write the pixels as they are now; saving the image itself would turn a generated one into a file image.

    The pixels go through a new image: a copy of the datablock comes without what was painted.
    """
    path = folder / f"{uuid.uuid4()}.png"
    width, height = image_size(image)
    if not (width and height):
        raise _unreadable(image.name)
    _check_pixels(image.name, width, height)
    pixels = _rgba(image)
    picture = bpy.data.images.new("TokenLab", width, height, alpha=True, float_buffer=image.is_float)
    try:
        picture.colorspace_settings.name = image.colorspace_settings.name
        picture.pixels.foreach_set(pixels)
        if max(width, height) > _LONGEST_SIDE:
            # This one is ours; the user's keeps its size.
            picture.scale(*_fitting(width, height))
        picture.filepath_raw, picture.file_format = str(path), "PNG"
        folder.mkdir(parents=True, exist_ok=True)
        picture.save()
    except (RuntimeError, OSError) as error:
        raise _unreadable(image.name) from error
    finally:
        bpy.data.images.remove(picture)
    return str(path)


def _fitting(width: int, height: int) -> tuple[int, int]:
    """Return the size of the same shape with sides of at most `_LONGEST_SIDE`."""
    factor = _LONGEST_SIDE / max(width, height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def image_size(image: bpy.types.Image) -> tuple[int, int]:
    """Return width and height of an image, which Blender reads for that if it has not yet."""
    width, height = cast("tuple[int, int]", image.size)
    return width, height


def _rgba(image: bpy.types.Image) -> array.array[float]:
    """Return the pixels with four channels each, as a new image has them."""
    width, height = image_size(image)
    channels = image.channels
    pixels: array.array[float] = array.array("f", bytes(4 * width * height * channels))
    image.pixels.foreach_get(pixels)
    if channels == _RGBA:
        return pixels
    full: array.array[float] = array.array("f", [1.0]) * (len(pixels) // channels * _RGBA)
    for channel in range(_RGBA - 1):
        # Grey, with or without alpha, becomes red, green and blue alike.
        full[channel::_RGBA] = pixels[(channel if channels > 2 else 0) :: channels]  # noqa: PLR2004
    return full


def _unreadable(name: str) -> TokenLabError:
    return TokenLabError(
        f"The pixels of the image {name} cannot be read, or the data folder takes no file. "
        "Nothing was sent or charged. Choose another image."
    )
