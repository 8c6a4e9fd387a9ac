# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal says is done is on the disk, whoever is killed, and it never goes back."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.service.contract import GenerationRequest
from core.tasks import journal_file
from core.tasks.journal import Journal, JournalError
from core.tasks.journal_file import _MIGRATIONS, FILE_NAME, SCHEMA_VERSION
from core.tasks.task import Task, TaskState, from_text, new_task, to_text
from tests.loopback import PATIENCE_SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]
DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    assert journal.stop(PATIENCE_SECONDS)


def task(state: TaskState = TaskState.PENDING, revision: int = 1, **changes: Any) -> Task:
    return replace(new_task(GenerationRequest(prompt="A chair"), "scene-1"), state=state, revision=revision, **changes)


def save(journal: Journal, one: Task) -> None:
    journal.save(one).result(PATIENCE_SECONDS)


def load(journal: Journal) -> list[Task]:
    return [row.task for row in journal.load().result(PATIENCE_SECONDS)]


def rows(folder: Path) -> list[tuple[str, str, int, str]]:
    """What a second connection sees, without our code."""
    connection = sqlite3.connect(folder / FILE_NAME)
    try:
        return connection.execute("SELECT local_id, state, revision, record FROM tasks").fetchall()
    finally:
        connection.close()


def sentence_of(journal: Journal, one: Task) -> str:
    with pytest.raises(JournalError) as caught:
        save(journal, one)
    with pytest.raises(JournalError):
        load(journal)
    assert "nothing new is sent" in str(caught.value)
    assert "Choose another data folder" in str(caught.value)
    return str(caught.value)


# ---- what is said to be saved is saved


def test_a_saved_task_is_seen_by_another_connection_at_once(journal: Journal, tmp_path: Path) -> None:
    one = task(asset_urls={"glb": "https://x/y"}, result_path="/models/a.glb")
    save(journal, one)
    assert [row[:3] for row in rows(tmp_path)] == [(one.local_id, "PENDING", 1)]
    assert from_text(rows(tmp_path)[0][3]) == one
    assert load(journal) == [one]


CHILD = """
import os, signal, sys
from pathlib import Path
from core.service.contract import GenerationRequest
from core.tasks.journal import Journal
from core.tasks.task import new_task
task = new_task(GenerationRequest(prompt="killed"), "scene-1")
Journal(Path(sys.argv[1])).save(task).result(20)
print(task.local_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_saved_task_survives_a_kill_of_its_process(journal: Journal, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    assert [one.local_id for one in load(journal)] == [done.stdout.strip()]


WRITER = """
import sys
from pathlib import Path
from core.service.contract import GenerationRequest
from core.tasks.journal import Journal
from core.tasks.task import new_task
journal = Journal(Path(sys.argv[1]))
futures = [journal.save(new_task(GenerationRequest(prompt=str(n)), "other")) for n in range(100)]
for future in futures:
    future.result(20)
