# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a command is, on standard error: a bar on a terminal, a line for each step in a log. No bpy is needed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Final, TextIO

_WIDTH: Final = 24
_REDRAW_SECONDS: Final = 0.1
_STEP: Final = 25
"""Per cent between two lines of a log."""


class Progress:
    """One line that says where things are."""

    def __init__(self, stream: TextIO, *, is_quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._is_quiet = is_quiet
        self._is_terminal = stream.isatty()
        self._clock = clock
        self._said: tuple[object, ...] = ()
        self._drawn_at = float("-inf")
        self._length = 0

    def show(self, words: str, percent: float | None) -> None:
        """Say where things are; often called, it says only what is new.

        :param percent: 0 to 100, or None when nothing is known.
        """
        if self._is_quiet:
            return
        step = None if percent is None else int(percent) // (1 if self._is_terminal else _STEP)
        now = self._clock()
        if (words, step) == self._said or (self._is_terminal and now - self._drawn_at < _REDRAW_SECONDS):
            return
        self._said, self._drawn_at = (words, step), now
        self._write(words, percent)

    def _write(self, words: str, percent: float | None) -> None:
        amount = "" if percent is None else f" {percent:3.0f} %"
        if not self._is_terminal:
            self._stream.write(f"{words}{amount}\n")
        else:
            done = 0 if percent is None else round(_WIDTH * percent / 100)
            room = shutil.get_terminal_size().columns - _WIDTH - 12
            line = f"[{'#' * done}{'.' * (_WIDTH - done)}]{amount or '      '}  {words[: max(10, room)]}"
            self._stream.write(f"\r{line.ljust(self._length)}")
            self._length = len(line)
        self._stream.flush()

    def say(self, sentence: str) -> None:
        """Say something once, whatever the progress is."""
        self.end()
        self._stream.write(f"{sentence}\n")
        self._stream.flush()

    def end(self) -> None:
        """Leave the line of the bar."""
        if self._length:
            self._stream.write("\n")
            self._stream.flush()
        self._length = 0
