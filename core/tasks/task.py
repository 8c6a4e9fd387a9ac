# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a task: its states, the allowed ways between them, and its copy in the scene. No bpy here."""

from __future__ import annotations

import enum
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from ..files.facts import ModelFacts
from ..service.contract import MAX_SEED, GenerationRequest
from ..service.stand_in import is_task
from ..text import clean_text, one_line
from .placement import AS_DELIVERED, Placement


class TaskState(enum.Enum):
    """Where a task is. The order is the order of life: at equal revision the later one wins a merge."""

    QUEUED = "QUEUED"
    """Nothing was sent yet."""
    SUBMITTING = "SUBMITTING"
    """The request may be on its way."""
    UNCERTAIN = "UNCERTAIN"
    """The request left, and no clear answer came."""
    PENDING = "PENDING"
    """Accepted by the service, so it may cost money from here on."""
    PROCESSING = "PROCESSING"
    DOWNLOADING = "DOWNLOADING"
    """Completed at the service; the model is on its way."""
    CONVERTING = "CONVERTING"
    READY = "READY"
    """The model lies on disk. The journal's last state."""
    IMPORTED = "IMPORTED"
    """The model is in a scene. Belongs to a file and is written in its scene only."""
    FAILED = "FAILED"
    """The service refused or failed the task: not charged."""
    STOPPED = "STOPPED"
    """The user stopped waiting; the task goes on at the service."""
    LOST = "LOST"
    """The service no longer knows the task."""


_ORDER: Final = {state: index for index, state in enumerate(TaskState)}

_S = TaskState
_AT_SERVICE: Final = frozenset({_S.PENDING, _S.PROCESSING, _S.DOWNLOADING, _S.FAILED, _S.STOPPED, _S.LOST})
ALLOWED: Final[Mapping[TaskState, frozenset[TaskState]]] = {
    _S.QUEUED: frozenset({_S.SUBMITTING, _S.FAILED}),
    _S.SUBMITTING: frozenset({_S.QUEUED, _S.PENDING, _S.UNCERTAIN, _S.FAILED}),
    # By the user alone: attached to an id, or sent again at the risk of paying twice.
    _S.UNCERTAIN: frozenset({_S.PENDING, _S.QUEUED}),
    _S.PENDING: _AT_SERVICE,
    _S.PROCESSING: _AT_SERVICE,
    _S.DOWNLOADING: frozenset({_S.CONVERTING, _S.READY, _S.STOPPED, _S.LOST}),
    _S.CONVERTING: frozenset({_S.READY, _S.DOWNLOADING}),
    _S.READY: frozenset({_S.DOWNLOADING, _S.CONVERTING}),
    _S.IMPORTED: frozenset(),
    _S.FAILED: frozenset(),
    _S.STOPPED: frozenset({_S.PENDING, _S.DOWNLOADING}),
    _S.LOST: frozenset({_S.PENDING}),
}
"""Where a record may go from where it is; staying where it is (progress, error) is always allowed."""

UNFINISHED: Final = frozenset({_S.PENDING, _S.PROCESSING, _S.DOWNLOADING, _S.CONVERTING})
"""States in which the engine has something to do for a task without being asked."""
LEASED: Final = UNFINISHED | {_S.QUEUED, _S.SUBMITTING}
"""States of a task that belongs to the Blender that works on it; no other one touches it (`lease`)."""


