# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile OBJ: its lines and those of its material changed, alone or in an archive with its texture. No bpy."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import Final

from tests import odd_models
from tests.campaigns.mutations.basics import NAMES, Chance, Kind, Traps, flip_bits, overwrite
from tests.campaigns.mutations.pictures import resized

MODEL, MATERIAL, PICTURE = ".obj", ".mtl", ".png"
Files = dict[str, bytes]
Lines = list[bytes]
NUMBER: Final = re.compile(rb"[-+]?\d+\.?\d*(?:e[-+]?\d+)?", re.IGNORECASE)
ODD_NUMBERS: Final = (
    b"nan",
    b"inf",
    b"-inf",
    b"1e999",
    b"-1e38",
    b"",
    b"-",
    b"0x10",
    b"1" * 400,
    b"0." + b"3" * 5000,
    b"1e-400",
    b"1,5",
    b"\xff",
)
ODD_INDICES: Final = (
    b"0",
    b"-1",
    b"-999999",
    b"999999",
    b"2147483647",
    b"2147483648",
    b"-2147483648",
    b"4294967296",
    b"18446744073709551615",
    b"1/",
    b"//1",
    b"1/2/3/4",
    b"1/0/0",
    b"1.5",
    b"x",
)
ODD_LINES: Final = (
    b"f",
    b"f 1",
    b"f 1 1 1",
    b"f -1 -2 -3 -4",
    b"l 1",
    b"l 1 2 99999999",
    b"p 1 2 3",
    b"v",
    b"v 1 2",
    b"v 1 2 3 4 5 6 7 8 9",
    b"vt nan nan",
    b"vn 0 0 0",
    b"vp 0.1 0.2",
    b"o",
    b"g \xff\xfe",
    b"s 99999999999",
    b"usemtl",
    b"usemtl nobody",
    b"mtllib",
    b"cstype rat bspline\ndeg 3\ncurv 0 1 1 2 3 4\nparm u 0 0 0 0 1 1 1 1\nend",
    b"cstype bmatrix\nstep 0\ncurv2 1 2\nparm u 1e308\nend",
    b"deg 2147483647",
    b"curv 0 1 " + b"1 " * 5000,
    b"call ../../private.txt",
    b"csh -/bin/sh",
    b"shadow_obj other.obj",
    b"#MRGB ffffffff",
    b"f 1 2 \\",
    b"\\",
    b"\0" * 100,
)


def unpack(data: bytes) -> Files:
    """Return the files of a delivered model, which is an archive or an OBJ alone."""
    if not data.startswith(b"PK"):
        return {"model.obj": data}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def _pack(files: Files) -> bytes:
    if len(files) == 1:
        return next(iter(files.values()))
    return odd_models.zipped(files)


def _lines(ending: str, change: Callable[[Chance, Lines, Traps], object]) -> Callable[[Chance, bytes, Traps], bytes]:
    """Make a mutation of a file out of one of the lines of the model or of the material."""

    def make(chance: Chance, data: bytes, traps: Traps) -> bytes:
        files = unpack(data)
        for name in files:
            if name.lower().endswith(ending):
                lines = files[name].split(b"\n")
                change(chance, lines, traps)
                files[name] = b"\n".join(lines)
        return _pack(files)

    return make


def _replace(chance: Chance, lines: Lines, kinds: tuple[bytes, ...], values: tuple[bytes, ...]) -> None:
    """Put other words in lines of these kinds."""
    places = [place for place, line in enumerate(lines) if line.split(b" ")[0] in kinds]
    for place in chance.choices(places, k=chance.randint(1, 60)) if places else ():
        words = lines[place].split(b" ")
        words[chance.randrange(1, len(words)) if len(words) > 1 else 0] = chance.choice(values)
        lines[place] = b" ".join(words)


def _indices(chance: Chance, lines: Lines, _traps: Traps) -> None:
    _replace(chance, lines, (b"f",), ODD_INDICES)


def _numbers(chance: Chance, lines: Lines, _traps: Traps) -> None:
    _replace(chance, lines, (b"v", b"vt", b"vn"), ODD_NUMBERS)


