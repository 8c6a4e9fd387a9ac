# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What scripts are promised: the examples of the documentation, listening to a task, and interrupting a wait."""

from __future__ import annotations

import os
import shlex
import signal
import threading
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import pytest

from tests.blender.commands import CommandLine
from tests.blender.documentation import Example, batch_file, commands, examples
from tests.blender.support import new_session, pump
from tests.blender.test_whole_way import png
from tests.simulator.process import SimulatorProcess


class Window:
    """Blender's application, with a window."""

    background = False

    def __getattr__(self, name: str) -> Any:
        return getattr(bpy.app, name)


def with_window() -> Any:
    """What a module finds as `bpy` where there is a window."""
    return SimpleNamespace(app=Window(), context=bpy.context, data=bpy.data, types=bpy.types)


def test_the_page_has_examples_of_each_kind() -> None:
    assert {example.is_for_background for example in examples()} == {False, True}
    assert len(examples()) >= 9 and len(commands()) >= 8


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_an_example_of_the_documentation_does_what_it_says(
    extension: ModuleType,
    simulator: SimulatorProcess,
    session: Any,
    example: Example,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(example.code, "docs/scripting.md", "exec"), {"__name__": "__console__"})  # noqa: S102  # our own page
    handles = extension.tasks()
    pump(extension, lambda: all(handle.is_over for handle in handles))
    assert [handle.error for handle in handles if handle.state != "IMPORTED"] == []
    if "generate" in example.code and "run_command" not in example.code:
        assert handles and len(simulator.creates()) == len(handles)
    if "move_aside" in example.code:
        assert handles[0].objects[0].location.x == 2.0
    if "run_command" in example.code:
        assert (tmp_path / "bridge.glb").read_bytes()[:4] == b"glTF"


@pytest.mark.parametrize("words", commands())
def test_a_command_of_the_documentation_does_what_it_says(
    simulator: SimulatorProcess, extension_zip: Path, tmp_path: Path, words: str
) -> None:
    command = CommandLine(tmp_path, simulator, extension_zip)
    png(tmp_path / "sketch.png")
    (tmp_path / "props.csv").write_text(batch_file(), encoding="utf-8")
    arguments = shlex.split(words)
    ended = command.run(*arguments)
    assert ended.status == 0, ended.said
    if "--output" in arguments:
        assert (tmp_path / arguments[arguments.index("--output") + 1]).is_file()
    if arguments[0] == "batch":
        assert {path.name for path in (tmp_path / "out").iterdir()} == {"house.glb", "lamp.glb", "results.csv"}


# ---- listening


