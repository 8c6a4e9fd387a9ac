# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that is arriving, so that it can go on arriving after a cut, a crash or a restart. No bpy here.

The bytes lie in a hidden file beside the coming one, and a note beside them says which version of which file they are
the beginning of, and how many of them are certainly on the disk: after a power failure a file may be as long as it was
and hold nothing.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final

from . import library

PART: Final = ".part"
"""How the name of everything ends that is not yet whole, as in `library.write_atomically`."""
CHECKPOINT_SECONDS: Final = 2.0
"""How much of a download a killed process may lose."""
SPARE_BYTES: Final = 64 * 1024**2
"""Room on the disk that a download leaves for others."""


class DiskFull(OSError):
    """There is no room for the rest of the file."""

    def __init__(self) -> None:
        super().__init__(errno.ENOSPC, "the disk has too little room")


@dataclass(frozen=True, slots=True)
class Version:
    """What a host says of the file that it sends, to tell it from a later one under the same address."""

    source: str
    """What the address was, as a hash: the address itself is a secret."""
    length: int | None
    """Bytes of the whole file, when the host said so."""
    etag: str
    """A strong one, or ""."""
    modified: str
    """`Last-Modified` as it was sent, or ""."""

    @property
    def is_resumable(self) -> bool:
        """Whether a later answer can be told to be of the same file."""
        return self.length is not None and bool(self.etag or self.modified)


def source_of(url: str) -> str:
    """Return what stands for an address in a note."""
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()


class Partial:
    """The beginning of the file `target`. One thread of one process at a time, which the task's lease sees to."""

    def __init__(self, target: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.target = target
        self._file = target.with_name(f".{target.name}{PART}")
        self._note = target.with_name(f".{target.name}.note{PART}")
        self._clock = clock
        self._noted_at = 0.0
        self.version: Version | None = None
        """Of what is there already; None when nothing can be gone on with."""
        self.size = 0
        """Bytes that are there."""

    def find(self) -> None:
        """Look what an earlier try has left, make the folder, and remove what belongs to no note.

        The folder is for this one download: what a killed process left half-written there is removed as well.
        """
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.version, self.size = self._read_note()
        kept = {self._file, self._note} if self.version else set()
        for leftover in self.target.parent.glob(f".*{PART}"):
            if leftover not in kept:
                # On Windows a file that is still open stays.
                with contextlib.suppress(OSError):
                    leftover.unlink()

    def _read_note(self) -> tuple[Version | None, int]:
        # No note, or one that says nothing: the file begins anew.
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            note = json.loads(self._note.read_bytes())
            size = note.pop("size")
            version = Version(**note)
            is_there = isinstance(size, int) and 0 < size <= self._file.stat().st_size
            if is_there and version.is_resumable and size <= (version.length or 0):
                return version, size
        return None, 0

    def open(self, version: Version, *, at: int) -> BinaryIO:
        """Return the file, to be written on from byte `at`; what it holds beyond is dropped."""
        self.version, self.size = version, at
        self.check_room()
        file = self._file.open("r+b" if at else "wb")
        try:
            if at:
                file.truncate(at)
                file.seek(at)
            self._noted_at = self._clock()
        except BaseException:
            file.close()
            raise
        return file

    def written(self, file: BinaryIO, count: int) -> None:
        """Take notice of `count` more bytes; now and then see to it that they outlive this process."""
        self.size += count
        if self._clock() - self._noted_at >= CHECKPOINT_SECONDS:
            self.check_room()
            self.checkpoint(file)

    def checkpoint(self, file: BinaryIO) -> None:
        """Bring what was written to the disk, and note it."""
        if self.version is None or not self.version.is_resumable or not self.size:
            return
        file.flush()
        os.fsync(file.fileno())
        note = {**asdict(self.version), "size": self.size}
        library.write_atomically(self._note, json.dumps(note).encode())
        self._noted_at = self._clock()

    def check_room(self) -> None:
        """Refuse to fill the disk.

        :raises DiskFull: when the rest of the file would leave less than `SPARE_BYTES`.
        """
        length = self.version.length if self.version else None
        missing = max(0, (length or 0) - self.size)
        if shutil.disk_usage(self.target.parent).free < missing + SPARE_BYTES:
            raise DiskFull

    def finish(self, file: BinaryIO) -> None:
        """Give the whole file its name."""
        file.flush()
        os.fsync(file.fileno())
        file.close()
        os.replace(self._file, self.target)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove what there is."""
        self.version, self.size = None, 0
        for path in (self._note, self._file):
            # What cannot go is overwritten by the next try.
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
