# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service publishes of its models, and what of a request a model takes. No bpy, no network here.

Every field is optional (API notes 4): what is not published is not known, and then only the minimal request is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from ..text import clean_text, one_line
from .contract import AUTO, CREATE_PATH, GenerationRequest, UnreadableReply, first_text, is_finite

TEXT: Final = "text-to-3d"
IMAGE: Final = "image-to-3d"
_PICTURES: Final = frozenset({"image", "image_url"})
"""Names of the two fields for a picture."""
_ENDING: Final = frozenset({"deprecated", "retired"})
_MOST_DOLLARS: Final = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What the catalogue says of one model (API notes 4). Empty means: nothing is published."""

    id: str
    name: str = ""
    """What people call it, where that is not the id."""
    provider: str = ""
    operations: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    """Optional fields that may be sent."""
    operation_parameters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The same by operation, where that is published."""
    output_formats: tuple[str, ...] = ()
    """Upper-case names of the formats that may be asked for."""
    prompt_max_characters: int | None = None
    request_endpoint: str = ""
    stage: str = ""
    replacement: str = ""
    min_price: str = ""
    max_price: str = ""
    """Decimal strings in USD for one request."""

    @property
    def takes_pictures(self) -> bool | None:
        """Whether a picture may be sent; None when nothing is published."""
        if IMAGE in self.operations or self.parameters & _PICTURES:
            return True
        return False if TEXT in self.operations or self.parameters else None

    @property
    def takes_text_only(self) -> bool | None:
        """Whether a prompt alone is enough; None when nothing is published."""
        if TEXT in self.operations:
            return True
        return False if IMAGE in self.operations else None

    def takes_picture_as(self, field_name: str) -> bool | None:
        """Whether a picture may be sent in this field, `image` or `image_url`; None when nothing is published."""
        named = self.parameters_for(has_picture=True) & _PICTURES
        return field_name in named if named else self.takes_pictures

    def parameters_for(self, *, has_picture: bool) -> frozenset[str]:
        """Return the optional fields that may be sent with a picture, or with a prompt alone."""
        return self.operation_parameters.get(IMAGE if has_picture else TEXT, self.parameters)

    @property
    def is_ending(self) -> bool:
        """Whether the service advises against it, or has taken it away."""
        return self.stage.lower() in _ENDING or bool(self.replacement)

    @property
    def price(self) -> str:
        """The price of one request in words, such as "$0.10 to $0.40", or ""."""
        return price_text(self.min_price, self.max_price)


def price_text(min_price: str, max_price: str) -> str:
    """Return a range of decimal strings in USD in words, such as "$0.10 to $0.40", or "" when none is known."""
    prices = [text for text in (_dollars(min_price), _dollars(max_price)) if text]
    return " to ".join(dict.fromkeys(prices))


