# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of the journal: its tables, and what is done when it is damaged, replaced or away. No bpy here.

One thread alone uses a `JournalFile`.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from . import lease

logger = logging.getLogger(__name__)

FILE_NAME: Final = "journal.sqlite3"
_BUSY_SECONDS: Final = 5.0
"""How long a commit waits for another Blender's commit."""
_AWAY: Final = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
"""What SQLite says when a drive goes while a file on it is open."""

_MIGRATIONS: Final = (
    """
    CREATE TABLE tasks (
        local_id TEXT PRIMARY KEY,
        scene_id TEXT NOT NULL,
        state TEXT NOT NULL,
        revision INTEGER NOT NULL,
        updated_at REAL NOT NULL,
        record TEXT NOT NULL
    ) STRICT;
    """,
    """
    ALTER TABLE tasks ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    ALTER TABLE tasks ADD COLUMN lease_until REAL NOT NULL DEFAULT 0;
    """,
)
"""What makes each version of the schema out of the one before; the number of a version is its place, from 1."""
SCHEMA_VERSION: Final = len(_MIGRATIONS)

_ALL_COLUMNS: Final = """
SELECT local_id, scene_id, state, revision, updated_at, record, owner, lease_until FROM tasks LIMIT 1
"""
"""What tells our tables from others."""

_DAMAGED: Final = "The task journal was damaged and was begun anew from the open file; the old one is kept as {}."
_REPLACED: Final = "The task journal was moved or deleted and was begun anew from the open file."

_T = TypeVar("_T")


class JournalFile:
    """A connection to the file; a damaged one is put aside and a new one begun."""

    def __init__(self, path: Path, on_rebuilt: Callable[[str], None] | None) -> None:
        self._path = path
        self._on_rebuilt = on_rebuilt
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """Which file the connection is to: another Blender may put it aside, and anybody may delete it."""
        self._unsaid = ""
        self._waits_for_file = False
        """The connection was given up, and the file is expected to be there again."""

    def do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        if self._connection is not None and self._is_elsewhere():
            self._waits_for_file = self._is_on_another_drive()
            self._begin_anew(_REPLACED)
        try:
            result = work(self._opened())
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                if self._connection is not None and getattr(error, "sqlite_errorcode", 0) & 0xFF in _AWAY:
                    # Its drive may be there again in a moment, but what was open on it never works any more.
                    self._waits_for_file = True
                    self.close()
                raise
            logger.warning("The journal is damaged: %s", error)
            if self._is_elsewhere():
                self._begin_anew(_REPLACED)
            else:
                self.close()
                self._begin_anew(_DAMAGED.format(_put_aside(self._path).name))
            result = work(self._opened())
        if self._unsaid and self._on_rebuilt is not None:
            self._on_rebuilt(self._unsaid)
        self._unsaid = ""
        return result

    def try_quietly(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Do what the next order, or the end of the lease, makes up for when it fails.

        Opens nothing for it but what was given up before.
        """
        if self._connection is None and not self._waits_for_file:
            return

        def commit(connection: sqlite3.Connection) -> None:
            with connection:
                work(connection)

        try:
            self.do(commit)
        except (sqlite3.Error, OSError) as error:
            logger.warning("The journal's leases could not be changed: %s", error)

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _begin_anew(self, sentence: str) -> None:
        self.close()
        self._unsaid = sentence

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._waits_for_file and not self._path.is_file():
                # Where the drive was, there is an empty folder: a journal begun in it would be out of sight later.
                self._unsaid = ""
                raise FileNotFoundError(errno.ENOENT, "its drive is away")
            self._file = _identity(self._path)
            self._connection = _open(self._path)
            self._file, self._waits_for_file = self._file or _identity(self._path), False
        return self._connection

    def _is_elsewhere(self) -> bool:
        """Whether the file at our path is not the one that was opened. Network drives give no answer to trust."""
        return _identity(self._path) != self._file and not lease.is_on_network(self._path.parent)

    def _is_on_another_drive(self) -> bool:
        """Whether our path leads to another drive than the file was on, as to the empty folder where that one was."""
        place = next((status for folder in self._path.parents if (status := _identity(folder))), None)
        return self._file is not None and place is not None and place[0] != self._file[0]


def _identity(path: Path) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return None


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    # A row with a broken letter is a row that cannot be read, and not the end of all others.
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        # Write-ahead logging needs memory that all processes share, which a network drive does not give.
        mode = "DELETE" if lease.is_on_network(path.parent) else "WAL"
        connection.execute(f"PRAGMA journal_mode = {mode}")
        # A task id that was paid for must survive a power cut: 0.2 ms per commit (FULL), off the main thread.
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection)
        connection.execute(_ALL_COLUMNS)
    except BaseException as error:
        connection.close()
        # Anything but what our own statements are wrong about: a lock, the disk, a newer version.
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            raise sqlite3.DatabaseError(f"its tables are not ours: {error}") from error
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, one version after the other, all or nothing."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise sqlite3.NotSupportedError("it was written by a newer version of TokenLab 3D")
        for migration in _MIGRATIONS[version:]:
            for statement in migration.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION:d}")


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file itself is broken, and not the disk, a lock or our own code."""
    return type(error) is sqlite3.DatabaseError


def _put_aside(path: Path) -> Path:
    """Rename a damaged journal with its companions, and return the new name."""
    aside = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
    for suffix in ("-wal", "-shm", ""):
        companion = Path(f"{path}{suffix}")
        if companion.exists():
            os.replace(companion, f"{aside}{suffix}")
    return aside