def test_a_function_hears_of_each_change_on_the_main_thread_and_first_of_all_how_things_are(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    simulator.configure(seconds=0.5)
    heard: list[tuple[str, bool]] = []
    task = extension.generate("a chair")
    task.on_change(lambda one: heard.append((one.state, threading.current_thread() is threading.main_thread())))
    pump(extension, lambda: task.is_over)
    assert all(is_main for _, is_main in heard)
    states = list(dict.fromkeys(state for state, _ in heard))
    assert states[-1] == "IMPORTED" and set(states) & {"PENDING", "PROCESSING"}
    late: list[str] = []
    task.on_change(lambda one: late.append(one.state))
    pump(extension, lambda: late)
    assert late == ["IMPORTED"]


def test_a_function_hears_that_it_failed_and_that_an_import_was_undone(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    heard: list[tuple[str, str]] = []
    bpy.ops.ed.undo_push(message="Original")
    task = extension.generate("a chair")
    task.on_change(lambda one: heard.append((one.state, one.error)))
    task.wait(timeout=60)
    bpy.ops.ed.undo()
    extension.core.blender.tick.tick()
    assert heard[-1] == ("READY", "")
    simulator.configure(faults=["task-fails"])
    failing = extension.generate("a table")
    failing.on_change(lambda one: heard.append((one.state, one.error)))
    pump(extension, lambda: failing.is_over)
    extension.core.blender.tick.tick()
    assert heard[-1][0] == "FAILED" and "not charged" in heard[-1][1]


def test_a_function_that_fails_stops_neither_the_task_nor_the_others(
    extension: ModuleType, simulator: SimulatorProcess, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []
    task = extension.generate("a chair")

    def fail(_task: Any) -> None:
        raise ValueError("somebody's mistake")

    task.on_change(fail)
    task.on_change(lambda one: heard.append(one.state))
    task.wait(timeout=60)
    assert heard[-1] == "IMPORTED" and "somebody's mistake" in caplog.text


def test_a_function_may_remove_its_task_and_ask_for_another_one(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    followers: list[Any] = []

    def go_on(task: Any) -> None:
        if task.state == "IMPORTED" and not followers:
            bpy.ops.tokenlab.remove_task(local_id=task.local_id)
            followers.append(extension.generate("a table"))

    first = extension.generate("a chair")
    first.on_change(go_on)
    pump(extension, lambda: followers and followers[0].is_over)
    assert followers[0].state == "IMPORTED" and len(simulator.creates()) == 2
    with pytest.raises(extension.TokenLabError, match="removed"):
        _ = first.state


def rest(extension: ModuleType) -> None:
    """Let Blender's timer run until it has ended by itself."""
    timers, tick = bpy.app.timers, extension.core.blender.tick
    pump(extension, lambda: not timers.is_registered(tick.tick))


def test_a_function_that_is_given_to_a_finished_task_by_another_function_is_called(
    extension: ModuleType, session: Any
) -> None:
    heard: list[str] = []
    first, second = (extension.generate(name, model="try-without-key") for name in ("a chair", "a table"))
    pump(extension, lambda: first.is_over and second.is_over)
    rest(extension)
    first.on_change(lambda _one: second.on_change(lambda other: heard.append(other.title)))
    rest(extension)
    assert heard == ["a table"], "the timer was woken from within itself, and has ended all the same"


def test_a_function_does_not_hear_of_an_import_anew_when_the_journal_is_read_again(
    extension: ModuleType, session: Any
) -> None:
    heard: list[str] = []
    task = extension.generate("a chair", model="try-without-key")
    task.wait(timeout=60)
    task.on_change(lambda one: heard.append(one.state))
    rest(extension)
    session.restore()
    extension.core.blender.tick.tick()
    extension.resume_all()
    rest(extension)
    assert heard == ["IMPORTED"]


# ---- interrupting


def test_ctrl_c_ends_a_wait_and_leaves_the_task(extension: ModuleType, simulator: SimulatorProcess) -> None:
    simulator.configure(seconds=60.0)
    task = extension.generate("a chair")
    pump(extension, lambda: task.task_id)
    before = signal.getsignal(signal.SIGINT)
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        task.wait(timeout=30)
    assert signal.getsignal(signal.SIGINT) is before
    assert task.state in ("PENDING", "PROCESSING")
    simulator.steer(task.task_id, seconds=0.0)
    assert task.wait(timeout=60)
    assert len(simulator.creates()) == 1


def test_in_a_window_a_wait_refuses_and_names_the_way(
    extension: ModuleType, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = extension.generate("a chair")
    with monkeypatch.context() as patch:
        patch.setattr(extension.core.blender.task_handle, "bpy", with_window())
        began = time.monotonic()
        with pytest.raises(extension.TokenLabError, match=r"on_change\(\)"):
            task.wait()
        assert time.monotonic() - began < 1.0
        assert task.wait(block=True, timeout=60)


def test_what_was_left_out_of_a_request_is_said_to_scripts_and_commands(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = "Sent without quality, which tripo-p1.0 does not list."
    extension.models()
    task = extension.generate("a robot", model="tripo-p1.0", quality="DRAFT")
    task.wait(60)
    assert task.note == said
    words = ["--model", "tripo-p1.0", "--quality", "draft", "--quiet"]
    assert extension.run_command(["generate", "a car", *words]) == 0
    assert said in capfd.readouterr().err
    (tmp_path / "props.csv").write_text("prompt\na bird\n", encoding="utf-8")
    folder = tmp_path / "out"
    assert extension.run_command(["batch", str(tmp_path / "props.csv"), "--output-dir", str(folder), *words]) == 0
    assert said in (folder / "results.csv").read_text(encoding="utf-8")


def test_a_task_that_cannot_be_stopped_yet_says_so_and_goes_on(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    simulator.configure(seconds=60.0)
    task = extension.generate("a robot")
    with pytest.raises(extension.TokenLabError, match="goes on"):
        task.stop_waiting()
    pump(extension, lambda: task.task_id)
    task.stop_waiting()
    assert task.state == "STOPPED"
    task.stop_waiting()  # It is over: nothing has to be said.


def test_a_handle_whose_task_was_removed_can_still_be_printed(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    task = extension.generate("a chair")
    assert repr(task) == f"<TokenLab task {task.local_id}: QUEUED>"
    task.wait(timeout=60)
    bpy.ops.tokenlab.remove_task(local_id=task.local_id)
    assert repr(task) == f"<TokenLab task {task.local_id}: removed>"


# ---- after a start


def test_a_script_that_is_run_again_after_it_died_pays_once(extension: ModuleType, simulator: SimulatorProcess) -> None:
    simulator.configure(seconds=60.0)
    first = extension.generate("a red fox")
    pump(extension, lambda: first.task_id)
    new_session(extension)
    with pytest.raises(extension.TokenLabError, match="same was sent about a minute ago"):
        extension.generate("a red fox")
    assert len(simulator.creates()) == 1
    assert extension.generate("a red fox", confirm_duplicate=True)


def test_in_a_window_nothing_is_sent_before_the_journal_was_read(
    extension: ModuleType, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extension.core.blender.scripting, "bpy", with_window())
    simulator.configure(seconds=60.0)
    with pytest.raises(extension.TokenLabError, match=r"still being read.* Nothing was sent or charged. Try again"):
        extension.generate("a red fox")
    assert extension.generate("a red hen", model="try-without-key").state == "QUEUED", "it costs nothing"
    sessions = extension.core.blender.session
    pump(extension, lambda: sessions.current().is_restored)
    task = extension.generate("a red fox")
    pump(extension, lambda: task.task_id)
    sessions.current().restore()  # As by opening another file: what was sent is known from before.
    with pytest.raises(extension.TokenLabError, match="same was sent"):
        extension.generate("a red fox")
    extension.generate("a red cow")


def test_a_journal_that_cannot_be_read_is_said_before_anything_else(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no folder").write_text("")
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(tmp_path / "no folder"))
    new_session(extension)
    with pytest.raises(extension.TokenLabError, match="task journal"):
        extension.generate("a red fox")
    assert simulator.creates() == []


def test_the_tasks_of_a_file_are_there_when_a_script_asks_for_them_first(
    extension: ModuleType, session: Any, tmp_path: Path
) -> None:
    task = extension.generate("a chair", model="try-without-key")
    task.wait(timeout=60)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "chair.blend"))
    new_session(extension)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "chair.blend"))
    assert [(one.local_id, one.state) for one in extension.tasks()] == [(task.local_id, "IMPORTED")]


# ---- another key


def test_tasks_that_a_wrong_key_has_stopped_go_on_with_the_right_one(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    simulator.configure(seconds=1000.0)
    tasks = [extension.generate(f"fox {number}") for number in range(3)]
    pump(extension, lambda: all(task.task_id for task in tasks))
    tasks[2].stop_waiting()
    preferences.api_key = "sk-mistyped"
    pump(extension, lambda: [task.state for task in tasks] == ["STOPPED"] * 3)
    assert "does not accept the API key. The task goes on at the service." in tasks[0].error
    assert "asked about again by itself" in tasks[0].error
    rest(extension)
    for task in tasks:
        simulator.steer(task.task_id, seconds=0.0)
    preferences.api_key = simulator.key
    pump(extension, lambda: [task.state for task in tasks] == ["IMPORTED", "IMPORTED", "STOPPED"])
    assert tasks[2].error == "", "the user has stopped waiting for it"
    assert len(simulator.creates()) == 3


def test_resume_all_takes_up_what_a_wrong_key_has_stopped_before_a_restart(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any
) -> None:
    simulator.configure(seconds=1000.0)
    task = extension.generate("a fox")
    pump(extension, lambda: task.task_id)
    preferences.api_key = "sk-mistyped"
    pump(extension, lambda: task.state == "STOPPED")
    preferences.api_key = simulator.key
    new_session(extension)
    assert [one.local_id for one in extension.resume_all()] == [task.local_id]
    assert task.state != "STOPPED"
    assert len(simulator.creates()) == 1
