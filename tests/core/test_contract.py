# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies of the service are read tolerantly (API notes 10), and requests are minimal (API notes 2)."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.service.contract import (
    AUTO,
    MAX_URL,
    RemoteStatus,
    UnreadableReply,
    choose_asset,
    parse_created,
    parse_task_reply,
)
from tests import arbitrary
from tests.arbitrary import HUGE

ID = "ldtask_0123456789abcdef0123456789abcdef"
SMALLEST: dict[str, Any] = {"id": ID, "status": "pending"}


# ---- task replies


def test_an_id_and_a_status_are_enough() -> None:
    reply = parse_task_reply(SMALLEST, {})
    assert (reply.task_id, reply.status, reply.poll_url, reply.progress) == (ID, RemoteStatus.PENDING, "", None)
    assert (reply.asset_urls, reply.error, reply.request_id, reply.billing_transaction_id) == ({}, "", "", "")


def test_everything_that_is_documented_is_taken_over() -> None:
    body = {
        **SMALLEST,
        "task_id": ID,
        "poll_url": f"/v1/tasks/{ID}",
        "status": "completed",
        "progress": 100,
        "model": "tripo-h3.1",
        "model_url": "https://cdn.example.com/a",
        "glb_url": "https://cdn.example.com/b",
        "fbx_url": "https://cdn.example.com/c",
        "obj_url": "https://cdn.example.com/d",
        "usdz_url": "https://cdn.example.com/e",
        "billing_transaction_id": "billtxn_1",
        "_routing": {"channel": "primary"},
    }
    reply = parse_task_reply(body, {"X-Request-ID": "req_1"})
    assert (reply.poll_url, reply.status, reply.progress) == (f"/v1/tasks/{ID}", RemoteStatus.COMPLETED, 100)
    assert list(reply.asset_urls) == ["model", "glb", "fbx", "obj", "usdz"]
    assert (reply.model, reply.billing_transaction_id, reply.request_id) == ("tripo-h3.1", "billtxn_1", "req_1")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", RemoteStatus.PENDING),
        ("queued", RemoteStatus.PENDING),
        ("processing", RemoteStatus.PROCESSING),
        ("PROCESSING", RemoteStatus.PROCESSING),
        ("texturing", RemoteStatus.PROCESSING),
        ("completed", RemoteStatus.COMPLETED),
        ("succeeded", RemoteStatus.COMPLETED),
        (" Completed ", RemoteStatus.COMPLETED),
        ("failed", RemoteStatus.FAILED),
        ("cancelled", RemoteStatus.FAILED),
        ("canceled", RemoteStatus.FAILED),
        ("expired", RemoteStatus.FAILED),
        ("timeout", RemoteStatus.FAILED),
    ],
)
def test_each_word_for_a_status_is_understood_and_an_unknown_one_means_running(word: str, status: RemoteStatus) -> None:
    assert parse_task_reply({**SMALLEST, "status": word}, {}).status is status


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "ok",
        {},
        {"id": ID},
        {"status": "pending"},
        {"id": "", "status": "pending"},
        {"id": 5, "status": "pending"},
        {"id": ID, "status": None},
        {"id": ID, "status": " "},
        {"error": {"message": "no"}},
    ],
)
def test_a_reply_without_id_or_status_is_unreadable(body: object) -> None:
    with pytest.raises(UnreadableReply):
        parse_task_reply(body, {})


@pytest.mark.parametrize("status", [None, 5, "", " ", ["pending"]])
def test_a_created_task_without_a_status_is_pending(status: object) -> None:
    reply = parse_created({"id": ID, "status": status}, {})
    assert (reply.task_id, reply.status) == (ID, RemoteStatus.PENDING)
    assert parse_created({"id": ID, "status": "completed"}, {}).status is RemoteStatus.COMPLETED


@pytest.mark.parametrize("body", [None, [], "ok", {}, {"id": 5}, {"status": "pending"}])
def test_a_created_task_needs_an_id_from_somewhere(body: object) -> None:
    assert parse_created(body, {"X-Task-ID": ID}).task_id == ID
    with pytest.raises(UnreadableReply):
        parse_created(body, {})


def test_the_id_may_come_under_three_names() -> None:
    assert parse_task_reply({"task_id": ID, "id": "other", "status": "x"}, {}).task_id == ID
    assert parse_task_reply({"task_id": None, "id": ID, "status": "x"}, {}).task_id == ID
    assert parse_task_reply({"status": "x"}, {"X-Task-ID": ID}).task_id == ID


@pytest.mark.parametrize(
    ("value", "progress"),
    [
        (0, 0),
        (42, 42),
        (42.9, 42),
        (-5, 0),
        (250, 100),
        (HUGE, 100),
        (-HUGE, 0),
        (float("nan"), None),
        (float("inf"), None),
        (True, None),
        ("50", None),
        (None, None),
    ],
)
def test_only_a_real_number_is_a_progress(value: object, progress: int | None) -> None:
    assert parse_task_reply({**SMALLEST, "progress": value}, {}).progress == progress


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("A short sentence.", "A short sentence."),
        ({"code": "some_code", "message": "Two\nlines"}, "Two lines"),
        ({"code": "some_code"}, "some_code"),
        ({"message": 5}, ""),
        ([], ""),
        (None, ""),
        ("No file at https://cdn.example.com/a.glb?signature=secret", "No file at …"),
    ],
)
def test_a_failure_may_be_a_string_or_an_object_and_brings_no_address_along(error: object, text: str) -> None:
    assert parse_task_reply({**SMALLEST, "error": error}, {}).error == text


def test_the_billing_id_may_come_as_a_header() -> None:
    assert parse_task_reply(SMALLEST, {"X-Billing-Transaction-ID": "b"}).billing_transaction_id == "b"


def test_addresses_are_not_shown_when_a_reply_is_printed() -> None:
    assert "secret" not in repr(parse_task_reply({**SMALLEST, "glb_url": "https://x/?secret"}, {}))


def test_an_address_is_kept_whole_or_not_at_all() -> None:
    long, longest, too_long = ("https://x/?" + "s" * (size - 11) for size in (5_000, MAX_URL, MAX_URL + 1))
    body = {**SMALLEST, "poll_url": too_long, "model_url": too_long, "glb_url": long, "fbx_url": f" {longest} "}
    reply = parse_task_reply(body, {})
    assert reply.asset_urls == {"glb": long, "fbx": longest}
    assert reply.poll_url == ""
    assert parse_task_reply({**SMALLEST, "poll_url": long}, {}).poll_url == long


TASK_FIELDS = ("id", "task_id", "status", "poll_url", "progress", "model", "model_url", "glb_url", "error")


@given(st.one_of(arbitrary.json_values, arbitrary.records(*TASK_FIELDS)))
@example({**SMALLEST, "progress": HUGE})
def test_no_json_makes_reading_a_task_fail_otherwise(body: object) -> None:
    with contextlib.suppress(UnreadableReply):
        reply = parse_task_reply(body, {})
        assert reply.progress is None or 0 <= reply.progress <= 100
        repr(reply).encode("utf-8")
    with contextlib.suppress(UnreadableReply):
        assert parse_created(body, {}).task_id


# ---- which file


def test_the_wanted_format_is_fetched_else_the_main_one_else_any() -> None:
    urls = {"model": "m", "glb": "g", "fbx": "f"}
    assert choose_asset(urls, "FBX") == "f"
    assert choose_asset(urls, "USDZ") == "m"
    assert choose_asset(urls, AUTO) == "m"
    assert choose_asset({"obj": "o"}, "GLB") == "o"
    assert choose_asset({}, "GLB") == ""
