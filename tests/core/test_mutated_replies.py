# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the service answers, the client returns something typed or raises a `ServiceError` with a sentence.

`TOKENLAB_REPLIES=100000` in the environment makes a long run of it.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from core.service.address import Connection
from core.service.client import Client
from core.service.errors import ServiceError
from core.service.transport import Reply, Transport

REPLIES = int(os.environ.get("TOKENLAB_REPLIES", "6000"))
KEY = "sk-secret-key-of-a-test"
HEADERS = {"Content-Type": "application/json", "X-Request-ID": "req_1", "X-Task-ID": "ldtask_1", "Retry-After": "3"}
STATUSES = (*[200] * 20, 201, 204, 301, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 599)
TASK: dict[str, Any] = {
    "id": "ldtask_1",
    "task_id": "ldtask_1",
    "poll_url": "/v1/tasks/ldtask_1",
    "status": "completed",
    "progress": 100,
    "model_url": "https://files.example/a.glb?signature=1",
    "model_urls": {"glb": "https://files.example/a.glb", "fbx": "https://files.example/a.fbx"},
    "result": {"assets": [{"format": "glb", "url": "https://files.example/a.glb"}]},
    "error": None,
    "billing_transaction_id": "billtxn_1",
}
MODEL: dict[str, Any] = {
    "id": "tripo-h3.1",
    "tokenlab": {
        "request_endpoint": "/v1/3d/generations",
        "supported_operations": ["text-to-3d", "image-to-3d"],
        "supported_parameters": ["model", "prompt", "image", "format", "seed"],
        "lifecycle": {"stage": "deprecated", "replacement": "tripo-h4"},
        "pricing": {"lowest_price": "0.1", "highest_price": "0.4", "currency": "USD"},
        "service_limits": {"prompt_max_characters": 1024},
        "request_format_details": {"operations": {"text-to-3d": {"formats": ["glb", "fbx"]}}},
    },
}
ERROR: dict[str, Any] = {
    "error": {
        "message": "prompt: Prompt is required",
        "type": "invalid_request_error",
        "code": "insufficient_balance",
        "param": "prompt",
        "did_you_mean": "tripo-h3.1",
        "hint": "Remove the parameter seed.",
        "retryable": False,
        "balance_usd": 0.12,
        "retry_after": 4,
        "prompt_max_characters": 400,
        "suggestions": [{"id": "tripo-h3.1"}],
    },
    "validation_errors": [{"field": "prompt", "message": "Prompt is required"}],
}
BASES: tuple[object, ...] = (
    TASK,
    {**TASK, "status": "failed", "error": {"message": "no"}},
    MODEL,
    {"data": [MODEL]},
    ERROR,
)
ODD: tuple[object, ...] = (
    None, True, False, 0, -1, 1e308, float("nan"), float("inf"), 10**400, "", " ", "\ud800", "\x00", "a" * 5000, "✓é漢",
    [], {}, [[]], {"": None}, [None], "https://[::1", "http://127.0.0.1:1/x", "javascript:1", "//evil.example/x",
    "NaN", "1e999",
)  # fmt: skip


def mutated(value: object, source: random.Random) -> object:
    """Change one thing somewhere in a reply."""
    if isinstance(value, dict) and value and source.random() < 0.85:
        key = source.choice(list(value))
        kind = source.random()
        if kind < 0.12:
            del value[key]
        elif kind < 0.2:
            value[source.choice(("id", "status", "data", "error", "url", key.upper(), "\ud800"))] = value.pop(key)
        else:
            value[key] = mutated(value[key], source)
        return value
    if isinstance(value, list) and value and source.random() < 0.85:
        place = source.randrange(len(value))
        value[place] = mutated(value[place], source)
        is_flat = not any(isinstance(item, dict | list) for item in value)
        return value * source.choice((1, 1, 1, 300)) if is_flat else value
    if source.random() < 0.1:
        for _ in range(source.choice((1, 5, 2000))):
            value = source.choice(({"data": value}, [value], {"error": value}))
        return value
    return copy.deepcopy(source.choice(ODD))


def as_bytes(value: object, source: random.Random) -> bytes:
    """Write a reply, now and then in a way that is none."""
    try:
        data = json.dumps(value, ensure_ascii=source.random() < 0.5).encode("utf-8", "surrogatepass")
    except (RecursionError, ValueError):
        data = b"[" * 3000 + b"]" * 3000
    kind = source.random()
    if kind < 0.05:
        return data[: source.randrange(len(data) + 1)]
    if kind < 0.1:
        at = source.randrange(len(data) + 1)
        return data[:at] + source.randbytes(3) + data[at:]
    if kind < 0.13:
        return b"\xef\xbb\xbf" + data
    if kind < 0.16:
        return data.decode("utf-8", "replace").encode("utf-16")
    if kind < 0.18:
        return b"<html><body>502 Bad Gateway</body></html>"
    return data


def headers(source: random.Random) -> dict[str, str]:
    found = {name: value for name, value in HEADERS.items() if source.random() < 0.8}
    if source.random() < 0.2:
        name = source.choice(list(HEADERS))
        found[name] = source.choice(("", "nan", "-5", "1e999", "Wed, 99 Foo 2026", "x" * 9000, "\udcff", "\x00", "é"))
    return found


class OneReply:
    """A transport that has the same answer to everything."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    def get(self, _url: str, *, key: str = "", params: Mapping[str, str] | None = None) -> Reply:
        del key, params
        return self.reply

    def post_once(self, _url: str, _body: bytes, **_options: object) -> Reply:
        return self.reply


def check(number: int) -> str:
    """Feed one mutated reply to every question; return what kinds of ends it came to."""
    source = random.Random(number)  # noqa: S311  # the same replies in every run
    value = copy.deepcopy(source.choice(BASES))
    for _ in range(source.choice((1, 1, 2, 4))):
        value = mutated(value, source)
    reply = Reply(source.choice(STATUSES), headers(source), as_bytes(value, source))
    client = Client(cast(Transport, OneReply(reply)), Connection("https://service.example", KEY))
    questions: tuple[Callable[[], object], ...] = (
        lambda: client.create({"model": "tripo-h3.1", "prompt": "chair"}),
        lambda: client.status("ldtask_1", "/v1/tasks/ldtask_1"),
        client.models,
        lambda: client.model("tripo-h3.1"),
        client.test_key,
    )
    ends = ""
    for ask in questions:
        try:
            ask()
            ends += "typed "
        except ServiceError as error:
            sentence = str(error)
            assert sentence.strip().endswith((".", "?")), sentence
            assert KEY not in sentence and "://" not in sentence and "Traceback" not in sentence, sentence
            assert len(sentence) < 1500
            sentence.encode("utf-8")
            ends += type(error).__name__ + " "
    return ends


def test_every_mutated_reply_is_something_typed_or_a_sentence() -> None:
    seen: dict[str, int] = {}
    for number in range(REPLIES):
        try:
            for end in check(number).split():
                seen[end] = seen.get(end, 0) + 1
        except Exception as error:
            pytest.fail(f"reply {number} ended in {type(error).__name__}: {error}")
    print(f"{REPLIES} replies: {seen}")
    assert {"typed", "Refused", "Busy", "Unclear"} <= set(seen)
