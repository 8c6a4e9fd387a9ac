# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch file: what its rows say, what tells them apart, what has become of them, and one process at a time."""

from __future__ import annotations

import csv
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.service.contract import GenerationRequest
from core.service.errors import TokenLabError
from core.tasks import lease
from core.tasks.batch import BatchError, BatchRow, read_rows
from core.tasks.batch_lock import NAME, BatchLock
from core.tasks.batch_results import (
    RowResult,
    RowStatus,
    batch_name,
    may_repeat,
    newest_by_row,
    status_of,
    write_results,
)
from core.tasks.duplicates import FIRST_TRY
from core.tasks.task import Task, TaskState, new_task
from tests.ended_process import ended_process

S = TaskState


def rows_of(folder: Path, text: str, name: str = "batch.csv") -> tuple[BatchRow, ...]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_rows(path, suffix=".glb")


def task(state: TaskState = S.READY, **changes: Any) -> Task:
    return replace(new_task(GenerationRequest(prompt="a chair"), "scene", now=1000.0), state=state, **changes)


# ---- what the rows say


def test_a_table_with_empty_rows_above_and_an_empty_column_beside_is_read(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, "\n;;;\nprompt;seed;;\n\na house, red;3;;\n")
    assert row.fields == {"prompt": "a house, red", "seed": 3}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n\nprompt,colour\na chair,red\n", "“colour” in line 3"),
        ("prompt,seed,\na chair,1,red\n", "Line 2 has more cells than the header"),
    ],
)
def test_what_is_wrong_beside_empty_cells_is_said_where_it_is(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BatchError, match="Nothing was sent or charged") as refused:
        rows_of(tmp_path, text)
    assert said in str(refused.value)


def test_each_separator_of_spreadsheets_is_understood(tmp_path: Path) -> None:
    for separator in (",", ";", "\t"):
        text = separator.join(("prompt", "seed", "height")) + "\n" + separator.join(('"a, b; c"', "7", "1.5")) + "\n\n"
        (row,) = rows_of(tmp_path, text)
        assert row.fields == {"prompt": "a, b; c", "seed": 7, "height": 1.5}


def test_a_file_of_excel_and_one_of_json_lines_say_the_same(tmp_path: Path) -> None:
    (by_csv,) = rows_of(tmp_path, "\ufeffPrompt,Model,seed\r\na chair,tripo-p1.0,7\r\n")
    (by_json,) = rows_of(
        tmp_path, '\n{"prompt": "a chair", "model": "tripo-p1.0", "seed": 7, "style": null}\n', "b.jsonl"
    )
    assert by_csv == by_json


def test_a_prompt_of_several_lines_is_one_row(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, 'prompt\n"a chair\nof wood"\n')
    assert row.fields["prompt"] == "a chair\nof wood"


def test_a_picture_lies_beside_the_batch_file(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, "image\npictures/chair.png\n")
    assert row.fields["image"] == str(tmp_path / "pictures" / "chair.png")


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("", "b.csv", "no rows"),
        ("prompt\n", "b.csv", "no rows"),
        ("promt\na chair\n", "b.csv", "“promt” in line 1 is unknown"),
        ("prompt,prompt\na,b\n", "b.csv", "is there twice"),
        ("prompt\na,b\n", "b.csv", "Line 2 has more cells"),
        ("prompt,seed\na chair,many\n", "b.csv", "“many” as seed"),
        ("style\nclay\n", "b.csv", "neither a prompt nor a picture"),
        ('prompt\n"a chair\n', "b.csv", "no CSV"),
        ("prompt,output\na,x\nb,X\n", "b.csv", "output of another row"),
        ("prompt,output\na,../x\n", "b.csv", "leads out of the folder"),
        ("prompt,output\na,/etc/x\n", "b.csv", "leads out of the folder"),
        ("prompt,output\na,C:x\n", "b.csv", "leads out of the folder"),
        ("[1]\n", "b.jsonl", "no JSON object"),
        ("{\n", "b.jsonl", "no JSON"),
        ('{"prompt": "a", "seed": "7"}\n', "b.jsonl", "seed in line 1 is not a number"),
        ('{"prompt": "a", "seed": true}\n', "b.jsonl", "is not a number"),
        ('{"prompt": 7}\n', "b.jsonl", "is not a text"),
        ('{"prompt": "a", "colour": "red"}\n', "b.jsonl", "“colour” in line 1 is unknown"),
    ],
)
def test_a_file_that_is_wrong_is_refused_as_a_whole_and_says_where(
    tmp_path: Path, text: str, name: str, said: str
) -> None:
    with pytest.raises(BatchError, match="Nothing was sent or charged") as refused:
        rows_of(tmp_path, text, name)
    assert said in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="cannot be read"):
        read_rows(tmp_path / "none.csv", suffix=".glb")
    (tmp_path / "b.csv").write_bytes(b"prompt\n\xff\xfe\n")
    with pytest.raises(BatchError, match="UTF-8"):
        read_rows(tmp_path / "b.csv", suffix=".glb")


