# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens when a file is loaded or saved and when the user goes through the history. bpy is allowed here."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable

import bpy
from bpy.app.handlers import persistent

from . import session, tick

logger = logging.getLogger(__name__)

EXIT_SECONDS = 30.0
"""Longest wait for our threads at the very end; they end at once but for a name server that does not answer."""


@persistent
def on_load(*_args: object) -> None:
    """Resume the unfinished tasks of the file that was opened."""
    _guarded(lambda: session.file_opened(is_new_file=not bpy.data.filepath))


@persistent
def on_undo_or_redo(*_args: object) -> None:
    """Put the tasks back that Blender has rewound."""
    _in_session(lambda current: current.after_undo_or_redo())


@persistent
def on_save(*_args: object) -> None:
    """Bring the scene's copy up to date before it is written."""
    _in_session(lambda current: current.file.mirror())


@persistent
def on_saved(*_args: object) -> None:
    """Note where the tasks belong."""
    _in_session(lambda current: current.file_saved())


def _in_session(work: Callable[[session.Session], object]) -> None:
    """Begin none where nobody has asked for one (`session.is_to_begin`): the file stays as it is then."""
    if session.is_to_begin():
        _guarded(lambda: work(session.current()))


def _guarded(work: Callable[[], object]) -> None:
    """Blender prints and forgets an exception of a handler: log it as ours."""
    if not session.is_enabled():
        return
    try:
        work()
    except Exception:
        logger.exception("A handler of TokenLab 3D failed")


def _begin() -> None:
    """Begin the session soon after enabling, out of a timer: register() may not look at scenes."""
    _in_session(lambda _current: None)


_HANDLERS = (
    (bpy.app.handlers.load_post, on_load),
    (bpy.app.handlers.undo_post, on_undo_or_redo),
    (bpy.app.handlers.redo_post, on_undo_or_redo),
    (bpy.app.handlers.save_pre, on_save),
    (bpy.app.handlers.save_post, on_saved),
)


def _shut_down() -> None:
    """At interpreter exit: bpy 4.2 crashes and 4.5 hangs over a timer, a handler or a thread that is left.

    A thread that asks for a host's address cannot be cut, so it is given the time that this may take.
    """
    session.stop(EXIT_SECONDS)
    unregister()


def register() -> None:
    """Start the session and listen to Blender."""
    session.start(wake=tick.ensure_running)
    for handlers, function in _HANDLERS:
        if function not in handlers:
            handlers.append(function)
    bpy.app.timers.register(_begin, first_interval=0.0, persistent=True)
    atexit.register(_shut_down)


def unregister() -> None:
    """Stop listening, the timer and every thread. May be called twice."""
    atexit.unregister(_shut_down)
    for handlers, function in reversed(_HANDLERS):
        if function in handlers:
            handlers.remove(function)
    if bpy.app.timers.is_registered(_begin):
        bpy.app.timers.unregister(_begin)
    tick.stop()
    session.stop()
