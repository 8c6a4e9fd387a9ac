# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many pixels a texture has, by its header: all kinds that Blender reads, whatever a model calls it. No bpy here.

Nothing is decoded. Where a specification leaves a choice, it is read as Blender reads it: what is measured here is what
Blender will make room for.
"""

from __future__ import annotations

import io
import itertools
import re
import struct
from collections.abc import Callable
from typing import BinaryIO, Final

from .images import stated_size

_MOST_STEPS: Final = 1000
"""Attributes, tags or boxes that are looked at in search of the size."""
_HDR_HEAD: Final = 64 * 1024
"""Bytes of a Radiance picture that its lines of text may take."""
_HDR_SIZE: Final = re.compile(rb"\n\r?\n[-+][XY]\s{0,9}(\d{1,9})\s{1,9}[-+][XY]\s{0,9}(\d{1,9})\s")
_AVIF_HEAD: Final = 64 * 1024
"""Bytes of an AVIF picture that its tables may take."""
_TGA_KINDS: Final = frozenset({1, 2, 3, 9, 10, 11})
_TGA_DEPTH: Final = 32
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_NUMBERS: Final = {3: "H", 4: "I", 16: "Q"}
"""By type, how a number is written."""
_BMP_OLDEST: Final = 12
"""Length of the header of OS/2, which has shorter numbers."""


def texture_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height in pixels that a picture states, or None for what is none, or states none."""
    read = next((read for magic, read in _KINDS.items() if data.startswith(magic)), _tga)
    try:
        size = stated_size(data) or (_avif if data[4:8] == b"ftyp" else read)(io.BytesIO(data))
    except (struct.error, ValueError, OverflowError):
        # Too short, without a size, or leading to places that no file can have.
        return None
    return size if all(size) else None


def _take(file: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _at(offset: int, layout: str) -> Callable[[BinaryIO], tuple[int, int]]:
    """Return a reader of width and height that stand in this place."""

    def read(file: BinaryIO) -> tuple[int, int]:
        file.seek(offset)
        width, height = _take(file, layout)
        return width, height

    return read


def _turned(read: Callable[[BinaryIO], tuple[int, int]]) -> Callable[[BinaryIO], tuple[int, int]]:
    """Return a reader of what stands there the other way round."""
    return lambda file: read(file)[::-1]


def _tga(file: BinaryIO) -> tuple[int, int]:
    """Read the one kind that does not begin with a word of its own."""
    _, palette, kind, _, colors, color_depth, _, _, width, height, depth = _take(file, "<BBBHHBHHHHB")
    is_one = palette <= 1 and kind in _TGA_KINDS and 0 < depth <= _TGA_DEPTH
    if not (is_one and width and height and (not colors or color_depth <= _TGA_DEPTH)):
        raise ValueError
    return width, height


def _bmp(file: BinaryIO) -> tuple[int, int]:
    file.seek(14)
    (length,) = _take(file, "<I")
    # A negative height means that the first row is the upper one.
    width, height = _take(file, "<HH" if length == _BMP_OLDEST else "<ii")
    return abs(width), abs(height)


def _tiff(file: BinaryIO) -> tuple[int, int]:
    order = "<" if file.read(2) == b"II" else ">"
    is_big = _take(file, f"{order}H") == (43,)
    file.seek(8 if is_big else 4)
    file.seek(*_take(file, f"{order}Q" if is_big else f"{order}I"))
    found: dict[int, int] = {}
    (count,) = _take(file, f"{order}Q" if is_big else f"{order}H")
    for _ in range(min(count, _MOST_STEPS)):
        tag, kind, _, value = _take(file, f"{order}HHQ8s" if is_big else f"{order}HHI4s")
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT) and kind in _TIFF_NUMBERS:
            (found[tag],) = struct.unpack_from(f"{order}{_TIFF_NUMBERS[kind]}", value)  # type: ignore[arg-type]
        if len(found) == 2:  # noqa: PLR2004  # width and height
            return found[_TIFF_WIDTH], found[_TIFF_HEIGHT]
    raise ValueError


def _exr(file: BinaryIO) -> tuple[int, int]:
    file.seek(8)
    sides = (0, 0)
    for _ in range(_MOST_STEPS):
        name = _word(file)
        if not name:
            break
        _word(file)
        (length,) = _take(file, "<i")
        if name in (b"dataWindow", b"displayWindow"):
            left, top, right, bottom = _take(file, "<4i")
            sides = (max(sides[0], right - left + 1), max(sides[1], bottom - top + 1))
        else:
            file.seek(length, io.SEEK_CUR)
    return sides


def _word(file: BinaryIO) -> bytes:
    """Return what stands before the next zero byte."""
    letters = iter(lambda: file.read(1), b"\0")
    return b"".join(itertools.islice(letters, 256))


def _hdr(file: BinaryIO) -> tuple[int, int]:
    found = _HDR_SIZE.search(file.read(_HDR_HEAD))
    if found is None:
        raise ValueError
    height, width = map(int, found.groups())
    return width, height


def _avif(file: BinaryIO) -> tuple[int, int]:
    """Take the largest of the sizes that are listed: a picture may be put together from tiles."""
    _, *entries = file.read(_AVIF_HEAD).split(b"ispe")
    sizes = [struct.unpack_from(">4xII", entry) for entry in entries]
    width, height = map(max, zip(*sizes, strict=True))
    return width, height


def _jp2(file: BinaryIO) -> tuple[int, int]:
    """Go through the boxes to the one with the picture."""
    for _ in range(_MOST_STEPS):
        start = file.tell()
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            (length,) = _take(file, ">Q")
        if kind == b"jp2c":
            return _jpeg_2000(file)
        if length < 8:  # noqa: PLR2004  # its own head
            break
        file.seek(start + length)
    raise ValueError


def _jpeg_2000(file: BinaryIO) -> tuple[int, int]:
    file.seek(8, io.SEEK_CUR)
    right, bottom, left, top = _take(file, ">4I")
    return max(right - left, 0), max(bottom - top, 0)


_KINDS: Final[dict[bytes, Callable[[BinaryIO], tuple[int, int]]]] = {
    **dict.fromkeys((b"BM", b"BA", b"CI", b"CP", b"PT"), _bmp),
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
    b"II+\0": _tiff,
    b"MM\0+": _tiff,
    b"v/1\x01": _exr,
    b"#?": _hdr,
    b"8BPS": _turned(_at(14, ">II")),
    b"DDS ": _turned(_at(12, "<II")),
    b"\0\0\0\x0cjP  ": _jp2,
    b"\xff\x4f\xff\x51": _jpeg_2000,
    b"\x01\xda": _at(6, ">HH"),
    b"SDPX": _at(772, ">II"),
    b"XPDS": _at(772, "<II"),
    b"\x80\x2a\x5f\xd7": _at(200, ">II"),
    b"\xd7\x5f\x2a\x80": _at(200, "<II"),
}
"""By how they begin: BMP, TIFF, EXR, Radiance, Photoshop, DDS, JPEG 2000, IRIS, DPX and Cineon. AVIF and TGA do not."""