# ---- what tells them apart


def test_a_row_is_the_same_wherever_it_moves_in_the_file(tmp_path: Path) -> None:
    one, two = rows_of(tmp_path, "prompt\na\nb\n")
    moved_two, moved_one, third = rows_of(tmp_path, "prompt\nb\na\nc\n")
    assert (moved_one.key, moved_two.key) == (one.key, two.key)
    assert third.key not in (one.key, two.key)


def test_rows_that_say_the_same_are_as_many_models_as_rows(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "prompt\na\na\na\n")
    assert len({row.key for row in rows}) == 3 and len({row.output for row in rows}) == 3


def test_a_folder_that_moves_takes_its_rows_along(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (before,) = rows_of(tmp_path / "one", "image\nchair.png\n")
    (after,) = rows_of(tmp_path / "two", "image\nchair.png\n")
    assert before.key == after.key


def test_an_output_is_named_by_its_row_or_after_its_prompt(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "prompt,output\na red chair,\nb,seat\nc,seat.obj\nd,sub/seat\n")
    first, *others = [row.output for row in rows]
    assert others == ["seat.glb", "seat.obj", "sub/seat.glb"]
    assert first.startswith("a-red-chair-") and first.endswith(".glb")


@pytest.mark.parametrize("prompts", ["椅子,桌子,灯", "a chair,a table,a lamp", f"{'x' * 60}1,{'x' * 60}2,{'x' * 60}3"])
def test_a_row_has_its_output_wherever_it_moves_in_the_file(tmp_path: Path, prompts: str) -> None:
    one, two, three = prompts.split(",")
    before = {row.fields["prompt"]: row.output for row in rows_of(tmp_path, f"prompt\n{one}\n{two}\n{three}\n")}
    after = {row.fields["prompt"]: row.output for row in rows_of(tmp_path, f"prompt\nnew\n{three}\n{one}\n{two}\n")}
    new = after.pop("new")
    assert after == before and new not in before.values() and len(set(before.values())) == 3


# ---- what has become of them


def test_a_row_is_where_its_newest_task_is(tmp_path: Path) -> None:
    output = tmp_path / "a.glb"
    expected = {
        S.QUEUED: RowStatus.RUNNING,
        S.SUBMITTING: RowStatus.RUNNING,
        S.UNCERTAIN: RowStatus.UNCERTAIN,
        S.PENDING: RowStatus.RUNNING,
        S.DOWNLOADING: RowStatus.RUNNING,
        S.READY: RowStatus.RUNNING,
        S.FAILED: RowStatus.FAILED,
        S.STOPPED: RowStatus.STOPPED,
        S.LOST: RowStatus.LOST,
    }

    def status(of: Task | None, *, is_worked_on: bool = True) -> RowStatus:
        return status_of(of, output, is_worked_on=is_worked_on)

    assert status(None) is RowStatus.WAITING
    assert {state: status(task(state, output_path="a")) for state in expected} == expected
    assert status(task(removed=True)) is RowStatus.REMOVED
    assert status(task(output_path="a", error="no")) is RowStatus.NOT_WRITTEN
    output.touch()
    # There, but by somebody else: ours is not written yet.
    assert status(task(output_path="a")) is RowStatus.RUNNING
    assert status(task()) is RowStatus.DONE


def test_a_download_that_was_given_up_is_waited_for_no_more(tmp_path: Path) -> None:
    given_up = task(S.DOWNLOADING, output_path="a", error="The model could not be fetched after several tries.")
    assert status_of(given_up, tmp_path / "a.glb", is_worked_on=True) is RowStatus.RUNNING
    assert status_of(given_up, tmp_path / "a.glb", is_worked_on=False) is RowStatus.NOT_WRITTEN


def test_a_batch_is_the_same_however_its_folder_is_spelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    spellings = (tmp_path / "out", Path("out"), Path("out/../out"), tmp_path / "link")
    assert len({batch_name(folder) for folder in spellings}) == 1
    assert batch_name(tmp_path / "other") != batch_name(tmp_path / "out")


def test_only_what_the_service_never_accepted_is_repeated() -> None:
    assert [state for state in S if may_repeat(task(state))] == [S.FAILED]
    assert may_repeat(task(S.QUEUED, removed=True)) and not may_repeat(task(S.UNCERTAIN, removed=True))


def test_what_failed_at_its_second_try_is_not_repeated_for_the_first_may_be_charged() -> None:
    assert not may_repeat(task(S.FAILED, note=FIRST_TRY))
    assert not may_repeat(task(S.QUEUED, removed=True, note=f"Another note. {FIRST_TRY}"))


def test_the_newest_task_of_a_row_counts_and_those_of_other_batches_do_not() -> None:
    old = task(S.FAILED, batch="b", batch_row="1", created_at=1.0)
    new = task(S.PENDING, batch="b", batch_row="1", created_at=2.0)
    other = task(S.PENDING, batch="c", batch_row="1", created_at=3.0)
    assert newest_by_row([new, other, old, task()], "b") == {"1": new}


def test_a_row_that_was_accepted_counts_as_that_though_the_clock_was_set_back_after_it_had_failed_before() -> None:
    # With a wrong clock no secure connection is made: that is the failure, and the next try has an earlier time.
    failed = task(S.FAILED, batch="b", batch_row="1", created_at=9000.0)
    paid = task(S.PENDING, batch="b", batch_row="1", created_at=1000.0)
    assert newest_by_row([failed, paid], "b") == newest_by_row([paid, failed], "b") == {"1": paid}


def test_the_result_file_says_what_is_known_and_no_spreadsheet_takes_it_for_a_formula(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "prompt,output\n=1+1,one\na chair,two\n")
    done = task(task_id="t1", billing_transaction_id="b1", submitted_at=10.0, settled_at=12.5, request_id="r1")
    done = replace(done, note="Sent without style.")
    results = [RowResult(rows[0], RowStatus.DONE, replace(done, request=GenerationRequest(prompt="=1+1")))]
    results.append(RowResult(rows[1], RowStatus.NOT_SENT, error="No such picture."))
    write_results(tmp_path / "out" / "results.csv", results)
    with (tmp_path / "out" / "results.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert first == {
        "row": "1",
        "prompt": "'=1+1",
        "status": "done",
        "task_id": "t1",
        "billing_transaction_id": "b1",
        "path": "one.glb",
        "seconds": "2.5",
        "request_id": "r1",
        "error": "",
        "note": "Sent without style.",
    }
    assert (second["status"], second["error"], second["path"]) == ("not sent", "No such picture.", "")
    write_results(tmp_path / "results.jsonl", results)
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines[0]["prompt"] == "=1+1" and lines[0]["seconds"] == 2.5


# ---- one process at a time


def test_a_batch_that_somebody_works_on_is_left_to_them(tmp_path: Path) -> None:
    # Pytest's parent runs for as long as this test, and is not this process.
    owner = lease.new_owner().replace(f"/{os.getpid()}/", f"/{os.getppid()}/")
    (tmp_path / NAME).write_text(owner, encoding="utf-8")
    with pytest.raises(TokenLabError, match="Another Blender works on the batch"), BatchLock(tmp_path):
        pass
    assert (tmp_path / NAME).is_file()


@pytest.mark.parametrize("words", ["", "nonsense", "another machine/12345/x"])
def test_a_lock_whose_owner_is_not_known_to_be_gone_is_respected(tmp_path: Path, words: str) -> None:
    (tmp_path / NAME).write_text(words, encoding="utf-8")
    with pytest.raises(TokenLabError, match=NAME.replace(".", r"\.")), BatchLock(tmp_path):
        pass


def test_a_lock_that_somebody_else_took_over_first_is_left_to_them(tmp_path: Path) -> None:
    lock = BatchLock(tmp_path)
    (tmp_path / NAME).write_text("who was faster", encoding="utf-8")
    with pytest.raises(TokenLabError, match="Another Blender works on the batch"):
        lock._put_aside("who is gone")
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).read_text(encoding="utf-8") == "who was faster"


