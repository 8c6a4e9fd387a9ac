# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies in the library and how large it is, and how it is removed. No bpy here; takes long, so workers only.

Links are neither followed nor counted, and folders of other names than ours are not looked into.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .partial import PART

_MONTH: Final = re.compile(r"\d{4}-\d{2}")
_GENERATION: Final = re.compile(r"[a-z0-9-]+-[0-9a-f]{8}")
_UNPACKING: Final = ".unpack-"
_ARRIVING_SECONDS: Final = 3600.0
"""A file that somebody has written to since is no leftover."""
_REPARSE_POINT: Final = 0x400
"""What Windows says of a junction, which is a link that does not look like one."""


@dataclass(frozen=True, slots=True)
class LibraryUse:
    """How much room the library takes. Sizes are in bytes."""

    models: int = 0
    size: int = 0
    removable: int = 0
    """Models of removed tasks, and leftovers of downloads."""
    removable_size: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """A file or folder with all that is in it."""

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Generation(Item):
    """The folder of one task."""

    leftovers: tuple[Item, ...]
    """What a download or an unpacking has left that did not come to its end."""


def generations(library: Path) -> Iterator[Generation]:
    """Yield the folders of tasks; whatever else is in the library is nobody's business."""
    oldest_arriving = time.time() - _ARRIVING_SECONDS
    for month in _folders(library, _MONTH):
        for folder in _folders(month, _GENERATION):
            leftovers = [
                Item(Path(entry.path), _size(entry))
                for entry in _entries(folder)
                if _is_leftover(entry.name) and _last_written(entry) < oldest_arriving
            ]
            size = sum(_size(entry) for entry in _entries(folder))
            yield Generation(folder, size, tuple(leftovers))


def remove(item: Item, library: Path) -> bool:
    """Remove what `generations` found, and the month with its last one; whether it is gone.

    It is looked at once more: nothing that is no folder of ours, or lies below a link, is touched.
    """
    path = item.path
    if not _is_ours(path, library):
        return False
    if stat.S_ISDIR(path.lstat().st_mode):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
    with contextlib.suppress(OSError):
        path.parent.rmdir()  # Only if nothing is left in it.
    return not os.path.lexists(path)


def _is_ours(path: Path, library: Path) -> bool:
    """Whether a path is that of a task's folder, or of a leftover in one."""
    try:
        month, generation, *rest = path.relative_to(library).parts
        parents = [library / month, library / month / generation]
        are_real = all(_is_real_folder(parent.lstat()) for parent in parents)
    except (ValueError, OSError):
        return False
    has_our_name = _MONTH.fullmatch(month) and _GENERATION.fullmatch(generation)
    return bool(has_our_name) and are_real and (not rest or (len(rest) == 1 and _is_leftover(rest[0])))


def _is_leftover(name: str) -> bool:
    return name.startswith(_UNPACKING) or (name.startswith(".") and name.endswith(PART))


def _folders(folder: Path, pattern: re.Pattern[str]) -> Iterator[Path]:
    for entry in _entries(folder):
        status = _status(entry) if pattern.fullmatch(entry.name) else None
        if status is not None and _is_real_folder(status):
            yield Path(entry.path)


def _is_real_folder(status: os.stat_result) -> bool:
    is_link = getattr(status, "st_file_attributes", 0) & _REPARSE_POINT
    return stat.S_ISDIR(status.st_mode) and not is_link


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder, in order; nothing when it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return what the system says of an entry; None when it is gone: downloads come to their end meanwhile."""
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None


def _last_written(entry: os.DirEntry[str]) -> float:
    """Return when that was, in unix seconds; what is gone is no leftover."""
    status = _status(entry)
    return math.inf if status is None else status.st_mtime


def _size(entry: os.DirEntry[str]) -> int:
    status = _status(entry)
    if status is None:
        return 0
    if _is_real_folder(status):
        return sum(_size(inner) for inner in _entries(entry.path))
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
