# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delivered ZIP is not trusted: whatever it holds, nothing lands outside, and a failure leaves nothing behind."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
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
from tests.tiny_models import OBJ_TEXT, glb, obj_zip, ply, stl

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
        "long/" * 40 + "model.glb",
        "a/" * 17 + "model.glb",
        f"{'x' * 115}/model.glb",
        "//server/share/escaped.glb",
        "a/.. /escaped.glb",
        ".../escaped.glb",
        ".",
    ],
)
def test_an_entry_that_could_land_elsewhere_is_refused(room: Path, name: str) -> None:
    assert_refused(room, zip_bytes({"model.glb": glb(), raw_entry(name): glb()}), "unsafe name")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("What is this?.glb", "What is this_.glb"),
        ("model.glb:stream", "model.glb_stream"),
        ("2026-01-02T12:30:05.png", "2026-01-02T12_30_05.png"),
        ("folder/C:x", "folder/C_x"),
        ("Icon\r", "Icon_"),
        ("line\nbreak.glb", "line_break.glb"),
        ("delete\x7f.glb", "delete_.glb"),
        ("control\x85.glb", "control_.glb"),
        ('a "quoted" <name>|*.glb', "a _quoted_ _name___.glb"),
        ("CON", "_CON"),
        ("aux.txt", "_aux.txt"),
        ("nul .tar.gz", "_nul .tar.gz"),
        ("com1.png", "_com1.png"),
        ("lpt².png", "_lpt².png"),
        ("Conin$", "_Conin$"),
        ("con/prn/x.png", "_con/_prn/x.png"),
        ("console.txt", "console.txt"),
        ("com10.txt", "com10.txt"),
        ("trailing. . /dots...", "trailing/dots"),
        ("./a//b/./c.png", "a/b/c.png"),
        (".hidden", ".hidden"),
        ("椅子/木.png", "椅子/木.png"),
    ],
)
def test_a_name_that_windows_does_not_take_is_changed_everywhere(room: Path, name: str, safe: str) -> None:
    path, _ = unpack_in(room, zip_bytes({"model.glb": glb(), raw_entry(name): b"content"}))
    assert (path.parent / safe).read_bytes() == b"content"


@pytest.mark.parametrize("stem", ["a_weathered_bronze_statue_" * 6, "\N{CHAIR}" * 64, "椅" * 100])
def test_a_name_that_is_too_long_is_made_shorter_and_stays_its_own(room: Path, stem: str) -> None:
    entries: Entries = {f"{stem}1.glb": glb("One"), f"{stem}2.glb": glb("Another one, which is larger")}
    path, _ = unpack_in(room, zip_bytes(entries))
    assert path.read_bytes() == entries[f"{stem}2.glb"]
    names = os.listdir(path.parent)
    assert len(names) == 2 and all(name.endswith(".glb") and name.startswith(stem[:20]) for name in names)
    assert all(len(name) <= 120 and len(name.encode()) <= 255 for name in names)


def test_a_name_in_utf_8_that_does_not_say_so_is_read_as_it_was_meant(room: Path) -> None:
    data = zip_bytes({"椅子.glb": glb(), "caf\u00e9.txt": b"x"})
    # The flag is in the header of each entry and in the directory.
    unsaid = data.replace(b"\x14\x00\x00\x08\x08\x00", b"\x14\x00\x00\x00\x08\x00")
    assert unsaid != data
    path, _ = unpack_in(room, unsaid)
    assert sorted(os.listdir(path.parent)) == ["caf\u00e9.txt", "椅子.glb"]
    # What is no UTF-8 is in the character set of DOS.
    entry = raw_entry("Gr\u00f6\u00dfe.txt")
    before = zip_bytes({"model.glb": glb(), entry: b"x"})
    as_dos = before.replace("Gr\u00f6\u00dfe.txt".encode(), "Gr\u00f6\u00dfe__.txt".encode("cp437"))
    as_dos = as_dos.replace(b"\x14\x00\x00\x08", b"\x14\x00\x00\x00")
    path, _ = unpack_in(room, as_dos)
    assert "Gr\u00f6\u00dfe__.txt" in os.listdir(path.parent)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_a_link_or_a_device_is_refused(room: Path, kind: int) -> None:
    link = raw_entry("link.glb", kind | 0o777)
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


