# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every answer that is no success becomes an exception of the right kind, and a sentence that a user can act on."""

from __future__ import annotations

import re
from email.utils import formatdate
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.service import errors
from core.service.errors import (
    Busy,
    During,
    Refused,
    ServiceError,
    Stopped,
    Unclear,
    Unreachable,
    from_answer,
    retry_after_seconds,
)
from tests import arbitrary
from tests.arbitrary import HUGE

ALL_DURING: tuple[During, ...] = get_args(During)
NOW = 1_790_000_000.0


def error(code: str = "", **details: Any) -> dict[str, Any]:
    return {
        "error": {"message": "The service's words.", "type": "some_type", **({"code": code} if code else {}), **details}
    }


def check_sentence(sentence: str) -> None:
    """What happened, what it means for the money or the task, what to do next; and nothing private or technical."""
    assert sentence == sentence.strip()
    assert len(re.findall(r"[.?](?:\s|$)", sentence)) >= 2, sentence
    assert sentence.endswith((".", "?"))
    assert ".." not in sentence
    for word in ("http://", "https://", "None", "Traceback", "Error(", "nan", "{", "}", "\n", "  "):
        assert word not in sentence, sentence


# ---- the status table (API notes 5.2): what a create answer means

ROWS: list[tuple[int, object, type[ServiceError], str]] = [
    (301, None, Refused, "points somewhere else"),
    (307, None, Refused, "points somewhere else"),
    (400, error(param="prompt"), Refused, "The service's words"),
    (400, error("unsupported_parameter"), Refused, "Change the request"),
    (400, error("model_not_found", did_you_mean="tripo-h3.1"), Refused, "Did you mean tripo-h3.1?"),
    (400, error("model_not_found"), Refused, "Choose another model"),
    (400, None, Refused, "gave no reason"),
    (401, error("invalid_api_key"), Refused, "Check the key"),
    (401, error("expired_api_key"), Refused, "The API key has expired. Nothing was charged. Check the key"),
    (401, None, Refused, "Check the key"),
    (402, error("insufficient_balance", balance_usd=0.05), Refused, "$0.05"),
    (402, error("insufficient_balance"), Refused, "balance does not cover"),
    (402, error("quota_exceeded"), Refused, "Raise the limit"),
    (403, error("model_not_allowed"), Refused, "another model"),
    (403, "<html>", Refused, "another model"),
    (404, None, Refused, "Check the service address in the preferences"),
    (404, error("not_found"), Refused, "Check the service address in the preferences"),
    (404, error("model_not_found"), Refused, "Choose another model"),
    (408, error(), Unclear, "dashboard"),
    (409, error("task_not_cancellable"), Refused, "refused"),
    (413, error("payload_too_large"), Refused, "is 20 MB. Nothing was charged. Make it smaller"),
    (422, error(), Refused, "refused"),
    (429, error("rate_limit_exceeded"), Busy, "too many requests"),
    (429, None, Busy, "too many requests"),
    (500, error(), Unclear, "dashboard"),
    (502, "<html>", Unclear, "dashboard"),
    (503, error("all_channels_failed"), Busy, "no capacity"),
    (503, error("delivery_tier_unavailable"), Busy, "no capacity in the chosen delivery tier"),
    (503, None, Unclear, "dashboard"),
    (503, {"error": {}}, Unclear, "dashboard"),
    (504, error(), Unclear, "dashboard"),
    (520, "<html>", Unclear, "dashboard"),
]


@pytest.mark.parametrize(("status", "body", "kind", "words"), ROWS)
def test_each_answer_to_a_create_has_its_kind_and_its_sentence(
    status: int, body: object, kind: type[ServiceError], words: str
) -> None:
    problem = from_answer(status, {"X-Request-ID": "req_1"}, body, during="create")
    assert type(problem) is kind
    assert (problem.status, problem.request_id) == (status, "req_1")
    check_sentence(str(problem))
    assert words in str(problem)
    # "Certainly not accepted" is said only when it is certain (architecture, section 3).
    assert ("charged" in str(problem)) == (kind is not Unclear)
    assert ("may have started a paid task" in str(problem)) == (kind is Unclear)


