# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A limit for spending: what could go beyond it is asked about in the panel and refused in a script, with the figures.

The model of these tests costs $0.10 to $0.40.
"""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import draw
from tests.blender.support import new_session, pump
from tests.blender.test_variations import Pressed
from tests.simulator.process import SimulatorProcess


@pytest.fixture
def limited(extension: ModuleType, simulator: SimulatorProcess, preferences: Any) -> Any:
    """The preferences, with the prices known."""
    bpy.ops.tokenlab.refresh_models()
    return preferences


def test_a_script_is_refused_with_the_figures_and_nothing_is_sent(
    extension: ModuleType, simulator: SimulatorProcess, limited: Any
) -> None:
    limited.session_limit = 0.7
    extension.generate("a chair").wait(timeout=60)
    with pytest.raises(extension.TokenLabError) as refused:
        extension.generate("a table")
    said = str(refused.value)
    assert "$0.40" in said and "$0.70" in said and "session limit" in said
    assert "Nothing was sent or charged" in said
    with pytest.raises(RuntimeError, match="session limit"):
        bpy.ops.tokenlab.generate(prompt="a table")
    assert len(simulator.creates()) == 1
    extension.generate("a table", confirm_budget=True).wait(timeout=60)
    assert bpy.ops.tokenlab.generate(prompt="a lamp", confirm_budget=True) == {"FINISHED"}
    pump(extension, lambda: len(simulator.creates()) == 3)


def test_two_requests_at_once_do_not_both_take_the_last_of_the_limit(
    extension: ModuleType, simulator: SimulatorProcess, limited: Any
) -> None:
    limited.session_limit = 0.5
    task = extension.generate("a chair")
    assert task.state == "QUEUED"
    with pytest.raises(extension.TokenLabError, match="limit"):
        extension.generate("a table")


def test_a_failed_task_gives_its_share_back(extension: ModuleType, simulator: SimulatorProcess, limited: Any) -> None:
    limited.session_limit = 0.5
    simulator.configure(faults=["task-fails"])
    with pytest.raises(extension.TokenLabError):
        extension.generate("a chair").wait(timeout=60)
    simulator.configure(faults=[])
    extension.generate("a table").wait(timeout=60)


def test_the_month_is_known_after_a_restart_and_the_session_begins_anew(
    extension: ModuleType, simulator: SimulatorProcess, limited: Any
) -> None:
    extension.generate("a chair").wait(timeout=60)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    new_session(extension)
    limited.session_limit = 0.5
    extension.generate("a table").wait(timeout=60)
    limited.session_limit, limited.month_limit = 0.0, 1.0
    with pytest.raises(extension.TokenLabError, match=r"\$0.80 of your monthly limit, \$1.00, may be spent"):
        extension.generate("a lamp")
    assert len(simulator.creates()) == 2


def test_variations_are_within_the_limit_as_a_whole_or_none_is_sent(
    extension: ModuleType, simulator: SimulatorProcess, limited: Any
) -> None:
    limited.session_limit = 1.0
    with pytest.raises(extension.TokenLabError, match=r"\$1.20"):
        extension.generate_variations("a chair", variations=3)
    assert not extension.tasks()
    assert len(extension.generate_variations("a chair", variations=3, confirm_budget=True)) == 3


def test_a_model_without_a_price_cannot_be_kept_within_a_limit(
    extension: ModuleType, simulator: SimulatorProcess, limited: Any
) -> None:
    limited.month_limit = 100.0
    with pytest.raises(extension.TokenLabError, match="publishes no price"):
        extension.generate("a chair", model="no-such-model")
    # What costs nothing needs none.
    extension.generate("a chair", model="try-without-key").wait(timeout=60)


def test_a_script_that_has_just_begun_waits_for_the_prices(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    preferences.session_limit = 0.5
    extension.generate("a chair").wait(timeout=60)
    assert len(simulator.creates()) == 1


def questions(extension: ModuleType, pressed: Any) -> list[dict[str, str]]:
    """What a button asks, when each question is answered with yes."""
    asked: list[dict[str, str]] = []

    def confirm(_self: Any, _event: Any, **words: str) -> set[str]:
        asked.append(words)
        return {"RUNNING_MODAL"}

    manager = SimpleNamespace(invoke_confirm=confirm)
    context = SimpleNamespace(scene=bpy.context.scene, window_manager=manager, active_object=None)
    while pressed._ask(context, None) == {"RUNNING_MODAL"}:
        assert len(asked) < 5
    return asked


def test_the_panel_asks_one_question_after_the_other_and_sends_after_the_last(
    extension: ModuleType, simulator: SimulatorProcess, limited: Any
) -> None:
    extension.generate("a chair").wait(timeout=60)
    limited.session_limit = 0.5
    pressed = Pressed(
        extension, prompt="a chair", report=lambda *_: None, confirm_duplicate=False, confirm_budget=False
    )
    over, duplicate = questions(extension, pressed)
    assert over["title"] == "Go Over the Session Limit?"
    assert "could cost $0.40" in over["message"] and "$0.50" in over["message"]
    assert duplicate["title"] == "Generate the Same Again?"
    pump(extension, lambda: len(simulator.creates()) == 2)


def test_what_an_earlier_session_left_unsent_is_sent_only_within_the_limit(
    extension: ModuleType, simulator: SimulatorProcess, limited: Any
) -> None:
    task = extension.generate("a chair")
    new_session(extension)
    pump(extension, extension.tasks)
    limited.session_limit = 0.3
    with pytest.raises(RuntimeError, match="session limit"):
        bpy.ops.tokenlab.resume(local_id=task.local_id)
    assert task.state == "QUEUED" and not simulator.creates()
    limited.session_limit = 0.7
    assert bpy.ops.tokenlab.resume(local_id=task.local_id) == {"FINISHED"}
    # From now on it counts, also while it waits for its turn: to press the button twice asks for nothing more.
    assert bpy.ops.tokenlab.resume(local_id=task.local_id) == {"FINISHED"}
    with pytest.raises(extension.TokenLabError, match=r"\$0.40 of your session limit"):
        extension.generate("a table")
    pump(extension, lambda: len(simulator.creates()) == 1)


def test_an_uncertain_request_of_an_earlier_session_counts_once_it_is_sent_again(
    extension: ModuleType, simulator: SimulatorProcess, limited: Any
) -> None:
    simulator.configure(faults=["create-reset-after-body"])
    task = extension.generate("a chair")
    pump(extension, lambda: task.state == "UNCERTAIN")
    new_session(extension)
    pump(extension, extension.tasks)
    simulator.configure(faults=[])
    limited.session_limit = 0.7
    assert bpy.ops.tokenlab.submit_again(local_id=task.local_id) == {"FINISHED"}
    with pytest.raises(extension.TokenLabError, match="session limit"):
        extension.generate("a table")


def test_an_uncertain_request_is_sent_again_only_within_the_limit(
    extension: ModuleType, simulator: SimulatorProcess, limited: Any
) -> None:
    simulator.configure(faults=["create-reset-after-body"])
    task = extension.generate("a chair")
    pump(extension, lambda: task.state == "UNCERTAIN")
    limited.session_limit = 0.5
    with pytest.raises(RuntimeError, match="session limit"):
        bpy.ops.tokenlab.submit_again(local_id=task.local_id)
    assert task.state == "UNCERTAIN" and len(simulator.creates()) == 1
    assert bpy.ops.tokenlab.submit_again(local_id=task.local_id, confirm_budget=True) == {"FINISHED"}


def test_the_preferences_say_what_may_have_been_spent(
    extension: ModuleType, simulator: SimulatorProcess, limited: Any
) -> None:
    extension.generate("a chair").wait(timeout=60)
    page = extension.core.blender.preferences.TOKENLAB_AP_preferences
    assert "This session: at most $0.40. This month: at most $0.40." in draw(page, bl_rna=limited.bl_rna).text


def test_no_file_has_a_task_that_was_refused(extension: ModuleType, simulator: SimulatorProcess, limited: Any) -> None:
    limited.session_limit = 0.1
    with pytest.raises(extension.TokenLabError):
        extension.generate("a chair")
    assert bpy.context.scene.get("tokenlab_tasks") is None
