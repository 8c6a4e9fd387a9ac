# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps two processes from sending the rows of one batch at the same time. No bpy here.

Whoever has the lock touches its file again and again: so one that was left behind by a power cut, or on a system that
cannot be asked about a process, is known by its age.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Final

from ..service.errors import TokenLabError
from . import lease

logger = logging.getLogger(__name__)

NAME: Final = ".tokenlab-batch.lock"
_TOUCH_SECONDS: Final = 20.0
_STALE_SECONDS: Final = 300.0
"""Clocks of two machines that share a folder differ by less."""


class BatchLock:
    """A file in the folder of the batch that names who works on it. A context manager."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._owner = lease.new_owner()
        self._is_over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="tokenlab-batch-lock", daemon=True)

    def __enter__(self) -> BatchLock:
        """Take it, and take it from a process that is gone.

        :raises TokenLabError: when another process has it.
        :raises OSError: when the folder cannot be written to.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(2):
            try:
                handle = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            except FileExistsError:
                self._remove_if_left_behind()
                continue
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(self._owner)
            except BaseException:
                # A full disk, or Ctrl C: without a name in it the file would be somebody's until it is old.
                self._path.unlink(missing_ok=True)
                raise
            self._keeper.start()
            return self
        raise _taken()

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._keeper.join(_TOUCH_SECONDS)
        try:
            if self._read() == self._owner:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            # A drive that is away by now: what was done is done, and the file is known by its age.
            logger.warning("The lock of the batch was left behind: %s", error.strerror)

    def _read(self) -> str | None:
        """Return who has it, or None when nobody has."""
        try:
            return self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def _keep(self) -> None:
        """On a thread of its own: keep the file young, whatever the main thread is waiting for."""
        while not self._is_over.wait(_TOUCH_SECONDS):
            # A network drive that is away for a moment: the next touch will do.
            with contextlib.suppress(OSError):
                os.utime(self._path)

    def _remove_if_left_behind(self) -> None:
        owner, now = self._read(), time.time()
        if owner is None:
            return
        # An owner on another machine, or none that can be read, is not known to be gone before the file is old.
        has_ended = bool(owner) and lease.has_ended(owner, now + lease.LEASE_SECONDS, now)
        if not has_ended and not self._is_old(owner, now):
            raise _taken()
        self._put_aside(owner)

    def _is_old(self, owner: str, now: float) -> bool:
        """Whether nobody has touched the file for so long that nobody can have it."""
        if sys.platform != "win32" and lease.is_alive_here(owner):
            return False  # It was stopped, and may go on.
        try:
            return now - self._path.stat().st_mtime > _STALE_SECONDS
        except FileNotFoundError:
            return True

    def _put_aside(self, owner: str) -> None:
        """Remove the file of an owner who is gone, and not that of somebody who was faster to take it over."""
        aside = self._path.with_name(f"{NAME}.{uuid.uuid4()}")
        try:
            os.replace(self._path, aside)
        except FileNotFoundError:
            return
        if aside.read_text(encoding="utf-8", errors="replace") != owner:
            os.replace(aside, self._path)
            raise _taken()
        aside.unlink()


def _taken() -> TokenLabError:
    return TokenLabError(
        "Another Blender works on the batch in this folder. Nothing was sent or charged. Wait for it; if it has ended "
        f"without a word, its lock is free after {_STALE_SECONDS / 60:.0f} minutes, or when you remove the file {NAME} "
        "from the folder."
    )
