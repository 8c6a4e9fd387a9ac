# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many pixels a PNG, JPEG or WebP picture has, by its header. No bpy here.

Nothing is decoded, and no more read than it takes (tens of bytes; of a JPEG the beginning of each segment before the
size), so that the main thread may ask too. The layouts are those of the PNG specification (11.2.2), of ITU-T T.81
(annex B) and of the WebP container specification.
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO, Final

_PNG_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""By colour type, the bits for each sample that are allowed."""
_JPEG_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of the segments that hold the size, one for each way of coding."""
_JPEG_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers that no length follows."""
_JPEG_MOST_STEPS: Final = 5000
"""Bytes and segments that are looked at in search of the size. A colour profile has at most 255 segments."""


class BadHeader(ValueError):
    """The header contradicts itself or ends too early."""


def read_size(file: BinaryIO, mime: str) -> tuple[int, int]:
    """Return width and height in pixels; either may be 0 if the header says so.

    :param file: at its beginning.
    :param mime: what the magic bytes say, `image/png`, `image/jpeg` or `image/webp`.
    :raises BadHeader:
    """
    return {"image/png": _png, "image/jpeg": _jpeg, "image/webp": _webp}[mime](file)


def _read(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise BadHeader("the file ends within its header")
    return data


def _png(file: BinaryIO) -> tuple[int, int]:
    data = _read(file, 33)
    length, kind, width, height, depth, color, *rest = struct.unpack(">I4sIIBBBBB", data[8:29])
    is_whole = (length, kind) == (13, b"IHDR") and zlib.crc32(data[12:29]) == int.from_bytes(data[29:], "big")
    if not (is_whole and depth in _PNG_DEPTHS.get(color, ()) and rest in ([0, 0, 0], [0, 0, 1])):
        raise BadHeader("no image header")
    if max(width, height) >= 2**31:
        raise BadHeader("more pixels than PNG allows")
    return width, height


def _jpeg(file: BinaryIO) -> tuple[int, int]:
    _read(file, 2)
    for _ in range(_JPEG_MOST_STEPS):
        # Between two segments there may be fill bytes, and decoders skip rubbish as well.
        if _read(file, 1) != b"\xff":
            continue
        marker = _read(file, 1)[0]
        if marker in (0x00, 0xFF):
            file.seek(-1, 1)
        elif marker in _JPEG_SIZES:
            return _jpeg_frame(file)
        elif marker in (0xD8, 0xD9, 0xDA):
            raise BadHeader("the picture begins or ends before its size")
        elif marker not in _JPEG_ALONE:
            file.seek(_jpeg_rest(file), 1)
    raise BadHeader("no size")


def _jpeg_rest(file: BinaryIO) -> int:
    """Return how many bytes of a segment follow its length, which counts itself."""
    rest = int.from_bytes(_read(file, 2), "big") - 2
    if rest < 0:
        raise BadHeader("a segment shorter than its own length")
    return rest


def _jpeg_frame(file: BinaryIO) -> tuple[int, int]:
    rest = _jpeg_rest(file)
    _, height, width, components = struct.unpack(">BHHB", _read(file, 6))
    if not components or rest != 6 + 3 * components:
        raise BadHeader("a frame header of the wrong length")
    return width, height


def _webp(file: BinaryIO) -> tuple[int, int]:
    announced = int.from_bytes(_read(file, 12)[4:8], "little") + 8
    kind, length = _read(file, 4), int.from_bytes(_read(file, 4), "little")
    data = _read(file, 5 if kind == b"VP8L" else 10)
    if announced > file.seek(0, 2) or length + 20 > announced:
        raise BadHeader("a file shorter than announced")
    if kind == b"VP8 " and not data[0] & 1 and data[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[6:10])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and data[:1] == b"\x2f" and not data[4] >> 5:
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X" and length == len(data):
        return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    raise BadHeader("no frame of a known kind")
