# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted in the library and what can be removed from it: our own folders, and nothing behind a link."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.files.disk_use import Item, generations, remove

NAME = "a-chair-0f6a1e56"
OLD = 1_000_000_000.0
LINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need a right on Windows")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


def put(path: Path, size: int, *, age: float | None = None) -> Path:
    """Write a file of that size, last written at that time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    if age is not None:
        os.utime(path, (age, age))
    return path


def test_an_empty_or_missing_library_holds_nothing(library: Path) -> None:
    assert list(generations(library)) == []
    library.mkdir()
    assert list(generations(library)) == []


def test_folders_of_tasks_are_counted_with_all_that_is_in_them(library: Path) -> None:
    put(library / "2026-11" / NAME / "original.zip", 1000)
    put(library / "2026-11" / NAME / "unpacked" / "textures" / "a.png", 200)
    put(library / "2026-10" / "b-00000000" / "task.json", 30)
    found = list(generations(library))
    assert [(item.path.name, item.size, item.leftovers) for item in found] == [("b-00000000", 30, ()), (NAME, 1200, ())]


@pytest.mark.parametrize(
    "place",
    [
        "blender_assets.cats.txt",
        "my own/file",
        "2026-11/file",
        "2026-11/My Models/file",
        "2026-11/chair-12/file",
        f"x/{NAME}/file",
    ],
)
def test_what_has_not_our_names_is_not_looked_at(library: Path, place: str) -> None:
    put(library / place, 10)
    assert list(generations(library)) == []


def test_leftovers_are_what_nobody_has_written_to_for_long(library: Path) -> None:
    folder = library / "2026-11" / NAME
    for name in (".original.download.part", ".original.download.note.part", ".abc.part"):
        put(folder / name, 10, age=OLD)
    put(folder / ".unpack-abc" / "half.obj", 5)
    os.utime(folder / ".unpack-abc", (OLD, OLD))
    put(folder / ".other.download.part", 10)
    put(folder / "original.glb", 100, age=OLD)
    put(folder / "model.part", 100, age=OLD)
    (found,) = generations(library)
    assert [(item.path.name, item.size) for item in found.leftovers] == [
        (".abc.part", 10),
        (".original.download.note.part", 10),
        (".original.download.part", 10),
        (".unpack-abc", 5),
    ]


@pytest.mark.parametrize("gone", [".original.download.part", NAME])
def test_what_goes_while_it_is_looked_at_is_not_counted(
    library: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """As a download that ends: its file gets another name between the look into the folder and the look at it."""
    folder = library / "2026-11" / NAME
    put(folder / ".original.download.part", 10, age=OLD)
    put(folder / "task.json", 30)
    put(library / "2026-11" / "b-00000000" / "b.glb", 5)
    scan = os.scandir

    @contextlib.contextmanager
    def scan_and_go_on(path: str) -> Iterator[list[os.DirEntry[str]]]:
        with scan(path) as entries:
            found = list(entries)
        for entry in found:
            if entry.name == gone:
                os.rename(entry.path, f"{entry.path}-whole")
        yield found

    monkeypatch.setattr(os, "scandir", scan_and_go_on)
    found = list(generations(library))
    assert [item.leftovers for item in found] == [()] * len(found)
    assert [item.size for item in found] == ([40, 5] if gone.startswith(".") else [5])


def test_a_folder_is_removed_with_the_month_that_it_was_the_last_of(library: Path) -> None:
    put(library / "2026-11" / NAME / "unpacked" / "a.obj", 10)
    put(library / "2026-11" / "b-00000000" / "b.glb", 10)
    first, second = generations(library)
    assert remove(first, library)
    assert [item.path.name for item in generations(library)] == ["b-00000000"]
    assert remove(second, library)
    assert os.listdir(library) == []


def test_a_leftover_is_removed_alone(library: Path) -> None:
    folder = library / "2026-11" / NAME
    put(folder / ".original.download.part", 10, age=OLD)
    put(folder / "original.glb", 10)
    (found,) = generations(library)
    assert [remove(item, library) for item in found.leftovers] == [True]
    assert os.listdir(folder) == ["original.glb"]


@pytest.mark.parametrize(
    "place",
    [
        ".",
        "2026-11",
        "2026-11/My Models",
        "library/2026-11/x",
        f"2026-11/{NAME}/original.glb",
        f"2026-11/{NAME}/unpacked/.a.part",
        f"../{NAME}",
    ],
)
def test_nothing_else_is_ever_removed(library: Path, place: str) -> None:
    put(library / "2026-11" / NAME / "original.glb", 10)
    path = library / place
    if not path.exists():
        put(path / "file", 10)
    assert not remove(Item(path, 10), library)
    assert path.exists()


def test_what_is_gone_already_is_no_error(library: Path) -> None:
    assert not remove(Item(library / "2026-11" / NAME, 10), library)


def test_what_cannot_be_removed_is_said_to_be_there(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(library / "2026-11" / NAME / "original.glb", 10)
    (found,) = generations(library)

    def busy(*_arguments: object, **_options: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "unlink", busy)
    assert not remove(found, library)
    assert (found.path / "original.glb").is_file()


# ---- links


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A folder elsewhere that is like one of ours."""
    return put(tmp_path / "elsewhere" / "2026-11" / NAME / "precious.glb", 1000)


@LINKS
def test_a_linked_folder_is_neither_counted_nor_removed(library: Path, precious: Path) -> None:
    (library / "2026-11").mkdir(parents=True)
    (library / "2026-11" / NAME).symlink_to(precious.parent)
    (library / "2026-10").symlink_to(precious.parents[1])
    assert list(generations(library)) == []
    for place in (library / "2026-11" / NAME, library / "2026-10" / NAME):
        assert not remove(Item(place, 10), library)
    assert precious.is_file()


@LINKS
def test_a_link_in_a_folder_is_removed_and_what_it_leads_to_is_not(library: Path, precious: Path) -> None:
    put(library / "2026-11" / NAME / "original.glb", 10)
    (library / "2026-11" / NAME / "link").symlink_to(precious.parent)
    (library / "2026-11" / NAME / "file").symlink_to(precious)
    (found,) = generations(library)
    assert found.size == 10
    assert remove(found, library)
    assert precious.is_file()


@LINKS
def test_a_folder_that_became_a_link_meanwhile_is_left_alone(library: Path, precious: Path) -> None:
    put(library / "2026-11" / NAME / "original.glb", 10)
    (found,) = generations(library)
    os.rename(library / "2026-11", library / "2026-12")
    (library / "2026-11").symlink_to(precious.parents[1])
    assert not remove(found, library)
    assert precious.is_file()
