# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the panel shows of the active task: the way to each place that a sentence names, and what support asks for."""

from __future__ import annotations

import re
import time
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import Drawn, draw
from tests.blender.support import MODULE, pump
from tests.simulator.process import SimulatorProcess

ENDS = ("FAILED", "UNCERTAIN", "LOST", "IMPORTED")


def details(extension: ModuleType) -> Drawn:
    """What is drawn of a task when it has ended."""
    extension.generate("a cube")
    rows = bpy.context.window_manager.tokenlab.tasks
    pump(extension, lambda: rows[0].state in ENDS)
    return draw(extension.panels.details.TOKENLAB_PT_details)


@pytest.mark.parametrize(
    ("fault", "button", "page"),
    [
        ("create-402", "Top Up", "https://tokenlab.sh/dashboard/billing"),
        ("create-reset-after-body", "Open Dashboard", "https://tokenlab.sh/dashboard/runs"),
        ("record-expires", "Open Dashboard", "https://tokenlab.sh/dashboard/runs"),
    ],
)
def test_a_page_that_a_sentence_names_can_be_opened(
    extension: ModuleType, simulator: SimulatorProcess, fault: str, button: str, page: str
) -> None:
    simulator.configure(faults=[fault], seconds=600)
    drawn = details(extension)
    assert button in drawn.buttons
    assert drawn.operators["wm.url_open"] == {"url": page}


@pytest.mark.parametrize("fault", ["create-401", "create-307"])
def test_a_sentence_that_sends_to_the_preferences_has_a_button_to_them(
    extension: ModuleType, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.configure(faults=[fault])
    drawn = details(extension)
    assert "Open Preferences" in drawn.buttons
    assert drawn.operators["preferences.addon_show"] == {"module": MODULE}


def test_a_task_that_went_well_sends_nowhere(extension: ModuleType, simulator: SimulatorProcess) -> None:
    drawn = details(extension)
    assert not {"wm.url_open", "preferences.addon_show"} & set(drawn.operators)
    assert "Request ID" not in drawn.texts


@pytest.mark.parametrize(("fault", "has_id"), [("create-500-after-task", True), ("create-reset-after-body", False)])
def test_a_request_of_unknown_fate_shows_by_what_it_is_found(
    extension: ModuleType, simulator: SimulatorProcess, fault: str, has_id: bool
) -> None:
    simulator.configure(faults=[fault])
    drawn = details(extension)
    assert ("Request ID" in drawn.texts) == has_id
    if has_id:
        assert re.fullmatch(r"req_\w+", drawn.texts[drawn.texts.index("Request ID") + 1])
    sent = drawn.texts[drawn.texts.index("Sent") + 1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", sent)
    assert "tripo-h3.1" in drawn.texts


@pytest.mark.parametrize(("minutes", "is_said"), [(14, False), (23, True)])
def test_a_task_that_takes_long_is_said_to_run_still_and_not_to_have_failed(
    extension: ModuleType, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch, minutes: int, is_said: bool
) -> None:
    simulator.configure(faults=["never-completes"])
    extension.generate("a cube")
    rows = bpy.context.window_manager.tokenlab.tasks
    pump(extension, lambda: rows[0].state == "PROCESSING")
    later = time.time() + 60 * minutes
    monkeypatch.setattr(extension.panels.details.time, "time", lambda: later)
    drawn = draw(extension.panels.details.TOKENLAB_PT_details)
    monkeypatch.undo()
    assert (f"Still running, sent {minutes} minutes ago." in drawn.text) is is_said
    assert "Stop Waiting" in drawn.buttons


def test_a_task_that_waited_here_takes_long_only_from_its_sending(
    extension: ModuleType, simulator: SimulatorProcess, session: Any
) -> None:
    simulator.configure(faults=["never-completes"])
    task = extension.generate("a cube")
    rows = bpy.context.window_manager.tokenlab.tasks
    pump(extension, lambda: rows[0].state == "PROCESSING")
    session.engine.records.change(task.local_id, created_at=time.time() - 7200)
    pump(extension, lambda: float(rows[0].created_at) < time.time() - 7000)
    assert "Still running" not in draw(extension.panels.details.TOKENLAB_PT_details).text
