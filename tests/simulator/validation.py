# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service refuses in a create request (API notes 2, 5.2 and 9). bpy is not allowed here."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .catalogue import IMAGE, TEXT, Model, closest_id, find_model, recommended_request, supported_parameters
from .configuration import CREATE_PATH
from .pictures import MAX_PICTURE_BYTES, PictureError, decode_picture
from .replies import ServiceError

DEFAULT_MODEL = "tripo-h3.1"
DELIVERY_HEADER = "X-TokenLab-Delivery-Policy"
DELIVERY_POLICIES = ("auto", "verified", "official")
ENUMS = {"format": ("glb", "fbx", "obj", "usdz"), "quality": ("draft", "standard", "high")}
TEXTS = ("prompt", "model", "image", "image_url", "format", "quality", "style", "user")


@dataclass(frozen=True)
class CreateRequest:
    model: Model
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        return str(self.body["prompt"])

    @property
    def format(self) -> str | None:
        return self.body.get("format")


def check_create(
    raw: bytes, headers: Mapping[str, str], allowed_models: tuple[str, ...] | None, *, own_picture: str = ""
) -> CreateRequest:
    body = _parse(raw)
    _check_prompt(body)
    _check_types(body)
    model = _known_model(str(body.get("model", DEFAULT_MODEL)))
    _check_permission(model, allowed_models)
    _check_operation(model, body)
    _check_parameters(model, body)
    _check_prompt_length(model, body)
    _check_picture(body)
    if body.get("image_url") != own_picture:
        _check_picture_url(body)
    _check_delivery(headers)
    return CreateRequest(model, body)


def invalid(field: str, message: str, **details: Any) -> ServiceError:
    """A 400 with the second, top-level list of API notes 5.1."""
    return ServiceError(
        400,
        "invalid_request_error",
        f"{field}: {message}",
        param=field,
        validation_errors=[{"field": field, "message": message}],
        **details,
    )


def model_not_found(identifier: str, status: int) -> ServiceError:
    """A create with an unknown model is a 400, a look-up of it a 404 (API notes 4.2)."""
    details: dict[str, Any] = {"code": "model_not_found", "param": "model"}
    closest = closest_id(identifier)
    if closest:
        details["did_you_mean"] = closest
        details["suggestions"] = [{"id": closest}]
    details["hint"] = "GET /v1/models lists the models of this key."
    return ServiceError(status, "invalid_request_error", f"Model {identifier!r} was not found.", **details)


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError as problem:
        raise ServiceError(400, "invalid_request_error", "The request body is not valid JSON.") from problem
    if not isinstance(body, dict):
        raise ServiceError(400, "invalid_request_error", "The request body must be a JSON object.")
    return body


def _check_prompt(body: dict[str, Any]) -> None:
    prompt = body.get("prompt")
    if prompt is None or (isinstance(prompt, str) and not prompt.strip()):
        raise invalid("prompt", "Prompt is required")


def _check_types(body: dict[str, Any]) -> None:
    for name in TEXTS:
        if name in body and not isinstance(body[name], str):
            raise invalid(name, "Expected a string")
    seed = body.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise invalid("seed", "Expected an integer")
    for name, values in ENUMS.items():
        if name in body and body[name] not in values:
            raise invalid(name, f"Expected one of {', '.join(values)}")


def _known_model(identifier: str) -> Model:
    model = find_model(identifier)
    if model is None:
        raise model_not_found(identifier, status=400)
    if model.endpoint != CREATE_PATH:
        message = f"Model {model.id} is not served by {CREATE_PATH}."
        raise ServiceError(
            400, "invalid_request_error", message, param="model", model=model.id, request_endpoint=model.endpoint
        )
    return model


def _check_permission(model: Model, allowed_models: tuple[str, ...] | None) -> None:
    if allowed_models is not None and model.id not in allowed_models:
        message = f"This API key may not use {model.id}."
        raise ServiceError(403, "access_denied", message, code="model_not_allowed", model=model.id)


def _check_operation(model: Model, body: dict[str, Any]) -> None:
    pictures = [name for name in ("image", "image_url") if name in body]
    if len(pictures) > 1:
        # What the service does with both is unknown (API notes 2); a client should never find out.
        raise invalid("image_url", "Send either image or image_url")
    operation = IMAGE if pictures else TEXT
    if operation in model.operations:
        return
    message = f"Model {model.id} does not support {operation}."
    raise ServiceError(
        400,
        "invalid_request_error",
        message,
        param=pictures[0] if pictures else "image",
        model=model.id,
        supported_operations=list(model.operations),
        recommended_request=recommended_request(model),
    )


def _check_parameters(model: Model, body: dict[str, Any]) -> None:
    supported = supported_parameters(model)
    for name in body:
        if name not in supported:
            raise _unsupported(name, f"Model {model.id} does not support the parameter {name!r}.", model)
    wanted = body.get("format")
    if wanted is not None and wanted not in model.formats:
        raise _unsupported("format", f"Model {model.id} delivers {', '.join(model.formats)}.", model)


def _unsupported(name: str, message: str, model: Model) -> ServiceError:
    return ServiceError(
        400,
        "invalid_request_error",
        message,
        code="unsupported_parameter",
        param=name,
        model=model.id,
        supported_parameters=supported_parameters(model),
        recommended_request=recommended_request(model),
    )


def _check_prompt_length(model: Model, body: dict[str, Any]) -> None:
    if model.prompt_cap is not None and len(body["prompt"]) > model.prompt_cap:
        message = f"At most {model.prompt_cap} characters"
        raise invalid("prompt", message, prompt_max_characters=model.prompt_cap)


def _check_picture(body: dict[str, Any]) -> None:
    if "image" not in body:
        return
    try:
        picture = decode_picture(body["image"])
    except PictureError as problem:
        raise invalid("image", f"Invalid image: {problem}") from problem
    if len(picture.data) > MAX_PICTURE_BYTES:
        raise payload_too_large("image")


def payload_too_large(param: str | None = None) -> ServiceError:
    details: dict[str, Any] = {"param": param} if param else {}
    message = "The request is larger than the documented limit."
    return ServiceError(413, "invalid_request_error", message, code="payload_too_large", **details)


def _check_picture_url(body: dict[str, Any]) -> None:
    """The published media rules: public http(s), no credentials, no fragment (API notes 2.1). Nothing is fetched."""
    if "image_url" not in body:
        return
    try:
        parts = urlsplit(body["image_url"])
        host = parts.hostname
    except ValueError as problem:
        raise invalid("image_url", "Not a URL") from problem
    if parts.scheme not in ("http", "https") or not host:
        raise invalid("image_url", "Expected a public http or https URL")
    if parts.username or parts.password or parts.fragment:
        raise invalid("image_url", "Credentials and fragments are not allowed")
    if _is_private(host):
        raise invalid("image_url", "The host is not public")


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith(".local"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _check_delivery(headers: Mapping[str, str]) -> None:
    policy = headers.get(DELIVERY_HEADER)
    if policy is not None and policy not in DELIVERY_POLICIES:
        message = f"{DELIVERY_HEADER} must be one of {', '.join(DELIVERY_POLICIES)}."
        raise ServiceError(400, "invalid_request_error", message, param=DELIVERY_HEADER)
