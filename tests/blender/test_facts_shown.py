# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts about a model where the user sees them: in the list, in the panel, for scripts, in the saved file."""

from __future__ import annotations

import importlib
import json
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import Drawn, draw
from tests.blender.support import pump
from tests.simulator.process import SimulatorProcess

RECORD = {
    "triangles": 500_000,
    "parts": 2,
    "non_manifold_edges": 12,
    "loose_pieces": 3,
    "materials": 4,
    "textures": 4,
    "missing_textures": 1,
    "texture_size": 2048,
    "texture_bytes": 67_108_864,
    "has_uvs": True,
    "dimensions": [1.2, 0.8, 2.0],
}


@pytest.fixture
def measured(extension: ModuleType, simulator: SimulatorProcess, session: Any) -> Any:
    """A task whose model was measured."""
    task = extension.generate("a cube")
    task.wait(timeout=60)
    facts = extension.core.files.facts.ModelFacts.from_record(RECORD)
    measured = importlib.import_module(f"{extension.__name__}.core.tasks.measured")
    measured.take(session.engine, task.local_id, facts)
    pump(extension, lambda: not session.engine.is_busy)
    return task


def details(extension: ModuleType) -> Drawn:
    return draw(extension.panels.details.TOKENLAB_PT_details)


def test_the_panel_says_what_the_model_is_like(extension: ModuleType, measured: Any) -> None:
    words = details(extension).text
    for line in (
        "Triangles 500,000",
        "Parts 2",
        "Size 1.2 m × 80 cm × 2 m",  # noqa: RUF001  # the sign is meant
        "Materials 4",
        "Textures 4, up to 2048 px",
        "Missing Textures 1",
        "Texture Memory 64 MB",
        "UV Map Yes",
        "Non-Manifold Edges 12",
        "Loose Pieces 3",
    ):
        assert line in words
    assert "One texture of the model could not be found or read" in words


@pytest.mark.parametrize(("system", "size"), [("IMPERIAL", "3.94' × 2.62' × 6.56'"), ("NONE", "1.2 × 0.8 × 2")])  # noqa: RUF001
def test_the_size_is_said_in_the_units_of_the_scene(
    extension: ModuleType, measured: Any, system: Any, size: str
) -> None:
    bpy.context.scene.unit_settings.system = system
    assert f"Size {size}" in details(extension).text


def test_a_model_without_textures_says_that_alone(extension: ModuleType, measured: Any) -> None:
    row = bpy.context.window_manager.tokenlab.tasks[0]
    row.facts = json.dumps({**RECORD, "textures": 0, "missing_textures": 0})
    words = details(extension).text
    assert "Textures 0 UV Map" in words


def test_before_it_was_measured_nothing_is_said(extension: ModuleType, simulator: SimulatorProcess) -> None:
    task = extension.generate("a cube")
    assert task.facts is None
    assert "Triangles" not in details(extension).text


def test_scripts_and_the_saved_file_have_the_facts_too(extension: ModuleType, measured: Any) -> None:
    assert (measured.facts.triangles, measured.facts.dimensions) == (500_000, (1.2, 0.8, 2.0))
    entry = json.loads(bpy.context.scene["tokenlab_tasks"][measured.local_id])
    assert entry["facts"] == RECORD


def test_facts_of_somebody_elses_file_that_are_none_are_passed_over(extension: ModuleType, measured: Any) -> None:
    row = bpy.context.window_manager.tokenlab.tasks[0]
    row.facts = json.dumps({"triangles": "many"})
    assert "Triangles" not in details(extension).text
