# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of files that came from somebody else, made such that every file system takes them. No bpy here.

The rules of Windows hold everywhere, so that a library can be moved, and a file lands under the same name on each
machine.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath
from typing import Final

_MAX_CHARACTERS: Final = 120
"""Longest path of a file in an archive; longer ones break Windows' path limit."""
_MAX_DEPTH: Final = 16
"""Most folders in one another."""
_MAX_BYTES: Final = 255
"""Longest name of one file or folder that Linux takes."""
_SHORTEST: Final = 24
"""Characters that the name of a file has to keep, with its mark and suffix, where a path is made shorter."""
_NOT_ALLOWED: Final = re.compile(r'[<>:"|?*\x00-\x1f\x7f-\x9f]')
"""What Windows takes in no name. A colon leads to a hidden stream there, and a line break to trouble everywhere."""
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE)
"""Names that mean a device on Windows, whatever comes after the dot."""


class UnsafeName(Exception):
    """A file of that name could land elsewhere, or nowhere."""


def safe_path(name: str, *, may_shorten: bool = False) -> PurePosixPath:
    """Return the relative path that a file of somebody else gets; both separators count, as Windows tools write them.

    :param may_shorten: a name that is too long is made shorter, instead of refused.
    :raises UnsafeName: when it leads out of its folder, begins with a drive, or is absurd.
    """
    text = name.replace("\\", "/")
    if text.startswith("/") or _DRIVE.match(text):
        raise UnsafeName(name)
    parts = [_safe_part(part) for part in text.split("/") if part not in ("", ".")]
    if not parts or len(parts) > _MAX_DEPTH:
        raise UnsafeName(name)
    path = PurePosixPath(*parts)
    if may_shorten and not _fits(path):
        path = _shorter(path)
    if not _fits(path):
        raise UnsafeName(name)
    return path


def _safe_part(part: str) -> str:
    # Windows takes dots and blanks off the end by itself, and then the name is another one.
    safe = _NOT_ALLOWED.sub("_", part).rstrip(". ")
    if not safe:
        raise UnsafeName(part)
    return f"_{safe}" if _DEVICE.match(safe) else safe


def _fits(path: PurePosixPath) -> bool:
    is_short = all(len(part.encode("utf-8", "replace")) <= _MAX_BYTES for part in path.parts)
    return is_short and len(str(path)) <= _MAX_CHARACTERS


def _shorter(path: PurePosixPath) -> PurePosixPath:
    """Return the path with a file name that fits, and that no other long name gets."""
    room = _MAX_CHARACTERS - len(str(path.parent)) - 1
    if room < _SHORTEST:
        return path
    mark = f"-{hashlib.sha256(path.name.encode('utf-8', 'replace')).hexdigest()[:8]}{path.suffix[:8]}"
    stem = path.stem[: room - len(mark)]
    while len(stem.encode("utf-8", "replace")) + len(mark.encode("utf-8", "replace")) > _MAX_BYTES:
        stem = stem[:-1]
    return path.with_name(f"{stem.rstrip('. ')}{mark}")


class Names:
    """The files of one folder, to see that no two have the same place where the case of letters does not count."""

    def __init__(self) -> None:
        self._folders: set[str] = set()
        self._files: set[str] = set()

    def add(self, path: PurePosixPath) -> bool:
        """Take in a file; False when it has the place of another one, or of a folder."""
        name = _folded(path)
        folders = {_folded(parent) for parent in path.parents} - {"."}
        if name in self._files or name in self._folders or folders & self._files:
            return False
        self._files.add(name)
        self._folders |= folders
        return True


def _folded(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()
