# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Blender's status bar shows of the tasks, and when it is drawn again. bpy is allowed here.

Blender redraws the status bar for nobody; asking it to clear the text of a workspace is the way. While a modal operator
has written its keys there, it is drawn again because a workspace is given a name: its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import bpy

from ..tasks.records import Records
from ..tasks.task import UNFINISHED, Task, TaskState

_PAUSE_SECONDS: Final = 1.0
"""Between two redraws: progress is no animation."""
_NOTICE_SECONDS: Final = 10.0
"""How long it is said that a model has come, or why none does."""
_RUNNING: Final = UNFINISHED | {TaskState.SUBMITTING}
_BAD: Final = frozenset({TaskState.UNCERTAIN, TaskState.FAILED, TaskState.LOST})


@dataclass(frozen=True, slots=True)
class Shown:
    """What is to be drawn."""

    running: int = 0
    """How many tasks run, those of other files too."""
    title: str = ""
    """Of the one task that runs."""
    state: str = ""
    progress: int | None = None
    news_title: str = ""
    """Of the task that something has become of, a moment ago."""
    news_state: str = ""


_NOTHING: Final = Shown()
_memory = [_NOTHING]


def shown() -> Shown:
    """Return what is to be drawn; main thread only."""
    return _memory[0]


def forget() -> None:
    """Drop what belongs to a session that has ended."""
    _memory[0] = _NOTHING


class StatusBar:
    """What one session has to say there."""

    def __init__(self, records: Records, clock: Callable[[], float] = time.monotonic) -> None:
        """Say nothing yet. `clock` counts seconds."""
        self._records = records
        self._clock = clock
        self._running: set[str] = set()
        self._news = ("", "")
        self._news_until = 0.0
        self._is_outdated = True
        self._drawn_at = float("-inf")

    @property
    def is_waiting(self) -> bool:
        """Whether something is to be drawn, or taken away, later."""
        return self._is_outdated or bool(self._news[0])

    def note(self, task: Task) -> None:
        """Take notice of a task that changed."""
        self._is_outdated = True
        was_running = task.local_id in self._running
        if task.state in _RUNNING:
            self._running.add(task.local_id)
            return
        self._running.discard(task.local_id)
        if was_running and (task.state in _BAD or task.error):
            self._tell(task, task.state)

    def imported(self, task: Task) -> None:
        """Take notice of a model that has come into the file."""
        self._tell(task, TaskState.IMPORTED)

    def keep_up(self) -> None:
        """Have the status bar drawn again if that is due; called by the tick."""
        now = self._clock()
        if self._news[0] and now >= self._news_until:
            self._news, self._is_outdated = ("", ""), True
        if not self._is_outdated or now - self._drawn_at < _PAUSE_SECONDS:
            return
        self._is_outdated = False
        found = self._look()
        if found != _memory[0]:
            _memory[0], self._drawn_at = found, now
            _redraw()

    def _tell(self, task: Task, state: TaskState) -> None:
        self._news, self._news_until = (task.title, state.value), self._clock() + _NOTICE_SECONDS
        self._is_outdated = True

    def _look(self) -> Shown:
        running = [task for task in map(self._records.get, self._running) if task and task.state in _RUNNING]
        self._running = {task.local_id for task in running}
        title, state = self._news
        if len(running) != 1:
            return Shown(len(running), news_title=title, news_state=state)
        (task,) = running
        return Shown(1, task.title, task.state.value, task.progress, title, state)


def _redraw() -> None:
    windows = bpy.context.window_manager.windows
    is_taken = any(len(window.modal_operators) > 0 for window in windows)
    for workspace in {window.workspace for window in windows}:
        if is_taken:
            # Some of those never end. All that shows names is drawn again by this, so it is not the usual way.
            workspace.name = workspace.name
        else:
            workspace.status_text_set(None)
