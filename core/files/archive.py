# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unpack a delivered ZIP without trusting it. No bpy here.

Every entry stays below the target folder and has a name that every file system takes, links are refused, and the
number, size and growth of the entries are capped while they are written, because the sizes that an archive states are
the sender's words.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from . import checks
from .formats import ZIP_DAMAGE, Implausible, ModelFormat, sniff
from .names import Names, UnsafeName, safe_path
from .partial import SPARE_BYTES, DiskFull

_MAX_ENTRIES = 2_000
_MAX_BYTES = 4 * 1024**3
_MAX_GROWTH = 1_000
"""An archive may unpack to at most this many times its own size: more is a bomb."""
_CHUNK = 1024 * 1024
_SCRATCH = ".unpack-"
"""How the name of a folder begins that is not yet whole."""
_INNER = "archive-"
"""How the name of the folder begins that an archive in the archive is unpacked into."""
_LOCAL_HEADER = 30
"""Bytes before the name in the header of an entry."""
_ENCRYPTED = 1
_UTF_8 = 0x800
_FILE_KINDS = (0, stat.S_IFREG, stat.S_IFDIR)

_PREFERENCE = (
    ModelFormat.GLB,
    ModelFormat.GLTF,
    ModelFormat.FBX,
    ModelFormat.OBJ,
    ModelFormat.USDZ,
    ModelFormat.STL,
    ModelFormat.PLY,
)
"""Which file of an archive is taken when it holds several models, and none of the format that was asked for.

API notes 10; the last two have no materials.
"""


class ArchiveError(Exception):
    """The archive cannot be used. The text completes the sentence "The delivered archive …"."""


@dataclass(slots=True)
class _Room:
    """How much an archive may still unpack to, with the archives in it."""

    budget: int
    """Bytes."""
    entries: int = _MAX_ENTRIES


def unpack(archive_path: Path, target: Path, wanted: str = "") -> tuple[Path, ModelFormat]:
    """Unpack `archive_path` into the new folder `target`; return the model in it and its format.

    The folder appears whole or not at all; one that is there from an earlier try is replaced, and what a killed
    process left half-unpacked beside it is removed. An archive in the archive is unpacked if there is no model beside
    it, and no deeper one.

    :param wanted: name of the format that was asked for: among several models that one is taken.
    :raises ArchiveError: when it is unsafe, broken or holds no whole model.
    :raises OSError: when the disk does not take it.
    """
    for leftover in target.parent.glob(f"{_SCRATCH}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=target.parent))
    try:
        room = _Room(min(_MAX_BYTES, max(archive_path.stat().st_size, 1) * _MAX_GROWTH))
        _extract(archive_path, scratch, room)
        path, model_format = _find_model(scratch, wanted) or _find_deeper(scratch, room, wanted)
        relative = path.relative_to(scratch)
        if target.exists():
            shutil.rmtree(target)
        os.replace(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target / relative, model_format


def _extract(archive_path: Path, folder: Path, room: _Room) -> None:
    try:
        archive = zipfile.ZipFile(archive_path)
    except ZIP_DAMAGE as error:
        raise _damaged() from error
    with archive:
        # Python itself knows a folder by the slash only.
        entries = [entry for entry in archive.infolist() if not entry.filename.endswith(("/", "\\"))]
        _check_entries(entries, archive.start_dir, room)
        if shutil.disk_usage(folder).free < sum(entry.file_size for entry in entries) + SPARE_BYTES:
            raise DiskFull
        taken = Names()
        for entry in entries:
            path = _path(entry)
            if not taken.add(path):
                raise ArchiveError("holds files whose names clash")
            room.budget -= _extract_entry(archive, entry, folder / path, room.budget)


def _check_entries(entries: Sequence[zipfile.ZipInfo], end: int, room: _Room) -> None:
    """Refuse what can be refused before anything is written.

    :param end: where the directory begins, behind all entries.
    """
    room.entries -= len(entries)
    if room.entries < 0:
        raise ArchiveError("holds too many files")
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise ArchiveError("is encrypted, so it cannot be unpacked")
    # Python reads no more of an entry than it states.
    if sum(entry.file_size for entry in entries) > room.budget:
        raise ArchiveError("unpacks to far more than its own size")
    for entry in sorted(entries, key=lambda entry: entry.header_offset, reverse=True):
        # Entries that share their data make a small archive of any size (Python sees that from 3.11.8 on).
        begin = entry.header_offset
        if begin + _LOCAL_HEADER + entry.compress_size > end:
            raise ArchiveError("holds files that share their data, which is not allowed")
        end = begin


def _path(entry: zipfile.ZipInfo) -> PurePosixPath:
    if stat.S_IFMT(entry.external_attr >> 16) not in _FILE_KINDS:
        raise ArchiveError("holds a link, which is not allowed")
    try:
        return safe_path(_name(entry), may_shorten=True)
    except UnsafeName as error:
        raise ArchiveError("holds a file with an unsafe name") from error


def _name(entry: zipfile.ZipInfo) -> str:
    """Return the name of an entry: some programs write UTF-8 and do not say so, which Python takes for the DOS set."""
    if not entry.flag_bits & _UTF_8:
        with contextlib.suppress(UnicodeError):
            return entry.filename.encode("cp437").decode("utf-8")
    return entry.filename


def _extract_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, budget: int) -> int:
    """Write one entry and return its size in bytes."""
    written = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as target:
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
    except ZIP_DAMAGE as error:
        raise _damaged() from error


def _damaged() -> ArchiveError:
    return ArchiveError("is damaged or of a kind that cannot be read")


def _find_deeper(folder: Path, room: _Room, wanted: str) -> tuple[Path, ModelFormat]:
    """Return the model in an archive of the archive."""
    inner = [path for path in _files(folder) if sniff(path) is ModelFormat.ZIP]
    for path in inner:
        _extract(path, Path(tempfile.mkdtemp(prefix=_INNER, dir=path.parent)), room)
    found = _find_model(folder, wanted)
    if found is not None:
        return found
    has_more = any(path not in inner and sniff(path) is ModelFormat.ZIP for path in _files(folder))
    raise ArchiveError("holds archives in archives, which are not unpacked" if has_more else "holds no 3D model")


def _find_model(folder: Path, wanted: str) -> tuple[Path, ModelFormat] | None:
    """Return the model to import, or None when there is none at all."""
    found: dict[ModelFormat, Path] = {}
    broken = ""
    # The largest of a kind: beside a model there may be its collision shape, or itself with less detail.
    for path in sorted(_files(folder), key=lambda path: -path.stat().st_size):
        # A suffix is asked for here: a texture or a .bin beside the model must not be taken for one.
        model_format = sniff(path) if path.suffix.lower() in {item.value for item in _PREFERENCE} else None
        if model_format not in _PREFERENCE or model_format in found:
            continue
        try:
            checks.check(path, model_format)
            found[model_format] = path
        except Implausible as error:
            broken = broken or f"its {model_format.label} file {error}"
    for model_format in sorted(_PREFERENCE, key=lambda item: item.name != wanted):
        if model_format in found:
            return found[model_format], model_format
    if broken:
        raise ArchiveError(f"holds no whole 3D model: {broken}")
    return None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
