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
    CREATE_PATH,
    FORMATS,
    QUALITIES,
    GenerationRequest,
    ModelInfo,
    RemoteStatus,
    UnreadableReply,
    choose_asset,
    create_body,
    parse_model,
    parse_models,
    parse_task_reply,
)
from tests import arbitrary
from tests.arbitrary import HUGE
from tests.simulator import catalogue

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


TASK_FIELDS = ("id", "task_id", "status", "poll_url", "progress", "model", "model_url", "glb_url", "error")


@given(st.one_of(arbitrary.json_values, arbitrary.records(*TASK_FIELDS)))
@example({**SMALLEST, "progress": HUGE})
def test_no_json_makes_reading_a_task_fail_otherwise(body: object) -> None:
    with contextlib.suppress(UnreadableReply):
        reply = parse_task_reply(body, {})
        assert reply.progress is None or 0 <= reply.progress <= 100
        repr(reply).encode("utf-8")


# ---- which file


def test_the_wanted_format_is_fetched_else_the_main_one_else_any() -> None:
    urls = {"model": "m", "glb": "g", "fbx": "f"}
    assert choose_asset(urls, "FBX") == "f"
    assert choose_asset(urls, "USDZ") == "m"
    assert choose_asset(urls, AUTO) == "m"
    assert choose_asset({"obj": "o"}, "GLB") == "o"
    assert choose_asset({}, "GLB") == ""


# ---- models


def details(**changes: Any) -> dict[str, Any]:
    contract = {
        "public_operations": ["text-to-3d"],
        "supported_parameters": ["format", "seed"],
        "output_formats": ["glb", "fbx"],
        "service_limits": {"prompt_max_characters": 400},
        "request_endpoint": CREATE_PATH,
        **changes,
    }
    return {"id": "m", "tokenlab": {"request_format_details": contract}}


def model_of(item: object) -> ModelInfo:
    model = parse_model(item)
    assert model is not None
    return model


def test_a_model_says_what_it_takes() -> None:
    model = model_of(details())
    assert model.parameters == {"format", "seed"}
    assert model.output_formats == ("GLB", "FBX")
    assert (model.prompt_max_characters, model.request_endpoint) == (400, CREATE_PATH)
    assert (model.takes_text_only, model.takes_pictures) == (True, False)


@pytest.mark.parametrize("extension", ["tokenlab", "lemondata"])
@pytest.mark.parametrize(
    "name", ["request_format_details", "public_contract", "request_format_summary", "public_contract_summary"]
)
def test_older_names_of_the_same_data_are_read(extension: str, name: str) -> None:
    model = model_of({"id": "m", extension: {name: details()["tokenlab"]["request_format_details"]}})
    assert (model.output_formats, model.request_endpoint) == (("GLB", "FBX"), CREATE_PATH)


@pytest.mark.parametrize(
    ("changes", "takes_pictures", "takes_text_only"),
    [
        ({"public_operations": ["image-to-3d"]}, True, False),
        ({"public_operations": [], "supported_parameters": ["image_url"]}, True, None),
        ({"public_operations": [], "supported_parameters": []}, None, None),
        ({"public_operations": None, "supported_parameters": "image"}, None, None),
    ],
)
def test_what_is_not_published_is_not_known(
    changes: dict[str, Any], takes_pictures: bool | None, takes_text_only: bool | None
) -> None:
    model = model_of(details(**changes))
    assert (model.takes_pictures, model.takes_text_only) == (takes_pictures, takes_text_only)


@pytest.mark.parametrize("limit", [None, 0, -1, True, "400", float("nan"), float("inf"), [400]])
def test_only_a_positive_number_limits_the_prompt(limit: object) -> None:
    model = model_of(details(service_limits={"prompt_max_characters": limit}))
    assert model.prompt_max_characters is None


