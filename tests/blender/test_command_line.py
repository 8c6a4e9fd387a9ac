# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line, each command in a Blender process of its own: files that open, and an exit status that is true."""

from __future__ import annotations

import importlib
import io
import os
import shutil
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.commands import CommandLine, complete_all, wait_for_polls
from tests.blender.support import vertex_count
from tests.ended_process import elsewhere, of_ended
from tests.simulator.models import ensure_models
from tests.simulator.process import SimulatorProcess


@pytest.fixture
def command(simulator: SimulatorProcess, extension_zip: Path, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, simulator, extension_zip)


def open_model(path: Path) -> int:
    """How many vertices Blender finds in a file."""
    importers: dict[str, Any] = {
        ".glb": bpy.ops.import_scene.gltf,
        ".fbx": bpy.ops.import_scene.fbx,
        ".obj": bpy.ops.wm.obj_import,
        ".usdz": bpy.ops.wm.usd_import,
    }
    if path.suffix == ".blend":
        bpy.ops.wm.open_mainfile(filepath=str(path))
    else:
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        importers[path.suffix](filepath=str(path))
    return vertex_count(bpy.data.objects)


@pytest.mark.parametrize("suffix", [".glb", ".blend", ".fbx", ".obj", ".usdz"])
def test_the_output_is_what_its_suffix_says_and_opens(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"robot{suffix}"
    ended = command.run("generate", "a robot", "--output", output, "--seed", 7)
    assert ended.status == 0, ended.said
    assert ended.lines == [str(output)]
    assert open_model(output) >= 3
    (created,) = simulator.creates()
    assert created["request"]["seed"] == 7
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("suffix", [".glb", ".blend", ".fbx", ".obj", ".usdz"])
def test_the_textures_are_in_the_output_or_beside_it(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path, suffix: str
) -> None:
    simulator.configure(assets=ensure_models())
    output = tmp_path / "out" / f"robot{suffix}"
    output.parent.mkdir()
    # As GLB, which is converted: the exporters are what is tested.
    ended = command.run("generate", "a robot", "--format", "glb", "--height", 2, "--output", output)
    assert ended.status == 0, ended.said
    shutil.rmtree(tmp_path / "data")
    open_model(output)
    images = [image for image in bpy.data.images if image.size[0] > 0]
    assert images


def test_a_blend_that_was_open_gets_the_model_and_keeps_its_relative_paths(
    simulator: SimulatorProcess, command: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "textures").mkdir()
    image = bpy.data.images.new("Wood", 4, 4)
    image.filepath_raw, image.file_format = str(tmp_path / "textures" / "wood.png"), "PNG"
    image.save()
    image.use_fake_user = True
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.file.make_paths_relative()
    bpy.ops.wm.save_mainfile()
    command.environment["TOKENLAB_TEST_OPEN"] = str(tmp_path / "scene.blend")
    ended = command.run("generate", "a robot", "--output", tmp_path / "robot.blend")
    assert ended.status == 0, ended.said
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "robot.blend"))
    assert bpy.data.images["Wood"].filepath == "//textures/wood.png"
    names = {item.name for item in bpy.data.objects}
    assert "Cube" in names and len(names) > 1


def test_a_model_that_comes_in_another_format_than_the_output_is_converted(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    ended = command.run("generate", "a robot", "--format", "obj", "--output", tmp_path / "robot.glb")
    assert ended.status == 0, ended.said
    assert (tmp_path / "robot.glb").read_bytes().startswith(b"glTF")
    assert simulator.creates()[0]["request"]["format"] == "obj"


def test_a_height_that_was_asked_for_is_in_the_written_file(command: CommandLine, tmp_path: Path) -> None:
    ended = command.run("generate", "a robot", "--height", 3, "--output", tmp_path / "robot.blend")
    assert ended.status == 0, ended.said
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "robot.blend"))
    meshes = [item for item in bpy.data.objects if item.type == "MESH"]
    corners = [item.matrix_world @ vertex.co for item in meshes for vertex in item.data.vertices]
    assert max(corner.z for corner in corners) - min(corner.z for corner in corners) <= 3.0001
    assert not [item for item in bpy.data.objects if item.name.startswith("Cube")]


