# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command `batch`, each run in a Blender process of its own. The long run is the campaign of the same name."""

from __future__ import annotations

import csv
import shutil
import time
from pathlib import Path
from typing import Any

import bpy
import pytest

from tests import tiny_models
from tests.blender.commands import CommandLine, complete_all, wait_for_polls
from tests.blender.models_to_place import KINDS
from tests.blender.support import vertex_count
from tests.simulator.models import ensure_models
from tests.simulator.process import SimulatorProcess


class Batch:
    """A batch file and its output folder."""

    def __init__(self, command: CommandLine, folder: Path) -> None:
        self.command = command
        self.file = folder / "batch.csv"
        self.output = folder / "out"

    def words(self, *more: object) -> tuple[object, ...]:
        return ("batch", self.file, "--output-dir", self.output, *more)

    def results(self) -> list[dict[str, str]]:
        with (self.output / "results.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def batch(simulator: SimulatorProcess, extension_zip: Path, tmp_path: Path) -> Batch:
    return Batch(CommandLine(tmp_path, simulator, extension_zip), tmp_path)


def test_each_row_becomes_a_file_and_a_second_run_sends_nothing(
    batch: Batch, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    batch.file.write_text("prompt,output,seed,height\na robot,one,1,\na car,two.blend,,2\na bird,sub/three.obj,,\n")
    ended = batch.command.run(*batch.words("--json"))
    assert ended.status == 0, ended.said
    assert ended.data["counts"] == {"done": 3}
    created = {task["prompt"]: task for task in simulator.creates()}
    for row in batch.results():
        assert row["status"] == "done" and row["task_id"] == created[row["prompt"]]["id"]
        assert row["billing_transaction_id"] == created[row["prompt"]]["billing_transaction_id"]
        assert (batch.output / row["path"]).is_file() and float(row["seconds"]) >= 0
    assert (batch.output / "one.glb").read_bytes()[:4] == b"glTF"
    assert (batch.output / "sub" / "three.obj").is_file()
    assert batch.command.run(*batch.words()).status == 0
    assert len(simulator.creates()) == 3
    # What was written is written again from the library, and not paid for again.
    (batch.output / "one.glb").unlink()
    assert batch.command.run(*batch.words()).status == 0
    assert (batch.output / "one.glb").is_file() and len(simulator.creates()) == 3


def test_a_blend_of_a_row_holds_its_model_alone_and_knows_of_no_task(batch: Batch) -> None:
    batch.file.write_text("prompt,output\na robot,one.blend\na car,two.blend\n")
    assert batch.command.run(*batch.words()).status == 0
    for name in ("one", "two"):
        bpy.ops.wm.open_mainfile(filepath=str(batch.output / f"{name}.blend"))
        (collection,) = [item for item in bpy.data.collections if item.get("tokenlab_local_id")]
        assert vertex_count(collection.all_objects) == vertex_count(bpy.data.objects) > 0
        assert all(scene.get("tokenlab_tasks") is None for scene in bpy.data.scenes)


def test_a_row_that_was_added_is_all_that_a_second_run_sends(batch: Batch, simulator: SimulatorProcess) -> None:
    batch.file.write_text("prompt,output\na robot,one\n")
    assert batch.command.run(*batch.words()).status == 0
    batch.file.write_text("prompt,output\na car,two\na robot,one\n")
    assert batch.command.run(*batch.words()).status == 0
    assert [task["prompt"] for task in simulator.creates()] == ["a robot", "a car"]


def test_what_failed_is_sent_anew_only_when_that_is_asked_for(batch: Batch, simulator: SimulatorProcess) -> None:
    batch.file.write_text("prompt,output\na robot,one\n")
    simulator.configure(faults=["task-fails"])
    ended = batch.command.run(*batch.words())
    assert ended.status == 1
    assert "not charged" in batch.results()[0]["error"]
    simulator.configure(faults=[])
    assert batch.command.run(*batch.words()).status == 1
    assert len(simulator.creates()) == 1
    assert batch.command.run(*batch.words("--retry-failed")).status == 0
    assert len(simulator.creates()) == 2 and batch.results()[0]["status"] == "done"


def test_a_row_without_a_clear_answer_is_never_repeated(batch: Batch, simulator: SimulatorProcess) -> None:
    batch.file.write_text("prompt,output\na robot,one\na car,two\n")
    simulator.configure(faults=["create-reset-after-body:1"])
    ended = batch.command.run(*batch.words())
    assert ended.status == 4, ended.said
    simulator.configure(faults=[])
    assert batch.command.run(*batch.words("--retry-failed")).status == 4
    assert len(simulator.creates()) == 2
    assert sorted(row["status"] for row in batch.results()) == ["done", "uncertain"]


def test_a_killed_run_and_an_interrupted_one_are_gone_on_with(batch: Batch, simulator: SimulatorProcess) -> None:
    batch.file.write_text("prompt,output\n" + "".join(f"thing {number},thing{number}\n" for number in range(6)))
    simulator.configure(seconds=3.0)
    process = batch.command.start(*batch.words("--concurrency", 2))
    wait_for_polls(simulator, 2)
    process.kill()
    process.communicate()
    ended = batch.command.interrupt(batch.command.start(*batch.words("--concurrency", 2)), "2 done")
    assert ended.status == 130, ended.said
    simulator.configure(seconds=0.2)
    assert batch.command.run(*batch.words()).status == 0
    assert sorted(task["prompt"] for task in simulator.creates()) == [f"thing {number}" for number in range(6)]


def test_no_more_rows_run_at_once_than_was_said(batch: Batch, simulator: SimulatorProcess) -> None:
    batch.file.write_text("prompt\n" + "".join(f"thing {number}\n" for number in range(5)))
    simulator.configure(seconds=1.0)
    process = batch.command.start(*batch.words("--concurrency", 2))
    most = 0
    while process.poll() is None:
        most = max(most, sum(task["state"] in ("pending", "processing") for task in simulator.creates()))
        time.sleep(0.05)
    assert process.returncode == 0 and most == 2


def test_a_budget_stops_the_rows_that_could_go_beyond_it(batch: Batch, simulator: SimulatorProcess) -> None:
    # A request costs up to $0.40.
    batch.file.write_text("prompt\na\nb\nc\n")
    ended = batch.command.run(*batch.words("--budget", "0.80"))
    assert ended.status == 3 and "$0.80" in ended.said
    assert sorted(row["status"] for row in batch.results()) == ["done", "done", "not sent"]
    assert len(simulator.creates()) == 2
    assert batch.command.run(*batch.words("--budget", "0.80")).status == 0


def test_a_row_that_an_earlier_run_left_unsent_stays_within_the_budget_too(
    batch: Batch, simulator: SimulatorProcess
) -> None:
    batch.file.write_text("prompt\na\nb\n")
    # The model is asked for first, and that takes longer than the command waits.
    simulator.configure(delay=60.0)
    assert batch.command.run(*batch.words("--concurrency", 1, "--timeout", 1)).status == 3
    simulator.configure(delay=0.0)
    ended = batch.command.run(*batch.words("--concurrency", 1, "--budget", "0.10"))
    assert ended.status == 3 and "$0.10" in ended.said
    assert [row["status"] for row in batch.results()] == ["not sent", "not sent"]
    assert not simulator.creates()
    assert batch.command.run(*batch.words("--budget", "0.80")).status == 0
    assert sorted(task["prompt"] for task in simulator.creates()) == ["a", "b"]


def test_a_row_whose_picture_is_missing_is_said_and_the_others_are_made(
    batch: Batch, simulator: SimulatorProcess
) -> None:
    batch.file.write_text("prompt,image\na robot,\na car,none.png\n")
    ended = batch.command.run(*batch.words())
    assert ended.status == 3, ended.said
    assert [row["status"] for row in batch.results()] == ["done", "not sent"]
    assert "none.png" in batch.results()[1]["error"] and len(simulator.creates()) == 1


def test_two_runs_of_one_batch_at_once_do_not_both_send(batch: Batch, simulator: SimulatorProcess) -> None:
    batch.file.write_text("prompt\na robot\n")
    simulator.configure(seconds=4.0)
    first = batch.command.start(*batch.words())
    while not simulator.creates():
        assert first.poll() is None
        time.sleep(0.05)
    second = batch.command.run(*batch.words())
    assert second.status == 3 and "Another Blender works on the batch" in second.said
    assert batch.command.end(first).status == 0
    assert len(simulator.creates()) == 1


def test_textures_of_two_rows_do_not_take_each_others_place(batch: Batch, simulator: SimulatorProcess) -> None:
    simulator.configure(assets=ensure_models())
    batch.file.write_text("prompt,output,format\na robot,one.obj,glb\na car,two.obj,glb\n")
    assert batch.command.run(*batch.words()).status == 0
    for name in ("one", "two"):
        maps = [line.split()[-1] for line in (batch.output / f"{name}.mtl").read_text().splitlines() if "map_" in line]
        assert maps and all(file.startswith(f"{name}-") and (batch.output / file).is_file() for file in maps)


def test_a_result_file_that_cannot_be_written_costs_no_model_and_is_said(
    batch: Batch, simulator: SimulatorProcess
) -> None:
    batch.file.write_text("prompt,output\na robot,one\n")
    (batch.output / "results.csv").mkdir(parents=True)
    ended = batch.command.run(*batch.words())
    assert ended.status == 1 and "results.csv could not be written" in ended.said
    assert "Traceback" not in ended.said and (batch.output / "one.glb").is_file()
    (batch.output / "results.csv").rmdir()
    assert batch.command.run(*batch.words()).status == 0
    assert batch.results()[0]["status"] == "done" and len(simulator.creates()) == 1


@pytest.mark.parametrize("more", [[], ["--results", "out/../results.csv"]], ids=["beside", "named"])
def test_a_result_file_never_takes_the_place_of_the_batch_file(
    extension: Any, simulator: SimulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    Path("results.csv").write_text("prompt\na robot\n", encoding="utf-8")
    folder = "out" if more else "."
    assert extension.run_command(["batch", "results.csv", "--output-dir", folder, *more]) == 2
    assert Path("results.csv").read_text(encoding="utf-8") == "prompt\na robot\n"
    assert simulator.creates() == []


def test_a_file_that_is_not_of_the_batch_is_neither_replaced_nor_made_anew_unless_that_is_said(
    batch: Batch, simulator: SimulatorProcess
) -> None:
    batch.file.write_text("prompt,output\na robot,one\na car,two\n")
    batch.output.mkdir()
    (batch.output / "one.glb").write_bytes(b"work of years")
    ended = batch.command.run(*batch.words())
    assert ended.status == 3 and "--overwrite" in ended.said
    assert [row["status"] for row in batch.results()] == ["not sent", "done"]
    assert (batch.output / "one.glb").read_bytes() == b"work of years" and len(simulator.creates()) == 1
    assert batch.command.run(*batch.words("--overwrite")).status == 0
    assert (batch.output / "one.glb").read_bytes()[:4] == b"glTF" and len(simulator.creates()) == 2


def test_a_file_that_is_made_while_its_row_is_waited_for_is_not_replaced_but_an_own_one_is(
    batch: Batch, simulator: SimulatorProcess
) -> None:
    batch.file.write_text("prompt,output\na robot,one\na car,two\n")
    simulator.configure(seconds=60.0)
    process = batch.command.start(*batch.words())
    wait_for_polls(simulator, 2)
    (batch.output / "one.glb").write_bytes(b"work of years")
    # As a run leaves it that was killed after it has written a model and before it has noted that.
    (batch.output / "two.glb").write_bytes(tiny_models.glb())
    complete_all(simulator)
    ended = batch.command.end(process)
    assert ended.status == 1, ended.said
    assert [row["status"] for row in batch.results()] == ["not written", "done"]
    assert "--overwrite" in batch.results()[0]["error"]
    assert (batch.output / "one.glb").read_bytes() == b"work of years"
    assert batch.command.run(*batch.words("--overwrite")).status == 0
    assert (batch.output / "one.glb").read_bytes()[:4] == b"glTF" and len(simulator.creates()) == 2


def test_a_model_that_cannot_be_fetched_ends_the_run_and_the_same_command_fetches_it(
    batch: Batch, simulator: SimulatorProcess
) -> None:
    batch.file.write_text("prompt,output\na robot,one\n")
    for fault in ("asset-404", "asset-html"):
        simulator.configure(faults=[fault])
        ended = batch.command.run(*batch.words())
        assert ended.status == 1, ended.said
        (row,) = batch.results()
        assert row["status"] == "not written" and row["error"]
    simulator.configure(faults=[])
    ended = batch.command.run(*batch.words())
    assert ended.status == 0, ended.said
    assert (batch.output / "one.glb").is_file() and len(simulator.creates()) == 1


def test_a_model_that_is_no_more_in_the_library_is_fetched_once_more(batch: Batch, simulator: SimulatorProcess) -> None:
    batch.file.write_text("prompt,output\na robot,one\n")
    assert batch.command.run(*batch.words()).status == 0
    (batch.output / "one.glb").unlink()
    shutil.rmtree(batch.command.folder / "data" / "library")
    ended = batch.command.run(*batch.words())
    assert ended.status == 0, ended.said
    assert (batch.output / "one.glb").is_file() and len(simulator.creates()) == 1


def test_rows_that_moved_and_a_folder_that_is_spelled_otherwise_are_the_same_batch(
    batch: Batch, simulator: SimulatorProcess
) -> None:
    batch.file.write_text("prompt\n椅子\n桌子\n")
    assert batch.command.run(*batch.words()).status == 0
    before = {row["prompt"]: row["path"] for row in batch.results()}
    batch.file.write_text("prompt\n灯\n桌子\n椅子\n")
    spelled = batch.output.parent / "out" / ".." / "out"
    ended = batch.command.run("batch", batch.file, "--output-dir", spelled)
    assert ended.status == 0, ended.said
    after = {row["prompt"]: row["path"] for row in batch.results()}
    assert {prompt: after[prompt] for prompt in before} == before
    assert sorted(task["prompt"] for task in simulator.creates()) == sorted(["椅子", "桌子", "灯"])


def test_a_rigged_model_of_one_row_does_not_end_the_others(
    batch: Batch, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "assets").mkdir()
    KINDS["skinned"].write(tmp_path / "assets")
    simulator.configure(assets=tmp_path / "assets")
    batch.file.write_text("prompt,output\na robot,one.fbx\nbird,two.obj\nzebra,three.blend\n")
    ended = batch.command.run(*batch.words("--format", "glb"))
    assert ended.status == 0, ended.said
    assert [row["status"] for row in batch.results()] == ["done"] * 3


def test_the_end_of_the_time_waits_for_the_answer_to_what_is_being_sent(
    batch: Batch, simulator: SimulatorProcess
) -> None:
    batch.file.write_text("prompt,output\na robot,one\na car,two\n")
    # What there is to know of the models is known, so that the first request is the one that creates.
    assert batch.command.run("models").status == 0
    simulator.configure(delay=4.0, seconds=60.0)
    ended = batch.command.run(*batch.words("--timeout", 2, "--concurrency", 1))
    assert ended.status == 3, ended.said
    assert [row["status"] for row in batch.results()] == ["running", "waiting"]
    assert batch.results()[0]["task_id"]
    simulator.configure(delay=0.0, seconds=0.2)
    complete_all(simulator)
    assert batch.command.run(*batch.words()).status == 0
    assert [task["prompt"] for task in simulator.creates()] == ["a robot", "a car"]