def _dollars(text: str) -> str:
    """Return a decimal string as an amount with two decimals, or three where these say more; "" if it is none."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return ""
    if not (amount.is_finite() and 0 <= amount < _MOST_DOLLARS):
        return ""
    rounded = f"{amount.quantize(Decimal('0.001'), ROUND_HALF_UP):f}"
    return f"${rounded[:-1] if rounded.endswith('0') else rounded}"


# ------------------------------------------------------------------------------
# Reading


def parse_model(item: object) -> ModelInfo | None:
    """Read a full, compact or detail catalogue record; None when it has no id."""
    if not isinstance(item, Mapping):
        return None
    model_id = one_line(item.get("id"))
    if not model_id:
        return None
    extension = _mapping(item, "tokenlab") or _mapping(item, "lemondata")
    contract = _request_contract(extension)
    limits = _mapping(contract, "service_limits")
    lifecycle = _mapping(extension, "lifecycle")
    # The full view says the price in up to two places, the compact one in a third (API notes 4.1).
    pricing = {
        **_texts_of(item, "pricing"),
        **_texts_of(extension, "pricing"),
        **_texts_of(extension, "pricing_summary"),
    }
    fixed = pricing.get("per_request", "")
    return ModelInfo(
        id=model_id,
        name=one_line(first_text(item, "display_name", "name"), limit=80),
        provider=one_line(first_text(item, "provider", "owned_by"), limit=80),
        operations=_operations(item, extension, contract),
        parameters=frozenset(_texts(contract, "supported_parameters")),
        operation_parameters=_operation_parameters(contract),
        output_formats=tuple(name.upper() for name in _texts(contract, "output_formats")),
        prompt_max_characters=_positive_int(limits.get("prompt_max_characters")),
        request_endpoint=clean_text(contract.get("request_endpoint")) or clean_text(item.get("request_endpoint")),
        stage=clean_text(lifecycle.get("stage")) or clean_text(item.get("status")),
        replacement=one_line(lifecycle.get("replacement_model")),
        min_price=pricing.get("min_price", fixed),
        max_price=pricing.get("max_price", fixed),
    )


def parse_models(body: object) -> list[ModelInfo]:
    """Read a catalogue list and keep the models of our endpoint: the 3D listing holds others too (API notes 4.4).

    :raises UnreadableReply: when there is no list.
    """
    if not isinstance(body, Mapping) or not isinstance(body.get("data"), list):
        raise UnreadableReply("the reply holds no list of models")
    models = (parse_model(item) for item in body["data"])
    return [model for model in models if model is not None and model.request_endpoint in ("", CREATE_PATH)]


def as_item(model: ModelInfo) -> dict[str, object]:
    """Return a record that `parse_model` reads as `model`, for the cache: nothing in it that we did not understand."""
    return {
        "id": model.id,
        "name": model.name,
        "provider": model.provider,
        "tokenlab": {
            "request_format_details": {
                "public_operations": sorted(model.operations),
                "supported_parameters": sorted(model.parameters),
                "operation_constraints": [
                    {"operation": operation, "supported_parameters": sorted(parameters)}
                    for operation, parameters in model.operation_parameters.items()
                ],
                "output_formats": list(model.output_formats),
                "service_limits": {"prompt_max_characters": model.prompt_max_characters},
                "request_endpoint": model.request_endpoint,
            },
            "lifecycle": {"stage": model.stage, "replacement_model": model.replacement},
            "pricing_summary": {"min_price": model.min_price, "max_price": model.max_price},
        },
    }


def _request_contract(extension: Mapping[str, Any]) -> Mapping[str, Any]:
    """The official clients' lookup order (API notes 4.3)."""
    for key in ("request_format_details", "public_contract", "request_format_summary", "public_contract_summary"):
        if found := _mapping(extension, key):
            return found
    return {}


def _operations(*sources: Mapping[str, Any]) -> frozenset[str]:
    item, extension, contract = sources
    return frozenset(
        _texts(contract, "public_operations")
        or _texts(extension, "supported_operations")
        or _texts(item, "supported_operations")
        or _texts(extension, "capabilities")
        or _texts(item, "capabilities")
    )


