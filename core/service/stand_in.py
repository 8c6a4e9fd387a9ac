# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the service, inside this process, for whoever has no key yet. No bpy, no network here.

It answers like `client.Client`, so that everything else is the same: journal, download, conversion, import, library. A
task belongs to it by its model or by its id, which travel with the file: so it stays here after a reload, on another
computer, and when a key is set. It makes no use of a prompt but to choose one of a few models, and nothing is charged.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..files import library, trial_models
from .catalogue import IMAGE, TEXT, ModelInfo
from .contract import RemoteStatus, TaskReply
from .errors import ServiceError

MODEL: Final = "try-without-key"
"""The model of a request that stays here. Saved in files."""
_ID_PREFIX: Final = "tokenlab3d-trial-"
"""Such an id no service gives by chance: a task that is paid for would be taken for ours."""
POLL_SECONDS: Final = 0.5
"""Between two questions: they go nowhere."""
WORK_SECONDS: Final = 8.0
"""How long a model seems to take, so that its progress can be seen."""

INFO: Final = ModelInfo(
    id=MODEL,
    name="Try Without a Key",
    provider="TokenLab 3D itself",
    operations=frozenset({TEXT, IMAGE}),
    parameters=frozenset({"format", "seed", "image"}),
    output_formats=("GLB",),
    min_price="0",
    max_price="0",
)
"""What the catalogue would say of it. A picture is taken, but not looked at; the host of an image URL is not asked."""


def is_model(name: str) -> bool:
    """Whether a request for that model stays here."""
    return name.strip() == MODEL


def is_task(model: str, task_id: str) -> bool:
    """Whether a task is the stand-in's own, as its model or its id says."""
    return is_model(model) or is_task_id(task_id)


def is_task_id(task_id: str) -> bool:
    """Whether the stand-in gave that id."""
    return task_id.startswith(_ID_PREFIX)


class StandIn:
    """Answers what is asked of the service about a task. May be used by several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Know of no task. `clock` counts seconds."""
        self._clock = clock
        self._begun: dict[str, float] = {}
        """Clock time at which each task was first heard of, by its id."""

    def create(self, _body: dict[str, object], *, delivery_policy: str = "") -> TaskReply:
        """Accept a request. There is no delivery but one."""
        return self.status(f"{_ID_PREFIX}{uuid.uuid4().hex[:12]}")

    def status(self, task_id: str, _poll_url: str = "") -> TaskReply:
        """Say where a task is; one of an earlier session, or of another computer, begins anew."""
        begun = self._begun.setdefault(task_id, self._clock())
        progress = int(100 * (self._clock() - begun) / WORK_SECONDS)
        if progress < 100:  # per cent
            return TaskReply(task_id=task_id, status=RemoteStatus.PROCESSING, progress=progress, model=MODEL)
        # Opened by nobody: `deliver` makes the file.
        urls = {"glb": f"{_ID_PREFIX}glb"}
        return TaskReply(task_id=task_id, status=RemoteStatus.COMPLETED, progress=100, model=MODEL, asset_urls=urls)

    def model(self, _model_id: str) -> ModelInfo:
        """Say what the one model takes."""
        return INFO


def deliver(prompt: str, seed: int | None, target: Path) -> Path:
    """Write the model of a completed task, which is GLB whatever was asked for, and return its path.

    :raises ServiceError: when the disk does not take it.
    """
    try:
        library.write_atomically(target, trial_models.make(prompt, seed))
    except OSError as error:
        reason = error.strerror or "the disk refused"
        raise ServiceError(
            f"The trial model could not be written to the data folder ({reason}). Nothing is charged. "
            "Make room or choose another folder, then try again."
        ) from error
    return target