def test_the_lock_of_a_process_that_was_killed_is_taken_over(tmp_path: Path) -> None:
    owner = lease.new_owner().replace(f"/{os.getpid()}/", f"/{ended_process()}/")
    (tmp_path / NAME).write_text(owner, encoding="utf-8")
    with BatchLock(tmp_path):
        assert (tmp_path / NAME).read_text(encoding="utf-8") != owner
    assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize("words", ["", "nonsense", "another machine/12345/x"])
def test_a_lock_that_nobody_has_touched_for_long_is_taken_over(tmp_path: Path, words: str) -> None:
    # A power cut leaves the file, and the machine is another one to itself afterwards.
    (tmp_path / NAME).write_text(words, encoding="utf-8")
    before = time.time() - 301
    os.utime(tmp_path / NAME, (before, before))
    with BatchLock(tmp_path):
        assert (tmp_path / NAME).read_text(encoding="utf-8") != words


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot say whether a process still runs.")
def test_a_process_that_was_stopped_for_long_keeps_its_lock(tmp_path: Path) -> None:
    owner = lease.new_owner().replace(f"/{os.getpid()}/", f"/{os.getppid()}/")
    (tmp_path / NAME).write_text(owner, encoding="utf-8")
    os.utime(tmp_path / NAME, (1000.0, 1000.0))
    with pytest.raises(TokenLabError, match="Another Blender"), BatchLock(tmp_path):
        pass