@pytest.mark.parametrize("during", ALL_DURING)
@pytest.mark.parametrize(("status", "body", "kind", "_words"), ROWS)
def test_every_sentence_is_complete_whatever_was_being_done(
    status: int, body: object, kind: type[ServiceError], _words: str, during: During
) -> None:
    problem = from_answer(status, {}, body, during=during)
    says_nothing_of_a_task = (status, during) == (404, "status")
    assert type(problem) is (Unclear if says_nothing_of_a_task else kind)
    check_sentence(str(problem))


@pytest.mark.parametrize("during", ALL_DURING)
def test_the_ways_of_getting_no_answer_have_sentences(during: During) -> None:
    for problem in (
        errors.unreachable("api.example.com", during),
        errors.unreachable("api.example.com", during, "no answer in time"),
        errors.no_answer(during),
        errors.stopped(during, sent=True),
        errors.stopped(during, sent=False),
    ):
        check_sentence(str(problem))


def test_no_connection_means_that_nothing_was_sent() -> None:
    problem = errors.unreachable("api.example.com", "create", "no answer in time")
    assert isinstance(problem, Unreachable)
    assert "api.example.com" in str(problem)
    assert "(no answer in time)" in str(problem)
    assert "Nothing was sent or charged." in str(problem)


def test_a_create_that_we_cut_off_is_not_said_to_be_free_once_it_was_sent() -> None:
    unsent, sent = errors.stopped("create", sent=False), errors.stopped("create", sent=True)
    assert isinstance(sent, Stopped)
    assert (unsent.sent, sent.sent) == (False, True)
    assert "Nothing was charged." in str(unsent)
    assert "charged" not in str(sent)
    assert "may have started a paid task" in str(sent)


def test_a_task_that_the_service_forgot_is_told_apart_and_not_sent_again() -> None:
    problem = from_answer(404, {}, error("async_task_not_found"), during="status")
    assert (type(problem), problem.status, problem.code) == (Refused, 404, "async_task_not_found")
    assert "no longer knows this task" in str(problem)
    assert "dashboard" in str(problem)


@pytest.mark.parametrize(
    "body",
    [
        None,
        "<html>",
        {"error": "Not Found"},
        {"error": {"message": "no Route matched"}},
        {"error": {"message": "No such route.", "type": "not_found_error"}},
        {"error": {"message": "Unknown request URL", "type": "invalid_request_error", "code": "unknown_url"}},
        {"detail": "Not Found"},
    ],
)
def test_a_404_that_any_server_gives_does_not_say_that_a_task_is_gone(body: object) -> None:
    problem = from_answer(404, {}, body, during="status")
    assert type(problem) is Unclear
    assert "The task goes on at the service." in str(problem)


def test_a_service_that_says_that_waiting_is_of_no_use_is_not_asked_again() -> None:
    body = error("all_channels_failed", retryable=False)
    refused = from_answer(503, {}, body, during="create")
    assert type(refused) is Refused
    assert str(refused).endswith("Nothing was charged. Choose another model, or generate again later.")
    assert type(from_answer(503, {}, body, during="status")) is Busy, "the task goes on all the same"
    assert type(from_answer(429, {}, error(retryable=False), during="create")) is Busy
    assert type(from_answer(503, {}, error("all_channels_failed", retryable=True), during="create")) is Busy


