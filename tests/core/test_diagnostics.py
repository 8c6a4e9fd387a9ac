# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diagnostics file helps somebody else and gives nothing away, whatever the journal is like."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core import redaction
from core.files.facts import ModelFacts
from core.service.address import Connection
from core.service.contract import GenerationRequest
from core.tasks import diagnostics
from core.tasks.diagnostics import Section
from core.tasks.journal_file import FILE_NAME, SCHEMA_VERSION
from core.tasks.journal_view import look
from core.tasks.records import DiagnosticsSaved
from core.tasks.task import Task, TaskState, new_task
from tests.engine_rig import Rig
from tests.secrets_search import spellings

KEY = "sK_of/an+odd~kind-0123456789"
OTHER_KEY = "sk-0123456789abcdef0123"
ADDRESSES = (
    "https://cdn.example.com/3d/a.glb?signature=hush",
    "s3://bucket/hush.glb",
    "HTTPS://user:hush@example.com/hush",
    "data:image/png;base64,aHVzaA==",
)
PROMPT = "my secret dragon with seven heads and a hat of gold"
HUSH = f"{KEY} {OTHER_KEY} {' '.join(ADDRESSES)}"
SECRETS = (KEY, OTHER_KEY, "hush", "aHVzaA", "://", "cdn.example.com")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path / "data", "http://127.0.0.1:9", KEY)
    yield rig
    assert rig.engine.stop()
    redaction.uninstall()


def save(rig: Rig, path: Path | None = None, *, include_prompts: bool = False, **lines: Any) -> DiagnosticsSaved:
    """Have the file written and return the one answer."""
    before = len(rig.events)
    job = partial(
        diagnostics.save,
        sections=(Section("Settings", tuple(lines.items())),),
        data_directory=rig.folder,
        path=path,
        include_prompts=include_prompts,
    )
    rig.engine.run(job, is_answered=True)
    rig.run_until(lambda: not rig.engine._questions)
    (found,) = [event for event in rig.events[before:] if isinstance(event, DiagnosticsSaved)]
    return found


def text(rig: Rig, **options: Any) -> str:
    saved = save(rig, **options)
    assert saved.path, saved.sentence
    return Path(saved.path).read_text(encoding="utf-8")


def add(rig: Rig, task: Task) -> Task:
    rig.engine.records.add(task).result(30)
    return task


def failed(**changes: Any) -> Task:
    request = GenerationRequest(prompt=PROMPT, style="cubist", image_name="passport.png", seed=7)
    task = new_task(request, "scene-1")
    return replace(task, state=TaskState.FAILED, **changes)


def planted(value: str) -> Task:
    """A task that has the value in each of its texts, and in those of its request."""
    texts: dict[str, Any] = {item.name: value for item in fields(Task) if item.type == "str"}
    del texts["local_id"]
    asked: dict[str, Any] = {item.name: value for item in fields(GenerationRequest) if item.type == "str"}
    task = replace(failed(), **texts, asset_urls={value: value, "glb": value})
    return replace(task, request=GenerationRequest(**asked))


# ---- what it tells


def test_it_tells_what_a_request_is_found_by_and_what_went_wrong(rig: Rig) -> None:
    task = add(
        rig,
        failed(
            task_id="ldtask_1",
            request_id="req_2",
            billing_transaction_id="billtxn_3",
            error="The model refused it. Nothing was charged.",
            submitted_at=1_700_000_000.0,
            min_price="0.10",
            max_price="0.40",
            facts=ModelFacts(triangles=12),
        ),
    )
    told = text(rig, Tier="Verified")
    for expected in (
        *(task.local_id, "ldtask_1", "req_2", "billtxn_3", "The model refused it. Nothing was charged."),
        *(
            "State: FAILED, revision 0",
            "2023-11-14 22:13:20 UTC",
            "Triangles: 12",
            "Tier: Verified",
            "Seed: 7",
            "0.10 to 0.40",
        ),
        *(f"Schema Version: {SCHEMA_VERSION} of {SCHEMA_VERSION}", "Tasks FAILED: 1", "File on This Computer"),
        *(sqlite3.sqlite_version, f"Python: {sys.version.split()[0]}", "TokenLab 3D: "),
    ):
        assert expected in told
    assert "TokenLab 3D: Unknown" not in told


def test_it_tells_of_the_newest_tasks_and_counts_them_all(rig: Rig) -> None:
    tasks = [add(rig, failed(task_id=f"ldtask_{number}.")) for number in range(60)]
    told = text(rig)
    assert f"Tasks FAILED: {len(tasks)}" in told
    assert told.count("Local ID: ") == diagnostics.MOST_TASKS
    assert tasks[-1].task_id in told and tasks[0].task_id not in told


def test_it_lies_in_the_data_folder_or_where_it_was_asked_for(rig: Rig, tmp_path: Path) -> None:
    saved = save(rig)
    assert Path(saved.path).parent == rig.folder and Path(saved.path).name.startswith("diagnostics-2")
    elsewhere = tmp_path / "a new folder" / "report.txt"
    assert save(rig, elsewhere).path == str(elsewhere)
    assert elsewhere.read_text(encoding="utf-8").startswith("TokenLab 3D Diagnostics")


