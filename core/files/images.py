# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures: what they are by their bytes, and how the source picture travels to the service. No bpy here."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import BinaryIO

from .picture_header import BadHeader, read_size

MAX_BYTES = 20 * 1024 * 1024
"""Largest picture that is sent. The service's July notes name 20 MB for images (API notes 2.1)."""
MAX_SIDE = 6000
"""Longest side in pixels that is sent, as the makers of the default model name it (API notes 4.4)."""

_MAGIC_BYTES = 12

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_RIFF = b"RIFF"


class PictureError(Exception):
    """The picture cannot be sent. The text is a user's sentence."""


def image_type(data: bytes) -> str | None:
    """Return the MIME type of PNG, JPEG or WebP data by its magic bytes, or None."""
    if data.startswith(_PNG):
        return "image/png"
    if data.startswith(_JPEG):
        return "image/jpeg"
    if data.startswith(_RIFF) and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def may_begin(head: bytes) -> bool:
    """Whether PNG, JPEG or WebP data can begin like this; `head` may be as short as one wants."""
    return any(magic.startswith(head[: len(magic)]) for magic in (_PNG, _JPEG, _RIFF))


def picture_size(path: Path) -> tuple[int, int] | None:
    """Return width and height of the picture at `path` in pixels, or None when it is neither PNG, JPEG nor WebP.

    Reads its header only (`picture_header`), which takes about 0.01 ms: little enough for the main thread.

    :raises PictureError: when it cannot be read, has no pixels or is damaged.
    """
    try:
        with path.open("rb") as file:
            mime = image_type(file.read(_MAGIC_BYTES))
            file.seek(0)
            return _size(file, mime, path.name) if mime else None
    except (OSError, ValueError) as error:
        raise _unreadable(path.name) from error


def stated_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height that PNG, JPEG or WebP data states, or None for anything else."""
    mime = image_type(data)
    try:
        return read_size(io.BytesIO(data), mime) if mime else None
    except BadHeader:
        return None


def _size(file: BinaryIO, mime: str, name: str) -> tuple[int, int]:
    try:
        width, height = read_size(file, mime)
    except BadHeader as error:
        raise PictureError(
            f"The picture {name} is damaged. Nothing was sent or charged. Choose another picture."
        ) from error
    if not (width and height):
        raise PictureError(f"The picture {name} has no pixels. Nothing was sent or charged. Choose another picture.")
    return width, height


def _unreadable(name: str) -> PictureError:
    return PictureError(f"The picture {name} cannot be read. Nothing was sent or charged. Choose another picture.")


def read_picture(path: Path) -> bytes:
    """Return the bytes of the picture at `path`.

    :raises PictureError: when it is missing, too large, damaged, without pixels, or neither PNG, JPEG nor WebP.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise PictureError(
                f"The picture {path.name} has {size / 1e6:.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB that can be "
                "sent. Nothing was sent or charged. Make it smaller and generate again."
            )
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        # ValueError: a NUL in the name.
        raise _unreadable(path.name) from error
    mime = image_type(data)
    if mime is None:
        raise PictureError(
            f"{path.name} is not a PNG, JPEG or WebP picture. Nothing was sent or charged. Choose another picture."
        )
    _size(io.BytesIO(data), mime, path.name)
    return data


def data_url(data: bytes) -> str:
    """Return PNG, JPEG or WebP bytes as a data URL with their true type (API notes 2.1).

    :raises PictureError: when the bytes are none of these.
    """
    mime = image_type(data)
    if mime is None:
        raise PictureError("The picture is not PNG, JPEG or WebP. Nothing was sent or charged. Choose another picture.")
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
