# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where generations lie on disk, and that a file is there whole or not at all."""

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.files import library
from core.files.library import (
    amend_provenance,
    default_data_directory,
    generation_folder,
    own_folder,
    remove_leftovers,
    slug,
    write_atomically,
    write_provenance,
)
from core.processes import mark
from tests.ended_process import elsewhere, of_ended

LOCAL_ID = "0f6a1e56-9d5c-4a39-8a7e-6f2d5b6c7d8e"


@given(st.text())
def test_any_prompt_makes_a_name_that_every_file_system_takes(prompt: str) -> None:
    name = slug(prompt)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert len(name) <= 40


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A small wooden chair", "a-small-wooden-chair"),
        ("Überraschung: Größe!", "uberraschung-groe"),
        ("../../etc/passwd", "etc-passwd"),
        ("椅子", "model"),
        ("", "model"),
    ],
)
def test_the_name_is_made_of_the_words_of_the_prompt(prompt: str, name: str) -> None:
    assert slug(prompt) == name


def test_a_generation_has_a_folder_of_its_own_below_its_month(tmp_path: Path) -> None:
    folder = generation_folder(tmp_path, "A chair", LOCAL_ID, 1_790_000_000.0)
    assert folder == tmp_path / "library" / "2026-09" / "a-chair-0f6a1e56"
    assert not folder.exists()


@pytest.mark.parametrize(
    ("platform", "environ", "ending"),
    [
        ("win32", {"LOCALAPPDATA": "local"}, ("local", "TokenLab 3D")),
        ("win32", {}, ("AppData", "Local", "TokenLab 3D")),
        ("darwin", {}, ("Library", "Application Support", "TokenLab 3D")),
        ("linux", {"XDG_DATA_HOME": "data"}, ("data", "tokenlab_3d")),
        ("linux", {"XDG_DATA_HOME": ""}, (".local", "share", "tokenlab_3d")),
    ],
)
def test_each_platform_has_its_own_data_folder(platform: str, environ: dict[str, str], ending: tuple[str, ...]) -> None:
    assert default_data_directory(environ, platform).parts[-len(ending) :] == ending


def test_a_file_is_replaced_whole_and_leaves_no_temporary_name(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.bin"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(path.parent) == ["file.bin"]


def test_a_write_that_fails_leaves_the_old_state_and_no_temporary_name(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.mkdir()
    (path / "inside").write_text("a folder that cannot be replaced")
    with pytest.raises(OSError):
        write_atomically(path, b"data")
    assert os.listdir(tmp_path) == ["file.bin"]
    assert os.listdir(path) == ["inside"]


def test_the_provenance_is_readable_json_even_of_broken_text(tmp_path: Path) -> None:
    write_provenance(tmp_path, {"prompt": "椅子 \ud800", "seed": None})
    text = (tmp_path / "task.json").read_text(encoding="utf-8")
    assert "椅子" in text
    assert json.loads(text)["seed"] is None


def test_what_a_killed_process_left_half_written_is_removed_and_that_of_others_is_not(tmp_path: Path) -> None:
    gone, living = of_ended(mark()), mark()
    names = [f".{gone}a.part", f".{living}a.part", f".{elsewhere(living)}a.part", ".model.glb.part", f"{gone}a.part"]
    for name in names:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])
    remove_leftovers(tmp_path / "none")


def test_what_several_workers_learn_at_once_is_all_kept(tmp_path: Path) -> None:
    write_provenance(tmp_path, {"prompt": "a chair"})
    names = [f"fact {number}" for number in range(40)]
    threads = [threading.Thread(target=amend_provenance, args=(tmp_path, {name: 1})) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads((tmp_path / "task.json").read_text()) == {"prompt": "a chair", **dict.fromkeys(names, 1)}


def test_what_belongs_to_a_model_is_its_generation_wherever_the_archive_had_it(tmp_path: Path) -> None:
    write_provenance(tmp_path / "chair", {"prompt": "A chair"})
    assert own_folder(tmp_path / "chair" / "original.glb") == tmp_path / "chair"
    assert own_folder(tmp_path / "chair" / "unpacked" / "source" / "chair.obj") == tmp_path / "chair"
    assert own_folder(tmp_path / "elsewhere" / "chair.obj") == tmp_path / "elsewhere"


def test_only_what_is_as_we_wrote_it_is_ours_to_replace(tmp_path: Path) -> None:
    path = tmp_path / "model.blend"
    path.write_bytes(b"ours")
    library.note_written(path, path.stat())
    assert not library.is_as_written(path), "there is nothing to note it in"
    library.write_provenance(tmp_path, {"prompt": "a chair"})
    library.note_written(path, path.stat())
    library.write_provenance(tmp_path, {"prompt": "a chair, fetched again"})
    assert library.is_as_written(path) and not library.is_as_written(tmp_path / "other.blend")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000))
    assert not library.is_as_written(path)
    (tmp_path / "task.json").write_text('{"written": ["model.blend"]}')
    assert not library.is_as_written(path)