def _operation_parameters(contract: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    constraints = contract.get("operation_constraints")
    found = {}
    for constraint in constraints if isinstance(constraints, list) else []:
        if isinstance(constraint, Mapping) and isinstance(constraint.get("supported_parameters"), list):
            found[clean_text(constraint.get("operation"))] = frozenset(_texts(constraint, "supported_parameters"))
    return {operation: parameters for operation, parameters in found.items() if operation in (TEXT, IMAGE)}


def _mapping(source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = source.get(key)
    return value if isinstance(value, Mapping) else {}


def _texts(source: Mapping[str, Any], key: str) -> list[str]:
    value = source.get(key)
    return [text for text in map(clean_text, value) if text] if isinstance(value, list) else []


def _texts_of(source: Mapping[str, Any], key: str) -> dict[str, str]:
    """Return the entries of an object that are texts."""
    return {str(name): text for name, value in _mapping(source, key).items() if (text := clean_text(value))}


def _positive_int(value: object) -> int | None:
    return int(value) if is_finite(value) and value > 0 else None


# ------------------------------------------------------------------------------
# All models of a service


FRESH_SECONDS: Final = 86_400.0
"""For so long what the service said of its models is taken for true without asking again."""


def is_fresh(fetched_at: float, now: float) -> bool:
    """Whether something need not be fetched again; never when it was fetched in the future. Both in unix seconds."""
    return 0.0 <= now - fetched_at < FRESH_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What the service said of one model when it was asked for that one."""

    info: ModelInfo
    fetched_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What is known of a service's models. Immutable: workers make a new one."""

    base_url: str = ""
    fetched_at: float = 0.0
    """When the list was fetched, in unix seconds; 0 when it never was."""
    listed: tuple[ModelInfo, ...] = ()
    details: Mapping[str, Detail] = field(default_factory=dict)

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """The models of the list, each with all that is known of it."""
        return tuple(self._merged(model) for model in self.listed)

    def find(self, model_id: str) -> ModelInfo | None:
        """Return what is known of a model, or None."""
        listed = next((model for model in self.listed if model.id == model_id), None)
        if listed is not None:
            return self._merged(listed)
        detail = self.details.get(model_id)
        return detail.info if detail else None

    def _merged(self, listed: ModelInfo) -> ModelInfo:
        detail = self.details.get(listed.id)
        if detail is None:
            return listed
        if detail.fetched_at >= self.fetched_at:
            return detail.info
        # The list is newer, but says less.
        return replace(
            detail.info,
            operations=listed.operations or detail.info.operations,
            stage=listed.stage or detail.info.stage,
            min_price=listed.min_price or detail.info.min_price,
            max_price=listed.max_price or detail.info.max_price,
        )


# ------------------------------------------------------------------------------
# What of a request a model takes


class Objection(NamedTuple):
    """Why a model certainly does not take a request, as two sentences: what it is, and what to do."""

    what: str
    advice: str


def objection(model: ModelInfo | None, *, prompt: str, picture_field: str = "") -> Objection | None:
    """Return why `model` certainly does not take this, or None.

    :param picture_field: `image` or `image_url` when a picture goes along.
    """
    if model is None:
        return None
    limit = model.prompt_max_characters
    if limit is not None and len(prompt) > limit:
        what = f"The prompt has {len(prompt)} characters, and {model.id} takes {limit}."
        return Objection(what, "Shorten it and generate again.")
    if picture_field:
        return _objection_to_picture(model, picture_field)
    if model.takes_text_only is False:
        return Objection(f"{model.id} needs a picture.", "Choose one, or another model.")
    return None


def _objection_to_picture(model: ModelInfo, picture_field: str) -> Objection | None:
    if model.takes_pictures is False:
        return Objection(f"{model.id} takes text only.", "Choose another model, or generate from text.")
    if model.takes_picture_as(picture_field) is not False:
        return None
    if picture_field == "image":
        return Objection(f"{model.id} takes a picture by its URL only.", "Enter one, or choose another model.")
    return Objection(f"{model.id} takes no image URL.", "Choose an image file, or another model.")


def create_body(request: GenerationRequest, model: ModelInfo | None, image: str) -> dict[str, object]:
    """Return the JSON body of a create request; `image` is a data URL or "".

    The safe request is minimal: optional fields go along only when the model lists them (API notes 2).
    """
    has_picture = bool(image or request.image_url)
    parameters = model.parameters_for(has_picture=has_picture) if model else frozenset()
    formats = model.output_formats if model else ()
    body: dict[str, object] = {"model": request.model, "prompt": request.prompt}
    if image:
        body["image"] = image
    elif request.image_url:
        body["image_url"] = request.image_url
    if "format" in parameters and request.format != AUTO and (not formats or request.format in formats):
        body["format"] = request.format.lower()
    if "quality" in parameters and request.quality != AUTO:
        body["quality"] = request.quality.lower()
    if "style" in parameters and request.style:
        body["style"] = request.style
    if "seed" in parameters and request.seed is not None:
        body["seed"] = request.seed
    return body


def left_out(request: GenerationRequest, body: Mapping[str, object]) -> list[str]:
    """Name the options that were chosen and do not go along. Not the format: what comes back says that better."""
    chosen = {"quality": request.quality != AUTO, "style": bool(request.style), "seed": request.seed is not None}
    return [name for name, is_chosen in chosen.items() if is_chosen and name not in body]
