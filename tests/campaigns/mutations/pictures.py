# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that say something else of themselves than they are. No bpy."""

from __future__ import annotations

import struct
import zlib
from typing import Final

from tests.campaigns.mutations.basics import Chance, flip_bits

SIDES: Final = (0, 1, 255, 16_385, 30_000, 65_500, 2**31 - 1)
HEADER: Final = b"IHDR"
HEADER_LENGTH: Final = 13
JPEG: Final = b"\xff\xd8\xff"


def resized(chance: Chance, data: bytes) -> bytes:
    """Change the size in the header of the PNG that is somewhere in the data, or bits of the JPEG."""
    place = data.find(HEADER)
    if place < 0:
        begin = data.find(JPEG)
        return flip_bits(chance, data, begin + 2, min(begin + 1000, len(data)), most=8) if begin >= 0 else data
    header = bytearray(data[place + 4 : place + 4 + HEADER_LENGTH])
    if chance.random() < 0.7:
        struct.pack_into(">II", header, 0, chance.choice(SIDES), chance.choice(SIDES))
    else:
        # Bits for each channel, colours, packing, filters, lines in between.
        header[chance.randrange(8, HEADER_LENGTH)] = chance.choice((0, 1, 3, 7, 16, 255))
    check = struct.pack(">I", zlib.crc32(HEADER + header))
    return data[:place] + HEADER + bytes(header) + check + data[place + 4 + HEADER_LENGTH + 4 :]
