# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a model is like, below its task's details. bpy is allowed here; nothing is changed and nothing is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from ..core.blender import task_list
from ..core.files.facts import ModelFacts
from ..core.text import bytes_text

_LABEL = 0.5
"""How much of a line the name of a fact takes."""


def draw_model_facts(layout: bpy.types.UILayout, context: bpy.types.Context, task: Any) -> None:
    """Draw the facts about a task's model, once it was measured."""
    facts = task_list.facts_of(task)
    if facts is None:
        return
    layout.separator(type="LINE")
    column = layout.column(align=True)
    for name, value in _lines(context, facts):
        row = column.split(factor=_LABEL)
        row.label(text=name)
        row.label(text=value, translate=False)


def _lines(context: bpy.types.Context, facts: ModelFacts) -> Iterator[tuple[str, str]]:
    yield "Triangles", f"{facts.triangles:,}"
    yield "Parts", f"{facts.parts:,}"
    yield "Size", _size(context, facts)
    yield "Materials", f"{facts.materials:,}"
    yield "Textures", f"{facts.textures:,}, up to {facts.texture_size} px" if facts.textures else "0"
    if facts.missing_textures:
        yield "Missing Textures", f"{facts.missing_textures:,}"
    if facts.textures:
        yield "Texture Memory", bytes_text(facts.texture_bytes)
    yield "UV Map", "Yes" if facts.has_uvs else "No"
    yield "Non-Manifold Edges", f"{facts.non_manifold_edges:,}"
    yield "Loose Pieces", f"{facts.loose_pieces:,}"


def _size(context: bpy.types.Context, facts: ModelFacts) -> str:
    """Return the dimensions as Blender itself writes lengths in this scene."""
    system = context.scene.unit_settings.system
    lengths = (bpy.utils.units.to_string(system, "LENGTH", value, precision=3) for value in facts.dimensions)
    return " × ".join(length.strip() for length in lengths)  # noqa: RUF001  # it is meant
