# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the engine gives up what failed again and again, and what the task says then. No bpy here."""

from __future__ import annotations

import time
from typing import Any

from .pacing import Pacing
from .task import Task, TaskState


def final_changes(task: Task, failures: int, pacing: Pacing) -> dict[str, Any] | None:
    """Return what a task becomes after so many failures in a row; None while it is tried again by itself."""
    if task.state is TaskState.DOWNLOADING and failures >= pacing.download_tries:
        return {"error": _not_fetched(task)}
    if task.state is TaskState.QUEUED and failures >= pacing.submit_tries:
        sentence = "The request could not be sent after several tries. Nothing was charged. Generate again later."
        return {"state": TaskState.FAILED, "error": sentence, "settled_at": time.time()}
    return None


def _not_fetched(task: Task) -> str:
    if task.is_stand_in:
        # It is on no service: what the disk said is all there is to say.
        return task.error
    cause = task.error.partition(". ")[0].rstrip(".")
    return (
        f"The model could not be fetched after several tries{f' ({cause})' if cause else ''}. "
        "It is safe at the service, and nothing is charged again. Try again."
    )
