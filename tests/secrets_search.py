# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for a key in what a test run has left on the disk: `python -m tests.secrets_search KEY FOLDER`. No bpy.

Raw and as base64 (alone or in the middle of something), in files as they are, in compressed .blend files, in archives
and in the rows of databases, with what their write-ahead logs hold.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import shutil
import sqlite3
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import zstandard

ALLOWED = "userpref.blend"
"""Blender keeps an extension's preferences there, also those of the kind PASSWORD."""
ZSTANDARD = b"\x28\xb5\x2f\xfd"
GZIP = b"\x1f\x8b"
SQLITE = b"SQLite format 3\0"
LARGEST_MEMBER = 100_000_000
"""Bytes; the bombs that the tests make are not unpacked."""
ZIP = b"PK\x03\x04"


def spellings(key: str) -> tuple[bytes, ...]:
    """Return the key as it is, and the part of its base64 that does not depend on what stands around it."""
    found = [key.encode()]
    for before in range(3):
        text = base64.b64encode(bytes(before) + key.encode())
        # Four characters hold three bytes: the first and the last may hold bits of the neighbours.
        found.append(text[4 if before else 0 : len(text) - 4])
    return tuple(found)


def holding(folder: Path, key: str) -> list[Path]:
    """Return the files below `folder` that hold the key, apart from the one that may."""
    wanted = spellings(key)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in files if path.name != ALLOWED and _holds(path, wanted)]


def _holds(path: Path, wanted: tuple[bytes, ...]) -> bool:
    return any(form in view for view in _views(path) for form in wanted)


def _views(path: Path) -> Iterator[bytes]:
    """Every way in which the content of a file can be read."""
    try:
        data = path.read_bytes()
    except OSError:
        return  # Gone meanwhile.
    yield data
    yield from unpacked(data)
    if data.startswith(SQLITE):
        yield rows(path)


def unpacked(data: bytes) -> Iterator[bytes]:
    # Archives broken in every way are among what the tests make; they were looked at as they are.
    with contextlib.suppress(Exception):
        if data.startswith(ZSTANDARD):
            # Blender writes many frames, one behind the other.
            with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True) as reader:
                yield reader.read()
        elif data.startswith(GZIP):
            yield gzip.decompress(data)
        elif data.startswith(ZIP):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for member in archive.infolist():
                    if member.file_size < LARGEST_MEMBER:
                        yield read_member(archive, member)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(member)
    except Exception:  # whatever the decompressors raise: the other members are to be looked at
        return b""


def rows(path: Path) -> bytes:
    """Return what a database says, its log included: a long value is not in one piece in the file."""
    with tempfile.TemporaryDirectory() as folder:
        for file in path.parent.glob(f"{path.name}*"):
            shutil.copy(file, folder)
        connection = sqlite3.connect(Path(folder, path.name))
        try:
            return "\n".join(connection.iterdump()).encode("utf-8", "replace")
        except sqlite3.DatabaseError:
            return b""  # Broken ones are among what the tests make; the file itself was looked at.
        finally:
            connection.close()


def main() -> int:
    found = holding(Path(sys.argv[2]), sys.argv[1])
    for path in found:
        print(f"The key is in {path}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
