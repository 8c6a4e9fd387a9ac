# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tasks have something to do, and which of them come first. No bpy and no clock here; main thread only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from .pacing import Breaker, Budget
from .task import Task, TaskState

MAX_DOWNLOADS: Final = 6
"""Downloads at a time at most, so that they leave workers for the polls."""
MAX_LOOKS: Final = 2
"""Image URLs that are looked at a time at most, for the same reason: their hosts may take long to say nothing."""
_POLLED: Final = frozenset({TaskState.PENDING, TaskState.PROCESSING})
_AT_SERVICE: Final = _POLLED | {TaskState.SUBMITTING}
"""States that count against the limit of concurrent tasks: the service works on them."""
_IN_TURN: Final = frozenset({TaskState.QUEUED, TaskState.DOWNLOADING, TaskState.CONVERTING})
"""States in which tasks wait for room, each for its own."""


@dataclass(slots=True)
class Activity:
    """What is planned for one task; lives in memory only."""

    due_at: float
    """Clock time of the next job."""
    in_flight: bool = False
    is_asking: bool = False
    """The job under way, or the last one, is for the service and not for a host of files."""
    failures: int = 0
    """Failed tries in a row."""
    asks_anew: bool = False
    """The addresses of the model have brought none: the service is asked for others before each try."""


class Schedule:
    """The plans for all tasks, and what all their requests have to share."""

    def __init__(self) -> None:
        self.activities: dict[str, Activity] = {}
        """By local id."""
        self.budget = Budget()
        self.breaker = Breaker()

    def plan(self, local_id: str, due_at: float) -> None:
        """Have the next job of a task start at `due_at`."""
        self.activities.setdefault(local_id, Activity(0.0)).due_at = due_at

    def in_flight(self, local_id: str) -> bool:
        """Whether a job for the task is under way."""
        activity = self.activities.get(local_id)
        return activity is not None and activity.in_flight

    def due(
        self, planned: Sequence[Task], now: float, *, max_tasks: int, max_downloads: int, may_convert: bool = True
    ) -> list[Task]:
        """Return the tasks that a job may be started for, in the order in which that should happen.

        :param planned: every task with an activity.
        :param max_tasks: how many the service may work on at a time.
        :param max_downloads: how many results may be fetched at a time, at least 1.
        :param may_convert: the second Blender has nothing else to do.
        """
        # A queued task with a job is on its way to the service already: that job asks for the model first.
        room = max_tasks - sum(
            task.state in _AT_SERVICE or (task.state is TaskState.QUEUED and self.in_flight(task.local_id))
            for task in planned
            if not task.is_stand_in
        )
        slots = max(1, min(max_downloads, MAX_DOWNLOADS)) - sum(
            task.state is TaskState.DOWNLOADING and self.in_flight(task.local_id) for task in planned
        )
        waiting = [task for task in planned if self._is_due(task, now)]
        queued = self._sendable(planned, waiting)[: max(0, room)]
        to_fetch = [task for task in waiting if task.state is TaskState.DOWNLOADING][: max(0, slots)]
        to_convert = [task for task in waiting if task.state is TaskState.CONVERTING]
        if not may_convert or self.is_converting(planned):
            to_convert = []
        # The stand-in's tasks wait for no room at the service.
        others = [
            task
            for task in waiting
            if task.state not in _IN_TURN or (task.is_stand_in and task.state is TaskState.QUEUED)
        ]
        others.sort(key=lambda task: self.activities[task.local_id].due_at)
        # What the user has just asked for goes before what is asked about again and again.
        return [*queued, *to_convert[:1], *to_fetch, *others]

    def is_converting(self, planned: Iterable[Task]) -> bool:
        """Whether a model is being prepared: the one second Blender does one thing at a time."""
        return any(task.state is TaskState.CONVERTING and self.in_flight(task.local_id) for task in planned)

    def _sendable(self, planned: Sequence[Task], waiting: Sequence[Task]) -> list[Task]:
        """Return the queued tasks that are waiting, without those whose image URL has to wait for others."""
        looks = MAX_LOOKS - sum(_has_look(task) and self.in_flight(task.local_id) for task in planned)
        looked_at = [task.local_id for task in waiting if _has_look(task)][: max(0, looks)]
        return [
            task
            for task in waiting
            if task.state is TaskState.QUEUED
            and not task.is_stand_in
            and (not _has_look(task) or task.local_id in looked_at)
        ]

    def _is_due(self, task: Task, now: float) -> bool:
        activity = self.activities[task.local_id]
        return not activity.in_flight and activity.due_at <= now

    def may_ask(self, now: float) -> bool:
        """Whether one more request may go to the service now; if so, it counts."""
        return self.breaker.lets_through(now) and self.budget.take(now)

    def wait(self, now: float, *, bill_at: float | None) -> float:
        """Return the seconds until something may be due, 0 or more; infinity when nothing is planned.

        :param bill_at: when a billing id is asked for, if any.
        """
        times = [activity.due_at for activity in self.activities.values() if not activity.in_flight]
        times += [] if bill_at is None else [bill_at]
        held = max(self.budget.wait(now), self.breaker.wait(now))
        return max(min(times, default=float("inf")) - now, held)


def _has_look(task: Task) -> bool:
    return task.state is TaskState.QUEUED and bool(task.request.image_url) and not task.is_stand_in


def count_polled(tasks: Iterable[Task | None]) -> int:
    """Return how many of the tasks the service is asked about."""
    return sum(task is not None and task.state in _POLLED and not task.is_stand_in for task in tasks)