def test_who_has_the_lock_keeps_it_young_and_ends_the_thread_that_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.tasks.batch_lock._TOUCH_SECONDS", 0.01)
    with BatchLock(tmp_path):
        os.utime(tmp_path / NAME, (1000.0, 1000.0))
        end = time.monotonic() + 10.0
        while (tmp_path / NAME).stat().st_mtime == 1000.0:
            assert time.monotonic() < end, "nobody has touched it"
            time.sleep(0.01)
    assert not [thread for thread in threading.enumerate() if thread.name == "tokenlab-batch-lock"]


def test_a_lock_that_was_taken_over_is_not_removed_by_whoever_had_it(tmp_path: Path) -> None:
    with BatchLock(tmp_path):
        (tmp_path / NAME).write_text("who took it over", encoding="utf-8")
    assert (tmp_path / NAME).read_text(encoding="utf-8") == "who took it over"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit for the size of files.")
def test_a_lock_that_the_disk_did_not_take_is_not_left_behind(tmp_path: Path) -> None:
    import resource  # noqa: PLC0415  # not on Windows

    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, usual[1]))
    try:
        with pytest.raises(OSError, match="File too large"), BatchLock(tmp_path):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    with BatchLock(tmp_path):
        pass


def test_a_batch_whose_folder_is_away_at_its_end_ends_all_the_same(tmp_path: Path) -> None:
    with BatchLock(tmp_path):
        (tmp_path / NAME).unlink()
        (tmp_path / NAME).mkdir()  # It can neither be read nor removed as a file.
    assert not [thread for thread in threading.enumerate() if thread.name == "tokenlab-batch-lock"]
