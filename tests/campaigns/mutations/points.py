# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile STL and PLY, made from nothing. No bpy."""

from __future__ import annotations

import struct
from typing import Final

from tests.campaigns.mutations.basics import FLOATS, INTEGERS, Chance, Kind, Traps, flip_bits, replace_words

STL_HEAD: Final = 84
SIDE: Final = 12
PLY_TYPES: Final = ("float", "double", "uchar", "int", "list uchar int", "list int double", "half", "float float")


def stl() -> bytes:
    """Return a binary STL of a folded strip."""
    facets = []
    for number in range(SIDE * 2):
        corners = [(number + step, (number + step) % 2, number % 3) for step in range(3)]
        facets.append(struct.pack("<12fH", 0, 0, 1, *(value for corner in corners for value in corner), 0))
    return b"made by hand".ljust(STL_HEAD - 4) + struct.pack("<I", len(facets)) + b"".join(facets)


def ply() -> bytes:
    """Return a binary PLY of a folded strip."""
    count = SIDE * 2
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {count}\n"
    head += "".join(f"property float {axis}\n" for axis in "xyz")
    head += f"element face {count - 2}\nproperty list uchar int vertex_indices\nend_header\n"
    points = b"".join(struct.pack("<3f", number, number % 2, number % 3) for number in range(count))
    faces = b"".join(struct.pack("<B3i", 3, number, number + 1, number + 2) for number in range(count - 2))
    return head.encode() + points + faces


def _stl_count(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    """A number of triangles that is not true; once with as many bytes as it needs."""
    count = chance.choice(INTEGERS) & 0xFFFFFFFF
    body = data[STL_HEAD:] if chance.random() < 0.5 else chance.randbytes(50 * min(count, 10_000))
    return data[: STL_HEAD - 4] + struct.pack("<I", count) + body


def _stl_words(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    words = [struct.pack("<f", value) for value in FLOATS]
    return replace_words(chance, data, STL_HEAD, len(data), words, most=100)


def _stl_text(chance: Chance, _data: bytes, _traps: Traps) -> bytes:
    """An STL as text, with numbers that are none and lines that do not belong there."""
    numbers = ("0", "1", "nan", "inf", "1e999", "", "x", "-1e38", "0x1")
    lines = ["solid s"]
    for _ in range(50):
        lines += ["facet normal 0 0 1", "outer loop"]
        lines += [
            f"vertex {' '.join(chance.choice(numbers) for _ in range(3))}" for _ in range(chance.choice((2, 3, 3, 4)))
        ]
        lines += chance.sample(("endloop", "endfacet", "endsolid", "solid again", "v 1 2 3", "\0"), k=2)
    return "\n".join([*lines, "endloop", "endfacet", "endsolid s", ""]).encode()


def _ply_head(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    """A header that promises something else."""
    head, _, body = data.partition(b"end_header\n")
    lines = head.decode().splitlines()
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(1, len(lines))
        words = lines[place].split(" ")
        if words[0] == "element":
            words[2] = str(chance.choice((*INTEGERS, 10**30, "many")))
        elif words[0] == "property":
            words[1] = chance.choice(PLY_TYPES)
        else:
            words[1] = chance.choice(("ascii", "binary_big_endian", "binary_little_endian", "utf-8"))
        lines[place] = " ".join(words)
    if chance.random() < 0.3:
        lines.insert(chance.randrange(2, len(lines)), chance.choice(lines))
    return "\n".join([*lines, "end_header", ""]).encode() + body


def _ply_words(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    """Coordinates, corners and counts that are none."""
    words = [struct.pack("<f", value) for value in FLOATS] + [
        struct.pack("<I", value & 0xFFFFFFFF) for value in INTEGERS
    ]
    return replace_words(chance, data, data.index(b"end_header\n") + 11, len(data), words, most=30)


def _ply_bits(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    return flip_bits(chance, data, data.index(b"end_header\n") + 11)


STL_KINDS: Final = (
    Kind("number of triangles", _stl_count),
    Kind("numbers", _stl_words),
    Kind("a text", _stl_text),
    Kind("bits", lambda chance, data, _: flip_bits(chance, data, STL_HEAD)),
)
PLY_KINDS: Final = (
    Kind("the header", _ply_head),
    Kind("numbers", _ply_words),
    Kind("bits", _ply_bits),
)