def test_the_result_as_json_names_everything_that_a_program_needs(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    command.environment.pop("TOKENLAB_TEST_FAST")
    ended = command.run("generate", "a robot", "--output", tmp_path / "robot.glb", "--json", "--quiet")
    assert ended.status == 0 and len(ended.lines) == 1
    data = ended.data
    (created,) = simulator.creates()
    assert data["task_id"] == created["id"] and data["state"] == "IMPORTED" and data["exit_status"] == 0
    # The service names it a moment after the completion, and the command waits for that.
    assert data["billing_transaction_id"] == created["billing_transaction_id"]
    assert data["path"] == str(tmp_path / "robot.glb") and Path(data["library_path"]).is_file()


def test_a_task_that_fails_ends_with_1_and_says_that_nothing_was_charged(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(faults=["task-fails"])
    ended = command.run("generate", "a robot", "--output", tmp_path / "robot.glb", "--json")
    assert ended.status == 1
    assert "You are not charged" in ended.said and "You are not charged" in ended.data["problem"]
    assert not (tmp_path / "robot.glb").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate"],
        ["generate", "a robot", "--output", "robot.png"],
        ["generate", "a robot", "--output", "no/such/folder/robot.glb"],
        ["generate", "a robot", "--image", "no-such-picture.png"],
        ["generate", "a robot", "--seed", "-1"],
        ["generate", "a robot", "--seed", "one"],
        ["generate", "a robot", "--height", "tall"],
        ["generate", "a robot", "--timeout", "soon"],
        ["generate", "a robot", "--budget", "much"],
        ["generate", "a robot", "--format", "stl"],
        ["generate", "--no-such-option"],
        ["batch", "no-such-file.csv", "--output-dir", "out"],
        ["frobnicate"],
        [],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_sends_nothing(
    command: CommandLine, simulator: SimulatorProcess, arguments: list[str]
) -> None:
    ended = command.run(*arguments)
    assert ended.status == 2, ended.said
    assert ended.said.strip() and "invalid" not in ended.said.replace("invalid choice", "")
    assert simulator.creates() == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no folder that nobody can write to")
def test_an_output_folder_that_nobody_can_write_to_is_said_before_anything_is_sent(
    extension: Any, simulator: SimulatorProcess, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["generate", "a robot", "--format", "obj", "--output"]
    assert extension.run_command([*words, "/proc/robot.glb"]) == 2
    assert "The folder /proc cannot be written to" in capfd.readouterr().err and simulator.creates() == []
    assert extension.run_command([*words, str(tmp_path / "robot.usdz")]) == 0
    assert [path.name for path in tmp_path.iterdir() if path.name != "data"] == ["robot.usdz"]


def test_an_output_that_is_there_is_not_replaced_unless_that_is_said(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    output = tmp_path / "robot.glb"
    output.write_bytes(b"work of years")
    ended = command.run("generate", "a robot", "--output", output)
    assert ended.status == 2 and "--overwrite" in ended.said
    assert output.read_bytes() == b"work of years" and simulator.creates() == []
    assert command.run("generate", "a robot", "--output", output, "--overwrite").status == 0
    assert output.read_bytes().startswith(b"glTF")


def test_files_that_go_with_an_output_take_nobodys_place(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(assets=ensure_models())
    words = ("generate", "a robot", "--format", "glb", "--output", tmp_path / "robot.obj")
    (tmp_path / "robot.mtl").write_bytes(b"work of years")
    ended = command.run(*words)
    assert ended.status == 2 and "robot.mtl" in ended.said and simulator.creates() == []
    (tmp_path / "robot.mtl").unlink()
    mine = [tmp_path / f"robot{end}" for end in ("-0.png", "-1.png", ".png", "-0.jpeg")]
    for file in mine:
        file.write_bytes(b"work of years")
    assert command.run(*words).status == 0
    assert all(file.read_bytes() == b"work of years" for file in mine)
    before = sorted(tmp_path.glob("robot*"))
    assert command.run(*words, "--overwrite", "--confirm-duplicate").status == 0
    assert sorted(tmp_path.glob("robot*")) == before


def test_what_killed_commands_left_is_removed_and_not_what_other_machines_are_at(
    extension: ModuleType, command: CommandLine, tmp_path: Path
) -> None:
    output, mark = tmp_path / "out", extension.core.processes.mark()
    names = {
        "dead": f".tokenlab-{of_ended(mark)}x",
        "alive": f".tokenlab-{mark}x",
        "elsewhere": f".tokenlab-{elsewhere(mark)}x",
        "old": f".tokenlab-{elsewhere(mark)}y",
    }
    for name in names.values():
        (output / name).mkdir(parents=True)
    two_days_ago = time.time() - 2 * 86_400
    os.utime(output / names["old"], (two_days_ago, two_days_ago))
    assert command.run("generate", "a robot", "--output", output / "robot.glb").status == 0
    assert {path.name for path in output.iterdir()} == {"robot.glb", names["alive"], names["elsewhere"]}


def test_without_a_key_it_ends_with_3_and_says_what_to_do(command: CommandLine, simulator: SimulatorProcess) -> None:
    command.environment.pop("TOKENLAB_API_KEY")
    ended = command.run("generate", "a robot")
    assert ended.status == 3
    assert "TOKENLAB_API_KEY" in ended.said and "Nothing was sent or charged" in ended.said
    assert command.run("generate", "a robot", "--model", "try-without-key").status == 0
    assert simulator.creates() == []


def test_with_online_access_off_it_ends_with_3_before_anything_is_asked(command: CommandLine) -> None:
    command.environment["TOKENLAB_API_BASE"] = "https://api.tokenlab.example"
    ended = command.run("generate", "a robot")
    assert ended.status == 3 and "--online-mode" in ended.said


def test_the_same_again_and_a_budget_end_with_3_and_send_nothing(
    command: CommandLine, simulator: SimulatorProcess
) -> None:
    assert command.run("generate", "a robot").status == 0
    ended = command.run("generate", "a robot")
    assert ended.status == 3 and "--confirm-duplicate" in ended.said
    ended = command.run("generate", "a chair", "--budget", "0.39")
    assert ended.status == 3 and "$0.39" in ended.said and "Give a higher --budget." in ended.said
    assert len(simulator.creates()) == 1
    assert command.run("generate", "a robot", "--confirm-duplicate", "--budget", "0.40").status == 0


def test_a_request_without_a_clear_answer_ends_with_4_and_is_not_sent_again(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(faults=["create-reset-after-body"])
    ended = command.run("generate", "a robot", "--output", tmp_path / "robot.glb")
    assert ended.status == 4, ended.said
    simulator.configure(faults=[])
    ended = command.run("resume", "--json")
    assert ended.status == 4 and ended.data["tasks"][0]["state"] == "UNCERTAIN"
    assert len(simulator.creates()) == 1


def test_an_interrupted_command_ends_with_130_and_resume_writes_its_output(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(seconds=5.0)
    output = tmp_path / "robot.glb"
    ended = command.interrupt(command.start("generate", "a robot", "--output", output), "Pending")
    assert ended.status == 130, ended.said
    assert "resume" in ended.said and "Traceback" not in ended.said
    assert not output.exists()
    listed = command.run("list", "--unfinished", "--json").data["tasks"]
    assert [task["output"] for task in listed] == [str(output)]
    ended = command.run("resume")
    assert ended.status == 0, ended.said
    assert ended.lines == [str(output)] and open_model(output) >= 3
    assert len(simulator.creates()) == 1
    assert command.run("list", "--unfinished", "--json").data["tasks"] == []


def test_a_command_that_was_killed_is_finished_by_resume(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(seconds=3.0)
    process = command.start("generate", "a robot", "--output", tmp_path / "robot.obj")
    wait_for_polls(simulator, 1)
    process.kill()
    process.communicate()
    ended = command.run("resume")
    assert ended.status == 0, ended.said
    assert open_model(tmp_path / "robot.obj") >= 3
    assert len(simulator.creates()) == 1


def test_a_time_limit_ends_with_3_and_resume_goes_on(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(seconds=4.0)
    ended = command.run("generate", "a robot", "--output", tmp_path / "robot.glb", "--timeout", 1)
    assert ended.status == 3 and "still runs" in ended.said
    assert command.run("resume").status == 0
    assert (tmp_path / "robot.glb").is_file() and len(simulator.creates()) == 1


def test_the_end_of_the_time_and_ctrl_c_wait_for_the_answer_to_what_is_being_sent(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    # What there is to know of the models is known, so that the first request is the one that creates.
    assert command.run("models").status == 0
    simulator.configure(delay=4.0, seconds=60.0)
    ended = command.run("generate", "a robot", "--output", tmp_path / "robot.glb", "--timeout", 2)
    assert ended.status == 3 and "still runs" in ended.said, ended.said
    ended = command.interrupt(command.start("generate", "a car", "--output", tmp_path / "car.glb"), "Submitting")
    assert ended.status == 130 and "on its way" in ended.said, ended.said
    simulator.configure(delay=0.0)
    complete_all(simulator)
    ended = command.run("resume")
    assert ended.status == 0, ended.said
    assert sorted(ended.lines) == [str(tmp_path / "car.glb"), str(tmp_path / "robot.glb")]
    assert len(simulator.creates()) == 2


def test_a_request_that_nobody_would_send_later_is_taken_back_when_the_time_is_up(
    command: CommandLine, simulator: SimulatorProcess
) -> None:
    simulator.configure(delay=60.0)
    ended = command.run("generate", "a robot", "--timeout", 1)
    assert ended.status == 3 and "not sent" in ended.said and "resume" not in ended.said
    simulator.configure(delay=0.0)
    assert command.run("resume").status == 0 and simulator.creates() == []
    assert command.run("generate", "a robot").status == 0
    assert len(simulator.creates()) == 1


def test_what_has_failed_is_not_said_again_by_each_resume(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(faults=["task-fails"])
    assert command.run("generate", "a robot", "--output", tmp_path / "robot.glb").status == 1
    simulator.configure(faults=[])
    ended = command.run("resume", "--json")
    assert ended.status == 0 and ended.data["tasks"] == []


def test_a_model_that_was_not_delivered_whole_is_fetched_by_resume(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    for number, fault in enumerate(("asset-html", "asset-404")):
        output = tmp_path / f"robot{number}.glb"
        simulator.configure(faults=[fault])
        ended = command.run("generate", f"a robot {number}", "--output", output)
        assert ended.status in (1, 3) and not output.exists(), ended.said
        simulator.configure(faults=[])
        ended = command.run("resume")
        assert ended.status == 0 and ended.lines == [str(output)], ended.said
        assert output.read_bytes()[:4] == b"glTF"
    assert len(simulator.creates()) == 2


def test_resume_does_not_replace_what_was_made_meanwhile_unless_that_is_said(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(seconds=60.0)
    older, newer = tmp_path / "older.glb", tmp_path / "newer.glb"
    older.write_bytes(b"to be replaced")
    for path in (older, newer):
        words = ("generate", path.stem, "--output", path, "--timeout", 2, "--overwrite")
        assert command.run(*words).status == 3
    newer.write_bytes(b"work of years")
    complete_all(simulator)
    ended = command.run("resume")
    assert ended.status == 1 and "newer.glb" in ended.said and "--overwrite" in ended.said
    assert ended.lines == [str(older)] and older.read_bytes()[:4] == b"glTF"
    assert newer.read_bytes() == b"work of years"
    assert command.run("resume", "--overwrite").lines == [str(newer)]
    assert newer.read_bytes()[:4] == b"glTF" and len(simulator.creates()) == 2


def test_a_file_that_is_made_while_a_command_waits_is_not_replaced(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(seconds=60.0)
    output = tmp_path / "robot.obj"
    process = command.start("generate", "a robot", "--output", output)
    wait_for_polls(simulator, 1)
    output.with_suffix(".mtl").write_bytes(b"work of years")
    complete_all(simulator)
    ended = command.end(process)
    assert ended.status == 1 and "robot.mtl" in ended.said and "resume --overwrite" in ended.said
    assert ended.lines == [] and output.with_suffix(".mtl").read_bytes() == b"work of years"
    output.with_suffix(".mtl").unlink()
    assert command.run("resume").lines == [str(output)] and len(simulator.creates()) == 1


def test_a_blend_that_was_saved_in_edit_mode_gets_its_model(command: CommandLine, tmp_path: Path) -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert bpy.context.mode == "EDIT_MESH"
    command.environment["TOKENLAB_TEST_OPEN"] = str(tmp_path / "scene.blend")
    ended = command.run("generate", "a robot", "--output", tmp_path / "out.blend", "--timeout", 60)
    assert ended.status == 0, ended.said
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out.blend"))
    assert "Cube" in bpy.data.objects and len(bpy.data.objects) > 3


def test_the_limits_of_a_command_are_its_own_and_end_with_it(extension: Any, simulator: SimulatorProcess) -> None:
    assert extension.run_command(["generate", "a robot", "--budget", "0.40"]) == 0
    assert extension.run_command(["generate", "a car", "--budget", "0.40"]) == 0
    assert extension.run_command(["generate", "a bird", "--budget", "0.39"]) == 3
    assert extension.generate("a fish").wait(60)
    assert len(simulator.creates()) == 3


def test_the_lists_are_for_people_and_for_programs(command: CommandLine, simulator: SimulatorProcess) -> None:
    assert command.run("generate", "a robot").status == 0
    lines = command.run("list").lines
    assert lines[0].split()[:3] == ["id", "created", "state"] and "a robot" in lines[1]
    lines = command.run("models").lines
    assert any("tripo-h3.1" in line and "$0.10 to $0.40" in line for line in lines)
    models = {model["id"]: model for model in command.run("models", "--json").data["models"]}
    assert models["tripo-h3.1"]["max_price_usd"] == "0.4"


def test_what_a_command_has_written_or_has_named_waits_for_nobody(
    command: CommandLine, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "props.csv").write_text("prompt,output\na lamp,lamp.glb\na house,house.blend\n", encoding="utf-8")
    commands: list[list[object]] = [
        ["generate", "a robot"],
        ["generate", "a fox", "--output", tmp_path / "fox.glb"],
        ["batch", tmp_path / "props.csv", "--output-dir", tmp_path / "out"],
    ]
    for words in commands:
        ended = command.run(*words)
        assert ended.status == 0, ended.said
    assert command.run("list", "--unfinished", "--json").data["tasks"] == []
    assert len(simulator.creates()) == 4


def test_looking_takes_no_task_over(command: CommandLine, simulator: SimulatorProcess) -> None:
    simulator.configure(seconds=60.0)
    process = command.start("generate", "a robot")
    assert process.stderr is not None
    next(line for line in process.stderr if "Pending" in line)
    (task,) = command.run("list", "--json").data["tasks"]
    assert task["state"] in ("PENDING", "PROCESSING")
    process.kill()
    process.communicate()


def test_the_command_is_known_to_blender_while_the_extension_is_enabled(extension: Any) -> None:
    assert len(extension.core.blender.command_line._handles) == 1
    assert extension.core.blender.command_line.NAME == "tokenlab_3d"


class Screen(io.StringIO):
    """A terminal, or a log file."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


def shown(extension: Any, *, is_terminal: bool, is_quiet: bool = False) -> str:
    """What is seen of a task that makes progress, looked at far too often."""
    screen, now = Screen(is_terminal=is_terminal), [0.0]
    module = importlib.import_module(f"{extension.__name__}.core.blender.command_line.progress")
    progress = module.Progress(screen, is_quiet=is_quiet, clock=lambda: now[0])
    for percent in range(101):
        for _ in range(3):
            progress.show("Processing: a robot", percent)
            now[0] += 0.02
    progress.end()
    return screen.getvalue()


def test_a_terminal_gets_one_line_that_grows_and_a_log_a_line_for_each_quarter(extension: Any) -> None:
    bar = shown(extension, is_terminal=True)
    assert bar.count("\n") == 1 and bar.startswith("\r[....") and "#" * 24 in bar
    assert 40 < bar.count("\r") <= 101
    log = shown(extension, is_terminal=False)
    assert [line.split()[-2] for line in log.splitlines()] == ["0", "25", "50", "75", "100"]
    assert shown(extension, is_terminal=True, is_quiet=True) == ""