def test_entries_that_share_their_data_are_refused(room: Path) -> None:
    data = bytearray(zip_bytes({"model.glb": glb(), "a.bin": b"the same for both"}, zipfile.ZIP_STORED))
    data[data.rindex(b"PK\x01\x02") :] = overlapping_directory(data)
    assert_refused(room, bytes(data), "share their data")


def overlapping_directory(data: bytearray) -> bytes:
    """The end of the archive, in which the second entry lies inside the first."""
    end = bytearray(data[data.rindex(b"PK\x01\x02") :])
    struct.pack_into("<I", end, 42, 40)
    return bytes(end)


def test_a_disk_that_is_too_small_is_not_filled(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(room)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    with pytest.raises(OSError, match="too little room"):
        unpack_in(room, obj_zip())
    assert os.listdir(room) == ["original.zip"]


def test_an_entry_that_is_there_twice_is_refused(room: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("model.glb", glb())
        archive.writestr("model.glb", b"another")
    assert_refused(room, buffer.getvalue(), "clash")


def test_a_file_that_is_also_a_folder_is_refused(room: Path) -> None:
    assert_refused(room, zip_bytes({"a": b"file", "a/model.glb": glb()}), "clash")
    assert_refused(room, zip_bytes({"a/model.glb": glb(), "a": b"file"}), "clash")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Texture.png", "texture.PNG"),
        ("straße.png", "STRASSE.png"),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}.png", "cafe\N{COMBINING ACUTE ACCENT}.png"),
        ("what?.png", "what*.png"),
        ("name", "name."),
        ("con", "_con"),
        ("Maps", "maps/a.png"),
    ],
)
def test_names_that_are_one_where_case_does_not_count_are_refused(room: Path, one: str, other: str) -> None:
    entries: Entries = {"model.glb": glb(), raw_entry(one): b"1", raw_entry(other): b"2"}
    assert_refused(room, zip_bytes(entries), "clash")


def test_one_folder_in_two_spellings_is_no_clash(room: Path) -> None:
    entries: Entries = {"model.glb": glb(), "Maps/a.png": b"a", "maps/b.png": b"b"}
    path, _ = unpack_in(room, zip_bytes(entries))
    assert (path.parent / "Maps" / "a.png").read_bytes() == b"a"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_inside_is_told_as_damage(room: Path, compression: int) -> None:
    data = bytearray(zip_bytes({"model.glb": glb() * 20}, compression))
    start = data.index(b"model.glb") + len("model.glb")
    for position in range(start + 12, start + 40):
        data[position] ^= 0xFF
    assert_refused(room, bytes(data), "damaged")


def test_a_truncated_archive_is_told_as_damage(room: Path) -> None:
    assert_refused(room, obj_zip()[:-30], "damaged")


def test_an_encrypted_archive_is_told_as_encrypted(room: Path) -> None:
    encrypted = bytearray(obj_zip())
    # Bit 0 of the flags, in the local header and in the directory: the entry is encrypted.
    encrypted[6] |= 1
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    assert_refused(room, bytes(encrypted), "is encrypted")


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
    assert_refused(room, zip_bytes({"inner.zip": zip_bytes({"readme.txt": b""})}), "holds no 3D model")


