# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which folders of the library a clean-up removes: those of removed tasks that nothing needs, and no other."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from core.files import disk_use
from core.files.asset_catalog import FILE_NAME as CATALOGS
from core.files.disk_use import LibraryUse
from core.service.contract import GenerationRequest
from core.tasks import housekeeping, journal_file
from core.tasks.job_context import folder_of
from core.tasks.journal_file import FILE_NAME
from core.tasks.records import LibraryReport
from core.tasks.task import Task, TaskState, new_task
from tests.engine_rig import Rig

OLD = 1_000_000_000.0


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path / "data", "http://127.0.0.1:9", "sk-any")
    yield rig
    assert rig.engine.stop()


def generation(rig: Rig, state: TaskState = TaskState.READY, *, prompt: str = "a chair", size: int = 100) -> Task:
    """Add a task with a folder and a file of that size in it."""
    task = replace(new_task(GenerationRequest(prompt=prompt), "scene-1"), state=state)
    folder = folder_of(task, rig.folder)
    folder.mkdir(parents=True)
    (folder / "original.glb").write_bytes(bytes(size))
    rig.engine.records.add(replace(task, result_path=str(folder / "original.glb")))
    return task


def report(rig: Rig, job: object = housekeeping.measure) -> LibraryReport:
    """Have a job done and return its one report."""
    assert callable(job)
    before = len(rig.events)
    rig.engine.run(partial(job, data_directory=rig.folder), is_answered=True)
    rig.run_until(lambda: not rig.engine._questions)
    (found,) = [event for event in rig.events[before:] if isinstance(event, LibraryReport)]
    return found


def clean_up(rig: Rig) -> str:
    return report(rig, housekeeping.clean_up).sentence


def has_folder(rig: Rig, task: Task) -> bool:
    return folder_of(task, rig.folder).exists()


def test_what_the_library_takes_is_told(rig: Rig) -> None:
    assert report(rig) == LibraryReport(LibraryUse())
    generation(rig, size=1000)
    removed = generation(rig, size=200)
    rig.engine.remove(removed.local_id)
    assert report(rig) == LibraryReport(LibraryUse(models=2, size=1200, removable=1, removable_size=200))
    assert has_folder(rig, removed)


def test_the_folders_of_removed_tasks_go_and_all_others_stay(rig: Rig) -> None:
    kept, removed = generation(rig), generation(rig, size=3 * 1024**2)
    rig.engine.remove(removed.local_id)
    done = report(rig, housekeeping.clean_up)
    assert done == LibraryReport(LibraryUse(models=1, size=100), "3 MB freed.")
    assert (has_folder(rig, kept), has_folder(rig, removed)) == (True, False)
    assert "nothing to clean up" in clean_up(rig)


@pytest.mark.parametrize("state", list(TaskState))
def test_the_folder_of_a_task_in_the_list_stays_whatever_its_state(rig: Rig, state: TaskState) -> None:
    task = generation(rig, state)
    clean_up(rig)
    assert has_folder(rig, task)


def test_a_folder_that_no_row_of_the_journal_knows_stays(rig: Rig) -> None:
    """It may be of a journal that was lost, and somebody has paid for it."""
    task = new_task(GenerationRequest(prompt="a chair"), "scene-1")
    folder = folder_of(task, rig.folder)
    folder.mkdir(parents=True)
    (folder / "task.json").write_text("{}")
    (folder / ".original.download.part").write_text("")
    os.utime(folder / ".original.download.part", (OLD, OLD))
    clean_up(rig)
    assert sorted(os.listdir(folder)) == [".original.download.part", "task.json"]


@pytest.mark.parametrize("name", ["result_path", "picture_path"])
def test_a_folder_with_a_file_that_another_task_needs_stays(rig: Rig, name: str) -> None:
    removed = generation(rig)
    other = replace(new_task(GenerationRequest(prompt="another"), "scene-1"), state=TaskState.PENDING)
    needed = str(folder_of(removed, rig.folder) / "unpacked" / "needed.png")
    rig.engine.records.add(other.evolve(**{name: needed}))
    rig.engine.remove(removed.local_id)
    clean_up(rig)
    assert has_folder(rig, removed)
    rig.engine.remove(other.local_id)
    clean_up(rig)
    assert not has_folder(rig, removed)


