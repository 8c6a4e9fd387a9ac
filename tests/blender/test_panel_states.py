# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each state that a user can be in has its own drawing: one sentence, and the one action that comes next."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import Drawn, draw
from tests.blender.support import pump
from tests.loopback import refused_port
from tests.simulator.process import SimulatorProcess


def rows() -> Any:
    return bpy.context.window_manager.tokenlab.tasks


def form_panel(extension: ModuleType) -> Drawn:
    return draw(extension.panels.sidebar.TOKENLAB_PT_generate)


def details(extension: ModuleType) -> Drawn:
    return draw(extension.panels.details.TOKENLAB_PT_details)


# ---- before anything can be sent


def test_without_a_key_the_preferences_are_one_click_away(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    preferences.api_key = ""
    drawn = form_panel(extension)
    assert "No API key is set." in drawn.text
    assert "Open Preferences" in drawn.buttons


def test_while_blender_is_offline_the_switch_is_one_click_away(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    preferences.base_url = "https://service.invalid"
    drawn = form_panel(extension)
    assert "Online access is off in Blender." in drawn.text
    assert "Open System Preferences" in drawn.buttons


def test_a_refused_key_is_said_whatever_met_it_and_no_more_once_another_is_set(
    extension: ModuleType, simulator: SimulatorProcess, session: Any, preferences: Any
) -> None:
    preferences.api_key = "sk-nobody-has-this-key"
    with pytest.raises(RuntimeError, match="does not accept the API key"):
        bpy.ops.tokenlab.refresh_models()
    drawn = form_panel(extension)
    assert "127.0.0.1 refuses the API key." in drawn.text and "Open Preferences" in drawn.buttons
    assert "No new request is charged, and running tasks go on." in drawn.text
    preferences.api_key = simulator.key
    session.refresh_settings()
    assert "refuses the API key" not in form_panel(extension).text


def test_without_a_network_it_is_said_that_running_tasks_go_on(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    preferences.base_url = f"http://127.0.0.1:{refused_port()}"
    with pytest.raises(RuntimeError, match="could not be reached"):
        bpy.ops.tokenlab.refresh_models()
    drawn = form_panel(extension)
    assert "127.0.0.1 cannot be reached. Running tasks go on there" in drawn.text
    assert "Try Again" in drawn.buttons


def test_when_all_is_well_there_is_a_form_and_a_button(extension: ModuleType, simulator: SimulatorProcess) -> None:
    drawn = form_panel(extension)
    assert drawn.buttons[-1] == "Generate" and "tokenlab.generate" not in drawn.disabled
    assert not {"Open Preferences", "Open System Preferences", "Try Again"} & set(drawn.buttons)


# ---- tasks


def test_an_empty_list_says_what_to_do(extension: ModuleType, simulator: SimulatorProcess) -> None:
    assert "No tasks yet. Write a prompt and click Generate." in draw(extension.panels.sidebar.TOKENLAB_PT_tasks).text


@pytest.mark.parametrize(
    ("faults", "state", "words", "action"),
    [
        (["never-completes"], "PROCESSING", "Generating", "Stop Waiting"),
        (["create-reset-after-body"], "UNCERTAIN", "may have started a paid task", "Enter Task ID"),
        (["create-402"], "FAILED", "balance", "Top Up"),
        (["record-expires"], "LOST", "no longer", "Resume"),
        ([], "IMPORTED", "Imported", "Import Again"),
    ],
)
def test_each_state_of_a_task_has_its_words_and_its_action(
    extension: ModuleType,
    simulator: SimulatorProcess,
    session: Any,
    faults: list[str],
    state: str,
    words: str,
    action: str,
) -> None:
    simulator.configure(faults=faults, seconds=600 if state == "LOST" else 0.0)
    extension.generate("a cube")
    pump(extension, lambda: rows()[0].state == state)
    drawn = details(extension)
    assert words in drawn.text
    assert action in drawn.buttons or (action == "Enter Task ID" and "tokenlab.attach_task" in drawn.operators)


def test_a_task_of_another_file_waits_and_can_be_imported_here(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    extension.generate("a cube")
    pump(extension, lambda: rows()[0].state == "PROCESSING" or rows()[0].task_id)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    pump(extension, lambda: len(rows()) == 1 and rows()[0].state == "READY")
    assert "1 of other files" in draw(extension.panels.sidebar.TOKENLAB_PT_tasks).text
    assert "Import Here" in details(extension).buttons


# ---- the list


def listed(count: int, states: Callable[[int], str]) -> Any:
    """Fill the list without tasks: what is drawn of it depends on its rows alone."""
    group = bpy.context.window_manager.tokenlab
    group.tasks.clear()
    for number in range(count):
        row = group.tasks.add()
        row.name = row.local_id = f"task-{number}"
        row.prompt, row.state, row.created_at = f"Robot {number}", states(number), str(1000.0 + number)
    return group


class FakeList:
    """Stands for Blender's instance of the list class, which exists in a window only."""

    bitflag_filter_item = 1 << 30

    def __init__(self, **settings: str) -> None:
        self.filter_name, self.shown, self.order = "", "ALL", "NEWEST"
        vars(self).update(settings)


def drawn_order(extension: ModuleType, group: Any, **settings: str) -> list[str]:
    """Return the prompts in the order in which Blender would draw them."""
    listing = extension.panels.task_list.TOKENLAB_UL_tasks
    flags, places = listing.filter_items(FakeList(**settings), bpy.context, group, "tasks")
    shown = [index for index in range(len(group.tasks)) if not flags or flags[index]]
    return [group.tasks[index].prompt for index in sorted(shown, key=lambda index: places[index] if places else index)]


def test_the_newest_task_comes_first_and_other_orders_can_be_chosen(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    group = listed(4, lambda number: ("IMPORTED", "UNCERTAIN", "PROCESSING", "FAILED")[number])
    group.tasks[0].prompt = "zebra"
    assert drawn_order(extension, group) == ["Robot 3", "Robot 2", "Robot 1", "zebra"]
    assert drawn_order(extension, group, order="OLDEST") == ["zebra", "Robot 1", "Robot 2", "Robot 3"]
    assert drawn_order(extension, group, order="PROMPT") == ["Robot 1", "Robot 2", "Robot 3", "zebra"]
    assert drawn_order(extension, group, order="STATE") == ["Robot 1", "Robot 3", "Robot 2", "zebra"]


def test_the_list_can_be_narrowed_by_words_and_by_what_is_to_be_done(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    group = listed(4, lambda number: ("IMPORTED", "UNCERTAIN", "PROCESSING", "READY")[number])
    assert drawn_order(extension, group, filter_name="rOBOT 2") == ["Robot 2"]
    assert drawn_order(extension, group, shown="WAITING") == ["Robot 3", "Robot 1"]
    assert drawn_order(extension, group, shown="RUNNING") == ["Robot 2"]
    assert drawn_order(extension, group, shown="FINISHED", filter_name="7") == []


def test_clearing_takes_what_is_over_off_the_list_and_nothing_that_was_paid_for(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    extension.generate("a cube").wait(timeout=60)
    simulator.configure(faults=["create-402"])
    extension.generate("a ball")
    pump(extension, lambda: {row.state for row in rows()} == {"IMPORTED", "FAILED"})
    simulator.configure(faults=["never-completes"])
    extension.generate("a cone")
    pump(extension, lambda: any(row.state == "PROCESSING" for row in rows()))
    before = len(bpy.data.objects)
    assert bpy.ops.tokenlab.clear_finished() == {"FINISHED"}
    assert [row.prompt for row in rows()] == ["a cone"]
    assert len(bpy.data.objects) == before
    with pytest.raises(RuntimeError, match="No task is imported or failed"):
        bpy.ops.tokenlab.clear_finished()


def test_details_say_what_was_asked_for_what_it_cost_and_how_long_it_took(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    extension.generate("a cube", quality="HIGH", seed=7).wait(timeout=60)
    texts = details(extension).texts
    said = dict(itertools.pairwise(texts))
    assert said["Options"] == "High Quality, Seed 7"
    assert said["Price"].startswith("$")
    assert said["Took"].endswith(" s")


def test_the_sidebar_is_drawn_again_only_when_there_is_something_new(
    extension: ModuleType, simulator: SimulatorProcess, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_list = extension.core.blender.task_list
    drawn: list[int] = []
    monkeypatch.setattr(task_list, "tag_redraw", lambda: drawn.append(1))
    local_id = extension.generate("a cube").local_id
    task = session.engine.records.get(local_id)
    task_list.write_all([(task, "Scene")], [])
    drawn.clear()
    task_list.write_one(task, "Scene")
    task_list.write_all([(task, "Scene")], [])
    assert not drawn
    changed = dataclasses.replace(task, note="A word.")
    task_list.write_one(changed, "Scene")
    task_list.write_all([(changed, "Scene")], [])
    assert len(drawn) == 1
    task_list.write_all([], [])
    assert len(drawn) == 2


# ---- the status bar


def test_the_status_bar_tells_what_runs_and_what_has_come(
    extension: ModuleType, simulator: SimulatorProcess, session: Any
) -> None:
    simulator.configure(seconds=600)
    bar = extension.panels.status_bar
    now = [0.0]
    session.status_bar._clock = lambda: now[0]
    task = extension.generate("a red robot")

    def shown() -> Any:
        now[0] += 2.0
        session.status_bar.keep_up()  # Without a window the tick does not go on for the status bar alone.
        return extension.core.blender.status_bar.shown()

    pump(extension, lambda: shown().state in ("PENDING", "PROCESSING"))
    assert re.match("TokenLab: (Accepted|Generating) “a red robot”", bar.running_text(shown()))
    simulator.steer(task.task_id, seconds=0.0)
    task.wait(timeout=60)
    pump(extension, lambda: shown().news_title)
    assert bar.news_text(shown()) == "“a red robot” is in the scene"
    pump(extension, lambda: not shown().news_title)
    assert shown().running == 0


def test_the_status_bar_is_drawn_at_most_once_a_second(
    extension: ModuleType, simulator: SimulatorProcess, session: Any
) -> None:
    now = [100.0]
    session.status_bar._clock = lambda: now[0]
    bar, shown = session.status_bar, extension.core.blender.status_bar.shown
    first, second = (extension.generate(prompt) for prompt in ("a cube", "a ball"))
    tasks = [session.engine.records.get(task.local_id) for task in (first, second)]
    bar._running = {first.local_id}
    bar.imported(tasks[0])
    bar.keep_up()
    assert shown().news_title == "a cube"
    bar.imported(tasks[1])
    now[0] += 0.9
    bar.keep_up()
    assert shown().news_title == "a cube"
    now[0] += 0.2
    bar.keep_up()
    assert shown().news_title == "a ball"
