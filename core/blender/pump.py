# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting, for whoever may: calls the tick itself, as timers do not fire without a window. bpy is allowed here."""

from __future__ import annotations

import time
from collections.abc import Callable

from . import interrupts, tick

_PAUSE_SECONDS = 0.02
"""Between two calls of the tick."""


def pump(is_over: Callable[[], bool], timeout: float, *, each: Callable[[], object] | None = None) -> None:
    """Call the tick until `is_over` or the time is up; an interrupt leaves everything as it is.

    :param timeout: seconds.
    :param each: called after each tick.
    :raises KeyboardInterrupt: at Ctrl C, between two ticks.
    """
    until = time.monotonic() + timeout
    with interrupts.noted():
        while not is_over() and time.monotonic() < until:
            tick.tick()
            if each is not None:
                each()
            time.sleep(_PAUSE_SECONDS)
            interrupts.check()
        # Workers change a record before the tick has shown it: the scene should say what the script is told.
        tick.tick()
