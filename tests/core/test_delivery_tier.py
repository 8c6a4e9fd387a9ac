# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery tier is said to the service when something is to be paid for, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.service.contract import DELIVERY_POLICIES, GenerationRequest
from core.tasks.task import TaskState, from_text, new_task, to_scene_text, to_text
from tests.engine_rig import Rig
from tests.simulator.process import SimulatorProcess
from tests.tiny_pictures import png

S = TaskState
HEADER = "X-TokenLab-Delivery-Policy"


@pytest.fixture
def rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Rig]:
    simulator.configure(seconds=0)
    rig = Rig(tmp_path / "data", simulator.url, simulator.key)
    yield rig
    assert rig.engine.stop()


def tiers_heard(simulator: SimulatorProcess) -> dict[str, set[str | None]]:
    """By method and host, what was said of the tier."""
    heard: dict[str, set[str | None]] = {}
    for entry in simulator.requests():
        said = {name.lower(): value for name, value in entry["headers"].items()}.get(HEADER.lower())
        heard.setdefault(f"{entry['method']} {entry['origin']}", set()).add(said)
    return heard


@pytest.mark.parametrize("policy", DELIVERY_POLICIES)
def test_the_tier_goes_along_with_the_create_request_only(rig: Rig, simulator: SimulatorProcess, policy: str) -> None:
    rig.engine.ask_models(with_list=True, names=["tripo-h3.1"])
    rig.engine.test_connection()
    rig.run_to(rig.submit(delivery_policy=policy), S.READY)
    rig.run_until(lambda: not rig.engine._questions)
    assert tiers_heard(simulator) == {"POST api": {policy}, "GET api": {None}, "GET assets": {None}}


@pytest.mark.parametrize("word", ["", "fast", "OFFICIAL", "official\r\nX-Evil: 1", "öffentlich", "official "])
def test_no_other_word_gets_into_the_header(rig: Rig, simulator: SimulatorProcess, word: str) -> None:
    done = rig.run_to(rig.submit(delivery_policy=word), S.READY, S.FAILED, S.UNCERTAIN)
    assert done.state is S.READY
    assert tiers_heard(simulator)["POST api"] == {None}


def test_the_tier_goes_along_when_a_picture_is_sent_in_another_encoding(
    rig: Rig, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(seconds=0, faults=["image-not-data-url"])
    picture = tmp_path / "cat.png"
    picture.write_bytes(png())
    local_id = rig.submit(picture_path=str(picture), image_name="cat.png", delivery_policy="verified")
    rig.run_to(local_id, S.READY, S.FAILED)
    said = [entry["headers"][HEADER] for entry in simulator.requests("api") if entry["method"] == "POST"]
    assert said == ["verified", "verified"]


def test_the_tier_is_kept_with_the_model(rig: Rig) -> None:
    done = rig.run_to(rig.submit(delivery_policy="official"), S.READY)
    facts = json.loads((Path(done.result_path).parent / "task.json").read_text())
    assert facts["delivery_policy"] == "official"


def test_a_task_that_waits_keeps_the_tier_that_it_was_given() -> None:
    task = new_task(GenerationRequest(prompt="chair", delivery_policy="official"), "scene-1")
    for text in (to_text(task), to_scene_text(task)):
        read = from_text(text, scene_id="scene-1")
        assert read is not None
        assert read.request.delivery_policy == "official"


def test_another_tier_is_another_request_since_it_has_another_price(rig: Rig) -> None:
    local_id = rig.submit(delivery_policy="official")
    request = rig.task(local_id).request
    assert rig.engine.recent_duplicate(request, "") is not None
    assert rig.engine.recent_duplicate(replace(request, delivery_policy="verified"), "") is None
