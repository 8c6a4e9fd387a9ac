# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the same was asked for a moment ago, so that nobody pays twice by accident. No bpy here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..service.contract import GenerationRequest
from ..service.errors import DASHBOARD_RUNS
from ..service.stand_in import is_model
from .task import Task, TaskState

DUPLICATE_SECONDS: Final = 600.0
"""For so long the same request is taken for an accident, unless the user or the script says otherwise."""
FIRST_TRY: Final = f"An earlier try of this request may be charged as well: see {DASHBOARD_RUNS}."
"""Note on a task that was sent once more."""


def with_first_try(sentence: str, task: Task) -> str:
    """Add to a sentence about a task what may be charged besides it, if anything."""
    return f"{sentence} {FIRST_TRY}" if FIRST_TRY in task.note else sentence


def recent(tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks that are young enough to be duplicated by accident and were not removed, oldest first."""
    since = time.time() - DUPLICATE_SECONDS
    found = [task for task in tasks if task.created_at >= since and not task.removed]
    return sorted(found, key=lambda task: task.created_at)


def recent_duplicate(tasks: Sequence[Task], request: GenerationRequest, picture_key: str) -> Task | None:
    """Return the newest task that asked for the same within `DUPLICATE_SECONDS` and may be paid for, or None.

    :param tasks: oldest first.
    """
    if is_model(request.model):
        return None  # Nothing is paid for.
    since = time.time() - DUPLICATE_SECONDS
    for task in reversed(tasks):
        # A note on a failed one says that an earlier try of it may have been accepted.
        is_recent = task.created_at >= since and (task.state is not TaskState.FAILED or FIRST_TRY in task.note)
        is_same = replace(task.request, image_sha256="") == request and task.picture_key == picture_key
        if is_recent and is_same:
            return task
    return None