def _order(chance: Chance, lines: Lines, _traps: Traps) -> None:
    """Lines in another order, left out, or many times."""
    for _ in range(chance.randint(1, 4)):
        first = chance.randrange(len(lines))
        last = min(len(lines), first + chance.choice((1, 10, 500)))
        way = chance.randrange(3)
        if way == 0:
            del lines[first:last]
        elif way == 1:
            lines[first:last] = lines[first:last] * chance.choice((2, 5))
        else:
            piece = lines[first:last]
            chance.shuffle(piece)
            lines[first:last] = piece


def _odd_lines(chance: Chance, lines: Lines, _traps: Traps) -> None:
    for _ in range(chance.randint(1, 20)):
        lines.insert(chance.randrange(len(lines) + 1), chance.choice(ODD_LINES))


def _long_lines(chance: Chance, lines: Lines, _traps: Traps) -> None:
    """A face of a hundred thousand corners, a line of a million bytes, a line that never ends."""
    long_line: bytes = chance.choice(
        (
            b"f " + b" ".join(b"%d" % (1 + number % 3) for number in range(100_000)),
            b"f " + b"1 2 3 " * 30_000,
            b"o " + b"x" * 1_000_000,
            b"# " + b"\\\n" * 200_000,
            b"v " + b"0 " * 200_000,
        )
    )
    lines.insert(chance.randrange(len(lines) + 1), long_line)


def _names(chance: Chance, lines: Lines, _traps: Traps) -> None:
    _replace(chance, lines, (b"o", b"g", b"usemtl", b"newmtl"), tuple(name.encode() for name in NAMES))


def _materials(chance: Chance, lines: Lines, _traps: Traps) -> None:
    _replace(chance, lines, (b"Kd", b"Ks", b"Ns", b"Ni", b"d", b"illum", b"Pr", b"map_Kd"), ODD_NUMBERS)
    if chance.random() < 0.5:
        lines.append(b"newmtl " + b"m" * 100_000)
        lines.append(b"map_Kd -s nan inf -o 1e999 -bm x -mm 0 robot_panels.png")


def _foreign(chance: Chance, data: bytes, traps: Traps) -> bytes:
    """A texture that is a file of this computer."""
    path = traps.path(chance)
    files = unpack(data)
    names = [name for name in files if name.lower().endswith(MATERIAL)]
    if not names:
        return odd_models.obj_with_material(f"map_Kd {path}\nmap_Ks {path}")
    for name in names:
        lines = [line for line in files[name].split(b"\n") if not line.startswith(b"map_")]
        words = f"map_Kd {path}\nmap_Ks {path}".encode()
        files[name] = b"\n".join(line + b"\n" + words if line.startswith(b"newmtl") else line for line in lines)
    return _pack(files)


def _foreign_material(chance: Chance, lines: Lines, traps: Traps) -> None:
    lines.insert(0, b"mtllib " + traps.path(chance).encode())


def _bytes(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    files = unpack(data)
    name = next(name for name in files if name.lower().endswith(MODEL))
    files[name] = chance.choice((flip_bits, overwrite))(chance, files[name])
    return _pack(files)


def _picture(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    files = unpack(data)
    names = [name for name in files if name.lower().endswith((PICTURE, ".jpg"))]
    if not names:
        return odd_models.zipped({"model.obj": "o A\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "a.png": b"\x89PNG"})
    for name in names:
        files[name] = resized(chance, files[name])
    return _pack(files)


KINDS: Final = (
    Kind("indices", _lines(MODEL, _indices)),
    Kind("numbers", _lines(MODEL, _numbers)),
    Kind("order of lines", _lines(MODEL, _order)),
    Kind("odd lines", _lines(MODEL, _odd_lines)),
    Kind("long lines", _lines(MODEL, _long_lines)),
    Kind("names", _lines(MODEL, _names)),
    Kind("bytes of the text", _bytes),
    Kind("the material", _lines(MATERIAL, _materials)),
    Kind("sizes of a picture", _picture),
    Kind("a file of this computer", _foreign),
    Kind("a material of this computer", _lines(MODEL, _foreign_material)),
)
