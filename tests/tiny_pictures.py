# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The smallest pictures, written by hand, so that no test needs a sample from elsewhere. No bpy.

The PNG and the TGA are whole ones. Of the other kinds there is as much as anybody reads without decoding: the header.
"""

from __future__ import annotations

import struct
import zlib


def png(width: int = 1, height: int = 1) -> bytes:
    """Return a grey PNG; without rows when it is a large one."""
    rows = (b"\0" + bytes(width)) * height if width * height < 1_000_000 else b""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def tga(width: int = 1, height: int = 1) -> bytes:
    """Return a grey TGA: runs of 128 pixels, so that a large one is a small file."""
    header = struct.pack("<BBBHHBHHHHBB", 0, 0, 11, 0, 0, 0, 0, 0, width, height, 8, 0)
    runs, rest = divmod(width * height, 128)
    return header + b"\xff\x80" * runs + (bytes((127 + rest, 128)) if rest else b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def jpeg(width: int = 1, height: int = 1, *, before: bytes = b"") -> bytes:
    """Return the beginning of a JPEG, with these segments before the one that holds the size."""
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8" + before + segment(0xC0, frame) + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\xff\xd9"


def segment(marker: int, data: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def webp(width: int = 1, height: int = 1) -> bytes:
    """Return the beginning of a WebP in the extended layout."""
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff(b"VP8X", canvas)


def lossy_webp(width: int = 1, height: int = 1) -> bytes:
    """Return the beginning of a WebP in the simple layout."""
    return riff(b"VP8 ", b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", width, height))


def lossless_webp(width: int = 1, height: int = 1) -> bytes:
    """Return the beginning of a lossless WebP."""
    return riff(b"VP8L", b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(5))


def riff(kind: bytes, data: bytes) -> bytes:
    """Return a WebP with one chunk."""
    body = b"WEBP" + kind + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body
