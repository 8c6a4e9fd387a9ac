# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watches code that may only read: whatever it opens, starts, sends or writes into Blender's data is an error at once.

Uses bpy. Python tells its audit hooks of every file, socket, database and process before it touches them, also those
that are opened in C; what it tells nobody (a look at a file, a thread) is replaced for a while. Blender refuses writes
while it draws, but only in a window: here the classes refuse them.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import bpy

from tests.blender.registered import classes
from tests.blender.support import data_counts

_FORBIDDEN = (
    *("open", "os.", "shutil.", "tempfile.", "glob.", "pathlib.", "socket.", "ssl.", "sqlite3.", "subprocess."),
    *("urllib.", "http.", "import"),
)
"""Beginnings of the names of audit events; an import reads files."""
_ALLOWED = frozenset({"os.putenv", "os.unsetenv", "os.getxattr"})
_LOOKS = ("stat", "lstat", "listdir", "scandir", "access", "getcwd")
"""Functions of `os` that Python tells of to nobody, in one version or another."""


class Touched(AssertionError):
    """Something was touched that may only be looked at in memory."""


class _Watch(threading.local):
    is_on = False


_watch = _Watch()


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watch.is_on and event not in _ALLOWED and event.startswith(_FORBIDDEN):
        _watch.is_on = False  # What makes the message of the error may open files.
        raise Touched(f"{event} {arguments[:1]!r}")


sys.addaudithook(_audit)  # It stays for the whole process, and does nothing while nobody watches.


@contextlib.contextmanager
def only_reads() -> Iterator[None]:
    """Have everything end in `Touched` that does more than read Blender's data and memory; see `unchanged` too."""
    with contextlib.ExitStack() as stack:
        for cls in (bpy.types.ID, *classes("PropertyGroup", "AddonPreferences")):
            for name in ("__setattr__", "__setitem__", "__delitem__"):
                stack.enter_context(_replaced(cls, name, _refuse))
        for name in _LOOKS:
            stack.enter_context(_replaced(os, name, _refusal(name)))
        stack.enter_context(_replaced(threading.Thread, "start", _refusal("Thread.start")))
        stack.enter_context(_replaced(bpy.app.timers, "register", _refusal("timers.register")))
        _watch.is_on = True
        try:
            yield
        finally:
            _watch.is_on = False


@contextlib.contextmanager
def unchanged() -> Iterator[None]:
    """Have what no class can refuse noticed at the end: a list that got longer, new data."""
    before = state()
    yield
    assert state() == before, "the data of Blender changed"


def state() -> dict[str, Any]:
    """What drawing could change: our data, and how much there is of Blender's."""
    scene, shown = bpy.context.scene, bpy.context.window_manager.tokenlab
    return {
        "form": _values(scene.tokenlab),
        "session": _values(shown),
        "tasks": [_values(row) for row in shown.tasks],
        "entries": {name: str(scene[name]) for name in scene.keys() if isinstance(scene[name], str)},  # noqa: SIM118
        "counts": data_counts(),
    }


def _values(group: Any) -> dict[str, str]:
    simple = [item.identifier for item in group.bl_rna.properties if item.type != "COLLECTION"]
    return {name: str(getattr(group, name)) for name in simple}


def _refuse(self: Any, name: Any, *_value: Any) -> None:
    raise Touched(f"{type(self).__name__}.{name} is written")


def _refusal(name: str) -> Any:
    def refuse(*arguments: Any, **_named: Any) -> None:
        _watch.is_on = False
        raise Touched(f"{name} {arguments[:1]!r}")

    return refuse


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    missing = object()
    before = vars(owner).get(name, missing)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is missing:
            delattr(owner, name)
        else:
            setattr(owner, name, before)