def test_what_cannot_be_written_is_said(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    saved = save(rig, tmp_path / "file" / "report.txt")
    assert saved.path == "" and "could not be saved" in saved.sentence


def test_a_job_that_fails_answers_all_the_same(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "report", lambda *_arguments: 1 // 0)
    saved = save(rig)
    assert saved.path == "" and "log" in saved.sentence


# ---- what it keeps to itself


@pytest.mark.parametrize("include_prompts", [False, True])
def test_nothing_secret_is_in_it_whatever_field_it_was_planted_in(rig: Rig, include_prompts: bool) -> None:
    Connection("https://api.example.com", KEY)
    add(rig, planted(HUSH))
    for secret in (*ADDRESSES, KEY, OTHER_KEY):
        add(rig, planted(f"It was {secret}, or so"))
    told = text(rig, include_prompts=include_prompts, status=HUSH, address=ADDRESSES[2])
    assert told.count("Local ID: ") == 1 + len(ADDRESSES) + 2
    assert not [secret for secret in SECRETS if secret in told]
    assert not [form for form in spellings(KEY) if form in told.encode()]


def test_prompts_are_in_it_only_when_they_were_asked_for(rig: Rig) -> None:
    quoting = f"The service said: “{PROMPT}” is not allowed. Nothing was charged."
    cut = f"The service said: “{PROMPT[:40]}…”"
    add(rig, failed(error=quoting, note=cut, result_path=str(rig.folder / "my-secret-dragon-1" / "a.glb")))
    told = text(rig)
    for private in (PROMPT, PROMPT[:30], "dragon", "cubist", "passport"):
        assert private not in told
    assert "is not allowed. Nothing was charged." in told and f"Prompt: {len(PROMPT)} characters" in told
    told = text(rig, include_prompts=True)
    for private in (PROMPT, quoting, "cubist", "passport.png"):
        assert private in told


def test_the_user_has_no_name_in_it(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "alice"
    home.mkdir()
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.setenv("USER", "alice")
    disk = os.sep.join(("", "media", "alice", "disk", "data"))
    add(rig, failed(error=f"The disk of {home / 'models'} is full."))
    told = text(rig, Folder=home / "data", Other=disk, Word="alice", Neighbour=f"{home}s")
    assert f"Folder: ~{os.sep}data" in told
    assert f"Other: {disk.replace('alice', '~')}" in told
    assert f"The disk of ~{os.sep}models is full." in told
    assert "Word: alice" in told, "only paths are changed"
    assert save(rig, home / "report.txt").sentence == f"Saved ~{os.sep}report.txt"


def test_the_host_of_this_computer_is_not_in_it(rig: Rig) -> None:
    add(rig, replace(failed(), state=TaskState.PENDING))
    assert rig.engine._journal.owner not in text(rig)


# ---- when the journal is the trouble


def test_without_a_journal_it_tells_what_is_in_memory(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "data", "http://127.0.0.1:9", KEY)
    rig.engine._journal.stop(5.0)
    rig.engine.records.add(failed(task_id="ldtask_1"))
    told = text(rig)
    assert "Journal: There Is None" in told and "ldtask_1" in told and "FAILED: 1" in told
    assert not (rig.folder / FILE_NAME).exists(), "to look makes none"
    assert rig.engine.stop()


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_journal_that_is_just_being_begun_has_no_tasks_and_no_problem(tmp_path: Path, mode: str) -> None:
    (tmp_path / FILE_NAME).touch()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        view = look(tmp_path / FILE_NAME, most=10)
    assert (view.problem, view.schema_version, view.newest) == ("", 0, ())


@pytest.mark.parametrize("damage", [b"This is no database at all. " * 100, b"SQLite format 3\0" + bytes(4000)])
def test_a_damaged_journal_is_told_of_and_left_as_it_is(tmp_path: Path, damage: bytes) -> None:
    rig = Rig(tmp_path / "data", "http://127.0.0.1:9", KEY)
    rig.folder.mkdir()
    (rig.folder / FILE_NAME).write_bytes(damage)
    told = text(rig)
    assert "Problem: " in told
    assert (rig.folder / FILE_NAME).read_bytes() == damage
    assert rig.engine.stop()


def test_a_journal_that_is_damaged_in_the_middle_is_told_of_as_far_as_it_can_be_read(rig: Rig) -> None:
    for number in range(60):
        add(rig, failed(task_id=f"ldtask_{number}", error="x" * 2000))
    assert rig.engine._journal.stop(5.0)
    path = rig.folder / FILE_NAME
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path.write_bytes(data)
    told = text(rig)
    assert f"Schema Version: {SCHEMA_VERSION}" in told and "Problem: " in told
    assert path.read_bytes() == data


def test_rows_that_mean_nothing_are_counted(rig: Rig) -> None:
    add(rig, failed(task_id="ldtask_1"))
    with closing(sqlite3.connect(rig.folder / FILE_NAME)) as connection, connection:
        connection.execute(
            "INSERT INTO tasks (local_id, scene_id, state, revision, updated_at, record) VALUES ('a','b','c',1,9e99,?)",
            ("{broken",),
        )
        connection.execute("UPDATE tasks SET updated_at = 1e300 WHERE local_id != 'a'")
    told = text(rig)
    assert "Unreadable Rows: 1" in told and "ldtask_1" in told and "In the Journal: Unreadable" in told


def test_to_look_takes_over_no_task_of_another_blender(rig: Rig) -> None:
    add(rig, replace(failed(), state=TaskState.PENDING))
    with closing(sqlite3.connect(rig.folder / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE tasks SET owner = 'nobody/1/x', lease_until = 0")
    text(rig)
    with closing(sqlite3.connect(rig.folder / FILE_NAME)) as connection:
        assert connection.execute("SELECT owner FROM tasks").fetchone()[0] == "nobody/1/x"
