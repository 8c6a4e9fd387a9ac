# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for keys finds one wherever it is planted, so that finding none means something."""

from __future__ import annotations

import base64
import gzip
import os
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.secrets_search import ALLOWED, holding
from tests.simulator.configuration import CAPTURES_VARIABLE, DEFAULT_KEY
from tests.simulator.plain_client import PlainClient
from tests.simulator.process import SimulatorProcess
from tests.tiers import search_for_key
from tests.tiny_models import write_assets

KEY = "sk-planted-key-0123456789"


def around(text: bytes) -> bytes:
    return os.urandom(5000) + text + os.urandom(5000)


def raw(folder: Path, text: bytes) -> None:
    (folder / "blender.log").write_bytes(around(text))


def blend_by_zstandard(folder: Path, text: bytes) -> None:
    frames = [zstandard.ZstdCompressor().compress(part) for part in (os.urandom(300), around(text), os.urandom(300))]
    (folder / "scene.blend").write_bytes(b"".join(frames))


def blend_by_gzip(folder: Path, text: bytes) -> None:
    (folder / "old.blend").write_bytes(gzip.compress(around(text)))


def archive(folder: Path, text: bytes) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("member", around(text))


def journal(folder: Path, text: bytes) -> None:
    connection = sqlite3.connect(folder / "journal.sqlite")
    with connection:
        connection.execute("CREATE TABLE tasks (record TEXT)")
        # Of a length that is spread over pages, somewhere in the middle of the key.
        for length in range(3990, 4110):
            connection.execute("INSERT INTO tasks VALUES (?)", ("x" * length + text.decode() + "y" * 6000,))
    connection.close()


def journal_not_yet_written_back(folder: Path, text: bytes) -> None:
    source = folder.parent / "elsewhere"
    source.mkdir()
    connection = sqlite3.connect(source / "journal.sqlite")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    with connection:
        connection.execute("CREATE TABLE tasks (record TEXT)")
        connection.execute("INSERT INTO tasks VALUES (?)", (text.decode(),))
    # As a killed process leaves it.
    for name in ("journal.sqlite", "journal.sqlite-wal"):
        (folder / name).write_bytes((source / name).read_bytes())
    connection.close()


PLACES: list[Callable[[Path, bytes], None]] = [
    raw,
    blend_by_zstandard,
    blend_by_gzip,
    archive,
    journal,
    journal_not_yet_written_back,
]
SPELLINGS = {
    "raw": KEY.encode(),
    **{f"base64 after {count}": base64.b64encode(b"a" * count + KEY.encode() + b"end") for count in range(4)},
}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_planted_key_is_found(tmp_path: Path, place: Callable[[Path, bytes], None], spelling: str) -> None:
    folder = tmp_path / "searched"
    folder.mkdir()
    place(folder, b"nothing to hide here")
    assert holding(folder, KEY) == []
    for file in folder.iterdir():
        file.unlink()
    if (tmp_path / "elsewhere").exists():
        (tmp_path / "elsewhere").rename(tmp_path / "before")
    place(folder, SPELLINGS[spelling])
    assert holding(folder, KEY) != []


def test_only_the_preferences_of_blender_may_hold_it(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / ALLOWED).write_bytes(KEY.encode())
    assert holding(tmp_path, KEY) == []
    (tmp_path / "config" / "startup.blend").write_bytes(KEY.encode())
    assert holding(tmp_path, KEY) == [tmp_path / "config" / "startup.blend"]


@pytest.mark.parametrize("head", [b"\x28\xb5\x2f\xfd", b"\x1f\x8b", b"SQLite format 3\0", b"PK\x03\x04"])
def test_broken_files_are_looked_at_as_they_are(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "broken").write_bytes(head + os.urandom(500))
    assert holding(tmp_path, KEY) == []
    (tmp_path / "broken").write_bytes(head + around(KEY.encode()))
    assert holding(tmp_path, KEY) == [tmp_path / "broken"]


def test_a_key_that_another_host_was_sent_is_found_in_its_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CAPTURES_VARIABLE, str(tmp_path / "captures"))
    with SimulatorProcess(assets=write_assets(tmp_path / "assets"), key=KEY) as simulator:
        client = PlainClient(simulator)
        client.finished()
        client.download(simulator.picture_url)
        assert len(list((tmp_path / "captures").iterdir())) == 1
        assert holding(tmp_path, KEY) == []
        planted = {"Authorization": f"Bearer {KEY}"}
        client.download(simulator.picture_url, headers=planted)
    assert [path.parent.name for path in holding(tmp_path, KEY)] == ["captures"]


def test_a_tier_that_leaves_the_key_has_failed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    assert search_for_key(tmp_path, "The tier").failed == 0
    # Taken away below: the search reads this folder too, after the tests.
    left = tmp_path / "left.txt"
    left.write_text(DEFAULT_KEY)
    outcome = search_for_key(tmp_path, "The tier")
    left.unlink()
    assert outcome.problems == ["The tier left the key in left.txt."]
