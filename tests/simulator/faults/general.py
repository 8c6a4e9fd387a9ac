# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the whole API and of the routes about models. bpy is not allowed here."""

from __future__ import annotations

import asyncio
from typing import Any

from .answers import html, refusing, server_error, silence
from .registry import Body, Moment, Stage, define_answer, define_shape

SLOW_SECONDS = 2.0
EXTENSION_NAMES = {
    "tokenlab": "lemondata",
    "request_format_details": "public_contract",
    "request_format_summary": "public_contract_summary",
}


async def _wait_before_the_answer(_moment: Moment) -> None:
    await asyncio.sleep(SLOW_SECONDS)


def _rename(value: Any) -> Any:
    if isinstance(value, dict):
        return {EXTENSION_NAMES.get(key, key): _rename(item) for key, item in value.items()}
    return [_rename(item) for item in value] if isinstance(value, list) else value


def _use_old_names(_moment: Moment, body: Body) -> Body:
    """The names of the LemonData era (API notes 4.3)."""
    return {key: _rename(value) for key, value in _rename(body).items()}


def _list_nothing(_moment: Moment, body: Body) -> Body:
    return {**body, "data": [], "count": 0} if "data" in body else body


define_answer("slow-answers", "Every API answer comes two seconds late.", Stage.LATE, _wait_before_the_answer)
define_answer("never-answers", "The API takes requests, does nothing and never answers.", Stage.ANY_API, silence)
define_answer("models-500", "Calls for models and prices end in a 500.", Stage.MODELS, refusing(server_error))
define_answer("models-502-html", "Calls for models get an HTML 502.", Stage.MODELS, html(502, "Bad Gateway"))
define_answer("models-never-answers", "Calls for models are never answered.", Stage.MODELS, silence)
define_answer("models-unreadable", "Calls for models get 200 with an HTML page.", Stage.MODELS, html(200, "Welcome"))
define_shape("models-empty", "The list of models is empty.", Stage.MODELS_BODY, _list_nothing)
define_shape("lemondata-naming", "Models are described with the old names.", Stage.MODELS_BODY, _use_old_names)
