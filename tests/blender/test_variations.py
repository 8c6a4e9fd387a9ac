# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One prompt with several seeds: as many requests as were asked for, side by side, each of them once."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import draw
from tests.blender.support import pump
from tests.simulator.process import SimulatorProcess


def test_each_variation_is_one_request_with_a_seed_of_its_own(
    extension: ModuleType, simulator: SimulatorProcess, session: Any
) -> None:
    handles = extension.generate_variations("a red cube", variations=3, seed=7)
    for handle in handles:
        handle.wait(timeout=60)
    assert len(simulator.creates()) == 3
    tasks = [session.engine.records.get(handle.local_id) for handle in handles]
    assert tasks[0].request.seed == 7 and len({task.request.seed for task in tasks}) == 3
    assert len({task.set_id for task in tasks}) == 1 and tasks[0].set_id
    places = sorted(item.location.x for handle in handles for item in handle.objects)
    assert places == pytest.approx([0.0, 2.0, 4.0])


def test_a_picture_that_is_made_for_a_request_is_made_for_each(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    image = bpy.data.images.new("Painted", 8, 8)
    for handle in extension.generate_variations("a chair", variations=2, image=image):
        handle.wait(timeout=60)
    assert len(simulator.creates()) == 2


def test_the_form_asks_for_as_many_as_it_says_and_names_what_all_cost(
    extension: ModuleType, simulator: SimulatorProcess, session: Any
) -> None:
    bpy.ops.tokenlab.refresh_models()
    form = bpy.context.scene.tokenlab
    form.prompt, form.variations = "a red cube", 2
    assert "tripo-h3.1 × 2, $0.20 to $0.80" in draw(extension.panels.sidebar.TOKENLAB_PT_generate).texts  # noqa: RUF001
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    pump(extension, lambda: len(simulator.creates()) == 2)
    # The same again is what was asked for here.
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    pump(extension, lambda: len(simulator.creates()) == 4)


def test_a_model_without_seeds_makes_no_variations(extension: ModuleType, simulator: SimulatorProcess) -> None:
    form = bpy.context.scene.tokenlab
    form.prompt, form.variations, form.model = "a red cube", 3, "hyper3d-gen2"
    bpy.ops.tokenlab.refresh_models()
    with pytest.raises(extension.TokenLabError, match="takes no seed"):
        extension.generate_variations("a red cube", variations=3, model="hyper3d-gen2")
    assert "variations" not in draw(extension.panels.sidebar.TOKENLAB_PT_options).properties
    assert bpy.ops.tokenlab.generate() == {"FINISHED"}
    pump(extension, simulator.creates)
    assert len(bpy.context.window_manager.tokenlab.tasks) == 1


def test_when_one_of_them_cannot_be_sent_it_is_said_how_many_are(
    extension: ModuleType, simulator: SimulatorProcess, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = session.generate
    sent: list[Any] = []

    def generate(*arguments: Any, **options: Any) -> Any:
        if len(sent) == 2:
            raise extension.TokenLabError("The disk is full.")
        sent.append(real(*arguments, **options))
        return sent[-1]

    monkeypatch.setattr(session, "generate", generate)
    with pytest.raises(extension.TokenLabError, match=r"2 of 4 variations are being sent\. The disk is full\."):
        extension.generate_variations("a red cube", variations=4)
    assert len(sent) == 2
