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

from core.tasks.task import Task, TaskState
from tests.engine_rig import Rig, creates_sent
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
