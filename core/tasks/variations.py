# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several tasks for one prompt: which seeds they have, where each lands, and what all of them cost. No bpy here."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Final

from ..service.catalogue import ModelInfo, price_text
from ..service.contract import MAX_SEED
from .placement import Placement, Size

MAX_VARIATIONS: Final = 8
_GAP: Final = 1.25
"""From one place to the next, in widths."""
_USUAL_WIDTH: Final = 1.6
"""Of a model as it is delivered, in Blender's units: what it really is nobody knows before it is there."""


def seeds(first: int | None, count: int) -> list[int]:
    """Return `count` different seeds; `first` is one of them, if there is one."""
    found = [first] if first is not None else []
    chance = random.Random()  # noqa: S311  # no secret
    while len(found) < count:
        seed = chance.randint(0, MAX_SEED)
        if seed not in found:
            found.append(seed)
    return found


def side_by_side(placement: Placement, count: int) -> list[Placement]:
    """Return a place for each, in a row along X that begins where one alone would land."""
    width = {Size.HEIGHT: placement.height, Size.BOX: placement.box[0]}.get(placement.size) or _USUAL_WIDTH
    x, y, z = placement.location
    return [replace(placement, location=(x + number * width * _GAP, y, z)) for number in range(count)]


def total_price(model: ModelInfo | None, count: int) -> str:
    """Return what so many requests cost in words, such as "$0.40 to $1.60", or "" when no price is published."""
    if model is None:
        return ""
    return price_text(*(_times(price, count) for price in (model.min_price, model.max_price)))


def _times(price: str, count: int) -> str:
    try:
        return str(Decimal(price) * count)
    except InvalidOperation:
        return ""
