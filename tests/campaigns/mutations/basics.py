# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What mutations of all formats share, and those that know nothing of a format. No bpy."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

Chance = random.Random


@dataclass(frozen=True)
class Traps:
    """What a file may try to get at, outside its folder."""

    private: str
    """A file that nobody else should read."""
    outside: str
    """A folder in which nothing should appear."""

    def path(self, chance: Chance) -> str:
        """A file of this computer, mostly the private one."""
        others = (
            "../../../../private.txt",
            "../../../private.txt",
            f"file://{self.private}",
            "\\\\server\\a.png",
            "/dev/zero",
        )
        return self.private if chance.random() < 0.6 else chance.choice(others)


@dataclass(frozen=True)
class Kind:
    """A way to change a file."""

    name: str
    """As it stands in the table."""
    make: Callable[[Chance, bytes, Traps], bytes]


FLOATS: Final = (float("nan"), float("inf"), float("-inf"), 3.4e38, -3.4e38, 1e-45, 0.0, -0.0, 1e20)
INTEGERS: Final = (
    0,
    1,
    -1,
    2,
    3,
    127,
    255,
    256,
    65_535,
    65_536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    -(2**31),
    2**53,
    2**63 - 1,
)
NUMBERS: Final = (*INTEGERS, 0.5, 1e308, -1e308, 1e-320)
NAMES: Final = (
    "",
    ".",
    "../../../way-out",
    "/etc/passwd",
    "C:\\Windows\\win.ini",
    "CON",
    "a" * 70,
    "n" * 20_000,
    "line\nbreak\ttab",
    "nul\0byte",
    "%s%n%x",
    "\u202eabc",
    "e\u0301" * 40,
    "\U0001f916" * 64,
    "model.001",
)
"""Names of things in a model."""


def flip_bits(chance: Chance, data: bytes, start: int = 0, end: int | None = None, most: int = 32) -> bytes:
    """Flip a few bits between two places."""
    changed, end = bytearray(data), len(data) if end is None else end
    if end <= start:
        return data
    for _ in range(chance.randint(1, most)):
        changed[chance.randrange(start, end)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def overwrite(chance: Chance, data: bytes, start: int = 0, end: int | None = None) -> bytes:
    """Write over a piece: zeros, ones, or anything."""
    end = len(data) if end is None else end
    if end <= start:
        return data
    place, length = chance.randrange(start, end), chance.choice((1, 2, 4, 8, 64, 1000))
    length = min(length, end - place)
    piece = chance.choice((bytes(length), b"\xff" * length, chance.randbytes(length)))
    return data[:place] + piece + data[place + length :]


def replace_words(chance: Chance, data: bytes, start: int, end: int, words: Sequence[bytes], most: int = 8) -> bytes:
    """Put words of a kind in the place of others, at places where such words stand."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, most)):
        word = chance.choice(words)
        places = (end - start) // len(word)
        if places > 0:
            place = start + len(word) * chance.randrange(places)
            changed[place : place + len(word)] = word
    return bytes(changed)


def _cut(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    return data[: chance.choice((chance.randrange(len(data)), len(data) - 1, len(data) // 2, len(data) * 9 // 10))]


def _drop_piece(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + data[place + chance.choice((1, 4, 100, 5000)) :]


def _double_piece(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    place, length = chance.randrange(len(data)), chance.choice((1, 4, 100, 5000))
    return data[: place + length] + data[place : place + length] * chance.randint(1, 3) + data[place + length :]


def _behind(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    return data + chance.choice((b"\0", data, chance.randbytes(5000), b"<html>"))


ANY: Final = (
    Kind("bits anywhere", lambda chance, data, _: flip_bits(chance, data)),
    Kind("bytes anywhere", lambda chance, data, _: overwrite(chance, data)),
    Kind("cut", _cut),
    Kind("a piece left out", _drop_piece),
    Kind("a piece twice", _double_piece),
    Kind("rubbish behind", _behind),
)
"""Those that know nothing of a format."""