def test_an_archive_in_the_archive_is_unpacked_where_there_is_no_model_beside_it(room: Path) -> None:
    path, model_format = unpack_in(room, zip_bytes({"result/model.zip": obj_zip()}))
    assert (path.name, model_format) == ("triangle.obj", ModelFormat.OBJ)
    assert path.parent.parent == room / "unpacked" / "result"
    assert (path.parent / "triangle.mtl").is_file()
    path, _ = unpack_in(room, zip_bytes({"more.zip": zip_bytes({"other.glb": glb()}), "model.glb": glb()}))
    assert path == room / "unpacked" / "model.glb"
    assert sorted(os.listdir(path.parent)) == ["model.glb", "more.zip"]


def test_deeper_archives_are_not_unpacked(room: Path) -> None:
    assert_refused(room, zip_bytes({"a.zip": zip_bytes({"b.zip": obj_zip()})}), "archives in archives")


def test_an_archive_in_the_archive_is_trusted_no_more_than_the_outer_one(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = zip_bytes({"model.glb": glb(), "zeros": bytes(40_000_000)})
    assert_refused(room, zip_bytes({"inner.zip": bomb}), "far more than its own size")
    assert_refused(room, zip_bytes({"inner.zip": zip_bytes({raw_entry("../x.glb"): glb()})}), "unsafe name")
    monkeypatch.setattr(archive_module, "_MAX_ENTRIES", 3)
    many: Entries = {f"{number}.txt": b"" for number in range(1_998)}
    assert_refused(room, zip_bytes({"inner.zip": zip_bytes(many), "b.txt": b"", "c.txt": b""}), "too many files")


def test_of_several_models_the_best_is_taken(room: Path) -> None:
    entries: Entries = {
        "a.obj": OBJ_TEXT.encode(),
        "b.stl": stl(),
        "b.ply": ply(),
        "c/second.glb": glb("Second"),
        "c/first.glb": glb("First"),
        "__MACOSX/._a.glb": b"\x00\x05\x16\x07 a shadow file",
    }
    path, model_format = unpack_in(room, zip_bytes(entries))
    assert (path.name, model_format) == ("first.glb", ModelFormat.GLB)


def test_of_several_models_the_one_of_the_wanted_format_is_taken(room: Path) -> None:
    data = zip_bytes({"a.glb": glb(), "b.obj": OBJ_TEXT.encode()})
    assert unpack_in(room, data)[1] is ModelFormat.GLB
    for wanted, found in (("OBJ", ModelFormat.OBJ), ("FBX", ModelFormat.GLB), ("AUTO", ModelFormat.GLB)):
        assert unpack(room / "original.zip", room / "unpacked", wanted)[1] is found


def test_of_several_models_of_a_format_the_largest_is_taken(room: Path) -> None:
    entries: Entries = {"collision.glb": glb("Box"), "model.glb": glb("Model" * 100), "x_lod.glb": glb("Model" * 10)}
    assert unpack_in(room, zip_bytes(entries))[0].name == "model.glb"


def test_shapes_without_materials_are_taken_last(room: Path) -> None:
    entries: Entries = {"a.ply": ply(), "b.stl": stl(), "c.obj": OBJ_TEXT.encode()}
    assert unpack_in(room, zip_bytes(entries))[1] is ModelFormat.OBJ
    del entries["c.obj"]
    assert unpack_in(room, zip_bytes(entries))[1] is ModelFormat.STL
    del entries["b.stl"]
    assert unpack_in(room, zip_bytes(entries))[1] is ModelFormat.PLY


def test_a_broken_model_is_passed_over_for_a_whole_one(room: Path) -> None:
    cut = glb()[:-20]
    entries: Entries = {"a.glb": cut, "b.glb": glb(), "c.obj": OBJ_TEXT.encode()}
    assert unpack_in(room, zip_bytes(entries))[0].name == "b.glb"
    del entries["b.glb"]
    assert unpack_in(room, zip_bytes(entries))[0].name == "c.obj"


def test_an_archive_of_broken_models_says_what_is_wrong_with_them(room: Path) -> None:
    assert_refused(room, zip_bytes({"a.glb": glb()[:-20]}), "no whole 3D model: its GLB file is cut short")
