# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulator was asked and what it did: the truth that tests compare with. bpy is not allowed here."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from .pictures import PictureError, decode_picture


@dataclass
class Entry:
    """One request. The status stays None when no answer was begun."""

    n: int
    time: float
    origin: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any = None
    status: int | None = None

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass
class Exchange:
    """A request on its way through the simulator."""

    request: web.Request
    entry: Entry
    request_id: str
    raw: bytes = b""
    # A fault took part in the answer, so that the contract says nothing about it.
    faulted: bool = False
    # The answer was withheld on purpose; what the web framework still does is not an answer.
    withheld: bool = False


@dataclass
class Journal:
    entries: list[Entry] = field(default_factory=list)
    contract_violations: list[dict[str, Any]] = field(default_factory=list)

    def open(self, request: web.Request, origin: str) -> Entry:
        entry = Entry(
            n=len(self.entries) + 1,
            time=time.time(),
            origin=origin,
            method=request.method,
            path=request.rel_url.raw_path,
            query=dict(request.query),
            headers=_headers_as_received(request),
        )
        self.entries.append(entry)
        return entry

    def clear(self) -> None:
        self.entries.clear()
        self.contract_violations.clear()


def body_for_journal(raw: bytes) -> Any:
    """The JSON body with the picture replaced by what identifies it; other bodies by size and digest."""
    if not raw:
        return None
    try:
        body = json.loads(raw)
    except ValueError:
        return {"unreadable": True, "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    if isinstance(body, dict) and isinstance(body.get("image"), str):
        body = {**body, "image": _describe_picture(body["image"])}
    return body


def _describe_picture(text: str) -> dict[str, Any]:
    try:
        picture = decode_picture(text)
    except PictureError as problem:
        return {"undecodable": str(problem), "characters": len(text)}
    return {
        "sha256": hashlib.sha256(picture.data).hexdigest(),
        "bytes": len(picture.data),
        "encoding": picture.encoding,
        "type": picture.media_type,
    }


def _headers_as_received(request: web.Request) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in request.raw_headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
