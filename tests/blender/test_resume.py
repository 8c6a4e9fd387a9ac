# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `resume` says of tasks that were unfinished when it began, and what is left to it after Ctrl C."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.blender.commands import CommandLine, complete_all
from tests.blender.support import new_session, pump
from tests.simulator.process import SimulatorProcess


def leave(extension: ModuleType, prompt: str, output: str = "") -> None:
    """Send a request as a command does that is interrupted as soon as the service has it."""
    task = extension.core.blender.scripting.generate_for({"output_path": output}, prompt)
    pump(extension, lambda: task.task_id)


@pytest.fixture
def left(extension: ModuleType, simulator: SimulatorProcess) -> dict[str, Any]:
    """A task at the service that no output was asked for, of an earlier session."""
    simulator.configure(seconds=60.0)
    leave(extension, "a robot")
    new_session(extension)
    (created,) = simulator.creates()
    return created


def test_a_model_that_is_complete_when_resume_begins_is_named(
    extension: ModuleType, simulator: SimulatorProcess, left: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    simulator.steer(left["id"], seconds=0.0)
    assert extension.run_command(["resume", "--json"]) == 0
    (task,) = json.loads(capfd.readouterr().out.splitlines()[-1])["tasks"]
    assert task["state"] == "READY" and Path(task["library_path"]).is_file()


def test_a_task_that_has_failed_since_it_was_left_is_said(
    extension: ModuleType, simulator: SimulatorProcess, left: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    simulator.steer(left["id"], status="failed")
    assert extension.run_command(["resume"]) == 1
    assert "You are not charged" in capfd.readouterr().err


def test_what_is_wrong_with_one_of_several_tasks_is_said_of_that_one(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    simulator.configure(seconds=60.0)
    for name in ("robot", "car"):
        leave(extension, f"a {name}", str(tmp_path / f"{name}.glb"))
    (tmp_path / "car.glb").write_bytes(b"work of years")
    new_session(extension)
    complete_all(simulator)
    assert extension.run_command(["resume", "--json"]) == 1
    shown = capfd.readouterr()
    problems = {task["prompt"]: task["problem"] for task in json.loads(shown.out.splitlines()[-1])["tasks"]}
    assert problems["a robot"] == "" and "car.glb was made after" in problems["a car"]
    assert f"a car: {problems['a car']}" in shown.err


def test_ctrl_c_while_only_the_bill_is_waited_for_ends_with_what_was_made(
    simulator: SimulatorProcess, extension_zip: Path, tmp_path: Path
) -> None:
    simulator.configure(faults=["never-billing"])
    command, output = CommandLine(tmp_path, simulator, extension_zip), tmp_path / "robot.glb"
    process = command.start("generate", "a robot", "--output", output)
    while not output.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    ended = command.end(process)
    assert ended.status == 0 and ended.lines[-1] == str(output) and "Interrupted" not in ended.said, ended.said
