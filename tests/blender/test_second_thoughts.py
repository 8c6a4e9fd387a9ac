# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that may be an accident, requests whose fate is unknown, and tasks that belong to other files."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import Drawn
from tests.blender.registered import StandIn
from tests.blender.support import new_session, pump
from tests.blender.test_files_and_history import undo
from tests.simulator.process import SimulatorProcess


def test_the_same_request_within_ten_minutes_is_sent_only_when_that_is_confirmed(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    first = extension.generate("a cube", seed=1)
    with pytest.raises(extension.TokenLabError, match=r"same was sent about a minute ago.*Nothing was sent now"):
        extension.generate("a cube", seed=1)
    with pytest.raises(RuntimeError, match="same was sent"):
        bpy.ops.tokenlab.generate(prompt="a cube", seed=1)
    extension.generate("a cube", seed=2)
    assert bpy.ops.tokenlab.generate(prompt="a cube", seed=1, confirm_duplicate=True) == {"FINISHED"}
    for task in extension.tasks():
        task.wait(timeout=60)
    assert first.state == "IMPORTED"
    assert sorted(item["request"]["seed"] for item in simulator.creates()) == [1, 1, 2]


def test_another_picture_under_the_same_prompt_is_another_request(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    from tests.blender.test_whole_way import png  # noqa: PLC0415

    picture = png(tmp_path / "one.png")
    extension.generate("a vase", image=picture)
    with pytest.raises(extension.TokenLabError, match="same was sent"):
        extension.generate("a vase", image=picture)
    extension.generate("a vase", image=png(tmp_path / "two.png"))
    pump(extension, lambda: len(simulator.creates()) == 2)


def uncertain(extension: ModuleType, simulator: SimulatorProcess) -> Any:
    """A task that the service took, though its answer never came."""
    simulator.configure(faults=["create-reset-after-body"])
    task = extension.generate("a cube")
    pump(extension, lambda: task.state == "UNCERTAIN")
    simulator.configure(faults=[])
    return task


def test_an_uncertain_task_goes_on_under_the_id_from_the_dashboard(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    task = uncertain(extension, simulator)
    (created,) = simulator.creates()
    assert bpy.ops.tokenlab.attach_task(task_id=created["id"]) == {"FINISHED"}
    assert task.wait(timeout=60)
    assert len(simulator.creates()) == 1


def test_an_uncertain_task_is_sent_again_only_when_the_user_says_so(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    task = uncertain(extension, simulator)
    for _ in range(20):
        extension.core.blender.tick.tick()
    assert len(simulator.creates()) == 1
    assert bpy.ops.tokenlab.submit_again(local_id=task.local_id) == {"FINISHED"}
    assert task.wait(timeout=60)
    assert len(simulator.creates()) == 2
    row = bpy.context.window_manager.tokenlab.tasks[0]
    assert "earlier try of this request may be charged" in row.note
    with pytest.raises(RuntimeError, match="Only an uncertain task"):
        bpy.ops.tokenlab.submit_again(local_id=task.local_id)


def said_of(operator: str, task: Any) -> str:
    """What an operator says that can do nothing for a task."""
    with pytest.raises(RuntimeError) as refused:
        getattr(bpy.ops.tokenlab, operator)(local_id=task.local_id)
    return str(refused.value)


def test_nobody_is_told_that_an_uncertain_task_has_ended_or_to_wait_for_the_model_of_a_failed_one(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    task = uncertain(extension, simulator)
    assert "enter its task ID, submit it again or discard it" in said_of("resume", task)
    assert "may have started a paid task" in said_of("import_model", task)
    simulator.configure(faults=["task-fails"])
    failed = extension.generate("a vase")
    pump(extension, lambda: failed.state == "FAILED")
    assert "this try was not charged. Reuse its settings" in said_of("resume", failed)
    assert "not charged" in said_of("import_model", failed) and "Wait" not in said_of("import_model", failed)
    simulator.configure(faults=["never-completes"])
    stopped = extension.generate("a cup")
    pump(extension, lambda: stopped.state == "PROCESSING")
    stopped.stop_waiting()
    assert "Resume the task" in said_of("import_model", stopped)
    simulator.configure(faults=[])
    ready = extension.generate("a plate")
    ready.wait(timeout=60)
    assert "Import it" in said_of("resume", ready)


def test_a_task_whose_second_try_has_failed_is_not_called_free_while_the_first_may_be_charged(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    task = uncertain(extension, simulator)
    simulator.configure(faults=["task-fails"])
    bpy.ops.tokenlab.submit_again(local_id=task.local_id)
    pump(extension, lambda: task.state == "FAILED")
    for operator in ("resume", "import_model"):
        assert "An earlier try of this request may be charged as well" in said_of(operator, task)


def test_nobody_is_told_to_wait_for_a_request_that_nobody_sends(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    preferences.max_concurrent_tasks = 1
    simulator.configure(faults=["never-completes"])
    for prompt in ("a vase", "a cup"):
        waiting = extension.generate(prompt)
    pump(extension, lambda: [task.state for task in extension.tasks()] == ["PROCESSING", "QUEUED"])
    assert "Wait until it is ready" in said_of("import_model", waiting)
    new_session(extension)
    extension.resume_all()
    pump(extension, lambda: {task.state for task in extension.tasks()} == {"PROCESSING", "QUEUED"})
    assert "This request was never sent" in said_of("import_model", waiting)


@pytest.mark.parametrize("is_quick", [False, True])
@pytest.mark.parametrize("way_out", ["attach_task", "submit_again"])
def test_a_way_out_brings_the_model_by_itself_also_into_a_file_from_before_the_task(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, way_out: str, is_quick: bool
) -> None:
    extension.generate("a vase").wait(timeout=60)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "before.blend"))
    task = uncertain(extension, simulator)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "before.blend"))
    if not is_quick:
        pump(extension, lambda: extension.core.blender.session.current().is_restored)
    arguments = {"task_id": simulator.creates()[-1]["id"]} if way_out == "attach_task" else {}
    operator = getattr(bpy.ops.tokenlab, way_out)
    assert operator(local_id=task.local_id, **arguments) == {"FINISHED"}
    assert task.wait(timeout=60)
    assert task.state == "IMPORTED"


def test_a_task_id_from_the_dashboard_brings_a_model_that_this_computer_never_asked_for(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    task = uncertain(extension, simulator)
    (created,) = simulator.creates()
    bpy.ops.tokenlab.remove_task(local_id=task.local_id)
    assert bpy.ops.tokenlab.attach_task(task_id=created["id"]) == {"FINISHED"}
    (attached,) = extension.tasks()
    assert attached.wait(timeout=60)
    assert len(simulator.creates()) == 1


def asked_at_removal(extension: ModuleType, task: Any) -> dict[str, str]:
    """What is asked in a window before a task is removed."""
    said: dict[str, str] = {}
    manager = SimpleNamespace(invoke_confirm=lambda _self, _event, **words: said.update(words))
    pressed = StandIn(extension.operators.tasks.TOKENLAB_OT_remove_task, Drawn(), chosen=task.local_id)
    pressed._ask(SimpleNamespace(window_manager=manager), None)
    return said


def test_before_an_uncertain_task_is_discarded_it_is_not_said_that_it_runs(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    said = asked_at_removal(extension, uncertain(extension, simulator))
    assert said["title"] == "Discard an Uncertain Task?" and said["confirm_text"] == "Discard"
    assert "may have taken it" in said["message"] and "It goes on" not in said["message"]
    simulator.configure(faults=["never-completes"])
    running = extension.generate("a vase")
    pump(extension, lambda: running.state == "PROCESSING")
    said = asked_at_removal(extension, running)
    assert said["title"] == "Remove a Running Task?" and "It goes on at the service" in said["message"]


def test_an_id_that_a_task_in_the_list_has_is_not_taken_for_another(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    first = extension.generate("a vase")
    first.wait(timeout=60)
    second = uncertain(extension, simulator)
    with pytest.raises(RuntimeError, match="in the list already: a vase"):
        bpy.ops.tokenlab.attach_task(local_id=second.local_id, task_id=first.task_id)
    with pytest.raises(RuntimeError, match="in the list already: a vase"):
        bpy.ops.tokenlab.attach_task(task_id=first.task_id)
    assert second.state == "UNCERTAIN"
    assert len(extension.tasks()) == 2


def test_a_task_of_a_file_that_was_never_saved_is_listed_after_a_crash_and_can_be_imported_here(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    simulator.configure(seconds=0.5)
    task = extension.generate("a cube")
    pump(extension, lambda: task.task_id)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    new_session(extension)
    extension.resume_all()
    pump(extension, lambda: task.state == "READY")
    rows = bpy.context.window_manager.tokenlab.tasks
    assert [(row.local_id, row.scene_name) for row in rows] == [(task.local_id, "")]
    assert bpy.ops.tokenlab.import_model(local_id=task.local_id, here=True) == {"FINISHED"}
    assert len(task.objects) > 0
    assert len(rows) == 0, "nobody waits for it any more"
    assert len(simulator.creates()) == 1


def test_files_made_from_a_saved_startup_file_share_no_task(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    task = extension.generate("a cube")
    task.wait(timeout=60)
    startup = tmp_path / "startup.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(startup), copy=True)
    bpy.ops.wm.read_homefile(filepath=str(startup))
    extension.resume_all()
    assert "tokenlab_tasks" not in bpy.context.scene
    assert "tokenlab_scene_id" not in bpy.context.scene
    assert len(bpy.context.window_manager.tokenlab.tasks) == 0


def test_a_file_that_has_nothing_to_do_with_us_is_saved_as_it_was(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    blend = tmp_path / "untouched.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    extension.resume_all()
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    assert [key for key in bpy.context.scene.keys() if key.startswith("tokenlab")] in ([], ["tokenlab"])  # noqa: SIM118


@pytest.mark.parametrize("kind", ["copy", "EMPTY", "LINK_COPY", "FULL_COPY", "NEW"])
def test_a_new_scene_of_any_kind_has_no_part_in_the_tasks_of_the_old_one(
    extension: ModuleType, simulator: SimulatorProcess, kind: Any
) -> None:
    simulator.configure(seconds=0.5)
    old = bpy.context.scene
    task = extension.generate("a cube")
    pump(extension, lambda: task.task_id)
    if kind == "copy":
        old.copy()
    else:
        bpy.ops.scene.new(type=kind)
    task.wait(timeout=60)
    assert task.local_id in bpy.data.scenes["Scene"]["tokenlab_tasks"]
    (other,) = (scene for scene in bpy.data.scenes if scene.name != "Scene")
    assert "tokenlab_tasks" not in other
    assert len(bpy.data.scenes["Scene"].collection.all_objects) > 0
    assert len([item for item in bpy.data.collections if item.get("tokenlab_local_id")]) == 1


def test_an_undo_gives_a_copied_scene_no_part_in_the_tasks_of_the_old_one(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    old = extension.generate("a cube")
    old.wait(timeout=60)
    bpy.ops.scene.new(type="EMPTY")
    bpy.ops.ed.undo_push(message="New Scene")  # With all that Blender copied, before we see it.
    copied = bpy.context.scene.name
    new = extension.generate("a vase")
    new.wait(timeout=60)
    undo()
    assert list(bpy.data.scenes[copied]["tokenlab_tasks"].keys()) == [new.local_id]
    assert list(bpy.data.scenes["Scene"]["tokenlab_tasks"].keys()) == [old.local_id]


def clicked(name: str, **given: Any) -> None:
    """Run an operator as a click does, after which Blender knows what it would repeat; as a script's, it does not."""
    assert getattr(bpy.ops.tokenlab, name)("EXEC_DEFAULT", True, **given) == {"FINISHED"}


def repeat_last() -> None:
    """Press Shift R, which does nothing where there is nothing to repeat."""
    if bpy.ops.screen.repeat_last.poll():  # type: ignore[call-arg]  # the stubs want more
        bpy.ops.screen.repeat_last()


@pytest.mark.parametrize("given", [{"confirm_duplicate": True}, {"variations": 2, "confirm_duplicate": True}, {}])
def test_repeat_last_sends_no_request_again(
    extension: ModuleType, simulator: SimulatorProcess, given: dict[str, Any]
) -> None:
    form = bpy.context.scene.tokenlab
    form.prompt = "a cube"
    clicked("generate", **given)
    form.prompt = "another cube"  # Of which nobody has asked for ten minutes.
    repeat_last()
    clicked("generate_variation")
    repeat_last()
    count = given.get("variations", 1) + 1
    pump(extension, lambda: len(simulator.creates()) >= count and all(task.task_id for task in extension.tasks()))
    assert len(simulator.creates()) == count == len(extension.tasks())


@pytest.mark.parametrize("way_out", ["submit_again", "resume"])
def test_repeat_last_sends_no_other_task_that_is_uncertain_or_was_never_sent(
    extension: ModuleType, simulator: SimulatorProcess, way_out: str
) -> None:
    simulator.configure(faults=["create-reset-after-body"] if way_out == "submit_again" else [])
    first, second = extension.generate("a cube"), extension.generate("a vase")
    if way_out == "submit_again":
        pump(extension, lambda: first.state == second.state == "UNCERTAIN")
        simulator.configure(faults=[])
    else:
        new_session(extension)
        pump(extension, lambda: len(extension.tasks()) == 2)
    sent, state = len(simulator.creates()), first.state
    rows = bpy.context.window_manager.tokenlab
    rows.active_task_index = [row.local_id for row in rows.tasks].index(second.local_id)
    clicked(way_out, confirm_budget=True)
    rows.active_task_index = [row.local_id for row in rows.tasks].index(first.local_id)
    repeat_last()
    assert second.wait(timeout=60)
    assert (first.state, len(simulator.creates())) == (state, sent + 1)


def test_repeat_last_removes_no_task_files_or_rows_without_the_question(
    extension: ModuleType, simulator: SimulatorProcess, session: Any
) -> None:
    simulator.configure(faults=["never-completes"])
    running, removed = extension.generate("a cube"), extension.generate("a vase")
    clicked("remove_task")
    repeat_last()
    assert [task.local_id for task in extension.tasks()] == [running.local_id] != [removed.local_id]
    simulator.configure(faults=[])
    extension.generate("a chair").wait(timeout=60)
    clicked("clear_finished")
    second = extension.generate("a table")
    second.wait(timeout=60)
    repeat_last()
    assert second.state == "IMPORTED"
    clicked("clean_up_library")
    path = second.result_path
    assert path is not None and path.is_file()
    bpy.ops.tokenlab.remove_task(local_id=second.local_id)
    repeat_last()
    pump(extension, lambda: not session.library.is_asking)
    assert path.is_file()
