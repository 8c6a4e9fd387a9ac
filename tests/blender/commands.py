# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line in a Blender process of its own, for tests. Imports no bpy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.blender.support import ROOT
from tests.simulator.process import SimulatorProcess

SCRIPT = ROOT / "tests" / "blender" / "scripts" / "command.py"
LIMIT_SECONDS = 180.0


@dataclass
class Ended:
    """How a command ended."""

    status: int
    lines: list[str]
    """Standard output, without what Blender says of the installation."""
    said: str
    """Standard error."""

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.lines[-1])
        return found


class CommandLine:
    """Commands of one user: a profile and a data folder of their own, and a service."""

    def __init__(self, folder: Path, simulator: SimulatorProcess, package: Path) -> None:
        self.folder = folder
        self.package = package
        self.environment = {
            "BLENDER_USER_RESOURCES": str(folder / "blender"),
            "TOKENLAB_DATA_DIR": str(folder / "data"),
            "TOKENLAB_API_BASE": simulator.url,
            "TOKENLAB_API_KEY": simulator.key,
            "TOKENLAB_TEST_FAST": "1",
        }

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.words(*arguments),
            cwd=self.folder,
            env=self.everything(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def everything(self) -> dict[str, str]:
        """The environment of a command."""
        return {**os.environ, "PYTHONPATH": str(ROOT), **self.environment}

    def words(self, *arguments: object) -> list[str]:
        """The command, as the system is given it."""
        return [sys.executable, str(SCRIPT), str(self.package), *map(str, arguments)]

    def run(self, *arguments: object) -> Ended:
        return self.end(self.start(*arguments))

    def end(self, process: subprocess.Popen[str]) -> Ended:
        output, said = process.communicate(timeout=LIMIT_SECONDS)
        lines = [line for line in output.splitlines() if not line.startswith(("STATUS ", "Blender "))]
        return Ended(process.returncode, lines, said)

    def interrupt(self, process: subprocess.Popen[str], when_said: str) -> Ended:
        """Press Ctrl C as soon as it says something, and wait for the end."""
        said = process.stderr
        assert said is not None
        before = []
        for line in said:
            before.append(line)
            if when_said in line:
                break
        process.send_signal(signal.SIGINT)
        rest: list[str] = []
        reader = threading.Thread(target=lambda: rest.extend(said))
        reader.start()
        output = process.stdout.read() if process.stdout else ""
        process.wait(LIMIT_SECONDS)
        reader.join(LIMIT_SECONDS)
        return Ended(process.returncode, output.splitlines(), "".join((*before, *rest)))


def wait_for_polls(simulator: SimulatorProcess, count: int) -> None:
    """Wait until so many tasks were asked about: by then the disk has their ids, and a kill leaves nothing unclear."""
    end = time.monotonic() + LIMIT_SECONDS
    while sum(task["polls"] > 0 for task in simulator.creates()) < count:
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def complete_all(simulator: SimulatorProcess) -> None:
    """Have the service complete what it was given, however long that was to take."""
    for task in simulator.creates():
        simulator.steer(task["id"], seconds=0.0)
