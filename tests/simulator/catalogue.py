# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models of API notes 4.4 in every view in which the service shows them. bpy is not allowed here.

Price ranges and ids are the published ones. What each model accepts is chosen so that every kind of entry exists:
`tripo-p1.0` is text-only and `hyper3d-gen2` publishes nothing; `seed3d-1.0` is invented, as a deprecated model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .configuration import CREATE_PATH

WORLDS_PATH = "/v1/worlds/generations"
RELEASED = 1770000000
TEXT = "text-to-3d"
IMAGE = "image-to-3d"
PICTURE_PARAMETERS = ("image", "image_url")
UPDATED_AT = "2026-09-01T00:00:00.000Z"
MAX_EDIT_DISTANCE = 3


@dataclass(frozen=True)
class Model:
    id: str
    maker: str
    lowest: str
    highest: str
    category: str = "3d"
    operations: tuple[str, ...] = (TEXT,)
    parameters: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("glb",)
    endpoint: str | None = CREATE_PATH
    prompt_cap: int | None = None
    publishes_details: bool = True
    delivers_zip: bool = False
    replacement: str | None = None
    success_rate: float | None = None
    aliases: tuple[str, ...] = ()

    @property
    def stage(self) -> str:
        return "deprecated" if self.replacement else "active"


MODELS: tuple[Model, ...] = (
    Model(
        id="tripo-h3.1",
        maker="tripo3d",
        lowest="0.1",
        highest="0.4",
        operations=(TEXT, IMAGE),
        parameters=(*PICTURE_PARAMETERS, "format", "seed", "quality", "style", "user"),
        formats=("glb", "fbx", "obj", "usdz"),
        prompt_cap=1024,
        success_rate=0.98,
    ),
    Model(
        id="tripo-p1.0",
        maker="tripo3d",
        lowest="0.3",
        highest="0.5",
        parameters=("format", "seed"),
        formats=("glb", "fbx"),
        prompt_cap=1024,
        success_rate=0.95,
    ),
    Model(
        id="hyper3d-gen2",
        maker="hyper3d",
        lowest="0.75",
        highest="2.25",
        operations=(TEXT, IMAGE),
        parameters=PICTURE_PARAMETERS,
        prompt_cap=400,
        publishes_details=False,
    ),
    Model(
        id="hitem3d-2.0",
        maker="hitem3d",
        lowest="0.7",
        highest="0.9",
        operations=(IMAGE,),
        parameters=(*PICTURE_PARAMETERS, "format"),
        formats=("obj", "glb", "fbx", "usdz"),
        success_rate=0.91,
    ),
    Model(
        id="seed3d-2.0",
        maker="bytedance",
        lowest="0.35294118",
        highest="0.35294118",
        operations=(IMAGE,),
        parameters=PICTURE_PARAMETERS,
        delivers_zip=True,
        success_rate=0.97,
    ),
    Model(
        id="seed3d-1.0",
        maker="bytedance",
        lowest="0.3",
        highest="0.3",
        operations=(IMAGE,),
        parameters=PICTURE_PARAMETERS,
        delivers_zip=True,
        replacement="seed3d-2.0",
    ),
    *(
        # Listed under 3D, but another protocol: the trap of API notes 4.4.
        Model(id=name, maker="world-labs", lowest="0.12", highest="2.48", operations=operations, endpoint=WORLDS_PATH)
        for name, operations in (
            ("marble-1.0", ("text-to-world", "image-to-world")),
            ("marble-1.0-draft", ("text-to-world", "image-to-world")),
            ("marble-1.1", ("text-to-world", "image-to-world")),
            ("marble-1.1-plus", ("text-to-world", "image-to-world")),
        )
    ),
    # Not 3D, so that a client that forgets the category filter is noticed.
    Model(
        id="seedream-4.5",
        maker="bytedance",
        lowest="0.04",
        highest="0.04",
        category="image",
        operations=("text-to-image",),
        endpoint="/v1/images/generations",
    ),
)


def find_model(identifier: str) -> Model | None:
    return next((model for model in MODELS if identifier == model.id or identifier in model.aliases), None)