@pytest.mark.parametrize(
    "foreign",
    [
        {"error": "upstream connect error or disconnect/reset before headers. reset reason: connection failure"},
        {"error": {"code": 503, "message": "The service is currently unavailable.", "status": "UNAVAILABLE"}},
        {"error": {"message": "Service Unavailable"}},
        {"error": {"message": "no", "code": "ServiceUnavailable"}},
        {"error": {"message": "no", "type": 5, "code": None}},
        {"error": {"message": "no", "type": " "}},
        {"error": {"message": "no", "type": "None", "param": "None", "code": "503"}},
        {"error": {"message": "no", "type": "new_api_error", "code": "do_request_failed"}},
        {"error": {"message": "no", "type": "upstream_error", "retryable": False}},
        {"error": {"message": "no", "type": "timeout_error", "code": "upstream_timeout", "retryable": True}},
        {"error": {"message": "no", "retryable": True}},
    ],
)
def test_a_503_of_something_between_here_and_the_service_does_not_say_that_a_create_is_free(foreign: object) -> None:
    assert type(from_answer(503, {"Retry-After": "1"}, foreign, during="create")) is Unclear
    assert type(from_answer(503, {}, foreign, during="status")) is Busy, "asking again is free"


@pytest.mark.parametrize(
    "inner",
    [
        {"type": "all_channels_failed"},
        {"code": "delivery_tier_unavailable"},
        {"type": "server_error", "code": "all_channels_failed", "retryable": True},
    ],
)
def test_the_service_s_own_503_is_known_by_its_type_or_its_code(inner: dict[str, object]) -> None:
    assert type(from_answer(503, {}, {"error": inner}, during="create")) is Busy


def test_a_task_of_another_workspace_says_what_key_it_wants() -> None:
    sentence = str(from_answer(403, {}, error("task_not_owned"), during="status"))
    assert "Use a key of the workspace that the task belongs to: with another key" in sentence
    assert "model" not in sentence


def test_the_code_falls_back_to_the_type() -> None:
    assert from_answer(400, {}, error(), during="create").code == "some_type"
    assert from_answer(400, {}, {"error": "only words"}, during="create").code == ""


def test_validation_errors_are_shown_when_there_is_no_message() -> None:
    body = {
        "error": {"type": "invalid_request_error"},
        "validation_errors": [{"field": "prompt", "message": "Too long"}],
    }
    assert "Too long." in str(from_answer(400, {}, body, during="create"))


def test_the_service_s_hint_is_the_advice_where_there_is_no_better_one() -> None:
    hint = "Remove the parameter seed."
    sentence = str(from_answer(400, {}, error("unsupported_parameter", hint=hint), during="create"))
    assert sentence.endswith("Nothing was charged. Remove the parameter seed.")
    for odd in (None, "", " . ", 5, ["x"], "https://evil.example/x"):
        check_sentence(str(from_answer(400, {}, error(hint=odd), during="create")))
    assert hint not in str(from_answer(402, {}, error("insufficient_balance", hint=hint), during="create"))
    assert "evil" not in str(from_answer(400, {}, error(hint="See https://evil.example/x."), during="create"))


def test_a_prompt_that_is_too_long_is_said_with_the_limit() -> None:
    sentence = str(from_answer(400, {}, error(param="prompt", prompt_max_characters=1024), during="create"))
    assert sentence.endswith("Nothing was charged. Shorten the prompt to 1024 characters and generate again.")
    for odd in (None, True, 0, -5, 0.2, float("nan"), HUGE, "1024", [1]):
        check_sentence(str(from_answer(400, {}, error(prompt_max_characters=odd), during="create")))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (error(param="image"), "image"),
        ({**error(), "validation_errors": [{"field": "image", "message": "Bad"}]}, "image"),
        ({**error(param="prompt"), "validation_errors": [{"field": "image"}]}, "prompt"),
        ({**error(), "validation_errors": [{"field": 5}]}, ""),
        ({**error(), "validation_errors": ["image"]}, ""),
        ({**error(), "validation_errors": {}}, ""),
        ([], ""),
    ],
)
def test_the_field_that_is_wrong_is_named_in_one_of_two_places(body: object, param: str) -> None:
    problem = from_answer(400, {}, body, during="create")
    assert isinstance(problem, Refused)
    assert problem.param == param


