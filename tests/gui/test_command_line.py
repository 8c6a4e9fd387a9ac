# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`blender --command tokenlab_3d` in the real Blender: files that open, and each of the six exit states.

The same with Blender as a Python module, and all the rest of it, is in tests/blender/test_command_line.py.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blender.commands import CommandLine
from tests.gui.window import SUITES, VERSION, launcher
from tests.simulator.process import SimulatorProcess
from tests.tiers import PRIVATE_VARIABLES

MESHES = "[item.data for item in bpy.data.objects if item.type == 'MESH']"
COUNT = f"import bpy; print('VERTICES', sum(len(mesh.vertices) for mesh in {MESHES}), flush=True)"

SCRIPT = """
import importlib
tokenlab = importlib.import_module("bl_ext.user_default.tokenlab_3d")
task = tokenlab.generate("a scripted bird")
print("OBJECTS", [item.name for item in task.wait(timeout=90)], task.state, flush=True)
"""


class RealCommandLine(CommandLine):
    """Commands of the program that users start."""

    def words(self, *arguments: object) -> list[str]:
        return [*self.program(), "--command", "tokenlab_3d", *map(str, arguments)]

    def program(self, *options: str) -> list[str]:
        return [launcher(), SUITES[VERSION], "blender", "-noaudio", *options]

    def call(self, *options: str) -> str:
        """Start it with something else than our command; return what it printed."""
        done = subprocess.run(
            self.program(*options),
            cwd=self.folder,
            env=self.everything(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return f"{done.stdout}{done.stderr}\nexit status {done.returncode}"

    def vertices(self, path: Path) -> int:
        """How many vertices it finds in a file."""
        if path.suffix == ".blend":
            said = self.call("--background", str(path), "--python-expr", COUNT)
        else:
            empty = "import bpy; bpy.ops.wm.read_homefile(use_empty=True)"
            work = f"{empty}; bpy.ops.import_scene.gltf(filepath={str(path)!r})"
            said = self.call("--background", "--python-expr", f"{work}; {COUNT}")
        return int(said.partition("VERTICES ")[2].split()[0])


@pytest.fixture(scope="module")
def installed(
    extension_zip: Path, simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealCommandLine]:
    """A profile with the extension."""
    folder = tmp_path_factory.mktemp("command line")
    command = RealCommandLine(folder, simulator_process, extension_zip)
    command.environment.update({"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)})
    with pytest.MonkeyPatch.context() as patch:
        for name in PRIVATE_VARIABLES:
            patch.delenv(name, raising=False)
        options = ("--repo", "user_default", "--enable", str(extension_zip))
        said = command.call("--command", "extension", "install-file", *options)
        # It sometimes says nothing though it has worked, as in `Window`.
        assert list(folder.glob("blender/extensions/user_default/*/blender_manifest.toml")), said
        yield command


@pytest.fixture
def command(installed: RealCommandLine, simulator: SimulatorProcess) -> RealCommandLine:
    return installed


@pytest.mark.parametrize("suffix", [".glb", ".blend"])
def test_success_is_0_and_the_file_opens(
    command: RealCommandLine, simulator: SimulatorProcess, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"robot{suffix}"
    ended = command.run("generate", f"a robot as {suffix}", "--output", output)
    assert ended.status == 0, ended.said
    assert ended.lines[-1] == str(output)
    assert command.vertices(output) >= 3
    assert len(simulator.creates()) == 1


def test_a_failed_task_is_1(command: RealCommandLine, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["task-fails"])
    ended = command.run("generate", "a chair that fails", "--json", "--quiet")
    assert ended.status == 1 and "not charged" in ended.data["problem"]


def test_wrong_usage_is_2(command: RealCommandLine, simulator: SimulatorProcess) -> None:
    assert command.run("generate", "a chair", "--output", "chair.png").status == 2
    assert simulator.creates() == []


def test_no_key_is_3(command: RealCommandLine, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(command.environment, "TOKENLAB_API_KEY")
    ended = command.run("generate", "a chair")
    assert ended.status == 3 and "TOKENLAB_API_KEY" in ended.said


def test_no_clear_answer_is_4(command: RealCommandLine, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["create-reset-after-body"])
    assert command.run("generate", "a chair in doubt").status == 4
    assert len(simulator.creates()) == 1


def test_ctrl_c_is_130_and_resume_writes_the_file(
    command: RealCommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(seconds=8.0)
    output = tmp_path / "robot.glb"
    ended = command.interrupt(command.start("generate", "an interrupted robot", "--output", output), "Pending")
    assert ended.status == 130, ended.said
    assert "Traceback" not in ended.said
    simulator.configure(seconds=0.2)
    ended = command.run("resume")
    # What was uncertain before still is, and is said.
    assert ended.status in (0, 4), ended.said
    assert command.vertices(output) >= 3
    assert len(simulator.creates()) == 1


def test_a_script_given_to_blender_waits_for_its_model(
    command: RealCommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    said = command.call("--background", "--python-exit-code", "1", "--python", str(script))
    assert "OBJECTS ['Triangle'] IMPORTED" in said, said
    assert len(simulator.creates()) == 1
