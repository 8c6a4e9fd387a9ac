# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every request and answer against the service's own OpenAPI document. bpy is not allowed here.

The document is the state of July 2026. Where the API notes are newer, the known differences are written into a copy of
the document (`_apply_deviations`), so that everything else is still checked.
"""

from __future__ import annotations

import copy
import json
import os
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from .configuration import CREATE_PATH

ENVIRONMENT_NAME = "TOKENLAB_OPENAPI"
DOCUMENT_URI = "urn:tokenlab-3d"
JSON_BODY = ("content", "application/json", "schema")
REPOSITORY = Path(__file__).resolve().parents[2]
NEIGHBOUR = REPOSITORY.parent / "shared" / "contract" / "tokenlab-3d.openapi.json"


def find_document() -> Path | None:
    named = os.environ.get(ENVIRONMENT_NAME)
    if named:
        return Path(named)
    return NEIGHBOUR if NEIGHBOUR.is_file() else None


class Contract:
    """Checks nothing when there is no document."""

    def __init__(self, document: dict[str, Any] | None) -> None:
        self._document = _apply_deviations(document) if document else {}
        resource = DRAFT202012.create_resource(self._document)
        self._registry = Registry().with_resource(DOCUMENT_URI, resource)
        self._templates = [(_pattern(path), path) for path in self._document.get("paths", {})]

    @classmethod
    def load(cls, path: Path | None) -> Contract:
        return cls(json.loads(path.read_text(encoding="utf-8")) if path else None)

    @property
    def is_on(self) -> bool:
        return bool(self._document)

    def request_problems(self, method: str, path: str, body: Any) -> list[str]:
        location = self._operation(method, path)
        if location is None:
            return []
        return self._problems((*location, "requestBody", *JSON_BODY), body)

    def reply_problems(self, method: str, path: str, status: int, content_type: str, raw: bytes) -> list[str]:
        location = self._operation(method, path)
        if location is None:
            return []
        if content_type != "application/json":
            return [f"the answer is {content_type}, not application/json"]
        try:
            body = json.loads(raw)
        except ValueError:
            return ["the answer is not JSON"]
        return self._problems(self._reply_schema((*location, "responses", str(status)), status), body)

    def _operation(self, method: str, path: str) -> tuple[str, ...] | None:
        for pattern, template in self._templates:
            if pattern.fullmatch(path) and method.lower() in self._document["paths"][template]:
                return ("paths", template, method.lower())
        return None

    def _reply_schema(self, location: tuple[str, ...], status: int) -> tuple[str, ...]:
        """The answer's own schema. Where an operation does not list a status, the general error shape holds."""
        declared = self._at(location)
        if declared is None:
            return ("components", "schemas", "ApiError")
        if "$ref" in declared:
            location = tuple(declared["$ref"].removeprefix("#/").split("/"))
        if self._at((*location, *JSON_BODY)) is not None:
            return (*location, *JSON_BODY)
        return ("components", "schemas", "VideoTaskResponse" if status < 400 else "ApiError")

    def _at(self, location: tuple[str, ...]) -> Any:
        here: Any = self._document
        for step in location:
            if not isinstance(here, dict) or step not in here:
                return None
            here = here[step]
        return here

    def _problems(self, location: tuple[str, ...], instance: Any) -> list[str]:
        if self._at(location) is None:
            return []
        pointer = "/".join(step.replace("~", "~0").replace("/", "~1") for step in location)
        validator = Draft202012Validator({"$ref": f"{DOCUMENT_URI}#/{pointer}"}, registry=self._registry)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)]


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^/]+\\\}", "[^/]+", re.escape(template)))


def _apply_deviations(document: dict[str, Any]) -> dict[str, Any]:
    """Where the API notes are newer than the document. Each difference names its section."""
    newer = copy.deepcopy(document)
    schemas = newer["components"]["schemas"]
    # September added a type, and the documentation uses one that no schema lists (API notes 5.1).
    error_types = schemas["ApiError"]["properties"]["error"]["properties"]["type"]["enum"]
    error_types.extend(["delivery_tier_unavailable", "access_denied"])
    # September added the delivery tiers to both closed list items (API notes 4.1).
    tiers = {"type": "object", "required": ["verified", "official"], "additionalProperties": True}
    for name in ("ModelListTokenLabExtension", "CompactModelListItem"):
        schemas[name]["properties"]["deliveryAvailability"] = tiers
    # The one field that the sibling of the unpublished create answer requires (API notes 2.2); a task without a
    # status is an error for every official client (API notes 3.3).
    schemas["VideoTaskResponse"]["required"] = ["id", "status"]
    # Only the guide names these two (API notes 3.1).
    for name in ("obj_url", "usdz_url"):
        schemas["VideoTaskResponse"]["properties"][name] = {"type": "string"}
    # The create answer has no schema at all; the check above falls back to the task's (API notes 2.2).
    assert "content" not in newer["paths"][CREATE_PATH]["post"]["responses"]["200"]
    return newer
