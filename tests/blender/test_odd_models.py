# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Broken and hostile files go the whole way, from the service into the scene or to one sentence; nobody is hurt.

What is expected of each file was written down by hand before the first run. Where that was wrong, `corrected` says so.
"""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests import odd_models, second_blenders, tiny_models
from tests.blender.support import (
    SHARED_SAMPLES,
    data_counts,
    limit_second_blender,
    new_session,
    vertex_count,
)
from tests.simulator.process import SimulatorProcess

NAN, INFINITE = math.nan, math.inf
PRIVATE = b"nobody else should ever read this\n"
HAS_NEW_FBX = bpy.app.version >= (4, 5, 0)
"""Blender's importer in C++ is there, which reads ASCII files too (bpy_facts D.5)."""
IS_STRICT = bpy.app.version >= (5, 1, 0)
"""Repairing a mesh, Blender moves a point to the origin when one of its coordinates is no number, not that alone."""
GOOD = "a-good-triangle.glb"


@dataclass(frozen=True)
class Expected:
    """What a file ends as."""

    why: str
    vertices: int = 0
    """Of the imported model; 0 when there is none."""
    sentence: str = ""
    """What is said instead."""


def model(vertices: int, why: str) -> Expected:
    return Expected(why, vertices=vertices)


def corrected(expected: Expected, found: str) -> Expected:
    """Say that the first guess was another one, and what the run has taught."""
    return replace(expected, why=f"{expected.why} (corrected: {found})")


def says(sentence: str, why: str) -> Expected:
    return Expected(why, sentence=sentence)


READ = "could not read the delivered GLB file"
FBX = "could not read the delivered FBX file"

SAMPLES: dict[str, Expected] = {
    "BoxBadNormals.glb": model(24, "normals that are no unit vectors harm nobody; the positions are right"),
    "BoxWithInfinites.glb": corrected(
        says(
            "all its points in one place", "all positions are infinite along an axis; Blender moves them to the origin"
        )
        if IS_STRICT
        else model(24, "all positions are infinite along an axis, which Blender sets to 0"),
        "the importers have a mesh repaired, so that no infinity is left to find",
    ),
    "empty_nodes.glb": says("holds no geometry", "three nodes and no mesh"),
    "jacked.obj": model(8, "`2/2/` is a corner without a normal, and a material that is not there is none"),
    "malformed.obj": model(8, "two faces name vertices that are not there and are left out"),
    "malformed2.obj": model(8, "one face names no vertices"),
    "max2009_blob_5800_ascii.fbx": (
        model(450, "a box of 354 vertices and 16 pyramids of 6")
        if HAS_NEW_FBX
        else says("written as text", "the only importer of 4.2 reads no ASCII")
    ),
    "maya_slime_7500_ascii.fbx": (
        model(2444, "two meshes; the curves beside them are not imported")
        if HAS_NEW_FBX
        else says("written as text", "the only importer of 4.2 reads no ASCII")
    ),
    "nancolor.obj": model(8, "a colour that is no number is a colour, the positions are right"),
    "negative_indices.obj": model(8, "negative indices count from the end: legal"),
    "notenoughindices.obj": model(3, "a face of two corners is left out, the other one is a triangle"),
    "obj_empty.obj": says("a file of an unknown kind, not a 3D model", "two comments: nothing tells that it is OBJ"),
    "obj_points.obj": corrected(
        says("holds no faces", "points alone"), "a model has a surface, which is looked for now"
    ),
    "off.zip": says("The delivered archive holds no 3D model", "OFF is no format of the service"),
    "scenes.zip": corrected(model(1124, "one of six files is an STL"), "STL is a format now"),
    "synthetic_unicode_7500_binary.fbx": (
        says("holds no geometry", "three models that have no mesh")
        if HAS_NEW_FBX
        else corrected(says(FBX, "three models that have no mesh"), "one of their names is no text, which 4.2 minds")
    ),
    "texcoord_crash.gltf": model(20, "five planes of four corners; one has its coordinates in the second layer alone"),
}


