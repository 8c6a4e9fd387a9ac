# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service publishes of its models is read tolerantly (API notes 4), and requests are minimal (API notes 2)."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.service.catalogue import (
    Catalogue,
    Detail,
    ModelInfo,
    as_item,
    create_body,
    left_out,
    objection,
    parse_model,
    parse_models,
)
from core.service.contract import AUTO, CREATE_PATH, FORMATS, QUALITIES, GenerationRequest, UnreadableReply
from tests import arbitrary
from tests.arbitrary import HUGE
from tests.simulator import catalogue

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


@pytest.mark.parametrize(
    ("lowest", "highest", "words"),
    [
        ("0.1", "0.4", "$0.10 to $0.40"),
        ("0.35294118", "0.35294118", "$0.353"),
        ("2", "2.00", "$2.00"),
        ("0.75", "", "$0.75"),
        ("", "", ""),
        ("free", "NaN", ""),
        ("-1", "1e99", ""),
        ("Infinity", "1" * 4000, ""),
    ],
)
def test_a_price_is_said_in_dollars_or_not_at_all(lowest: str, highest: str, words: str) -> None:
    assert ModelInfo(id="m", min_price=lowest, max_price=highest).price == words


@given(st.text(max_size=12), st.text(max_size=12))
def test_no_text_makes_saying_a_price_fail(lowest: str, highest: str) -> None:
    assert ModelInfo(id="m", min_price=lowest, max_price=highest).price.count("$") in (0, 1, 2)


def test_maker_name_and_replacement_are_read() -> None:
    (old,) = (model for model in catalogue.MODELS if model.replacement)
    model = model_of(catalogue.detail(old))
    assert (model.provider, model.stage, model.replacement, model.is_ending) == (
        old.maker,
        "deprecated",
        old.replacement,
        True,
    )
    compact = model_of(catalogue.compact_list([old], None)["data"][0])
    assert (compact.provider, compact.is_ending) == (old.maker, True)
    assert model_of({"id": "m", "display_name": " The  Model\n"}).name == "The Model"


def test_what_an_operation_takes_can_differ_from_what_the_model_takes() -> None:
    constraints = [
        {"operation": "image-to-3d", "supported_parameters": ["image_url", "seed"]},
        {"operation": "text-to-4d", "supported_parameters": ["magic"]},
        {"operation": "text-to-3d"},
        "odd",
    ]
    model = model_of(
        details(
            public_operations=["text-to-3d", "image-to-3d"],
            supported_parameters=["seed", "style"],
            operation_constraints=constraints,
        )
    )
    assert model.parameters_for(has_picture=False) == {"seed", "style"}
    assert model.parameters_for(has_picture=True) == {"image_url", "seed"}
    assert set(create_body(GenerationRequest(prompt="p", style="s", seed=1), model, "data:x")) == {
        "model",
        "prompt",
        "image",
        "seed",
    }


def test_a_word_that_is_no_operation_rules_nothing_out() -> None:
    model = model_of({"id": "m", "tokenlab": {"capabilities": ["3d-generation"]}})
    assert (model.takes_pictures, model.takes_text_only) == (None, None)
    assert objection(model, prompt="p", picture_field="image") is None


# ---- what a model takes


BOTH = frozenset({"text-to-3d", "image-to-3d"})
URL_ONLY = ModelInfo(id="m", operations=BOTH, parameters=frozenset({"image_url"}))
INLINE_ONLY = ModelInfo(id="m", operations=BOTH, parameters=frozenset({"image", "seed"}))
TEXT_ONLY = ModelInfo(id="m", operations=frozenset({"text-to-3d"}), prompt_max_characters=5)
PICTURE_ONLY = ModelInfo(id="m", operations=frozenset({"image-to-3d"}))


@pytest.mark.parametrize(
    ("model", "prompt", "picture", "what"),
    [
        (None, "x" * 9999, "image", ""),
        (ModelInfo(id="m"), "x" * 9999, "image", ""),
        (TEXT_ONLY, "chair", "", ""),
        (TEXT_ONLY, "chairs", "", "The prompt has 6 characters, and m takes 5."),
        (TEXT_ONLY, "chair", "image", "m takes text only."),
        (TEXT_ONLY, "chair", "image_url", "m takes text only."),
        (PICTURE_ONLY, "chair", "", "m needs a picture."),
        (PICTURE_ONLY, "chair", "image", ""),
        (URL_ONLY, "chair", "image_url", ""),
        (URL_ONLY, "chair", "image", "m takes a picture by its URL only."),
        (INLINE_ONLY, "chair", "image", ""),
        (INLINE_ONLY, "chair", "image_url", "m takes no image URL."),
    ],
)
def test_only_what_a_model_certainly_does_not_take_is_objected_to(
    model: ModelInfo | None, prompt: str, picture: str, what: str
) -> None:
    found = objection(model, prompt=prompt, picture_field=picture)
    assert (found.what if found else "") == what


# ---- the list and what is known of single models


def test_of_a_list_and_a_detail_the_newer_one_says_what_a_model_costs_and_the_detail_what_it_takes() -> None:
    listed = ModelInfo(id="m", min_price="0.5", max_price="0.6", stage="deprecated")
    detail = ModelInfo(id="m", min_price="0.1", max_price="0.2", parameters=frozenset({"seed"}), stage="active")
    for fetched_at, price in ((100.0, "$0.50 to $0.60"), (300.0, "$0.10 to $0.20")):
        known = Catalogue(fetched_at=200.0, listed=(listed,), details={"m": Detail(info=detail, fetched_at=fetched_at)})
        (model,) = known.models
        assert model == known.find("m")
        assert (model.price, model.parameters) == (price, frozenset({"seed"}))
    assert known.find("other") is None


infos = st.builds(
    ModelInfo,
    id=st.just("m"),
    name=st.sampled_from(["", "A Model"]),
    provider=st.sampled_from(["", "maker"]),
    operations=st.frozensets(st.sampled_from(["text-to-3d", "image-to-3d", "other"])),
    parameters=st.frozensets(st.sampled_from(["format", "seed", "image"])),
    operation_parameters=st.dictionaries(
        st.sampled_from(["text-to-3d", "image-to-3d"]), st.frozensets(st.sampled_from(["seed", "style"]))
    ),
    output_formats=st.lists(st.sampled_from(FORMATS)).map(tuple),
    prompt_max_characters=st.one_of(st.none(), st.integers(1, 10**9)),
    request_endpoint=st.sampled_from(["", CREATE_PATH]),
    stage=st.sampled_from(["", "active", "deprecated"]),
    replacement=st.sampled_from(["", "m-2"]),
    min_price=st.sampled_from(["", "0.1"]),
    max_price=st.sampled_from(["", "0.4"]),
)


@given(infos)
def test_what_is_kept_of_a_model_is_read_as_the_same_model(model: ModelInfo) -> None:
    assert parse_model(json.loads(json.dumps(as_item(model)))) == model


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


@given(requests, st.one_of(st.none(), models))
def test_what_was_chosen_and_does_not_go_along_is_named(request: GenerationRequest, model: ModelInfo | None) -> None:
    body = create_body(request, model, "")
    named = set(left_out(request, body))
    assert named <= {"quality", "style", "seed"}
    assert not named & set(body)
    assert ("seed" in named) == (request.seed is not None and "seed" not in body)
    assert left_out(GenerationRequest(prompt="p"), {}) == []
