# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a download turns out to be: a model of whatever format, or one sentence, and the file is on disk in any case."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.files.facts import ModelFacts
from core.tasks import measured
from core.tasks.task import Task, TaskState
from tests.engine_rig import Rig, creates_sent
from tests.loopback import wait_for
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import OBJ_TEXT, glb, obj_zip, ply, ply_text, stl, stl_text


@pytest.fixture
def rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Rig]:
    simulator.configure(seconds=0)
    rig = Rig(tmp_path / "data", simulator.url, simulator.key)
    yield rig
    assert rig.engine.stop()


def deliver(rig: Rig, simulator: SimulatorProcess, tmp_path: Path, data: bytes) -> Task:
    """Have the service deliver these bytes as what it calls a GLB."""
    assets = tmp_path / "assets"
    assets.mkdir(exist_ok=True)
    (assets / "model.glb").write_bytes(data)
    simulator.configure(assets=assets)
    return rig.run_to(rig.submit(), TaskState.READY)


def zipped(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("_", "."), content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "result_format"),
    [
        (glb(), "original.glb", "GLB"),
        (stl(), "original.stl", "STL"),
        (stl_text(), "original.stl", "STL"),
        (ply(), "original.ply", "PLY"),
        (ply_text(), "original.ply", "PLY"),
        (OBJ_TEXT.encode(), "original.obj", "OBJ"),
        (obj_zip(), "unpacked/triangle.obj", "OBJ"),
        (zipped(a_stl=stl(), b_ply=ply()), "unpacked/a.stl", "STL"),
        (zipped(result_zip=obj_zip(), note_txt=b""), "triangle.obj", "OBJ"),
    ],
    ids=["GLB", "STL", "text STL", "PLY", "text PLY", "OBJ", "ZIP of OBJ", "ZIP of STL", "ZIP in a ZIP"],
)
def test_a_file_is_what_its_bytes_say_whatever_its_address_says(
    rig: Rig, simulator: SimulatorProcess, tmp_path: Path, data: bytes, name: str, result_format: str
) -> None:
    done = deliver(rig, simulator, tmp_path, data)
    assert (done.error, done.result_format) == ("", result_format)
    assert Path(done.result_path).as_posix().endswith(name)
    (original,) = rig.folder.rglob("original.*")
    assert original.read_bytes() == data
    provenance = json.loads((original.parent / "task.json").read_text(encoding="utf-8"))
    assert (provenance["file"], provenance["file_format"]) == (Path(name).name, result_format)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The service delivered an empty file, not a 3D model."),
        (glb()[:-20], "The delivered GLB file is cut short: 20 bytes are missing."),
        (ply(2_000_000_000), "The delivered PLY file is cut short or damaged: it holds less than its header promises."),
        (zipped(a_glb=glb()[:-20]), "The delivered archive holds no whole 3D model: its GLB file is cut short"),
        (zipped(a_txt=b"text"), "The delivered archive holds no 3D model."),
    ],
    ids=["nothing", "cut GLB", "PLY that crashes Blender", "ZIP of a cut GLB", "ZIP of text"],
)
def test_what_cannot_be_imported_is_kept_said_in_a_sentence_and_fetched_again_for_nothing(
    rig: Rig, simulator: SimulatorProcess, tmp_path: Path, data: bytes, sentence: str
) -> None:
    done = deliver(rig, simulator, tmp_path, data)
    assert done.error.startswith(sentence)
    assert done.error.endswith("It is kept on disk, and nothing is charged again. Try again to fetch it once more.")
    assert done.result_path == ""
    (original,) = rig.folder.rglob("original.*")
    assert original.read_bytes() == data
    (tmp_path / "assets" / "model.glb").write_bytes(glb())
    assert rig.engine.resume(done.local_id)
    done = rig.run_to(done.local_id, TaskState.READY)
    assert (done.error, Path(done.result_path).read_bytes()) == ("", glb())
    assert creates_sent(simulator) == 1


def test_what_follows_the_end_of_a_glb_is_left_out_of_the_file_that_is_imported(
    rig: Rig, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    done = deliver(rig, simulator, tmp_path, glb() + b"\r\n")
    assert done.error == ""
    assert Path(done.result_path).read_bytes() == glb()
    assert Path(done.result_path).with_name("original.glb").read_bytes() == glb() + b"\r\n"


# ---- what is measured of it


def provenance_of(task: Task) -> dict[str, object]:
    found: dict[str, object] = json.loads(Path(task.result_path).with_name("task.json").read_text(encoding="utf-8"))
    return found


def test_the_facts_about_a_model_are_kept_in_the_journal_and_beside_it(rig: Rig) -> None:
    done = rig.run_to(rig.submit(), TaskState.READY)
    facts = ModelFacts(triangles=12, has_uvs=True, dimensions=(1.0, 2.0, 3.0))
    measured.take(rig.engine, done.local_id, facts)
    assert (rig.task(done.local_id).facts, rig.task(done.local_id).note) == (facts, "")
    wait_for(lambda: (row := rig.row(done.local_id)) is not None and row.facts == facts)
    wait_for(lambda: "facts" in provenance_of(done))
    assert ModelFacts.from_record(provenance_of(done)["facts"]) == facts
    assert provenance_of(done)["task_id"] == done.task_id


def test_a_texture_that_is_missing_is_a_note_and_no_error(rig: Rig) -> None:
    done = rig.run_to(rig.submit(format="FBX"), TaskState.READY)
    assert "delivered GLB instead of FBX" in done.note
    for _ in range(2):
        measured.take(rig.engine, done.local_id, ModelFacts(triangles=12, missing_textures=2))
    told = rig.task(done.local_id)
    assert (
        told.note == f"{done.note} 2 textures of the model could not be found or read, so parts of it may look plain."
    )
    assert told.error == ""


def test_facts_about_a_model_that_is_gone_hurt_nobody(rig: Rig) -> None:
    measured.take(rig.engine, "unknown", ModelFacts())
    done = rig.run_to(rig.submit(), TaskState.READY)
    for path in rig.folder.rglob("task.json"):
        path.unlink()
    measured.take(rig.engine, done.local_id, ModelFacts(triangles=1))
    rig.settle()
    assert not list(rig.folder.rglob("task.json"))


def test_another_file_has_facts_of_its_own(rig: Rig) -> None:
    done = rig.run_to(rig.submit(), TaskState.READY)
    measured.take(rig.engine, done.local_id, ModelFacts(triangles=1))
    Path(done.result_path).unlink()
    assert rig.engine.resume(done.local_id)
    assert rig.run_to(done.local_id, TaskState.READY).facts is None