class IllegalTransition(Exception):
    """A change that the table does not allow: somebody else was faster, or the task is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One generation that the user asked for. Changed only through `evolve`."""

    local_id: str
    """UUID4 that we gave it, before anything was sent."""
    scene_id: str
    """The scene that it belongs to (`store.scene_id`)."""
    request: GenerationRequest
    placement: Placement = AS_DELIVERED
    """Where the model goes, as it was chosen at the sending."""
    state: TaskState = TaskState.QUEUED
    revision: int = 0
    """Grows with every change that the journal gets: the higher one wins a merge."""
    created_at: float = 0.0
    """Unix seconds, as all times here."""
    submitted_at: float | None = None
    settled_at: float | None = None
    task_id: str = ""
    poll_url: str = ""
    progress: int | None = None
    """0 to 100, or None when nothing is known."""
    error: str = ""
    """A user's sentence, or ""."""
    note: str = ""
    """What the user should know though nothing is wrong, or ""."""
    min_price: str = ""
    max_price: str = ""
    """What the service published for one request when it was sent: decimal strings in USD, or ""."""
    exact_price: str = ""
    """What it has cost by the service's own books, a decimal string in USD, or "". Not for the scene."""
    billing_transaction_id: str = ""
    request_id: str = ""
    """The service's id of our last request about this task, for support."""
    result_format: str = ""
    """`ModelFormat` name of the file to import, once it is there."""
    facts: ModelFacts | None = None
    """What the delivered model is like, once Blender has read it."""
    removed: bool = False
    """The user took it off the list. The row stays in the journal, since it may have cost money."""
    asset_urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Signed and private: in memory and in the journal, never in a scene (architecture, P5)."""
    picture_path: str = ""
    """Our copy of the source picture. A path of this machine: not for the scene."""
    picture_key: str = ""
    """What tells the chosen picture from others without reading it (path, size, time): not for the scene."""
    result_path: str = ""
    """The file to import. A path of this machine: not for the scene."""
    blend_path: str = ""
    """The .blend that a second Blender made of that file, to be appended. Not for the scene."""
    blend_version: str = ""
    """Version of that Blender, `5.2.3`: older ones cannot read it. Not for the scene."""
    blend_units: str = ""
    """The scene's units that it was made for, as far as they count for it (`scene_units`). Not for the scene."""
    wanted_units: str = ""
    """The units of the scene that the model is to come into. Not for the scene."""
    project: str = ""
    """The .blend that it was generated in, or "" when that was never saved. Not for the scene."""
    output_path: str = ""
    """The file that a command wants the model written to, or "". Not for the scene."""
    batch: str = ""
    batch_row: str = ""
    """Which row of which batch it was sent for (`core.tasks.batch`), or "". Not for the scene."""
    delivered: bool = False
    """A file that was saved knows of the model, or a command has written it: nobody waits for it. Not for the scene."""

    def evolve(self, **changes: Any) -> Task:
        """Return this record with `changes` and the next revision.

        :raises IllegalTransition: when the table does not allow the new state.
        """
        state = changes.get("state", self.state)
        if state is not self.state and state not in ALLOWED[self.state]:
            raise IllegalTransition(f"{self.state.value} -> {state.value}")
        return replace(self, revision=self.revision + 1, **changes)

    @property
    def is_stand_in(self) -> bool:
        """Whether the service has nothing to do with it: the stand-in makes the model, for nothing."""
        return is_task(self.request.model, self.task_id)

    @property
    def title(self) -> str:
        """What the task is called in lists, on one line."""
        return one_line(self.request.prompt) or self.request.image_name or "Untitled"


def new_task(request: GenerationRequest, scene_id: str, *, now: float | None = None, **details: Any) -> Task:
    """Return a new `QUEUED` task.

    :param now: unix seconds.
    :param details: what else is known of it, under the names of `Task`.
    """
    created_at = time.time() if now is None else now
    return Task(local_id=str(uuid.uuid4()), scene_id=scene_id, request=request, created_at=created_at, **details)


def adopted_prompt(task_id: str) -> str:
    """Return what stands for the prompt of a task of which only the service's id is known."""
    return f"Task {task_id}"


def add_note(note: str, sentence: str) -> str:
    """Return a note that says one thing more, unless it says that already."""
    return note if sentence in note else f"{note} {sentence}".strip()


def newer(one: Task, other: Task) -> Task:
    """Return the record that wins a merge: the higher revision, at equal revision the later state."""
    return max(one, other, key=lambda task: (task.revision, _ORDER[task.state]))


def merge(memory: Task, scene: Task) -> Task:
    """Merge another copy of a task into ours; what only one side knows (URLs, paths, that it was removed) stays."""
    winner = newer(memory, scene)
    other = scene if winner is memory else memory
    merged = replace(
        winner,
        scene_id=memory.scene_id,
        asset_urls=winner.asset_urls or other.asset_urls,
        picture_path=winner.picture_path or other.picture_path,
        picture_key=winner.picture_key or other.picture_key,
        result_path=winner.result_path or other.result_path,
        blend_path=winner.blend_path or other.blend_path,
        blend_version=winner.blend_version if winner.blend_path else other.blend_version,
        blend_units=winner.blend_units if winner.blend_path else other.blend_units,
        wanted_units=winner.wanted_units or other.wanted_units,
        facts=winner.facts or other.facts,
        exact_price=winner.exact_price or other.exact_price,
        project=winner.project or other.project,
        output_path=winner.output_path or other.output_path,
        batch=winner.batch or other.batch,
        batch_row=winner.batch_row or other.batch_row,
        delivered=memory.delivered or scene.delivered,
        removed=memory.removed or scene.removed,
    )
    return memory if merged == memory else merged


