# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delivered ZIP is not trusted: whatever it holds, nothing lands outside, and a failure leaves nothing behind."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.files import archive as archive_module
from core.files.archive import ArchiveError, unpack
from core.files.formats import ModelFormat
from tests.tiny_models import OBJ_TEXT, glb, obj_zip

Entries = dict[str | zipfile.ZipInfo, bytes]


def zip_bytes(entries: Entries, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def raw_entry(name: str, mode: int = 0) -> zipfile.ZipInfo:
    """An entry whose name is written as it is, which ZipInfo's constructor would tidy up."""
    entry = zipfile.ZipInfo("placeholder")
    entry.filename = name
    entry.external_attr = mode << 16
    return entry


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A folder to unpack in, with something beside it that a hostile archive could reach."""
    room = tmp_path / "generation"
    room.mkdir()
    (tmp_path / "precious").write_text("precious")
    return room


def unpack_in(room: Path, data: bytes) -> tuple[Path, ModelFormat]:
    (room / "original.zip").write_bytes(data)
    return unpack(room / "original.zip", room / "unpacked")


def assert_refused(room: Path, data: bytes, words: str = "") -> None:
    outside = sorted(os.listdir(room.parent))
    with pytest.raises(ArchiveError, match=words):
        unpack_in(room, data)
    assert os.listdir(room) == ["original.zip"]
    assert sorted(os.listdir(room.parent)) == outside
    assert (room.parent / "precious").read_text() == "precious"


def test_a_model_and_its_companions_are_unpacked_whole(room: Path) -> None:
    path, model_format = unpack_in(room, obj_zip())
    assert (path, model_format) == (room / "unpacked" / "triangle.obj", ModelFormat.OBJ)
    assert sorted(os.listdir(path.parent)) == ["triangle.mtl", "triangle.obj"]
    assert path.read_text() == OBJ_TEXT


def test_folders_in_the_archive_are_kept_also_with_backslashes(room: Path) -> None:
    entries: Entries = {
        raw_entry("out\\textures\\"): b"",
        raw_entry("out\\textures\\a.png"): b"png",
        raw_entry("out\\model.obj"): OBJ_TEXT.encode(),
        "empty/": b"",
    }
    path, _ = unpack_in(room, zip_bytes(entries))
    assert path == room / "unpacked" / "out" / "model.obj"
    assert (path.parent / "textures" / "a.png").read_bytes() == b"png"


def test_an_earlier_try_is_replaced(room: Path) -> None:
    (room / "unpacked").mkdir()
    (room / "unpacked" / "old.glb").write_bytes(b"old")
    path, _ = unpack_in(room, zip_bytes({"new.glb": glb()}))
    assert os.listdir(path.parent) == ["new.glb"]


def test_what_a_killed_process_left_half_unpacked_is_removed(room: Path) -> None:
    (room / ".unpack-abcdefgh").mkdir()
    (room / ".unpack-abcdefgh" / "half.obj").write_bytes(b"o Hal")
    unpack_in(room, obj_zip())
    assert sorted(os.listdir(room)) == ["original.zip", "unpacked"]


def test_a_failure_leaves_an_earlier_try_alone(room: Path) -> None:
    unpack_in(room, zip_bytes({"new.glb": glb()}))
    with pytest.raises(ArchiveError):
        unpack_in(room, zip_bytes({"readme.txt": b"no model"}))
    assert (room / "unpacked" / "new.glb").read_bytes() == glb()


@pytest.mark.parametrize(
    "name",
    [
        "../escaped.glb",
        "a/../../escaped.glb",
        "..\\escaped.glb",
        "a\\..\\..\\escaped.glb",
        "/escaped.glb",
        "\\escaped.glb",
        "\\\\server\\share\\escaped.glb",
        "C:\\escaped.glb",
        "C:escaped.glb",
        "c:/escaped.glb",
        "model.glb:stream",
        "long/" * 40 + "model.glb",
    ],
)
def test_an_entry_that_could_land_elsewhere_is_refused(room: Path, name: str) -> None:
    assert_refused(room, zip_bytes({"model.glb": glb(), raw_entry(name): glb()}), "unsafe name")


def test_a_link_is_refused(room: Path) -> None:
    link = raw_entry("link.glb", stat.S_IFLNK | 0o777)
    assert_refused(room, zip_bytes({"model.glb": glb(), link: b"../precious"}), "link")


def test_an_archive_that_grows_too_much_is_refused(room: Path) -> None:
    bomb = zip_bytes({"model.glb": glb(), "zeros": bytes(40_000_000)})
    assert len(bomb) < 40_000
    assert_refused(room, bomb, "far more than its own size")


def test_the_true_size_counts_and_not_the_one_that_is_stated(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "_MAX_BYTES", 5_000)
    data = zip_bytes({"a.bin": os.urandom(4_000), "b.bin": os.urandom(4_000), "model.glb": glb()}, zipfile.ZIP_STORED)
    assert_refused(room, data, "far more than its own size")


def test_too_many_entries_are_refused(room: Path) -> None:
    entries: Entries = {f"{number}.txt": b"" for number in range(2_001)}
    assert_refused(room, zip_bytes(entries), "too many files")


def test_an_entry_that_is_there_twice_is_refused(room: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("model.glb", glb())
        archive.writestr("model.glb", b"another")
    assert_refused(room, buffer.getvalue(), "clash")


def test_a_file_that_is_also_a_folder_is_refused(room: Path) -> None:
    assert_refused(room, zip_bytes({"a": b"file", "a/model.glb": glb()}), "clash")
    assert_refused(room, zip_bytes({raw_entry("."): b"the folder itself", "model.glb": glb()}), "clash")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_inside_is_told_as_damage(room: Path, compression: int) -> None:
    data = bytearray(zip_bytes({"model.glb": glb() * 20}, compression))
    start = data.index(b"model.glb") + len("model.glb")
    for position in range(start + 12, start + 40):
        data[position] ^= 0xFF
    assert_refused(room, bytes(data), "damaged")


def test_a_truncated_and_an_encrypted_archive_are_told_as_damage(room: Path) -> None:
    assert_refused(room, obj_zip()[:-30], "damaged")
    encrypted = bytearray(obj_zip())
    # Bit 0 of the flags, in the local header and in the directory: the entry is encrypted.
    encrypted[6] |= 1
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    assert_refused(room, bytes(encrypted), "damaged")


def test_an_unknown_compression_is_told_as_damage(room: Path) -> None:
    data = bytearray(obj_zip())
    struct.pack_into("<H", data, 8, 77)
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 10, 77)
    assert_refused(room, bytes(data), "damaged")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), min_size=1, max_size=5))
def test_no_damage_makes_unpacking_fail_otherwise_or_leave_rubbish(
    tmp_path: Path, damage: list[tuple[int, int]]
) -> None:
    data = bytearray(obj_zip())
    for position, value in damage:
        data[position % len(data)] = value
    room = tmp_path / "room"
    room.mkdir(exist_ok=True)
    (room / "original.zip").write_bytes(data)
    with contextlib.suppress(ArchiveError):
        path, _ = unpack(room / "original.zip", room / "unpacked")
        assert path.is_relative_to(room / "unpacked")
    assert set(os.listdir(room)) <= {"original.zip", "unpacked"}
    assert os.listdir(tmp_path) == ["room"]


def test_an_archive_without_a_model_is_refused(room: Path) -> None:
    assert_refused(room, zip_bytes({"readme.txt": b"v 1 2 3", "page.glb": b"<html>"}), "holds no 3D model")
    assert_refused(room, zip_bytes({"inner.zip": obj_zip()}), "holds no 3D model")


def test_of_several_models_the_best_is_taken(room: Path) -> None:
    entries: Entries = {
        "a.obj": OBJ_TEXT.encode(),
        "b.fbx": b"Kaydara FBX Binary  \x00",
        "c/second.glb": glb("Second"),
        "c/first.glb": glb("First"),
        "__MACOSX/._a.glb": b"\x00\x05\x16\x07 a shadow file",
    }
    path, model_format = unpack_in(room, zip_bytes(entries))
    assert (path.name, model_format) == ("first.glb", ModelFormat.GLB)