def closest_id(identifier: str) -> str | None:
    """The service ignores hyphens and case and forgives three wrong characters (API notes 9, item 4)."""
    plain = _without_hyphens(identifier)
    distance, best = min((_edit_distance(plain, _without_hyphens(model.id)), model.id) for model in MODELS)
    return best if distance <= MAX_EDIT_DISTANCE else None


def select_models(category: str | None, recommended_for: str | None, provider: str | None) -> list[Model]:
    wanted = category or recommended_for
    chosen = [model for model in MODELS if wanted in (None, model.category) and provider in (None, model.maker)]
    if recommended_for:
        chosen.sort(key=lambda model: -(model.success_rate or 0.0))
    return chosen


def full_list(models: Sequence[Model], recommended_for: str | None) -> dict[str, Any]:
    return {
        "object": "list",
        "data": [_list_item(model, rank, recommended_for) for rank, model in enumerate(models, 1)],
    }


def compact_list(models: Sequence[Model], recommended_for: str | None) -> dict[str, Any]:
    items = [_compact_item(model, rank, recommended_for) for rank, model in enumerate(models, 1)]
    return {"object": "list", "view": "compact", "count": len(items), "data": items}


def detail(model: Model) -> dict[str, Any]:
    extension = _common_extension(model)
    extension["accepted_request_formats"] = []
    extension["request_format_summary"] = _full_summary(model)
    extension["request_format_details"] = _details(model)
    if model.publishes_details:
        extension["supported_operations"] = list(model.operations)
        extension["pricing_provenance"] = {"source": "platform"}
    return _wrap(model, extension)


def pricing(model: Model) -> dict[str, Any]:
    return {
        "model": model.id,
        "pricing_unit": "per_request",
        "has_complex_pricing": _has_range(model),
        "supported_operations": list(model.operations),
        "pricing_summary": _price_range(model),
        "pricing_provenance": {"source": "platform"},
        "pricing_details": None,
        "scalar_pricing": _scalar_price(model),
    }


def pricing_list(models: Sequence[Model]) -> dict[str, Any]:
    return {
        "object": "pricing",
        "updated_at": UPDATED_AT,
        "currency": "USD",
        "data": [
            {
                "model": model.id,
                "provider": model.maker,
                "is_lock_price": True,
                "capabilities": list(model.operations),
                "aliases": list(model.aliases),
                "lock_price_per_request": None if _has_range(model) else model.lowest,
                "has_complex_pricing": _has_range(model),
                "pricing_summary": _price_range(model),
            }
            for model in models
        ],
    }


def supported_parameters(model: Model) -> list[str]:
    return ["model", "prompt", *model.parameters]


def recommended_request(model: Model) -> dict[str, Any]:
    """The smallest request that the model takes (API notes 2: the safe request is minimal)."""
    request = {"model": model.id, "prompt": "a small wooden chair"}
    if TEXT not in model.operations:
        request["image_url"] = "https://example.com/chair.png"
    return request


def _list_item(model: Model, rank: int, recommended_for: str | None) -> dict[str, Any]:
    extension = _common_extension(model)
    extension["request_format_summary"] = _short_summary(model)
    if recommended_for:
        evidence = {
            **_recommendation(model, rank),
            "updated_at": UPDATED_AT,
            "basis": {"source": "recent_activity_24h"},
        }
        extension["agent_preferences"] = {recommended_for: evidence}
    return _wrap(model, extension)


def _compact_item(model: Model, rank: int, recommended_for: str | None) -> dict[str, Any]:
    price: dict[str, Any] = {"unit": "per_request", "currency": "USD", "has_complex_pricing": _has_range(model)}
    if _has_range(model):
        price.update(_price_range(model))
    else:
        price["per_request"] = model.lowest
    item: dict[str, Any] = {
        "id": model.id,
        "provider": model.maker,
        "category": model.category,
        "capabilities": _published_operations(model),
        "max_input_tokens": None,
        "max_output_tokens": None,
        "pricing": price,
        "status": model.stage,
        "latest": False,
    }
    if model.publishes_details:
        item["supported_operations"] = list(model.operations)
        item["request_endpoint"] = model.endpoint
        item["deliveryAvailability"] = _delivery(model)
    if recommended_for:
        item["recommendation"] = _recommendation(model, rank)
    return item


