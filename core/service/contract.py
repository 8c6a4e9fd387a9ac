# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said to the service and what it answers, as typed records. No bpy, no network here.

Parsing is tolerant as section 10 of the API notes asks: an id and a status are needed, of a task just created the id
alone; everything else is optional, unknown fields and unknown words are let through.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

from ..text import clean_text, one_line, public_words

CREATE_PATH: Final = "/v1/3d/generations"
TASK_PATH: Final = "/v1/tasks/"
MODELS_PATH: Final = "/v1/models"

DEFAULT_BASE_URL: Final = "https://api.tokenlab.sh"
DEFAULT_MODEL: Final = "tripo-h3.1"
DEFAULT_IMAGE_PROMPT: Final = "The object in the picture"
"""The service wants a prompt with a picture too (API notes 2); this one is filled in when the user gave none."""

AUTO: Final = "AUTO"
"""A choice left to the model: the field is not sent."""
FORMATS: Final = ("GLB", "FBX", "OBJ", "USDZ")
QUALITIES: Final = ("DRAFT", "STANDARD", "HIGH")
DELIVERY_POLICIES: Final = ("auto", "verified", "official")
"""Which of the service's delivery tiers may do the work (API notes 1.3); their prices differ."""
MAX_URL: Final = 20_000
"""Longest address that is kept, in characters. A signed one that is cut is worth nothing."""
MAX_SEED: Final = 2**31 - 1
"""The seed's range is not documented (API notes 10); Blender's integers end here."""


class UnreadableReply(Exception):
    """A reply that does not hold what every reply must hold. The text is for the log, not for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """What the user asked for. `format` and `quality` hold the form's names, or `AUTO`."""

    prompt: str
    model: str = DEFAULT_MODEL
    format: str = "GLB"
    quality: str = AUTO
    style: str = ""
    seed: int | None = None
    image_url: str = ""
    image_name: str = ""
    """Name of the picture that the user chose, for the panel; empty without a picture of one's own."""
    image_sha256: str = ""
    """Hash of the bytes that were sent: identity of the request, without carrying the picture along."""
    delivery_policy: str = ""
    """One of `DELIVERY_POLICIES`, or "" to leave that to the service's own settings."""

    @property
    def has_picture(self) -> bool:
        """Whether a picture goes along, as bytes or as a URL."""
        return bool(self.image_url or self.image_name)

    @property
    def picture_field(self) -> str:
        """The field that the picture goes into, `image` or `image_url`, or ""."""
        if not self.has_picture:
            return ""
        return "image_url" if self.image_url else "image"


class RemoteStatus(enum.Enum):
    """The service's word for where a task is, reduced to what a client has to tell apart."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


_STATUS_WORDS: Final = {
    "pending": RemoteStatus.PENDING,
    "queued": RemoteStatus.PENDING,
    "processing": RemoteStatus.PROCESSING,
    "completed": RemoteStatus.COMPLETED,
    "succeeded": RemoteStatus.COMPLETED,
    "failed": RemoteStatus.FAILED,
    "cancelled": RemoteStatus.FAILED,
    "canceled": RemoteStatus.FAILED,
    "expired": RemoteStatus.FAILED,
    "timeout": RemoteStatus.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReply:
    """A create or status reply (API notes 2.2 and 3.1)."""

    task_id: str
    status: RemoteStatus
    poll_url: str = ""
    progress: int | None = None
    """0 to 100, or None when the service gave no real value."""
    model: str = ""
    asset_urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Kind (`model`, `glb`, `fbx`, `obj`, `usdz`) to signed URL: private, never shown or logged."""
    billing_transaction_id: str = ""
    error: str = ""
    """The service's own words about a failure, as one line."""
    request_id: str = ""


def parse_task_reply(body: object, headers: Mapping[str, str]) -> TaskReply:
    """Read a status reply.

    :raises UnreadableReply: without an id or a status.
    """
    if not isinstance(body, Mapping):
        raise UnreadableReply("the reply is no JSON object")
    status = _status(body)
    if status is None:
        raise UnreadableReply("the reply has no status")
    return _task_reply(body, headers, status)


def parse_created(body: object, headers: Mapping[str, str]) -> TaskReply:
    """Read the 2xx answer to a create. An id is all that it must have, and a header may be all that is readable.

    :raises UnreadableReply: without an id.
    """
    fields = body if isinstance(body, Mapping) else {}
    return _task_reply(fields, headers, _status(fields) or RemoteStatus.PENDING)


def task_id_header(headers: Mapping[str, str]) -> str:
    """Return the id by which an answer about a task names it beside its body, or "" (API notes 1.4)."""
    return clean_text(headers.get("X-Task-ID", ""))


def _status(body: Mapping[str, Any]) -> RemoteStatus | None:
    word = clean_text(body.get("status")).lower()
    # An unknown word means that the task still runs, until the deadline says otherwise (API notes 10).
    return _STATUS_WORDS.get(word, RemoteStatus.PROCESSING) if word else None


def _task_reply(body: Mapping[str, Any], headers: Mapping[str, str], status: RemoteStatus) -> TaskReply:
    task_id = first_text(body, "task_id", "id") or task_id_header(headers)
    if not task_id:
        raise UnreadableReply("the reply has no task id")
    return TaskReply(
        task_id=task_id,
        status=status,
        poll_url=_url(body.get("poll_url")),
        progress=_progress(body.get("progress")),
        model=one_line(body.get("model")),
        asset_urls=_asset_urls(body),
        billing_transaction_id=first_text(body, "billing_transaction_id")
        or clean_text(headers.get("X-Billing-Transaction-ID", "")),
        error=error_text(body.get("error")),
        request_id=request_id(headers),
    )


def request_id(headers: Mapping[str, str]) -> str:
    """Return the service's id of a request, for support, or "" (API notes 1.4)."""
    return one_line(headers.get("X-Request-ID") or headers.get("X-Request-ID-TokenLab") or "", limit=120)


def error_text(error: object) -> str:
    """Return the message of an error that is a string or an object (API notes 3.1), as one line without addresses."""
    if isinstance(error, Mapping):
        return public_words(error.get("message")) or public_words(error.get("code"))
    return public_words(error)


def first_text(body: Mapping[str, Any], *keys: str) -> str:
    """Return the first of the entries that is a text, or ""."""
    for key in keys:
        if text := clean_text(body.get(key)):
            return text
    return ""


def _progress(value: object) -> int | None:
    return int(max(0, min(100, value))) if is_finite(value) else None


def is_finite(value: object) -> TypeGuard[float]:
    """Whether `value` is a number to work with; unlike `math.isfinite` this takes integers of any size."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -math.inf < value < math.inf


def _url(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    return clean_text(text, limit=MAX_URL) if len(text) <= MAX_URL else ""


def _asset_urls(body: Mapping[str, Any]) -> dict[str, str]:
    urls = {}
    for kind in ("model", "glb", "fbx", "obj", "usdz"):
        if url := _url(body.get(f"{kind}_url")):
            urls[kind] = url
    return urls


def choose_asset(urls: Mapping[str, str], wanted: str) -> str:
    """Return the URL of the file to fetch: the wanted format, else `model_url`, else any, else "" (API notes 3.4)."""
    order: tuple[str, ...] = ("model", "glb", "fbx", "obj", "usdz")
    if wanted != AUTO:
        order = (wanted.lower(), *order)
    for kind in order:
        if url := urls.get(kind):
            return url
    return ""