@pytest.mark.parametrize(
    ("item", "prices"),
    [
        ({"pricing": {"min_price": "0.1", "max_price": "0.4"}}, ("0.1", "0.4")),
        ({"pricing": {"per_request": "0.3"}}, ("0.3", "0.3")),
        ({"tokenlab": {"pricing_summary": {"min_price": "0.1", "max_price": "0.4"}}}, ("0.1", "0.4")),
        ({"tokenlab": {"pricing": {"per_request": "0.3", "currency": "USD"}}}, ("0.3", "0.3")),
        ({"tokenlab": {"pricing_summary": {"unit": "request"}, "pricing": {"per_request": "0.3"}}}, ("0.3", "0.3")),
        ({"tokenlab": {"pricing": {"per_request": None}}}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_the_price_is_found_in_every_view(item: dict[str, Any], prices: tuple[str, str]) -> None:
    model = model_of({"id": "m", **item})
    assert (model.min_price, model.max_price) == prices


def test_of_a_list_only_the_models_of_our_endpoint_are_kept() -> None:
    models = catalogue.select_models("3d", None, None)
    ours = [model.id for model in models if model.endpoint == CREATE_PATH]
    unknown = [model.id for model in models if not model.publishes_details]
    assert unknown
    for view in (catalogue.compact_list, catalogue.full_list):
        assert [model.id for model in parse_models(view(models, None))] == ours


def test_every_view_of_a_model_says_the_same_of_inputs_and_price() -> None:
    for model in catalogue.select_models("3d", None, None):
        views = [
            model_of(catalogue.detail(model)),
            parse_model(catalogue.full_list([model], None)["data"][0]),
            parse_model(catalogue.compact_list([model], None)["data"][0]),
        ]
        assert len({(view.operations, view.min_price, view.max_price, view.stage) for view in views if view}) == 1


@pytest.mark.parametrize("body", [None, [], {}, {"data": None}, {"data": {}}, "x"])
def test_an_answer_without_a_list_is_unreadable(body: object) -> None:
    with pytest.raises(UnreadableReply):
        parse_models(body)


MODEL_FIELDS = ("id", "tokenlab", "lemondata", "pricing", "status", "capabilities", "supported_operations")
INNER_FIELDS = ("request_format_details", "public_contract", "lifecycle", "pricing_summary", "pricing")
CONTRACT_FIELDS = ("public_operations", "supported_parameters", "output_formats", "service_limits", "request_endpoint")


@given(st.one_of(arbitrary.json_values, arbitrary.records(*MODEL_FIELDS)))
def test_no_json_makes_reading_a_model_fail(item: object) -> None:
    parse_model(item)
    with contextlib.suppress(UnreadableReply):
        parse_models(item)
    assert parse_models({"data": [item]}) is not None


@given(arbitrary.records(*INNER_FIELDS), arbitrary.records(*CONTRACT_FIELDS), arbitrary.json_values)
@example({}, {}, HUGE)
def test_no_json_deep_inside_makes_reading_a_model_fail(
    extension: dict[str, object], contract: dict[str, object], limit: object
) -> None:
    contract.setdefault("service_limits", {"prompt_max_characters": limit})
    extension.setdefault("request_format_details", contract)
    model = model_of({"id": "m", "tokenlab": extension})
    assert model.takes_pictures in (True, False, None)


# ---- requests

requests = st.builds(
    GenerationRequest,
    prompt=st.text(max_size=20),
    format=st.sampled_from([AUTO, *FORMATS]),
    quality=st.sampled_from([AUTO, *QUALITIES]),
    style=st.text(max_size=5),
    seed=st.one_of(st.none(), st.integers(0, 2**31 - 1)),
    image_url=st.sampled_from(["", "https://example.com/a.png"]),
)
OPTIONAL = ("format", "quality", "style", "seed")
models = st.builds(
    ModelInfo,
    id=st.just("m"),
    parameters=st.frozensets(st.sampled_from([*OPTIONAL, "image", "user"])),
    output_formats=st.lists(st.sampled_from(FORMATS)).map(tuple),
)


@given(requests, st.one_of(st.none(), models), st.sampled_from(["", "data:image/png;base64,AAAA"]))
def test_nothing_optional_is_sent_that_the_model_does_not_list(
    request: GenerationRequest, model: ModelInfo | None, image: str
) -> None:
    body = create_body(request, model, image)
    listed = model.parameters if model else frozenset()
    assert set(body) <= {"model", "prompt", "image", "image_url"} | (set(OPTIONAL) & listed)
    assert (body["model"], body["prompt"]) == (request.model, request.prompt)
    assert not ("image" in body and "image_url" in body)
    assert AUTO.lower() not in (body.get("format"), body.get("quality"))
    if model and model.output_formats and "format" in body:
        assert str(body["format"]).upper() in model.output_formats


def test_what_the_model_lists_and_the_user_chose_is_sent_in_the_services_words() -> None:
    request = GenerationRequest(prompt="p", format="FBX", quality="HIGH", style="clay", seed=0)
    model = ModelInfo(id="m", parameters=frozenset(OPTIONAL), output_formats=("GLB", "FBX"))
    assert create_body(request, model, "") == {
        "model": "tripo-h3.1",
        "prompt": "p",
        "format": "fbx",
        "quality": "high",
        "style": "clay",
        "seed": 0,
    }


def test_a_picture_of_ones_own_goes_before_an_address() -> None:
    request = GenerationRequest(prompt="p", image_url="https://example.com/a.png")
    assert create_body(request, None, "data:x")["image"] == "data:x"
    assert create_body(request, None, "")["image_url"] == "https://example.com/a.png"
