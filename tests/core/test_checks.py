# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that cannot be whole are refused before Blender sees them, and whole ones are not."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.files import gltf
from core.files.checks import check
from core.files.formats import Implausible, ModelFormat, sniff
from tests import arbitrary
from tests.tiny_models import OBJ_TEXT, chunk, glb, padded, ply, ply_text, stl, stl_text

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples" / "valid"


def fbx(version: int = 7400, nodes: int = 3) -> bytes:
    """Return the skeleton of a binary FBX: top nodes of ten bytes of content, and the end."""
    data = b"Kaydara FBX Binary  \x00\x1a\x00" + struct.pack("<I", version)
    head = "<QQQB" if version >= 7500 else "<IIIB"
    size = struct.calcsize(head) + 10
    for _ in range(nodes):
        data += struct.pack(head, len(data) + size, 0, 0, 0) + bytes(10)
    return data + bytes(struct.calcsize(head)) + b"footer"


def usdz(first: bytes = b"PXR-USDC and more") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model.usdc", first)
    return buffer.getvalue()


def glb_of(document: object, binary: bytes = b"") -> bytes:
    text = padded(json.dumps(document).encode(), b" ")
    chunks = chunk(b"JSON", text) + (chunk(b"BIN\0", binary) if binary else b"")
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def checked(tmp_path: Path, data: bytes, model_format: ModelFormat) -> None:
    path = tmp_path / "original"
    path.write_bytes(data)
    check(path, model_format)


GLTF = {"asset": {"version": "2.0"}}
TEXT_FBX = b"; FBX 7.4.0 project file\nFBXHeaderExtension: {\n}\n"
LONG_OBJ = b"v 0 0 0\n" * 400_000

WHOLE = [
    pytest.param(glb(), ModelFormat.GLB, id="GLB"),
    pytest.param(glb() + b"\n", ModelFormat.GLB, id="GLB with something behind it"),
    pytest.param(glb_of(GLTF), ModelFormat.GLB, id="GLB without data"),
    pytest.param(
        glb(change=lambda document: document["meshes"][0]["primitives"][0].update(mode=1, indices=7)),
        ModelFormat.GLB,
        id="GLB of a line, with corners that are not there",
    ),
    pytest.param(json.dumps(GLTF).encode(), ModelFormat.GLTF, id="glTF"),
    pytest.param(b"\xef\xbb\xbf" + json.dumps(GLTF).encode(), ModelFormat.GLTF, id="glTF with a byte order mark"),
    pytest.param(OBJ_TEXT.encode(), ModelFormat.OBJ, id="OBJ"),
    pytest.param(b"v 0 0 0\r\nv 1 0 0\r\n\tl 1 2\r\n", ModelFormat.OBJ, id="OBJ of lines"),
    pytest.param(b"v 0 0 0\np 1", ModelFormat.OBJ, id="OBJ of points"),
    pytest.param(LONG_OBJ + b"f 1 2 3", ModelFormat.OBJ, id="OBJ whose faces come late"),
    pytest.param(b"#" * (1024**2 - 2) + b"\nf 1 2 3", ModelFormat.OBJ, id="OBJ whose face is where two pieces meet"),
    pytest.param(stl(), ModelFormat.STL, id="binary STL"),
    pytest.param(stl_text(), ModelFormat.STL, id="text STL"),
    pytest.param(stl_text() + b"  " + stl_text() * 40, ModelFormat.STL, id="text STL of several solids"),
    pytest.param(fbx(), ModelFormat.FBX, id="FBX"),
    pytest.param(fbx(7700), ModelFormat.FBX, id="FBX with wide offsets"),
    pytest.param(TEXT_FBX, ModelFormat.FBX, id="text FBX"),
    pytest.param(ply(), ModelFormat.PLY, id="binary PLY"),
    pytest.param(ply_text(), ModelFormat.PLY, id="text PLY"),
    pytest.param(ply_text().rstrip(), ModelFormat.PLY, id="text PLY without a last line end"),
    pytest.param(ply_text().replace(b"\n", b"\r\n"), ModelFormat.PLY, id="text PLY of Windows"),
    pytest.param(ply().replace(b"element", b"comment\nobj_info x  y\nelement"), ModelFormat.PLY, id="PLY with remarks"),
    pytest.param(
        ply().replace(b"float x\n", b"float x \n"), ModelFormat.PLY, id="PLY with a blank at the end of a line"
    ),
    pytest.param(usdz(), ModelFormat.USDZ, id="USDZ"),
    pytest.param(usdz(b"#usda 1.0"), ModelFormat.USDZ, id="USDZ of text"),
]


@pytest.mark.parametrize(("data", "model_format"), WHOLE)
def test_whole_files_pass(tmp_path: Path, data: bytes, model_format: ModelFormat) -> None:
    checked(tmp_path, data, model_format)


PLY_OF_NOTHING = ply_text().replace(b"vertex 3", b"vertex 0")

