# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds Blender's main thread, and for how long? Sent to the Blender under test by `Window.run`. Uses bpy.

A timer beats on the main thread. While a beat is late, another thread looks again and again what the main thread is
at, and books the time: to the Python line that runs, to a C function that keeps Python's lock (then the looking thread
itself was kept from running), or to Blender alone, which draws or waits. Drawing takes 50 to 300 ms without a graphics
card, so it is what is booked to Python, or to its lock, that says something of an extension.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import bpy

BEAT_SECONDS = 0.01
LOOK_SECONDS = 0.005
LOCKED_SECONDS = 0.03
"""A look that comes so late was kept from running by Python's lock."""
BLENDER = "Blender alone"


class StallWatch:
    """Watches from `start` to `stop`."""

    def __init__(self) -> None:
        self.is_on = False
        self.gaps: list[float] = []
        self.stalls: list[dict[str, float]] = []
        """Of each late beat, the seconds by what they are booked to."""
        self._main = threading.main_thread().ident or 0
        self._beat_at = 0.0
        self._booked: dict[str, float] = {}

    def start(self) -> None:
        self.is_on, self._beat_at = True, time.perf_counter()
        bpy.app.timers.register(beat, first_interval=BEAT_SECONDS, persistent=True)
        threading.Thread(target=self._look, daemon=True).start()

    def stop(self) -> dict[str, Any]:
        """Return the longest gap, and the longest stall of Python or its lock with what it was booked to."""
        self.is_on = False
        python = [{name: spent for name, spent in stall.items() if name != BLENDER} for stall in self.stalls]
        worst = max(python, key=lambda stall: sum(stall.values()), default={})
        return {
            "beats": len(self.gaps),
            "longest_gap": max(self.gaps, default=0.0),
            "longest_python": sum(worst.values()),
            "booked_to": worst,
        }

    def beat(self) -> float | None:
        now = time.perf_counter()
        self.gaps.append(now - self._beat_at)
        self._beat_at = now
        if self._booked:
            self.stalls.append(self._booked)
            self._booked = {}
        return BEAT_SECONDS if self.is_on else None

    def _look(self) -> None:
        last = time.perf_counter()
        while self.is_on:
            time.sleep(LOOK_SECONDS)
            now = time.perf_counter()
            since, last = min(now - last, now - self._beat_at), now
            if now - self._beat_at > 2 * BEAT_SECONDS:
                name = self._at()
                if since > LOCKED_SECONDS:
                    name = f"Python's lock, then {name}"
                self._booked[name] = self._booked.get(name, 0.0) + since

    def _at(self) -> str:
        """What the main thread is at."""
        frame = sys._current_frames().get(self._main)
        while frame is not None and frame.f_code is StallWatch.beat.__code__:
            frame = frame.f_back
        return f"{frame.f_code.co_filename[-40:]}:{frame.f_lineno}" if frame is not None else BLENDER


watch = StallWatch()


def beat() -> float | None:
    return watch.beat()
