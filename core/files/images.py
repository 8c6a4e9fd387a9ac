# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures: what they are by their bytes, and how the source picture travels to the service. No bpy here."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

MAX_BYTES = 20 * 1024 * 1024
"""Largest picture that is sent. The service's July notes name 20 MB for images (API notes 2.1)."""

_JPEG_MARK = 0xFF
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The kinds of segments that describe the picture."""
_JPEG_BARE = frozenset({0x01, _JPEG_MARK, *range(0xD0, 0xD9)})
"""The kinds that are nothing but their mark."""


class PictureError(Exception):
    """The picture cannot be sent. The text is a user's sentence."""


def image_type(data: bytes) -> str | None:
    """Return the MIME type of PNG, JPEG or WebP data by its magic bytes, or None."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Return the pixels in width and height that the head of a PNG, JPEG or WebP states, or None for anything else."""
    readers = {"image/png": _png_size, "image/jpeg": _jpeg_size, "image/webp": _webp_size}
    reader = readers.get(image_type(data) or "")
    try:
        return reader(data) if reader else None
    except (struct.error, IndexError):
        return None


def _png_size(data: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from(">II", data, 16)
    return (width, height)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Go from one segment to the next, up to the one that describes the picture (ITU T.81, B.1 and B.2.2)."""
    position = 2
    while data[position] == _JPEG_MARK:
        kind = data[position + 1]
        if kind in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return (width, height)
        # A mark may begin with several of these bytes.
        position += 1 if kind == _JPEG_MARK else 2
        if kind not in _JPEG_BARE:
            position += struct.unpack_from(">H", data, position)[0]
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Read the first chunk: any of the three kinds tells (RFC 9649, 2.5 to 2.7)."""
    kind = data[12:16]
    if kind == b"VP8X":
        return (_number(data[24:27]) + 1, _number(data[27:30]) + 1)
    if kind == b"VP8L":
        bits = _number(data[21:25])
        return ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    width, height = struct.unpack_from("<HH", data, 26)
    return (width & 0x3FFF, height & 0x3FFF)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def read_picture(path: Path) -> bytes:
    """Return the bytes of the picture at `path`.

    :raises PictureError: when it is missing, too large, or neither PNG, JPEG nor WebP.
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
        raise PictureError(
            f"The picture {path.name} cannot be read. Nothing was sent or charged. Choose another picture."
        ) from error
    if image_type(data) is None:
        raise PictureError(
            f"{path.name} is not a PNG, JPEG or WebP picture. Nothing was sent or charged. Choose another picture."
        )
    return data


def data_url(data: bytes) -> str:
    """Return PNG, JPEG or WebP bytes as a data URL with their true type (API notes 2.1).

    :raises PictureError: when the bytes are none of these.
    """
    mime = image_type(data)
    if mime is None:
        raise PictureError("The picture is not PNG, JPEG or WebP. Nothing was sent or charged. Choose another picture.")
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
