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

from tests.blender.commands import CommandLine
from tests.blender.support import new_session
from tests.simulator.process import SimulatorProcess


@pytest.fixture
def left(extension: ModuleType, simulator: SimulatorProcess) -> dict[str, Any]:
    """A task at the service that a command without an output has left, in an earlier session."""
    simulator.configure(seconds=60.0)
    assert extension.run_command(["generate", "a robot", "--timeout", "0.5"]) == 3
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
