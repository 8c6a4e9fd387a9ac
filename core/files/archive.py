# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unpack a delivered ZIP without trusting it. No bpy here.

Every entry stays below the target folder, links are refused, and the number, size and growth of the entries are
capped while they are written, because the sizes that an archive states are the sender's words.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from .formats import ModelFormat, sniff

_MAX_ENTRIES = 2_000
_MAX_BYTES = 4 * 1024**3
_MAX_NAME = 180
"""Longest path of an entry; longer ones break Windows' path limit."""
_MAX_GROWTH = 1_000
"""An archive may unpack to at most this many times its own size: more is a bomb."""
_CHUNK = 1024 * 1024
_SCRATCH = ".unpack-"
"""How the name of a folder begins that is not yet whole."""

_PREFERENCE = (ModelFormat.GLB, ModelFormat.GLTF, ModelFormat.FBX, ModelFormat.OBJ, ModelFormat.USDZ)
"""Which file of an archive is taken when it holds several models (API notes 10)."""


_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression that Python does not know
    RuntimeError,  # encrypted
    ValueError,
    OSError,  # what bz2 says of bad data
)
"""What reading a broken archive raises."""


class ArchiveError(Exception):
    """The archive cannot be used. The text completes the sentence "The delivered archive …"."""


def unpack(archive_path: Path, target: Path) -> tuple[Path, ModelFormat]:
    """Unpack `archive_path` into the new folder `target`; return the model in it and its format.

    The folder appears whole or not at all; one that is there from an earlier try is replaced, and what a killed
    process left half-unpacked beside it is removed.

    :raises ArchiveError: when it is unsafe, broken or holds no model.
    :raises OSError: when the disk does not take it.
    """
    for leftover in target.parent.glob(f"{_SCRATCH}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=target.parent))
    try:
        _extract(archive_path, scratch)
        model = _find_model(scratch)
        if model is None:
            raise ArchiveError("holds no 3D model")
        path, model_format = model
        relative = path.relative_to(scratch)
        if target.exists():
            shutil.rmtree(target)
        os.replace(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target / relative, model_format


def _extract(archive_path: Path, folder: Path) -> None:
    budget = min(_MAX_BYTES, max(archive_path.stat().st_size, 1) * _MAX_GROWTH)
    try:
        archive = zipfile.ZipFile(archive_path)
    except _DAMAGE as error:
        raise _damaged() from error
    with archive:
        entries = archive.infolist()
        if len(entries) > _MAX_ENTRIES:
            raise ArchiveError("holds too many files")
        for entry in entries:
            # Python itself knows a folder by the slash only.
            if not entry.filename.endswith(("/", "\\")):
                budget -= _extract_entry(archive, entry, folder / _safe_path(entry), budget)


def _safe_path(entry: zipfile.ZipInfo) -> PurePosixPath:
    """Return the entry's relative path; both separators count, since Windows tools write backslashes."""
    name = entry.filename.replace("\\", "/")
    path = PurePosixPath(name)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ArchiveError("holds a link, which is not allowed")
    if path.is_absolute() or ".." in path.parts or ":" in name or len(name) > _MAX_NAME:
        raise ArchiveError("holds a file with an unsafe name")
    return path


def _extract_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, budget: int) -> int:
    """Write one entry and return its size in bytes."""
    written = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.open("xb")
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ArchiveError("holds files whose names clash") from error
    with target:
        for chunk in _chunks(archive, entry):
            written += len(chunk)
            if written > budget:
                raise ArchiveError("unpacks to far more than its own size")
            target.write(chunk)
    return written


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(entry) as source:
            while chunk := source.read(_CHUNK):
                yield chunk
    except _DAMAGE as error:
        raise _damaged() from error


def _damaged() -> ArchiveError:
    return ArchiveError("is damaged or of a kind that cannot be read")


def _find_model(folder: Path) -> tuple[Path, ModelFormat] | None:
    found: dict[ModelFormat, Path] = {}
    for path in sorted(folder.rglob("*")):
        # A suffix is asked for here: a texture or a .bin beside the model must not be taken for one.
        if path.is_file() and path.suffix.lower() in {item.value for item in _PREFERENCE}:
            model_format = sniff(path)
            if model_format is not None:
                found.setdefault(model_format, path)
    for model_format in _PREFERENCE:
        if model_format in found:
            return found[model_format], model_format
    return None
