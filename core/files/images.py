# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source picture: what it is, and how it travels to the service. No bpy here."""

from __future__ import annotations

import base64
from pathlib import Path

MAX_BYTES = 20 * 1024 * 1024
"""Largest picture that is sent. The service's July notes name 20 MB for images (API notes 2.1)."""


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
