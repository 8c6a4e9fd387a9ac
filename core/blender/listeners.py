# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Functions of scripts that want to know when a task changes. bpy is allowed here, and in what is called."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from ..tasks.records import Records
from ..tasks.task import Task

logger = logging.getLogger(__name__)

Seen = tuple[object, ...]


@dataclass(slots=True)
class _Listener:
    callback: Callable[[], object]
    told: Seen = field(default=())


class Listeners:
    """Who listens to which task. Called by the tick, when everything else of it is done."""

    def __init__(self, records: Records, seen: Callable[[Task], Task]) -> None:
        """Listen to nothing yet.

        :param seen: returns a task as the open file sees it (`Imports.seen`).
        """
        self._records = records
        self._seen = seen
        self._listeners: dict[str, list[_Listener]] = {}

    def add(self, local_id: str, callback: Callable[[], object]) -> None:
        """Have `callback` called at the next tick, and whenever the task's state, progress or error changes."""
        self._listeners.setdefault(local_id, []).append(_Listener(callback))

    def tell(self) -> None:
        """Call whoever was not told of the present state. Nobody is told of a task that was removed."""
        for local_id, listeners in list(self._listeners.items()):
            task = self._records.get(local_id)
            if task is None:
                del self._listeners[local_id]
                continue
            task = self._seen(task)
            now = (task.state, task.progress, task.error)
            for listener in list(listeners):
                if listener.told != now:
                    # Before the call, which may come back here.
                    listener.told = now
                    _call(listener.callback)


def _call(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:
        # Somebody else's code: the other listeners, and the tick, go on.
        logger.exception("A function that listens to a task of TokenLab 3D failed")
