# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that want out of their folder, blow up, or lie about what is in them. No bpy.

Each has a model in it, so that whoever falls for it gets on.
"""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
from typing import Final

from tests import odd_models, tiny_models
from tests.campaigns.mutations.basics import INTEGERS, Chance, Kind, Traps, flip_bits, replace_words

MODEL: Final = "model.obj"
DIRECTORY_NAME: Final = 46
"""Where the name is in an entry of the directory."""
NAMES: Final = (
    "n" * 300 + ".obj",
    "/".join("d" * 200) + "/a.obj",
    "a" * 254 + "/" + "b" * 254,
    "con.obj",
    "aux",
    "nul.txt",
    "a?b*c.obj",
    "trailing. ",
    "new\nline.obj",
    "tab\t.obj",
    "bell\a.obj",
    ".",
    "./",
    "a//b.obj",
    " ",
    "\u202ejbo.exe",
    "\ufeff.obj",
    "file.obj::$DATA",
    "-rf",
    "~/a.obj",
    "$HOME/a.obj",
    ".hidden.part",
)


def _archive(files: list[tuple[zipfile.ZipInfo | str, bytes]], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", compression) as archive:
        # Names that clash are meant.
        warnings.simplefilter("ignore", UserWarning)
        for entry, data in files:
            archive.writestr(zipfile.ZipInfo(entry) if isinstance(entry, str) else entry, data, compression)
    return buffer.getvalue()


def _with_model(*files: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    return _archive([*files, (MODEL, tiny_models.OBJ_TEXT.encode())])


def _way_out(chance: Chance, _data: bytes, traps: Traps) -> bytes:
    """Names that lead out of the folder, with either separator, relative or not."""
    ways = "../" * chance.randint(1, 6)
    name = chance.choice(
        (
            f"{ways}way-out.txt",
            f"{ways}way-out.txt".replace("/", "\\"),
            f"fine/{ways}../way-out.txt",
            f"{traps.outside}/way-out.txt",
            f"/{traps.outside}/way-out.txt",
            "C:\\way-out.txt",
            "C:way-out.txt",
            "\\\\server\\share\\way-out.txt",
            f"{ways}task.json",
            "..",
        )
    )
    return _with_model((zipfile.ZipInfo(name), b"out"))


def _link(chance: Chance, _data: bytes, traps: Traps) -> bytes:
    """A link to a folder and a file through it, a link to a private file, and other things that are no files."""
    target = chance.choice((traps.outside, "../../..", traps.private, "/dev/zero"))
    kind = chance.choice((stat.S_IFLNK, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK))
    entry = zipfile.ZipInfo("link")
    entry.create_system = 3
    entry.external_attr = (kind | 0o777) << 16
    return _with_model((entry, target.encode()), ("link/way-out.txt", b"out"))


def _odd_name(chance: Chance, _data: bytes, _traps: Traps) -> bytes:
    entries = [(zipfile.ZipInfo(name), b"x") for name in chance.sample(NAMES, k=chance.randint(1, 3))]
    return _with_model(*entries)


def _clash(chance: Chance, _data: bytes, _traps: Traps) -> bytes:
    """Two files in one place, also where case or the way to write a letter does not count."""
    pairs = (("a.txt", "a.txt"), ("A.txt", "a.TXT"), ("a", "a/b.txt"), ("a/b.txt", "a"), ("\u00e9", "e\u0301"))
    first, second = chance.choice(pairs)
    return _with_model((zipfile.ZipInfo(first), b"1"), (zipfile.ZipInfo(second), b"2"))


def _many(chance: Chance, _data: bytes, _traps: Traps) -> bytes:
    return _with_model(*[(f"file-{number}.txt", b"") for number in range(chance.choice((1500, 2001, 20_000)))])


def _bomb(chance: Chance, _data: bytes, _traps: Traps) -> bytes:
    """A megabyte that wants to be a gigabyte, one in the other, or one behind ten others."""
    bomb = odd_models.zipped({"zeros.bin": bytes(300_000_000)})
    way = chance.randrange(3)
    if way == 0:
        return _with_model(("zeros.bin", bytes(300_000_000)))
    if way == 1:
        for _ in range(chance.randint(1, 8)):
            bomb = odd_models.zipped({"inner.zip": bomb})
        return bomb
    return odd_models.zipped({f"inner-{number}.zip": bomb for number in range(10)})


def _overlap(_chance: Chance, _data: bytes, _traps: Traps) -> bytes:
    """Many entries with the same data."""
    data = odd_models.zipped({"a.txt": bytes(1_000_000)})
    begin = data.index(b"PK\1\2")
    end = data.index(b"PK\5\6")
    count = 500
    entries = data[begin:end] * count
    tail = bytearray(data[end:])
    struct.pack_into("<HHII", tail, 8, count, count, len(entries), begin)
    return data[:begin] + entries + bytes(tail)


def _lies(chance: Chance, _data: bytes, _traps: Traps) -> bytes:
    """Sizes, places, methods and flags in the directory that are not true."""
    data = _with_model(("note.txt", b"fine" * 100))
    begin = data.index(b"PK\1\2") + chance.choice((8, 10, 16, 20, 24, 28, 30, 32, 38, 42))
    return data[:begin] + struct.pack("<I", chance.choice(INTEGERS) & 0xFFFFFFFF) + data[begin + 4 :]


def _two_names(chance: Chance, _data: bytes, _traps: Traps) -> bytes:
    """One name in the directory, another one before the file."""
    names = (b"fine.txt", b"../a.txt") if chance.random() < 0.5 else (b"../a.txt", b"fine.txt")
    data = _with_model(("fine.txt", b"out"))
    place = data.index(b"PK\1\2") + DIRECTORY_NAME
    return data[:place].replace(b"fine.txt", names[0], 1) + data[place:].replace(b"fine.txt", names[1], 1)


def _numbers(chance: Chance, _data: bytes, _traps: Traps) -> bytes:
    data = _with_model(("note.txt", b"fine" * 100))
    words = [struct.pack("<H", value & 0xFFFF) for value in INTEGERS]
    return replace_words(chance, data, data.index(b"PK\1\2"), len(data), words, most=3)


def _bits(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    """Bits of an archive with a real model, not of its first bytes."""
    return flip_bits(chance, odd_models.zipped({"model.glb": data}), 4)


def _several(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    """Several models, the best of which is broken."""
    broken = chance.choice((data[: len(data) // 2], flip_bits(chance, data, 100), b"glTF" + bytes(100)))
    return _archive([("a.glb", broken), ("b.glb", data), (MODEL, tiny_models.OBJ_TEXT.encode())])


def _elsewhere(_chance: Chance, data: bytes, _traps: Traps) -> bytes:
    """A model some folders down, with what Macs add to archives."""
    junk = [("__MACOSX/._model.glb", b"\0\5\x16\7" + bytes(100)), (".DS_Store", bytes(100))]
    return _archive([*junk, ("a/b/c/d/model.glb", data)], zipfile.ZIP_STORED)


KINDS: Final = (
    Kind("a way out", _way_out),
    Kind("links", _link),
    Kind("odd names", _odd_name),
    Kind("names that clash", _clash),
    Kind("very many files", _many),
    Kind("a bomb", _bomb),
    Kind("shared data", _overlap),
    Kind("a directory that lies", _lies),
    Kind("two names for a file", _two_names),
    Kind("numbers of the directory", _numbers),
    Kind("bits of an archive", _bits),
    Kind("several models", _several),
    Kind("a model far down", _elsewhere),
)
