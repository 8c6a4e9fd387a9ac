# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file is, told by its bytes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.files.formats import ModelFormat, describe_unknown, is_text_fbx, sniff
from tests.tiny_models import OBJ_TEXT, glb, obj_zip, ply, ply_text, stl, stl_text


def zip_of(*names: str, compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name in names:
            archive.writestr(name, b"content")
    return buffer.getvalue()


FBX_BINARY = b"Kaydara FBX Binary  \x00\x1a\x00" + bytes(20)
FBX_ASCII = b"; FBX 7.4.0 project file\n; ----\nFBXHeaderExtension:  {\n}\n"
GLTF_JSON = b'\xef\xbb\xbf\n {"asset": {"version": "2.0"}}'


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(glb(), ModelFormat.GLB, id="GLB"),
        pytest.param(FBX_BINARY, ModelFormat.FBX, id="binary FBX"),
        pytest.param(FBX_ASCII, ModelFormat.FBX, id="text FBX"),
        pytest.param(GLTF_JSON, ModelFormat.GLTF, id="glTF with a byte order mark"),
        pytest.param(OBJ_TEXT.encode(), ModelFormat.OBJ, id="OBJ"),
        pytest.param(b"# exported\r\n\r\nv -1.5 .5 +2\r\n", ModelFormat.OBJ, id="OBJ with comments"),
        pytest.param(b'{"accessors": [' + b" " * 70_000, ModelFormat.GLTF, id="glTF that names its version late"),
        pytest.param(stl(), ModelFormat.STL, id="binary STL that begins like a text"),
        pytest.param(stl()[:80] + b"\x02\0\0\0" + bytes(100), ModelFormat.STL, id="binary STL of two triangles"),
        pytest.param(stl_text(), ModelFormat.STL, id="text STL"),
        pytest.param(ply(), ModelFormat.PLY, id="binary PLY"),
        pytest.param(ply_text().replace(b"\n", b"\r\n"), ModelFormat.PLY, id="text PLY"),
        pytest.param(stl()[:-1], None, id="a cut STL"),
        pytest.param(bytes(84), None, id="an STL of nothing"),
        pytest.param(b"solid ground is facet of v", None, id="words about a solid"),
        pytest.param(b"plywood\nformat A4\n", None, id="words about plywood"),
        pytest.param(obj_zip(), ModelFormat.ZIP, id="ZIP"),
        pytest.param(zip_of("model.usdc", "0/texture.png"), ModelFormat.USDZ, id="USDZ"),
        pytest.param(zip_of("texture.png", "model.usdc"), ModelFormat.ZIP, id="a ZIP that holds a USD file"),
        pytest.param(
            zip_of("model.usdc", compression=zipfile.ZIP_DEFLATED), ModelFormat.ZIP, id="a compressed USD file"
        ),
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"<!DOCTYPE html><html>v 1</html>", None, id="a web page"),
        pytest.param(b"<html><pre>\nv 1.0 is out\n</pre></html>", None, id="a web page about a version"),
        pytest.param(b'{"error": {"message": "no"}}', None, id="an error"),
        pytest.param(b'{"error": "gone",\n"log": "\nv 2.0"}', None, id="an error with a line like a vertex"),
        pytest.param(b"PK\x03\x04 and then rubbish", None, id="a broken ZIP"),
        pytest.param(b"PK\x05\x06" + bytes(18), None, id="an empty ZIP"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(40), None, id="a picture"),
    ],
)
def test_the_bytes_tell_the_format_whatever_the_name(tmp_path: Path, data: bytes, expected: ModelFormat | None) -> None:
    path = tmp_path / "model.glb"
    path.write_bytes(data)
    assert sniff(path) is expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), st.binary(max_size=100).map(lambda tail: b"PK\x03\x04" + tail)))
@example(b"PK\x03\x04")
def test_no_bytes_make_sniffing_fail(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    sniff(path)
    assert describe_unknown(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_no_damage_to_a_zip_makes_sniffing_fail(tmp_path: Path, damage: list[tuple[int, int]]) -> None:
    data = bytearray(obj_zip())
    for position, value in damage:
        data[position % len(data)] = value
    path = tmp_path / "file"
    path.write_bytes(data)
    sniff(path)


def test_the_first_file_of_an_archive_counts_and_not_the_first_of_its_directory(tmp_path: Path) -> None:
    data = zip_of("model.usdc", "texture.png")
    begin, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    second = data.index(b"PK\x01\x02", begin + 1)
    path = tmp_path / "file"
    path.write_bytes(data[:begin] + data[second:end] + data[begin:second] + data[end:])
    assert sniff(path) is ModelFormat.USDZ


@pytest.mark.parametrize(("data", "expected"), [(FBX_BINARY, False), (FBX_ASCII, True)])
def test_text_fbx_is_told_from_binary(tmp_path: Path, data: bytes, expected: bool) -> None:
    path = tmp_path / "model.fbx"
    path.write_bytes(data)
    assert is_text_fbx(path) is expected


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"\n <html>", "a web page"),
        (b' {"error": 1}', "a data file"),
        (b"[1]", "a data file"),
        (b"\x00\x01", "a file of an unknown kind"),
    ],
)
def test_what_is_no_model_is_described_in_plain_words(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert describe_unknown(path) == words


def test_formats_are_called_as_people_write_them() -> None:
    assert [item.label for item in (ModelFormat.GLB, ModelFormat.GLTF, ModelFormat.USDZ)] == ["GLB", "glTF", "USDZ"]