# ------------------------------------------------------------------------------
# As text: JSON with the names that `public_interface` fixes, request fields beside the task's own

_LOCAL_ONLY: Final = frozenset(
    {
        "asset_urls",
        "batch",
        "batch_row",
        "blend_path",
        "blend_units",
        "blend_version",
        "delivered",
        "exact_price",
        "output_path",
        "picture_key",
        "picture_path",
        "project",
        "removed",
        "result_path",
        "scene_id",
        "wanted_units",
    }
)
_END_OF_TIME: Final = 32_503_680_000.0
"""The year 3000: later times end in errors on some platforms."""
_REQUEST_FIELDS: Final = {item.name: str(item.type) for item in fields(GenerationRequest)}
_OTHERWISE: Final = ("request", "placement", "state")
"""Fields of a task with a text of their own."""
_TASK_FIELDS: Final = {item.name: str(item.type) for item in fields(Task) if item.name not in _OTHERWISE}


def to_text(task: Task) -> str:
    """Return the whole record as JSON, for the journal."""
    return _dump(task, without=frozenset())


def to_scene_text(task: Task, **extra: object) -> str:
    """Return what may travel with the .blend as JSON, with `extra` fields of the scene's own (architecture, P5)."""
    return _dump(task, without=_LOCAL_ONLY, **extra)


def _dump(task: Task, without: frozenset[str], **extra: object) -> str:
    # By name, since `asdict` copies all values, which took half of an undo's time with a thousand tasks.
    record: dict[str, Any] = {name: getattr(task.request, name) for name in _REQUEST_FIELDS}
    record.update((name, getattr(task, name)) for name in _TASK_FIELDS)
    record["asset_urls"] = dict(task.asset_urls)
    record["facts"] = task.facts.to_record() if task.facts else None
    record["placement"] = task.placement.to_record()
    record["state"] = task.state.value
    kept = {key: value for key, value in record.items() if key not in without}
    # ASCII: a lone surrogate, legal in a file name, ends Blender in a custom property and SQLite's work in a row.
    return json.dumps({**kept, **extra}, sort_keys=True)


def from_text(text: str, *, scene_id: str = "") -> Task | None:
    """Read what `to_text` or `to_scene_text` wrote; None when it cannot be read.

    Values of the wrong type are dropped, since a .blend comes from anywhere and older or newer versions wrote it. With
    a `scene_id` it is a scene's copy: no address and no path is believed that somebody else's file holds.
    """
    try:
        record = json.loads(text)
        state = TaskState(record["state"])
        local_id = str(uuid.UUID(record["local_id"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    request = _typed(record, _REQUEST_FIELDS)
    own = _typed(record, _TASK_FIELDS)
    if scene_id:
        own = {name: value for name, value in own.items() if name not in _LOCAL_ONLY}
    if own.get("progress", 0) > 100:  # noqa: PLR2004  # per cent
        del own["progress"]
    own.update(local_id=local_id, scene_id=scene_id or own.get("scene_id", ""))
    own["placement"] = Placement.from_record(record.get("placement"))
    return Task(request=GenerationRequest(**{"prompt": "", **request}), state=state, **own)


def _typed(record: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of `record` that have the annotated type."""
    found: dict[str, Any] = {}
    for name, annotation in wanted.items():
        value = _value(annotation.partition(" | ")[0].partition("[")[0], record.get(name))
        if value is not None:
            found[name] = value
    return found


def _value(kind: str, value: object) -> object:
    """Return `value` if it is of that kind, else None. A bool is no number, though Python says so."""
    if isinstance(value, bool):
        return value if kind == "bool" else None
    if kind == "str" and isinstance(value, str):
        return clean_text(value, limit=20_000)
    if kind == "int" and isinstance(value, int):
        return value if 0 <= value <= MAX_SEED else None
    if kind == "float" and isinstance(value, int | float):
        # NaN fails the comparison.
        return float(value) if 0 <= value < _END_OF_TIME else None
    if kind == "Mapping" and isinstance(value, dict):
        return {str(key): str(item) for key, item in value.items()}
    return ModelFacts.from_record(value) if kind == "ModelFacts" else None
