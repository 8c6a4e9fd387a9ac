# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How large the textures of a model are, whatever Blender reads as one. That Blender agrees: tests/blender."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import pytest

from core.files.texture_header import texture_size
from tests.tiny_pictures import jpeg, png, tga, webp


def tiff(width: int, height: int, order: str = "<", *, is_big: bool = False) -> bytes:
    """The list of tags behind some pixels, the height before the width."""
    mark, pixels = (b"II" if order == "<" else b"MM"), b"pixels!!"
    if is_big:
        head = mark + struct.pack(f"{order}HHHQ", 43, 8, 0, 24)
        tags = struct.pack(f"{order}QHHQQHHQQ", 2, 257, 16, 1, height, 256, 16, 1, width)
    else:
        head = mark + struct.pack(f"{order}HI", 42, 16)
        tags = struct.pack(f"{order}HHHIIHHII", 2, 257, 4, 1, height, 256, 4, 1, width)
    return head + pixels + tags


def small_tiff(width: int, height: int) -> bytes:
    """With short numbers."""
    tags = struct.pack(">HHHIHHHHIHH", 2, 256, 3, 1, width, 0, 257, 3, 1, height, 0)
    return b"MM" + struct.pack(">HI", 42, 8) + tags


def exr(width: int, height: int) -> bytes:
    def attribute(name: bytes, kind: bytes, data: bytes) -> bytes:
        return name + b"\0" + kind + b"\0" + struct.pack("<i", len(data)) + data

    window = struct.pack("<4i", -5, 7, width - 6, height + 6)
    start = b"v/1\x01\x02\0\0\0" + attribute(b"compression", b"compression", b"\x03")
    return start + attribute(b"dataWindow", b"box2i", window) + b"\0"


def bmp(width: int, height: int) -> bytes:
    return b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, width, -height, 1, 24, 0)


def old_bmp(width: int, height: int) -> bytes:
    return b"BM" + bytes(12) + struct.pack("<IHHHH", 12, width, height, 1, 24)


def hdr(width: int, height: int) -> bytes:
    return b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (height, width)


def codestream(width: int, height: int) -> bytes:
    return b"\xff\x4f\xff\x51" + struct.pack(">HHIIIIB", 41, 0, width + 3, height + 4, 3, 4, 0)


def jp2(width: int, height: int) -> bytes:
    head = struct.pack(">I4sI", 12, b"jP  ", 0x0D0A870A)
    boxes = struct.pack(">I4sI", 12, b"ftyp", 0) + struct.pack(">I4sQQ", 1, b"jp2h", 24, 0)
    return head + boxes + struct.pack(">I4s", 0, b"jp2c") + codestream(width, height)


def avif(width: int, height: int) -> bytes:
    """Of tiles that are smaller."""
    sizes = [struct.pack(">I4sIII", 20, b"ispe", 0, *size) for size in ((width, height), (1, 1))]
    return struct.pack(">I4s4s", 12, b"ftyp", b"avif") + b"".join(sizes)


KINDS: dict[str, Callable[[int, int], bytes]] = {
    "PNG": png,
    "JPEG": jpeg,
    "WebP": webp,
    "TGA": tga,
    "BMP": bmp,
    "BMP of OS/2": old_bmp,
    "TIFF": tiff,
    "TIFF of a Mac": lambda width, height: tiff(width, height, ">"),
    "TIFF with short numbers": small_tiff,
    "large TIFF": lambda width, height: tiff(width, height, is_big=True),
    "EXR": exr,
    "HDR": hdr,
    "PSD": lambda width, height: b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3),
    "DDS": lambda width, height: b"DDS " + struct.pack("<IIII", 124, 0, height, width),
    "JPEG 2000": jp2,
    "JPEG 2000 alone": codestream,
    "AVIF": avif,
    "IRIS": lambda width, height: b"\x01\xda" + struct.pack(">BBHHHH", 1, 1, 3, width, height, 4),
    "DPX": lambda width, height: b"SDPX" + bytes(768) + struct.pack(">II", width, height),
    "Cineon": lambda width, height: b"\x80\x2a\x5f\xd7" + bytes(196) + struct.pack(">II", width, height),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(300, 200), (3, 30_000), (16_000, 1)])
def test_the_size_is_read_from_the_header(kind: str, size: tuple[int, int]) -> None:
    assert texture_size(KINDS[kind](*size)) == size


@pytest.mark.parametrize("kind", KINDS)
def test_what_ends_in_its_header_or_states_nothing_has_no_size(kind: str) -> None:
    data = KINDS[kind](300, 200)
    for count in range(len(data)):
        assert texture_size(data[:count]) in (None, (300, 200))
    assert texture_size(data[:6]) is None


@pytest.mark.parametrize("data", [b"", b"<html>", b"a secret of this computer", bytes(100), b"glTF\2\0\0\0" * 20])
def test_what_is_no_picture_has_no_size(data: bytes) -> None:
    assert texture_size(data) is None


@pytest.mark.parametrize("kind", KINDS)
def test_no_header_leads_astray(kind: str) -> None:
    """Into places that no file can have, or round in circles."""
    chance = random.Random(7)  # noqa: S311  # the same headers each time
    for _ in range(300):
        data = bytearray(KINDS[kind](300, 200))
        for _ in range(3):
            data[chance.randrange(4, len(data))] = chance.choice((0, 1, 0x7F, 0xFF))
        size = texture_size(bytes(data) + bytes(50))
        assert size is None or all(size)


def test_a_head_without_an_end_is_given_up() -> None:
    assert texture_size(b"#?RADIANCE\n" + b"\n" * 1_000_000) is None
    assert texture_size(b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63) + bytes(1_000_000)) is None
    assert texture_size(b"v/1\x01\x02\0\0\0" + b"a\0b\0\0\0\0\0" * 100_000) is None