@pytest.mark.parametrize("during", ALL_DURING)
def test_words_of_the_service_bring_neither_addresses_nor_keys_into_a_sentence(during: During) -> None:
    words = "Cannot fetch https://user.example.com/private.png?token=abc with sk-0123456789abcdef"
    bodies = (
        error(message=words),
        {"error": words},
        {"error": {"type": words}, "validation_errors": [{"message": words}]},
        error("model_not_found", model=words, did_you_mean=words),
    )
    for body in bodies:
        problem = from_answer(400, {}, body, during=during)
        assert "private.png" not in str(problem)
        assert "sk-0123" not in str(problem)
        check_sentence(str(problem))


@pytest.mark.parametrize("balance", [HUGE, float("nan"), float("inf"), "0.05", True, None, [1]])
def test_a_balance_that_is_no_sensible_number_is_not_shown(balance: object) -> None:
    sentence = str(from_answer(402, {}, error(balance_usd=balance), during="create"))
    assert "The balance does not cover this task." in sentence
    check_sentence(sentence)


# ---- how long to wait


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, error(retry_after=9), 7.0),
        ({"Retry-After": "0"}, {}, 0.0),
        ({"Retry-After": "-3"}, {}, 0.0),
        ({"Retry-After": formatdate(NOW + 30, usegmt=True)}, {}, 30.0),
        ({"Retry-After": formatdate(NOW - 30, usegmt=True)}, {}, 0.0),
        ({"Retry-After": "soon"}, error(retry_after=9), 9.0),
        ({"Retry-After": "nan"}, error(retry_after=1.5), 1.5),
        ({"Retry-After": "99999999"}, {}, None),
        ({}, {"retry_after": 4}, 4.0),
        ({}, {"error": "words", "retry_after": "4"}, 4.0),
        ({}, error(retry_after=HUGE), None),
        ({}, error(retry_after=[1]), None),
        ({}, "<html>", None),
        ({}, None, None),
    ],
)
def test_the_wait_comes_from_the_header_then_the_error_then_the_body(
    headers: dict[str, str], body: object, seconds: float | None
) -> None:
    assert retry_after_seconds(headers, body, now=NOW) == seconds


def test_a_busy_answer_brings_the_wait_along() -> None:
    assert from_answer(429, {"Retry-After": "3"}, None, during="create").retry_after == 3.0
    assert from_answer(503, {}, error(retry_after=5), during="status").retry_after == 5.0


# ---- hostile answers

ERROR_FIELDS = ("message", "type", "code", "param", "model", "did_you_mean", "retry_after", "balance_usd", "hint")
error_bodies = arbitrary.records(*ERROR_FIELDS).map(lambda inner: {"error": inner})


@given(
    st.integers(300, 599),
    st.one_of(arbitrary.json_values, error_bodies, arbitrary.records("error", "validation_errors", "retry_after")),
    st.sampled_from(ALL_DURING),
)
@example(402, error("insufficient_balance", balance_usd=HUGE), "create")
@example(429, error(retry_after=HUGE), "create")
def test_no_answer_makes_the_translation_fail(status: int, body: object, during: During) -> None:
    problem = from_answer(status, {}, body, during=during)
    assert isinstance(problem, ServiceError)
    str(problem).encode("utf-8")
    assert problem.retry_after is None or 0 <= problem.retry_after <= 86_400


@given(st.one_of(st.text(), st.from_regex(r"[A-Za-z]{3}, \d{1,3} [A-Za-z]{3} \d{1,5} \d\d:\d\d:\d\d .{0,6}")))
@example("Mon, 01 Jan 9999 00:00:00 -9999")
@example("Tue, 15 Nov 0001 12:45:26 GMT")
def test_no_header_makes_the_wait_fail(value: str) -> None:
    seconds = retry_after_seconds({"Retry-After": value}, None)
    assert seconds is None or 0 <= seconds <= 86_400