def _wrap(model: Model, extension: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": RELEASED,
        "owned_by": model.maker,
        "tokenlab": extension,
    }


def _common_extension(model: Model) -> dict[str, Any]:
    extension: dict[str, Any] = {
        "aliases": list(model.aliases),
        "capabilities": _published_operations(model),
        "category": model.category,
        "pricing": _scalar_price(model),
        "pricing_unit": "per_request",
        "has_complex_pricing": _has_range(model),
        "pricing_summary": _price_range(model),
        "max_input_tokens": None,
        "max_output_tokens": None,
        "lifecycle": _lifecycle(model),
        "commercial": {"user_charge_policy": "paid", "free_reason": None, "free_until": None},
        "badges": _badges(model),
    }
    if model.publishes_details:
        extension["deliveryAvailability"] = _delivery(model)
    return extension


def _published_operations(model: Model) -> list[str]:
    return list(model.operations) if model.publishes_details else []


def _short_summary(model: Model) -> dict[str, Any] | None:
    if not model.publishes_details:
        return None
    return {
        "public_operations": list(model.operations),
        "request_endpoint": model.endpoint,
        "request_endpoint_by_operation": {operation: model.endpoint for operation in model.operations},
    }


def _full_summary(model: Model) -> dict[str, Any] | None:
    summary = _short_summary(model)
    if summary is None:
        return None
    summary["supported_parameters"] = list(model.parameters)
    summary["output_formats"] = list(model.formats)
    summary["service_limits"] = {
        "online_rpm": None,
        "concurrency": None,
        "offline_inference": False,
        "offline_tpd": None,
        "prompt_max_characters": model.prompt_cap,
    }
    return summary


def _details(model: Model) -> dict[str, Any] | None:
    details = _full_summary(model)
    if details is None:
        return None
    details["documented_inputs"] = ["prompt"] + (["image"] if IMAGE in model.operations else [])
    details["documented_outputs"] = ["zip" if model.delivers_zip else "model file"]
    details["fallback_status_endpoints"] = ["/v1/tasks/{id}"]
    details["notes"] = []
    details["recommended_request"] = recommended_request(model)
    return details


def _has_range(model: Model) -> bool:
    return model.lowest != model.highest


def _price_range(model: Model) -> dict[str, str]:
    return {"min_price": model.lowest, "max_price": model.highest}


def _scalar_price(model: Model) -> dict[str, Any]:
    return {"per_request": None if _has_range(model) else model.lowest, "currency": "USD"}


def _recommendation(model: Model, rank: int) -> dict[str, Any]:
    ready = model.success_rate is not None
    return {
        "preferred_rank": rank if ready else None,
        "success_rate_24h": model.success_rate,
        "sample_count_24h": 40 if ready else 2,
        "status": "ready" if ready else "insufficient_samples",
    }


def _delivery(model: Model) -> dict[str, Any]:
    both = {"verified": True, "official": True}
    return {**both, "operations": {operation: both for operation in model.operations}}


def _lifecycle(model: Model) -> dict[str, Any]:
    deprecated = model.replacement is not None
    return {
        "stage": model.stage,
        "reason": "Replaced by a newer model." if deprecated else None,
        "replacement_model": model.replacement,
        "released_at": None,
        "deprecated_at": UPDATED_AT if deprecated else None,
        "retired_at": None,
        "sunset_at": "2026-12-31T00:00:00.000Z" if deprecated else None,
        "latest": False,
        "latest_source": "none",
        "latest_window_days": None,
    }


def _badges(model: Model) -> list[dict[str, Any]]:
    if model.replacement is None:
        return []
    tooltip = {"key": "deprecated", "values": {"replacement": model.replacement}}
    return [{"key": "deprecated", "tone": "amber", "priority": 10, "tooltip": tooltip}]


def _without_hyphens(identifier: str) -> str:
    return identifier.replace("-", "").lower()


def _edit_distance(left: str, right: str) -> int:
    previous = list(range(len(right) + 1))
    for row, a in enumerate(left, 1):
        current = [row]
        for column, b in enumerate(right, 1):
            current.append(min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (a != b)))
        previous = current
    return previous[-1]