def _nested(depth: int) -> bytes:
    """A GLB whose JSON is nothing but brackets."""
    text = b'{"asset":{"version":"2.0"},"extras":' + b"[" * depth + b"]" * depth + b"}"
    chunk = tiny_models.chunk(tiny_models.CHUNK_JSON, tiny_models.padded(text, b" "))
    return tiny_models.GLB_MAGIC + (2).to_bytes(4, "little") + (12 + len(chunk)).to_bytes(4, "little") + chunk


def _accessor(**changes: object) -> bytes:
    """A triangle with something wrong about where its positions are said to be."""
    document, binary = odd_models.triangle()
    document["accessors"][0].update(changes)
    return odd_models.pack_glb(document, binary)


LEAVES_OUT_A_BAD_MESH = bpy.app.version[:2] == (5, 1)
"""The USD importer does not read a mesh when one of its faces is wrong; before and after, it reads the rest."""
CRASHES_ON_USD = bpy.app.version < (5, 2, 0)
"""The USD importer reads beyond the end of a mesh (bpy_facts D.5)."""

OWN: dict[str, tuple[Callable[[Path], bytes], Expected]] = {
    "one-point-nowhere.glb": (
        lambda _: odd_models.glb_with(((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (NAN, 1.0, 0.0))),
        corrected(model(3, "the importers have a mesh repaired"), "a sentence about infinity was expected"),
    ),
    "all-points-nowhere.glb": (
        lambda _: odd_models.glb_with(((NAN,) * 3,) * 3),
        corrected(says("all its points in one place", "repaired, all are at the origin"), "as above"),
    ),
    "point-at-infinity.glb": (
        lambda _: odd_models.glb_with(((0.0, 0.0, 0.0), (INFINITE, 0.0, 0.0), (0.0, 1.0, 0.0))),
        corrected(model(3, "the importers have a mesh repaired"), "as above"),
    ),
    "infinity-in-json.glb": (
        lambda _: odd_models.glb_with(nodes=[{"mesh": 0, "translation": [INFINITE, 0, 0]}]),
        corrected(says(READ, "JSON knows no infinity"), "a sentence about infinity was expected"),
    ),
    "node-at-infinity.glb": (
        lambda _: odd_models.glb_with(nodes=[{"mesh": 0, "translation": [123456789, 0, 0]}]).replace(
            b"123456789", b"    1e300"
        ),
        says("points at infinity", "the object is there and not its points: 1e300 is no number in single precision"),
    ),
    "points-nowhere.usdz": (
        lambda _: odd_models.usdz({"model.usda": odd_models.usd_text(points="[(0, 0, 0), (1, 0, 0), (nan, 1, 0)]")}),
        model(3, "the only importer that does not have a mesh repaired unless it is told to"),
    ),
    "empty-scene.glb": (
        lambda _: odd_models.glb_with(scenes=[{"nodes": []}], nodes=[]),
        says("holds no geometry", "a scene without nodes"),
    ),
    "mesh-that-is-not-there.glb": (
        lambda _: odd_models.glb_with(nodes=[{"mesh": 7}]),
        says("delivered", "refused by the importer, or a node without a mesh"),
    ),
    "billion-points.glb": (lambda _: _accessor(count=1_000_000_000), says(READ, "12 GB that are not in the file")),
    "negative-count.glb": (
        lambda _: _accessor(count=-3),
        corrected(model(3, "no such number of points"), "the importer takes it for all that there are"),
    ),
    "no-such-buffer.glb": (lambda _: _accessor(bufferView=99), says(READ, "the positions are nowhere")),
    "long-name-of-a-type.glb": (
        lambda _: _accessor(type="VEC3" * 50_000),
        says(READ, "the importer's error has the 200 kB in it, more than a line of the second Blender may have"),
    ),
    "circle-of-nodes.glb": (
        lambda _: odd_models.glb_with(nodes=[{"mesh": 0, "children": [1]}, {"children": [0]}]),
        says(READ, "a node that is below itself"),
    ),
    "crowd.obj": (
        lambda _: "".join(f"o {n}\nv 0 {n} 0\nv 1 {n} 0\nv 0 {n} 1\nf -1 -2 -3\n" for n in range(2100)).encode(),
        says("consists of 2,100 parts, which would hold up Blender for long", "Blender appends them one by one"),
    ),
    "brackets.glb": (lambda _: _nested(200_000), says("delivered GLB file", "deeper than any parser goes")),
    "half-a-file.glb": (
        lambda _: odd_models.glb_with()[:300],
        says("delivered GLB file", "the header names more bytes than there are"),
    ),
    "gigabytes-once-shown.glb": (
        lambda _: odd_models.textured_glb(odd_models.png(30_000, 30_000)),
        says("has a texture of 30000 x 30000 pixels", "a picture of 0.1 MB that takes 3.6 GB"),
    ),
    "private-texture.zip": (
        lambda private: odd_models.obj_with_material(f"map_Kd {private}"),
        model(3, "the model is good, and a file of this computer is none of its textures"),
    ),
    "private-texture.gltf": (
        lambda private: odd_models.gltf_naming(str(private)),
        corrected(
            says("asks for files outside its own folder", "glTF says beforehand what it wants"), "it is looked for now"
        ),
    ),
    "private-texture.usdz": (
        lambda private: odd_models.usdz({"model.usda": odd_models.usd_text(more=odd_models.usd_look(str(private)))}),
        model(3, "the same in USD"),
    ),
    "corner-that-is-not-there.usdz": (
        lambda _: odd_models.usdz({"model.usda": odd_models.usd_text(indices="[0, 1, 99]")}),
        corrected(says("holds no geometry", "the face is left out"), "5.1 leaves out the whole mesh")
        if LEAVES_OUT_A_BAD_MESH
        else model(3, "the face is left out, or Blender would read anything when it shows it"),
    ),
    "faces-beyond-their-end.usdz": (
        lambda _: odd_models.usdz({"model.usda": odd_models.usd_text(counts="[3, 3, 3, 500000]")}),
        says("crashed", "more corners than there are indices")
        if CRASHES_ON_USD
        else corrected(model(3, "more corners than there are indices"), "5.2 leaves out what is not there"),
    ),
    "web-page.glb": (
        lambda _: b"<!DOCTYPE html><title>Not Found</title>",
        says("a web page, not a 3D model", "told by its bytes, whatever its name is"),
    ),
    "nothing.glb": (lambda _: b"", says("an empty file, not a 3D model", "zero bytes")),
    "no-model.zip": (
        lambda _: odd_models.zipped({"readme.txt": "nothing here"}),
        says("The delivered archive holds no 3D model", "a text"),
    ),
    "way-out.zip": (
        lambda _: odd_models.zipped({"../../way-out.obj": tiny_models.OBJ_TEXT}),
        says("unsafe name", "the name leads out of the folder"),
    ),
    "head-of-an-fbx.fbx": (
        lambda _: b"Kaydara FBX Binary  \0\x1a\0" + (7400).to_bytes(4, "little") + bytes(range(256)) * 40,
        says("delivered FBX file", "a header, and rubbish behind it"),
    ),
    "two-billion-points.ply": (
        lambda _: tiny_models.ply(2_000_000_000),
        says("holds less than its header promises", "Blender would make room for all of them, and crash"),
    ),
    "points-nowhere.stl": (
        lambda _: tiny_models.stl_text().replace(b"1.0", b"nan"),
        says("all its points in one place", "repaired, all are at the origin"),
    ),
    "cut.obj": (
        lambda _: tiny_models.OBJ_TEXT.replace("f 1 2 3", "f 1 2").encode(),
        corrected(model(2, "a face of two corners is an edge"), "Blender leaves out vertices that nothing uses"),
    ),
}


class Stage:
    """A session that gets files from the service, one after the other, and has them prepared as a window has."""

    def __init__(self, extension: ModuleType, session: Any, folder: Path) -> None:
        self.extension, self.session, self.folder = extension, session, folder
        self.assets = folder / "assets"
        (self.assets / GOOD).write_bytes(tiny_models.glb())
        self.private = folder / "private.png"
        self.private.write_bytes(PRIVATE)

    @property
    def scratch(self) -> list[Path]:
        return list((self.folder / "data" / "scratch").iterdir())

    def get(self, name: str) -> Any:
        """Generate a model, which is the file of that name, and wait for what becomes of it."""
        task = self.extension.generate(f"the model in {name}", confirm_duplicate=True)
        try:
            task.wait(timeout=120)
        except self.extension.TokenLabError:
            assert task.error
        return task

    def files(self, task: Any) -> list[Path]:
        (folder,) = (self.folder / "data" / "library").glob(f"*/*-{task.local_id[:8]}")
        return sorted(path for path in folder.rglob("*") if path.is_file())

    def check(self, name: str, expected: Expected) -> None:
        """Get a file, and look at everything that it could have harmed."""
        before, listing = data_counts(), sorted(self.folder.iterdir())
        task = self.get(name)
        self._check_end(task, expected, before)
        originals = [path for path in self.files(task) if path.stem == "original"]
        assert [path.read_bytes() for path in originals] == [(self.assets / name).read_bytes()]
        assert not [path for path in self.files(task) if path.name.startswith(".") or path.suffix == ".part"]
        assert not [path for path in self.files(task) if path.suffix == ".blend" and PRIVATE in path.read_bytes()]
        assert len(self.scratch) <= 1, "more than the folder of the second Blender that waits for the next model"
        assert sorted(self.folder.iterdir()) == listing, "a file came out of its folder"
        assert vertex_count(self.get(GOOD).objects) == 3, "the session does not go on"

    def _check_end(self, task: Any, expected: Expected, before: dict[str, int]) -> None:
        if expected.vertices:
            assert (task.error, task.state) == ("", "IMPORTED")
            assert vertex_count(task.objects) == expected.vertices
            assert not any(item.data.validate() for item in task.objects if item.type == "MESH"), "Blender may crash"
            assert not [image for image in bpy.data.images if image.packed_file and PRIVATE in image.packed_file.data]
            return
        # Blender may also hang over its own report of a crash; then the time limit ends it.
        is_hung = expected.sentence == "crashed" and "took longer than" in task.error
        assert expected.sentence in task.error or is_hung
        assert "Traceback" not in task.error and "nothing is charged again" in task.error
        assert "Try again" in task.error or "Show File" in task.error, "what to do next"
        assert (task.state, task.objects) == ("READY", [])
        assert data_counts() == before, "something of the model was left in the file"


@pytest.fixture(scope="module")
def stage(
    extension: ModuleType, simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """One for all files: what one of them does to the session, the next ones would see."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "assets").mkdir()
    simulator_process.reset()
    simulator_process.configure(assets=str(folder / "assets"), seconds=0)
    formats = extension.core.files.formats.ModelFormat
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKENLAB_DATA_DIR", str(folder / "data"))
        patch.setenv("TOKENLAB_API_BASE", simulator_process.url)
        patch.setenv("TOKENLAB_API_KEY", simulator_process.key)
        patch.setattr(extension.core.blender.second_blender, "_CRASHING", frozenset(item.name for item in formats))
        session = new_session(extension)
        limit_second_blender(session, convert=60.0)
        # Pictures take longer than all the rest, and are looked at elsewhere.
        patch.setattr(session.engine._previews, "want", lambda _local_id: None)
        made = Stage(extension, session, folder)
        yield made
        session.engine.stop()
        assert made.scratch == []
        assert sys.platform == "win32" or second_blenders.running(folder) == []
    new_session(extension)


@pytest.mark.parametrize("name", SAMPLES)
def test_an_odd_file_of_another_maker_ends_as_expected(stage: Stage, name: str) -> None:
    sample = SHARED_SAMPLES / "odd" / name
    if not sample.is_file():
        pytest.skip("The shared samples are not on this machine; the odd files that the tests make went the same way.")
    shutil.copyfile(sample, stage.assets / name)
    stage.check(name, SAMPLES[name])


def test_every_odd_sample_has_an_expectation() -> None:
    folder = SHARED_SAMPLES / "odd"
    if not folder.is_dir():
        pytest.skip("The shared samples are not on this machine; the odd files that the tests make went the same way.")
    assert {path.name for path in folder.iterdir()} == set(SAMPLES)


@pytest.mark.parametrize("name", OWN)
def test_an_odd_file_ends_as_expected(stage: Stage, name: str) -> None:
    make, expected = OWN[name]
    (stage.assets / name).write_bytes(make(stage.private))
    stage.check(name, expected)
