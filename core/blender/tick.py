# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one timer of the extension: takes what the workers brought, starts what is due, never waits. bpy is allowed here.

Registered only while there is something to do, as a plain function that survives file loads. Timers do not fire
without a window (bpy_facts B), so `task.wait()` calls it itself.
"""

from __future__ import annotations

import logging
import time

import bpy

from . import session

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 0.002
"""How long one tick may take events out of the mailbox; the rest waits for the next one."""
_FAST_SECONDS = 0.1
"""Between two ticks while workers are busy: what a person still feels as at once."""
_SLOW_SECONDS = 0.5

_is_wanted = False
"""Somebody has woken the timer since its last run began: while it runs it is registered, and may be about to end."""


def ensure_running() -> None:
    """Register the timer unless it is: registering it twice would make it run twice (bpy_facts B)."""
    global _is_wanted  # noqa: PLW0603  # the one timer of this Blender
    _is_wanted = True
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=0.01, persistent=True)


def stop() -> None:
    """Take the timer away, if it is registered."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)


def tick() -> float | None:
    """Run once and return the seconds until the next call, or None to end."""
    try:
        return run_once()
    except Exception:
        # One that escapes would end the timer, and with it every task's progress.
        logger.exception("A tick of TokenLab 3D failed; the next one goes on")
        return _SLOW_SECONDS


def run_once() -> float | None:
    """Do what can be done without waiting. Returns None when nothing is left to do."""
    global _is_wanted  # noqa: PLW0603
    _is_wanted = False
    if not session.is_enabled():
        return None
    current = session.current()
    engine = current.engine
    current.refresh_settings()
    current.file.notice_scenes()
    is_drained = _drain(current)
    current.keep_up_models()
    # First what the user waits for: what is started here takes processor time from it.
    has_imported = is_drained and _import_next(current)
    engine.pump()
    is_untidy = current.placeholders.tidy()
    current.status_bar.keep_up()
    if current.is_restored:
        # Before that nobody knows which models are in the file, and a script would hear of an import twice.
        current.listeners.tell()
    if not is_drained or has_imported:
        return _FAST_SECONDS
    if current.imports.has_awaited or is_untidy or (current.status_bar.is_waiting and not bpy.app.background):
        return _SLOW_SECONDS
    if not engine.is_busy and current.is_restored:
        return _FAST_SECONDS if _is_wanted else None
    return max(_FAST_SECONDS, min(_SLOW_SECONDS, engine.seconds_until_due()))


def _import_next(current: session.Session) -> bool:
    """Import one model if that can be done now; whatever comes of it, the other tasks go on."""
    try:
        return current.imports.next()
    except Exception:
        logger.exception("The next import could not be made")
        return False


def _drain(current: session.Session) -> bool:
    """Handle events until the deadline; return whether the mailbox is empty."""
    until = time.perf_counter() + DEADLINE_SECONDS
    while time.perf_counter() < until:
        event = current.engine.next_event()
        if event is None:
            return True
        current.handle(event)
    return False
