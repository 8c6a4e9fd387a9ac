# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other Blenders work on, and when the journal is looked at for it. No bpy and no clock here; main thread only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from .journal import Row
from .lease import LEASE_SECONDS

_FOLLOW_SECONDS: Final = 2.0
"""Between two looks for tasks that are shown here."""
_WATCH_SECONDS: Final = LEASE_SECONDS + 5.0
"""Between two looks for all others: a little longer than somebody who is gone can hold a task."""


class Following:
    """Tasks that this Blender does not touch, by local id; clock times are those of whoever asks."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._watched: frozenset[str] = frozenset()
        self._look_at = 0.0
        self._watch_at = 0.0

    @property
    def owners(self) -> Mapping[str, str]:
        """Who works on the followed tasks; "" where that is to be found out."""
        return self._owners

    @property
    def is_watching(self) -> bool:
        """Whether others work on tasks that are not followed."""
        return bool(self._watched)

    def follow(self, local_id: str, owner: str = "") -> None:
        """Show what another Blender makes of a task; without an owner the journal is looked at as soon as can be."""
        self._owners[local_id] = owner
        if not owner:
            self._look_at = 0.0

    def let_go(self, local_id: str) -> bool:
        """Follow a task no more; return whether it was followed."""
        return self._owners.pop(local_id, None) is not None

    def watch(self, local_ids: Collection[str], now: float) -> None:
        """Look for these tasks, and no others, until their owner has ended them, or they can be taken over."""
        self._watched = frozenset(local_ids)
        self._watch_at = now + _WATCH_SECONDS

    def looked(self, now: float) -> None:
        """Wait for the next look: the whole journal is being read."""
        self._look_at = now + _FOLLOW_SECONDS

    def due(self, now: float) -> frozenset[str]:
        """Return the tasks that the journal is to be asked about now."""
        due: frozenset[str] = frozenset()
        if self._owners and now >= self._look_at:
            self._look_at = now + _FOLLOW_SECONDS
            due |= self._owners.keys()
        if self._watched and now >= self._watch_at:
            self._watch_at = now + _WATCH_SECONDS
            due |= self._watched
        return due

    def seen(self, asked: Collection[str], rows: Collection[Row]) -> None:
        """Watch no more what its owner has ended or left, or what is gone, of the tasks that were asked about."""
        still = {row.task.local_id for row in rows if not row.is_ours}
        self._watched -= set(asked) - still
