# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps two processes from sending the rows of one batch at the same time. No bpy here."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import Final

from ..service.errors import TokenLabError
from . import lease

NAME: Final = ".tokenlab-batch.lock"


class BatchLock:
    """A file in the folder of the batch that names who works on it. A context manager."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def __enter__(self) -> BatchLock:
        """Take it, and take it from a process of this machine that is gone.

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
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(lease.new_owner())
            return self
        raise _taken()

    def __exit__(self, *_error: object) -> None:
        self._path.unlink(missing_ok=True)

    def _remove_if_left_behind(self) -> None:
        try:
            owner = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        now = time.time()
        # An owner on another machine, or none that can be read, is not known to be gone.
        if not owner or not lease.has_ended(owner, now + lease.LEASE_SECONDS, now):
            raise _taken()
        self._put_aside(owner)

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
        "Another Blender works on the batch in this folder. Nothing was sent or charged. Wait for it; if there is none "
        f"any more, remove the file {NAME} from the folder."
    )