def test_tasks_of_other_files_and_other_blenders_are_asked_about_in_the_journal(rig: Rig, tmp_path: Path) -> None:
    """This session knows only the tasks of its file; what it removed itself may be needed elsewhere."""
    removed, elsewhere = generation(rig), generation(rig)
    rig.engine.remove(removed.local_id)
    rig.run_until(lambda: (row := rig.row(removed.local_id)) is not None and row.removed)
    other = Rig(tmp_path / "data", "http://127.0.0.1:9", "sk-any")
    assert "freed" in clean_up(other)
    assert (has_folder(rig, removed), has_folder(rig, elsewhere)) == (False, True)
    assert other.engine.stop()


def test_looking_takes_over_no_task_of_another_blender(rig: Rig) -> None:
    task = generation(rig, TaskState.PENDING)
    rig.run_until(lambda: rig.row(task.local_id) is not None)

    def owner() -> str:
        with closing(sqlite3.connect(rig.folder / FILE_NAME)) as connection:
            return str(connection.execute("SELECT owner FROM tasks").fetchone()[0])

    with closing(sqlite3.connect(rig.folder / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE tasks SET owner = 'nobody/1/x', lease_until = 0")
    report(rig)
    assert owner() == "nobody/1/x"


@pytest.mark.parametrize(
    ("state", "is_kept"),
    [
        (TaskState.READY, False),
        (TaskState.FAILED, False),
        (TaskState.DOWNLOADING, True),
        (TaskState.STOPPED, True),
        (TaskState.LOST, True),
        (TaskState.CONVERTING, True),
    ],
)
def test_the_beginning_of_a_download_stays_as_long_as_it_may_be_gone_on_with(
    rig: Rig, state: TaskState, is_kept: bool
) -> None:
    task = generation(rig, state)
    part = folder_of(task, rig.folder) / ".original.download.part"
    part.write_bytes(bytes(50))
    os.utime(part, (OLD, OLD))
    assert report(rig).use == LibraryUse(
        models=1, size=150, removable=int(not is_kept), removable_size=50 * (not is_kept)
    )
    clean_up(rig)
    assert part.exists() is is_kept
    assert has_folder(rig, task)


def test_what_is_in_use_is_told_and_goes_the_next_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, other = generation(rig, prompt="busy"), generation(rig, prompt="other", size=2048)
    for task in (busy, other):
        rig.engine.remove(task.local_id)
    real = shutil.rmtree

    def refuse(path: Path, *, ignore_errors: bool) -> None:
        if "busy" not in str(path):
            real(path, ignore_errors=ignore_errors)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refuse)
        sentence = clean_up(rig)
    assert sentence.startswith("2 KB freed. One folder or file is in use and could not be removed.")
    clean_up(rig)
    assert not has_folder(rig, busy)


def test_without_the_journal_nothing_is_removed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_file, "_BUSY_SECONDS", 0.05)
    removed = generation(rig)
    rig.engine.remove(removed.local_id)
    rig.run_until(lambda: (row := rig.row(removed.local_id)) is not None and row.removed)
    rig.engine._journal.stop(5.0)
    done = report(rig, housekeeping.clean_up)
    assert done.is_bad and "journal cannot be read, so nothing was removed" in done.sentence
    assert done.use == LibraryUse(models=1, size=100)
    assert has_folder(rig, removed)


def test_a_job_that_fails_answers_all_the_same(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_library: Path) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(disk_use, "generations", fail)
    for job in (housekeeping.measure, housekeeping.clean_up, housekeeping.add_catalog):
        done = report(rig, job)
        assert done.use is None and done.is_bad


def test_the_catalog_is_added_to_a_library_that_was_not_there_yet(rig: Rig) -> None:
    assert report(rig, housekeeping.add_catalog) == LibraryReport(LibraryUse())
    assert "TokenLab 3D" in (rig.folder / "library" / CATALOGS).read_text()


def test_a_catalog_file_that_cannot_be_read_or_written_is_said_and_left(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rig.folder / "library" / CATALOGS
    path.parent.mkdir(parents=True)
    path.write_text("VERSION 99\n")
    done = report(rig, housekeeping.add_catalog)
    assert done.is_bad and "cannot be read, so it was left as it is" in done.sentence
    assert path.read_text() == "VERSION 99\n"
    path.unlink()

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.files.asset_catalog.write_atomically", full)
    done = report(rig, housekeeping.add_catalog)
    assert done.is_bad and "could not be written (No space left on device)" in done.sentence
