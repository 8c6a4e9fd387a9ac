# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal as it is for somebody who only looks: nothing is repaired or taken over. No bpy here; workers only.

`Journal` puts a damaged file aside when it meets one. Whoever wants to know what is wrong with it must not do that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from . import lease
from .task import Task, from_text

_BUSY_SECONDS: Final = 2.0
"""How long a look waits for another Blender's commit."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A row as it was seen."""

    task: Task
    updated_at: float
    """Unix seconds."""


@dataclass(slots=True)
class JournalView:
    """What can be seen of a journal; what cannot be read stays as it is here."""

    kind: str = "Unknown"
    """What is at its place."""
    size: int = 0
    put_aside: int = 0
    """Damaged ones that were kept beside it."""
    problem: str = ""
    """Why not everything could be read, in SQLite's or the system's words."""
    schema_version: int | None = None
    mode: str = ""
    """How SQLite keeps its transactions."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many rows are in each state."""
    unreadable: int = 0
    """Of the newest rows."""
    newest: tuple[Seen, ...] = ()
    """Newest first."""


def look(path: Path, *, most: int) -> JournalView:
    """Return what can be seen of the journal at `path`, with its `most` newest rows."""
    view = JournalView()
    try:
        view.kind = _kind(path)
        view.put_aside = len(list(path.parent.glob(f"{path.stem}.damaged-*{path.suffix}")))
        if not path.is_file():
            return view
        view.size = path.stat().st_size
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as connection:
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            _read(connection, view, most)
    except (sqlite3.Error, OSError) as error:
        view.problem = f"{type(error).__name__}: {error.strerror if isinstance(error, OSError) else error}"
    return view


def _read(connection: sqlite3.Connection, view: JournalView, most: int) -> None:
    """Read one thing after the other: what comes before the damage is worth knowing."""
    view.schema_version = int(_one(connection, "PRAGMA user_version"))
    view.mode = str(_one(connection, "PRAGMA journal_mode"))
    if not _one(connection, "SELECT COUNT(*) FROM sqlite_master"):
        # Somebody is just beginning it: the file is made a moment before its tables are.
        return
    view.counts = dict(connection.execute("SELECT state, COUNT(*) FROM tasks GROUP BY state ORDER BY state").fetchall())
    rows = connection.execute("SELECT record, updated_at FROM tasks ORDER BY updated_at DESC LIMIT ?", (most,))
    seen: list[Seen] = []
    for record, updated_at in rows:
        task = from_text(record)
        if task is None:
            view.unreadable += 1
        else:
            seen.append(Seen(task, updated_at))
        view.newest = tuple(seen)


def _one(connection: sqlite3.Connection, statement: str) -> Any:
    return connection.execute(statement).fetchone()[0]


def _kind(path: Path) -> str:
    if not path.exists():
        return "There Is None"
    if not path.is_file():
        return "No File"
    return "File on a Network Drive" if lease.is_on_network(path.parent) else "File on This Computer"