BROKEN = [
    pytest.param(glb()[:15], ModelFormat.GLB, "cut short", id="GLB of a few bytes"),
    pytest.param(glb()[:-20], ModelFormat.GLB, "cut short: 20 bytes are missing", id="GLB without its end"),
    pytest.param(b"glTF\1\0\0\0" + glb()[8:], ModelFormat.GLB, "version 1 of glTF", id="GLB of the first version"),
    pytest.param(glb().replace(b"JSON", b"BIN\0"), ModelFormat.GLB, "description", id="GLB without JSON"),
    pytest.param(glb()[:12] + b"\xff" * 4 + glb()[16:], ModelFormat.GLB, "description", id="GLB with endless JSON"),
    pytest.param(glb()[:20] + b"{" * 8 + glb()[28:], ModelFormat.GLB, "description", id="GLB with broken JSON"),
    pytest.param(
        glb_of(GLTF, b"1234").replace(b"\4\0\0\0BIN", b"\5\0\0\0BIN"),
        ModelFormat.GLB,
        "longer",
        id="GLB with endless data",
    ),
    pytest.param(glb_of({}), ModelFormat.GLB, "description", id="GLB without a version"),
    pytest.param(glb_of([1]), ModelFormat.GLB, "description", id="GLB with a list"),
    pytest.param(glb_of({"asset": {"version": "1.0"}}), ModelFormat.GLB, "version of glTF", id="GLB with old JSON"),
    pytest.param(
        glb(change=lambda document: document["accessors"][1].update(count=2)),
        ModelFormat.GLB,
        "less than one triangle",
        id="GLB that crashes Blender 4",
    ),
    pytest.param(b'{"asset": 1}', ModelFormat.GLTF, "description", id="glTF without a version"),
    pytest.param(b'{"asset": ' + b"[" * 100_000, ModelFormat.GLTF, "description", id="glTF of brackets"),
    pytest.param(b'{"asset": "\xff"}', ModelFormat.GLTF, "description", id="glTF of broken letters"),
    pytest.param(b"v 0 0 0\nv 1 0 0\nvn 0 0 1\nvp 1\n", ModelFormat.OBJ, "holds no faces", id="OBJ of vertices"),
    pytest.param(stl_text()[:-20], ModelFormat.STL, "cut short", id="short text STL without its end"),
    pytest.param((stl_text() * 60)[:-20], ModelFormat.STL, "cut short", id="long text STL without its end"),
    pytest.param(fbx()[:40], ModelFormat.FBX, "cut short", id="FBX without its end"),
    pytest.param(fbx(7700)[:60], ModelFormat.FBX, "cut short", id="wide FBX without its end"),
    pytest.param(fbx()[:24], ModelFormat.FBX, "cut short", id="FBX of a few bytes"),
    pytest.param(fbx()[:27] + b"\1\0\0\0" + fbx()[31:], ModelFormat.FBX, "damaged", id="FBX that goes in circles"),
    pytest.param(ply(2_000_000_000), ModelFormat.PLY, "less than its header promises", id="PLY that crashes Blender"),
    pytest.param(ply_text(2_000_000_000), ModelFormat.PLY, "less than its", id="text PLY that crashes Blender"),
    pytest.param(ply()[:-13], ModelFormat.PLY, "less than its header promises", id="PLY without its end"),
    pytest.param(ply()[:120], ModelFormat.PLY, "header cannot be read", id="PLY of a part of a header"),
    pytest.param(ply().replace(b"vertex 3", b"vertex -3"), ModelFormat.PLY, "header", id="PLY of minus three"),
    pytest.param(ply().replace(b"float x", b"string x"), ModelFormat.PLY, "header", id="PLY of an unknown type"),
    pytest.param(
        ply().replace(b"element vertex 3\n", b""), ModelFormat.PLY, "header", id="PLY with properties of nothing"
    ),
    pytest.param(
        ply().replace(b"end_header", b"element edge 9999999999\nend_header"),
        ModelFormat.PLY,
        "header",
        id="PLY of edges",
    ),
    pytest.param(ply().replace(b"vertex 3", b"vertex  3"), ModelFormat.PLY, "header", id="PLY with a blank too many"),
    pytest.param(ply().replace(b"element face", b"element f ace"), ModelFormat.PLY, "header", id="PLY of f ace"),
    pytest.param(
        ply().replace(b"face", b"f\xc3\xa4ce"), ModelFormat.PLY, "header", id="PLY of a letter that it has not"
    ),
    pytest.param(ply().replace(b"face 1", b"face"), ModelFormat.PLY, "header", id="PLY with a word too few"),
    pytest.param(ply().replace(b"comment one triangle", b""), ModelFormat.PLY, "header", id="PLY with an empty line"),
    pytest.param(ply().replace(b"\n", b"\r", 5), ModelFormat.PLY, "header", id="PLY of an old Mac"),
    pytest.param(ply().replace(b"uchar int", b"uchar string"), ModelFormat.PLY, "header", id="PLY of unknown items"),
    pytest.param(PLY_OF_NOTHING, ModelFormat.PLY, "holds no geometry", id="PLY of nothing"),
    pytest.param(usdz(b"<html>"), ModelFormat.USDZ, "does not begin with a scene", id="USDZ of a page"),
    pytest.param(usdz()[:-30], ModelFormat.USDZ, "damaged", id="USDZ without its end"),
]


