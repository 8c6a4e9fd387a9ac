# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Completed tasks whose billing id the service has not named yet, and when it is asked for it. No bpy here.

A task is settled a little after it is completed (API notes 5.4), while its model is on its way already. The id is for
the user's bookkeeping, so nothing waits for it, and after a few tries it is left.
"""

from __future__ import annotations

from collections.abc import Sequence


class Bills:
    """By local id, when to ask. In memory only, on the main thread."""

    def __init__(self) -> None:
        self._due: dict[str, list[float]] = {}
        self._asking: set[str] = set()

    def __bool__(self) -> bool:
        """Whether any is expected."""
        return bool(self._due)

    def __contains__(self, local_id: str) -> bool:
        """Whether a task's id is expected."""
        return local_id in self._due

    @property
    def is_asking(self) -> bool:
        """Whether an answer is under way."""
        return bool(self._asking)

    def expect(self, local_id: str, now: float, delays: Sequence[float]) -> None:
        """Ask for a task's billing id `delays` seconds from now."""
        if delays:
            self._due[local_id] = [now + delay for delay in delays]

    def due(self, now: float) -> list[str]:
        """Return the local ids of the tasks that may be asked about now."""
        return [
            local_id
            for local_id, times in self._due.items()
            if times and times[0] <= now and local_id not in self._asking
        ]

    def begun(self, local_id: str) -> None:
        """Take notice that the service is being asked."""
        self._asking.add(local_id)
        self._due[local_id].pop(0)

    def ended(self, local_id: str, *, is_known: bool) -> None:
        """Take notice of the answer; the last one, and one that brings the id, ends it."""
        self._asking.discard(local_id)
        if is_known or not self._due.get(local_id):
            self._due.pop(local_id, None)

    def drop(self, local_id: str) -> None:
        """Ask no more about a task."""
        if local_id not in self._asking:
            self._due.pop(local_id, None)

    def clear(self) -> None:
        """Ask no more at all."""
        for local_id in list(self._due):
            self.drop(local_id)

    def next_at(self) -> float | None:
        """Return when the next one is due, or None."""
        times = [due[0] for local_id, due in self._due.items() if due and local_id not in self._asking]
        return min(times, default=None)
