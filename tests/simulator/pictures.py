# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source pictures as they arrive in a create request (API notes 2.1). bpy is not allowed here."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

# July's error guide named 20 MB; no newer number is published (API notes 2.1).
MAX_PICTURE_BYTES = 20 * 1024 * 1024
_DATA_URL = re.compile(r"data:([a-z]+/[a-z0-9.+-]+);base64,", re.IGNORECASE)


class PictureError(ValueError):
    """The text is not a picture that the service takes."""


@dataclass(frozen=True)
class Picture:
    data: bytes
    encoding: str
    media_type: str


def decode_picture(text: str) -> Picture:
    """Take raw base64 or a data URL; which one the service wants is not published."""
    match = _DATA_URL.match(text)
    encoding = "data-url" if match else "base64"
    try:
        data = base64.b64decode(text[match.end() :] if match else text, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise PictureError("not valid base64") from problem
    media_type = picture_type(data)
    if match and match.group(1).lower() != media_type:
        raise PictureError(f"declared as {match.group(1)} but the bytes are {media_type}")
    return Picture(data, encoding, media_type)


def picture_type(data: bytes) -> str:
    """Judge by the magic bytes, as the service does."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    raise PictureError("the bytes are not PNG, JPEG or WebP")