assert journal.stop(20)
"""


def test_two_processes_can_write_at_once(journal: Journal, tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], cwd=REPOSITORY)
    futures = [journal.save(task()) for _ in range(100)]
    for future in futures:
        future.result(PATIENCE_SECONDS)
    assert other.wait(PATIENCE_SECONDS) == 0
    assert len(load(journal)) == 200


def test_stopping_finishes_what_was_ordered(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    futures = [journal.save(task()) for _ in range(200)]
    assert journal.stop(PATIENCE_SECONDS)
    assert all(future.done() and future.exception() is None for future in futures)
    assert len(rows(tmp_path)) == 200


def test_stopping_is_idempotent_and_later_orders_fail_at_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.stop(0.0)
    journal = Journal(tmp_path)
    save(journal, task())
    assert journal.stop(PATIENCE_SECONDS)
    assert journal.stop(PATIENCE_SECONDS)
    with pytest.raises(JournalError, match="stopped"):
        journal.save(task()).result(0)


def test_no_thread_and_no_file_exist_before_the_first_order(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    Journal(tmp_path / "new")
    assert set(threading.enumerate()) == before
    assert not (tmp_path / "new").exists()


# ---- it never goes back


def test_a_lower_revision_never_replaces_a_higher_one(journal: Journal) -> None:
    new = task(TaskState.READY, 7)
    save(journal, new)
    save(journal, replace(new, state=TaskState.PENDING, revision=6))
    assert load(journal) == [new]
    save(journal, replace(new, state=TaskState.DOWNLOADING, revision=8))
    assert load(journal)[0].state is TaskState.DOWNLOADING


def test_a_copy_of_the_same_revision_takes_nothing_away(journal: Journal) -> None:
    full = task(TaskState.READY, 7, task_id="ldtask_1", result_path="/models/a.glb", asset_urls={"glb": "https://x"})
    save(journal, full)
    save(journal, replace(full, result_path="", asset_urls={}))
    save(journal, replace(full, state=TaskState.UNCERTAIN, task_id=""))
    assert load(journal) == [full]


# ---- what cannot be written or read


@pytest.mark.parametrize("broken", ["\ud800", "a\0b", "\udcff"])
def test_no_text_ends_the_writer(journal: Journal, broken: str) -> None:
    save(journal, replace(task(), request=GenerationRequest(prompt=broken), picture_path=broken))
    save(journal, task())
    assert len(load(journal)) == 2


def test_what_sqlite_cannot_take_fails_alone_and_does_not_end_the_writer(journal: Journal) -> None:
    with pytest.raises(JournalError):
        save(journal, task(revision=2**70))
    save(journal, task())
    assert len(load(journal)) == 1


def test_a_row_that_cannot_be_read_is_passed_over_and_stays(journal: Journal, tmp_path: Path) -> None:
    save(journal, task())
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    with connection:
        connection.execute("INSERT INTO tasks VALUES ('x', 's', 'MELTED', 1, 0, '{', '', 0)")
    connection.close()
    assert len(load(journal)) == 1
    assert len(rows(tmp_path)) == 2


def test_a_broken_letter_costs_one_word_and_not_the_journal(journal: Journal, tmp_path: Path) -> None:
    one, other = task(), task()
    save(journal, one)
    save(journal, other)
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    with connection:
        broken = to_text(one).encode().replace(b"chair", b"ch\xff\xfer")
        connection.execute("UPDATE tasks SET record = CAST(? AS TEXT) WHERE local_id = ?", (broken, one.local_id))
    connection.close()
    assert [found.local_id for found in load(journal)] == [one.local_id, other.local_id]


def test_saving_tells_whether_the_record_is_in_the_journal_now(journal: Journal) -> None:
    one = task(revision=3)
    assert journal.save(one).result(PATIENCE_SECONDS)
    assert not journal.save(replace(one, state=TaskState.SUBMITTING, revision=3)).result(PATIENCE_SECONDS)
    assert not journal.save(replace(one, revision=2)).result(PATIENCE_SECONDS)
    assert journal.save(replace(one, state=TaskState.DOWNLOADING, revision=3)).result(PATIENCE_SECONDS)


def test_a_damaged_journal_is_put_aside_and_begun_anew_and_that_is_said(tmp_path: Path) -> None:
    damaged = b"not a database" * 100
    (tmp_path / FILE_NAME).write_bytes(damaged)
    said: list[str] = []
    journal = Journal(tmp_path, on_rebuilt=said.append)
    save(journal, saved := task())
    assert load(journal) == [saved]
    (aside,) = tmp_path.glob("journal.damaged-*.sqlite3")
    assert aside.read_bytes() == damaged
    (sentence,) = said
    assert aside.name in sentence and "begun anew" in sentence
    assert journal.stop(PATIENCE_SECONDS)


@pytest.mark.parametrize(
    "schema",
    [
        "CREATE TABLE tasks (name TEXT)",
        f"CREATE TABLE tasks (name TEXT); PRAGMA user_version = {SCHEMA_VERSION}",
        f"CREATE TABLE others (name TEXT); PRAGMA user_version = {SCHEMA_VERSION}",
    ],
    ids=["of somebody else", "with other columns", "without a table"],
)
def test_a_journal_with_tables_that_are_not_ours_is_put_aside_whole(tmp_path: Path, schema: str) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.executescript(schema)
    connection.close()
    said: list[str] = []
    journal = Journal(tmp_path, on_rebuilt=said.append)
    save(journal, saved := task())
    assert load(journal) == [saved]
    (aside,) = tmp_path.glob("journal.damaged-*.sqlite3")
    assert len(said) == 1 and aside.name in said[0]
    assert journal.stop(PATIENCE_SECONDS)


def test_a_journal_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute(_MIGRATIONS[0])
    old = task()
    connection.execute("INSERT INTO tasks VALUES (?, 's', 'QUEUED', 0, 0, ?)", (old.local_id, to_text(old)))
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    journal = Journal(tmp_path)
    assert load(journal) == [old]
    save(journal, task())
    assert len(load(journal)) == 2
    assert journal.stop(PATIENCE_SECONDS)


def test_a_journal_of_a_newer_version_is_refused_and_not_touched(journal: Journal, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    assert "newer version" in sentence_of(journal, task())
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION + 1,)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    journal = Journal(tmp_path / "file" / "folder")
    sentence_of(journal, task())
    assert journal.stop(PATIENCE_SECONDS)


def test_the_journal_works_again_when_the_reason_is_gone(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    journal = Journal(tmp_path / "data")
    sentence_of(journal, task())
    (tmp_path / "data").unlink()
    save(journal, task())
    assert journal.stop(PATIENCE_SECONDS)


def lose_handles(folder: Path) -> None:
    """Have all that is open of the journal work no more, like the handles of files whose drive went away."""
    nowhere = os.open(folder, os.O_RDONLY)
    for descriptor in DESCRIPTORS.iterdir():
        if os.path.realpath(descriptor) in (str(folder / FILE_NAME), str(folder / f"{FILE_NAME}-wal")):
            os.dup2(nowhere, int(descriptor.name))
    os.close(nowhere)


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="Only Linux tells which files are open.")
def test_a_drive_that_was_away_for_a_moment_costs_one_order_and_not_the_session(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "drive")
    save(journal, first := task())
    lose_handles(tmp_path / "drive")
    assert "cannot be used" in sentence_of_failure(journal)
    (tmp_path / "drive").rename(tmp_path / "elsewhere")
    (tmp_path / "drive").mkdir()
    assert "its drive is away" in sentence_of_failure(journal)
    assert not (tmp_path / "drive" / FILE_NAME).exists()
    (tmp_path / "drive").rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / "drive")
    save(journal, second := task())
    assert load(journal) == [first, second]
    assert journal.stop(PATIENCE_SECONDS)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows moves no folder with open files.")
def test_where_a_drive_was_no_journal_is_begun_although_no_order_came_while_it_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive, identity = tmp_path / "drive", journal_file._identity
    drive.mkdir()
    (drive / "of the drive").touch()

    def with_drive(path: Path) -> tuple[int, int] | None:
        found = identity(path)
        return found and (found[0] + (drive / "of the drive").exists(), found[1])

    monkeypatch.setattr(journal_file, "_identity", with_drive)
    said: list[str] = []
    journal = Journal(drive, on_rebuilt=said.append)
    save(journal, first := task())
    drive.rename(tmp_path / "elsewhere")
    drive.mkdir()
    assert "its drive is away" in sentence_of_failure(journal)
    assert not (drive / FILE_NAME).exists()
    drive.rmdir()
    (tmp_path / "elsewhere").rename(drive)
    save(journal, second := task())
    assert load(journal) == [first, second] and said == []
    assert journal.stop(PATIENCE_SECONDS)


def sentence_of_failure(journal: Journal) -> str:
    with pytest.raises(JournalError) as caught:
        save(journal, task())
    return str(caught.value)