@pytest.mark.parametrize(("data", "model_format", "words"), BROKEN)
def test_broken_files_are_refused_in_words(tmp_path: Path, data: bytes, model_format: ModelFormat, words: str) -> None:
    with pytest.raises(Implausible, match=words):
        checked(tmp_path, data, model_format)


def test_a_file_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "original.obj"
    with path.open("wb") as file:
        for _ in range(20):
            file.write(LONG_OBJ)
        file.write(b"f 1 2 3")
    tracemalloc.start()
    try:
        check(path, ModelFormat.OBJ)
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024**2 < path.stat().st_size / 4
    finally:
        tracemalloc.stop()


def test_a_long_description_is_left_to_the_importer(tmp_path: Path) -> None:
    """Reading it would stop Blender's own thread; the importer reads it in a process of its own."""
    document = {**GLTF, "extras": " " * 5 * 1024**2}
    data = glb_of(document).replace(b'"asset"', b'?asset"')
    checked(tmp_path, data, ModelFormat.GLB)
    with pytest.raises(Implausible):
        gltf.read(tmp_path / "original", ModelFormat.GLB, limit=6 * 1024**2)


@pytest.mark.parametrize(
    "data", [glb(), fbx(), ply(), ply_text(), stl_text(), usdz()], ids=["GLB", "FBX", "PLY", "text PLY", "STL", "USDZ"]
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(damage=st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), max_size=4), cut=st.integers(0, 900))
def test_no_damage_makes_a_check_fail_otherwise(
    tmp_path: Path, data: bytes, damage: list[tuple[int, int]], cut: int
) -> None:
    changed = bytearray(data)
    for position, value in damage:
        changed[position % len(changed)] = value
    path = tmp_path / "original"
    path.write_bytes(changed[: max(1, len(changed) - cut)])
    model_format = sniff(path)
    if model_format not in (None, ModelFormat.ZIP):
        try:
            check(path, model_format)
        except Implausible as error:
            assert str(error) and not str(error).endswith(".")


def test_real_files_of_many_makers_pass() -> None:
    if not SAMPLES.is_dir():
        pytest.skip(f"there are no samples in {SAMPLES}")
    seen = 0
    for path in sorted(SAMPLES.iterdir()):
        model_format = sniff(path)
        assert model_format is not None, path.name
        if model_format is not ModelFormat.ZIP:
            check(path, model_format)
            seen += 1
    assert seen > 5


# ---- what a glTF file asks of its reader


@pytest.mark.parametrize(
    ("uri", "is_outside"),
    [
        ("model.bin", False),
        ("textures/a%20b.png", False),
        ("a..b/c.png", False),
        ("data:image/png;base64,AAAA", False),
        ("../secret", True),
        ("textures/../../secret", True),
        ("%2e%2e/secret", True),
        ("..\\secret", True),
        ("/etc/passwd", True),
        ("\\\\server\\share\\secret", True),
        ("C:/secret", True),
        ("c:secret", True),
        ("file:///etc/passwd", True),
        ("https://example.com/a.png", True),
    ],
)
@pytest.mark.parametrize("kind", ["buffers", "images"])
def test_files_that_a_model_refers_to_are_in_its_own_folder(kind: str, uri: str, is_outside: bool) -> None:
    assert gltf.leads_outside({kind: [{"uri": "fine.bin"}, {"uri": uri}]}) is is_outside


def test_a_model_in_a_folder_of_its_archive_may_use_the_folders_beside_it() -> None:
    document = {"images": [{"uri": "../textures/wood.png"}]}
    assert gltf.leads_outside(document) and not gltf.leads_outside(document, depth=1)
    for uri in ("../../wood.png", "textures/../../../wood.png", "/wood.png", "../C:/wood.png/../../.."):
        assert gltf.leads_outside({"images": [{"uri": uri}]}, depth=1)


@given(arbitrary.json_values, arbitrary.json_values)
def test_no_description_makes_reading_it_fail_otherwise(tmp_path_factory: Any, one: Any, other: Any) -> None:
    document = {**GLTF, "meshes": [{"primitives": [{"attributes": one, "indices": other}, one]}, other]}
    path = tmp_path_factory.getbasetemp() / "document.gltf"
    path.write_text(json.dumps({**document, "accessors": one, "images": [one], "extensionsRequired": other}))
    try:
        found = gltf.read(path, ModelFormat.GLTF)
    except Implausible:
        return
    gltf.required_extensions(found)
    gltf.leads_outside(found)


@pytest.mark.parametrize("value", [None, 1, "x", {}, [], [None, 1], [{"uri": 1}]])
def test_nonsense_in_a_description_says_nothing(value: Any) -> None:
    assert not gltf.leads_outside({"buffers": value, "images": value})
    assert gltf.required_extensions({"extensionsRequired": value}) in ((), ("x",))


def test_the_extensions_that_a_reader_must_know_are_named() -> None:
    document = {"extensionsUsed": ["A", "B"], "extensionsRequired": ["B", 3]}
    assert gltf.required_extensions(document) == ("B",)
    assert gltf.required_extensions({"extensionsUsed": ["A"]}) == ()
