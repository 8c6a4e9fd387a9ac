# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: what a task may have cost in each state, sums that do not pretend, and a usage file that knows better."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.service.contract import GenerationRequest
from core.service.stand_in import MODEL
from core.tasks import ledger, usage_file
from core.tasks.duplicates import FIRST_TRY
from core.tasks.journal import Journal
from core.tasks.ledger import Charged, Entry, entries, entry_of
from core.tasks.records import Mailbox, Records
from core.tasks.task import Task, TaskState, merge, new_task, to_scene_text
from core.tasks.usage_file import Matched, UsageFileError, match, read_usage

S = TaskState
NOON = time.mktime((2026, 3, 15, 12, 0, 0, 0, 0, -1))


def task(state: TaskState = S.READY, **changes: Any) -> Task:
    known = {"min_price": "0.1", "max_price": "0.4", "submitted_at": NOON, "state": state, **changes}
    return replace(new_task(GenerationRequest(prompt="a secret chair"), "scene", now=NOON), **known)


def entry(*arguments: Any, **changes: Any) -> Entry:
    found = entry_of(task(*arguments, **changes))
    assert found is not None
    return found


# ---- one task


@pytest.mark.parametrize(
    ("state", "charged", "low", "high"),
    [
        (S.QUEUED, "no", "0", "0"),
        (S.FAILED, "no", "0", "0"),
        (S.SUBMITTING, "perhaps", "0", "0.4"),
        (S.UNCERTAIN, "perhaps", "0", "0.4"),
        (S.PENDING, "perhaps", "0", "0.4"),
        (S.STOPPED, "perhaps", "0", "0.4"),
        (S.LOST, "perhaps", "0", "0.4"),
        (S.DOWNLOADING, "yes", "0.1", "0.4"),
        (S.READY, "yes", "0.1", "0.4"),
    ],
)
def test_what_a_state_means_for_the_money(state: TaskState, charged: str, low: str, high: str) -> None:
    found = entry(state)
    assert (found.charged.value, str(found.low), str(found.high)) == (charged, low, high)


def test_a_billing_id_is_a_receipt() -> None:
    assert entry(S.STOPPED, billing_transaction_id="b").charged is Charged.YES


def test_two_tries_may_both_be_charged_and_a_failed_second_one_leaves_the_first() -> None:
    twice = entry(note=FIRST_TRY)
    assert (twice.charged, twice.low, twice.high) == (Charged.YES, Decimal("0.1"), Decimal("0.8"))
    unknown = entry(S.UNCERTAIN, note=FIRST_TRY)
    assert (unknown.charged, unknown.low, unknown.high) == (Charged.PERHAPS, Decimal(0), Decimal("0.8"))
    failed = entry(S.FAILED, note=FIRST_TRY)
    assert (failed.charged, failed.low, failed.high) == (Charged.PERHAPS, Decimal(0), Decimal("0.4"))


def test_what_the_service_says_it_cost_is_what_it_cost() -> None:
    found = entry(S.STOPPED, exact_price="0.25")
    assert (found.charged, found.low, found.high, found.exact) == (Charged.YES, *3 * (Decimal("0.25"),))
    assert entry(exact_price="0").charged is Charged.NO


def test_an_exact_price_of_one_try_says_nothing_of_the_other() -> None:
    found = entry(note=FIRST_TRY, exact_price="0.25")
    assert (found.low, found.high, found.exact) == (Decimal("0.25"), Decimal("0.65"), Decimal("0.25"))
    failed = entry(S.FAILED, note=FIRST_TRY, exact_price="0")
    assert (failed.charged, failed.high) == (Charged.PERHAPS, Decimal("0.4"))


def test_of_a_range_with_one_end_or_the_wrong_way_round_the_upper_end_counts() -> None:
    assert (entry(min_price="").low, entry(min_price="").high) == (Decimal(0), Decimal("0.4"))
    assert (entry(min_price="0.9").low, entry(min_price="0.9").high) == (Decimal("0.4"), Decimal("0.9"))
    assert entry(max_price="").high is None


def test_a_trial_is_in_no_books() -> None:
    assert entry_of(replace(task(), request=GenerationRequest(prompt="a", model=MODEL))) is None


# ---- as a table


def rows(*tasks: Task) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(ledger.csv_text(entries(tasks)))))


def test_the_table_has_what_a_reconciliation_needs_and_no_prompt() -> None:
    one = task(task_id="t", billing_transaction_id="b", request_id="r", project="/projects/a.blend")
    text = ledger.csv_text(entries([one]))
    assert "secret" not in text
    (row,) = rows(one)
    moment = datetime.fromisoformat(row["time"])
    assert row["time"].startswith("2026-03-15T12:00:00") and row["time"][-3] == ":"
    assert moment.tzinfo is not None and moment.timestamp() == NOON
    wanted = {"task_id": "t", "billing_transaction_id": "b", "request_id": "r", "state": "READY", "charged": "yes"}
    assert wanted.items() <= row.items()
    assert (row["min_price_usd"], row["max_price_usd"], row["exact_price_usd"]) == ("0.1", "0.4", "")
    assert (row["project"], row["format"], row["quality"]) == ("/projects/a.blend", "GLB", "")


def test_no_cell_is_a_formula_for_a_spreadsheet() -> None:
    request = GenerationRequest(prompt="a", model="=HYPERLINK()", style="@SUM(A1)", seed=7)
    (row,) = rows(replace(task(project="-1+1.blend"), request=request))
    assert (row["model"], row["style"], row["project"], row["seed"]) == (
        "'=HYPERLINK()",
        "'@SUM(A1)",
        "'-1+1.blend",
        "7",
    )


def test_the_oldest_comes_first_and_an_unknown_price_is_empty() -> None:
    found = rows(task(submitted_at=NOON + 1, task_id="new"), task(task_id="old", min_price="", max_price=""))
    assert [row["task_id"] for row in found] == ["old", "new"]
    assert found[0]["max_price_usd"] == ""


# ---- sums


def test_sums_are_said_as_what_is_known() -> None:
    books = entries([task(), task(), task(S.FAILED), task(min_price="", max_price="")])
    assert ledger.total(books).words == "between $0.20 and $0.80, and 1 task without a published price"
    assert ledger.total(entries([task(exact_price="0.25")])).words == "$0.25"


def test_an_unknown_price_is_never_said_as_nothing_nor_as_an_end_of_a_range() -> None:
    unknown = [task(min_price="", max_price=""), task(max_price="")]
    assert ledger.total(entries(unknown)).words == "2 tasks without a published price"
    said = ledger.total(entries([*unknown, task()])).words
    assert said == "between $0.10 and $0.40, and 2 tasks without a published price"


def test_a_sum_tells_how_many_are_charged_and_what_is_known_exactly() -> None:
    one = ledger.total(entries([task(), task(exact_price="0.25"), task(S.FAILED), task(S.LOST)]))
    assert (one.tasks, one.charged, one.exact) == (4, 2, Decimal("0.25"))


def test_there_is_a_sum_for_each_day_month_project_and_model() -> None:
    day = 24 * 3600
    books = entries([task(), task(submitted_at=NOON + day, project="a.blend"), task(submitted_at=NOON + 30 * day)])
    assert [one.name for one in ledger.sums(books, ledger.by_day)] == ["2026-03-15", "2026-03-16", "2026-04-14"]
    assert [(one.name, one.tasks) for one in ledger.sums(books, ledger.by_month)] == [("2026-03", 2), ("2026-04", 1)]
    assert {one.name: one.tasks for one in ledger.sums(books, ledger.by_project)} == {"Unsaved File": 2, "a.blend": 1}
    assert [one.words for one in ledger.sums(books, ledger.by_model)] == ["between $0.30 and $1.20"]


# ---- the usage file


def usage(folder: Path, text: str, name: str = "usage.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("request_id,billing_transaction_id,model,cost_decimal\nr1,b1,m,0.25\n", "u.csv"),
        ("Request ID;Transaction ID;Cost (USD)\nr1;b1;$0.25\n", "u.csv"),
        ('[{"billing_transaction_id": "b1", "cost": 0.25}]', "u.json"),
        ('{"object": "list", "data": [{"billing_transaction_id": "b1", "cost_decimal": "0.25", "cost": 9}]}', "u.json"),
    ],
)
def test_each_form_of_a_usage_file_is_understood(tmp_path: Path, text: str, name: str) -> None:
    mine = task(billing_transaction_id="b1")
    found = match([task(billing_transaction_id="b2"), mine], read_usage(usage(tmp_path, text, name)))
    assert found.prices == {mine.local_id: Decimal("0.25")} and found.unmatched == 0


def test_rows_of_somebody_else_are_counted_and_rows_of_one_task_add_up(tmp_path: Path) -> None:
    path = usage(tmp_path, "task_id,request_id,cost\nt1,,0.2\n,r1,0.05\nt9,r9,7\n")
    mine = task(task_id="t1", request_id="r1")
    found = match([mine], read_usage(path))
    assert found.prices == {mine.local_id: Decimal("0.25")} and found.unmatched == 1


def read(folder: Path, text: str, *tasks: Task) -> Matched:
    return match(tasks, read_usage(usage(folder, text)))


def test_the_billing_id_decides_before_the_request_id_and_that_before_the_task_id(tmp_path: Path) -> None:
    one, two, three = task(billing_transaction_id="b1"), task(request_id="r1"), task(task_id="t1")
    header = "billing_transaction_id,request_id,task_id,cost\n"
    assert read(tmp_path, header + "b1,r1,t1,1\n", three, two, one).prices == {one.local_id: Decimal(1)}
    assert read(tmp_path, header + "b9,r1,t1,1\n", three, two, one).prices == {two.local_id: Decimal(1)}


def test_a_row_that_could_belong_to_two_tasks_is_given_to_neither(tmp_path: Path) -> None:
    one, other = task(billing_transaction_id="b1", task_id="t1"), task(billing_transaction_id="b1", task_id="t2")
    found = read(tmp_path, "billing_transaction_id,task_id,cost\nb1,t1,0.2\n", one, other)
    assert (found.prices, found.ambiguous, found.unmatched) == ({}, 1, 0)


def test_the_same_transaction_in_two_rows_is_one(tmp_path: Path) -> None:
    mine = task(billing_transaction_id="b1")
    assert read(tmp_path, "transaction id,cost\nb1,0.2\nb1,0.2\n", mine).prices == {mine.local_id: Decimal("0.2")}


def test_what_was_given_back_is_taken_off_and_less_than_nothing_is_not_believed(tmp_path: Path) -> None:
    mine = task(billing_transaction_id="b1")
    assert read(tmp_path, "transaction id,cost\nb1,0.2\nb1,-0.2\n", mine).prices == {mine.local_id: Decimal(0)}
    found = read(tmp_path, "transaction id,cost\nb1,-0.2\n", mine)
    assert (found.prices, found.ambiguous) == ({}, 1)


@pytest.mark.parametrize("cost", ["much", "", "€0.20", "NaN", "1e999999", "1e-999999", "99999999"])
def test_a_row_whose_cost_is_no_price_is_counted(tmp_path: Path, cost: str) -> None:
    mine = task(billing_transaction_id="b1")
    found = read(tmp_path, f"transaction id,cost\nb1,{cost}\nb1,0.2\n\n", mine)
    assert (found.prices, found.unusable) == ({mine.local_id: Decimal("0.2")}, 1)


def test_other_money_than_us_dollars_is_counted_and_not_taken_for_it(tmp_path: Path) -> None:
    mine = task(request_id="r1")
    found = read(tmp_path, "request_id,cost,currency\nr1,3,CNY\nr1,0.2 USD,usd\n", mine)
    assert (found.prices, found.unusable) == ({mine.local_id: Decimal("0.2")}, 1)
    with pytest.raises(UsageFileError, match="US dollars"):
        read(tmp_path, "request_id,cost,currency\nr1,3,CNY\n", mine)


@pytest.mark.parametrize(
    "text", ["", "hello", "a,b\n1,2\n", "[]", "{", '{"data": 7}', "[" * 100_000, "request_id,cost\nr1,much\n"]
)
def test_what_is_no_usage_file_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageFileError, match="Nothing was changed"):
        read_usage(usage(tmp_path, text))
    with pytest.raises(UsageFileError, match="cannot be read"):
        read_usage(tmp_path / "none.csv")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_file, "_MAX_BYTES", 3)
    with pytest.raises(UsageFileError, match="too large"):
        read_usage(usage(tmp_path, "cost\n1\n"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no files without an end")
def test_what_has_no_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "usage.csv")
    for path in (tmp_path / "usage.csv", Path("/dev/zero"), tmp_path):
        with pytest.raises(UsageFileError, match="no file"):
            read_usage(path)


# ---- where exact prices are kept


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    assert journal.stop(5)


def test_an_exact_price_is_in_the_journal_whatever_is_saved_later_and_in_no_scene(journal: Journal) -> None:
    one = task(S.PENDING)
    journal.save(one).result(5)
    assert journal.set_prices({one.local_id: "0.25", "nobody": "1"}).result(5) == 1
    # Another Blender does not know of it.
    assert journal.save(one.evolve(state=S.PROCESSING)).result(5)
    (kept,) = journal.tasks().result(5)
    assert (kept.exact_price, kept.state) == ("0.25", S.PROCESSING)
    assert "exact_price" not in json.loads(to_scene_text(kept))


def test_a_merge_keeps_the_exact_price_that_one_side_knows() -> None:
    one = task(exact_price="0.25")
    newer = replace(one, exact_price="", revision=one.revision + 1)
    assert merge(one, newer).exact_price == "0.25" and merge(newer, one).exact_price == "0.25"


def owners(journal: Journal) -> list[tuple[str, float]]:
    with closing(sqlite3.connect(journal.path)) as connection:
        return connection.execute("SELECT owner, lease_until FROM tasks ORDER BY local_id").fetchall()


def test_a_price_changes_neither_who_works_on_a_task_nor_that_it_was_removed(tmp_path: Path, journal: Journal) -> None:
    other = Journal(tmp_path)
    running, removed = task(S.PROCESSING), task(removed=True)
    other.save(running).result(5)
    other.save(removed).result(5)
    before = owners(journal)
    assert before.count(("", 0.0)) == 1
    assert journal.set_prices({running.local_id: "0.25", removed.local_id: "0.3"}).result(5) == 2
    assert owners(journal) == before
    kept = {one.local_id: one for one in journal.tasks().result(5)}
    assert kept[removed.local_id] == replace(removed, exact_price="0.3")
    # Who works on it goes on to.
    assert other.save(running.evolve(state=S.DOWNLOADING)).result(5)
    assert other.stop(5)


def test_a_price_reaches_memory_and_the_journal_whichever_knows_more(journal: Journal) -> None:
    records = Records(journal, Mailbox())
    mine, elsewhere = task(S.PROCESSING), task()
    records.add(mine).result(5)
    journal.save(elsewhere).result(5)
    # Memory is ahead of the journal: progress is not written.
    records.change(mine.local_id, durable=False, progress=50)
    assert records.set_prices({mine.local_id: "0.25", elsewhere.local_id: "0.3"}).result(5) == 2
    known = records.get(mine.local_id)
    assert known is not None and (known.exact_price, known.progress) == ("0.25", 50)
    records.adopt(replace(mine, exact_price=""))
    saved = records.change(mine.local_id, state=S.DOWNLOADING)
    assert saved is not None and saved.result(5)
    kept = {one.local_id: one for one in journal.tasks().result(5)}
    assert (kept[mine.local_id].exact_price, kept[mine.local_id].progress) == ("0.25", 50)
    assert kept[elsewhere.local_id].exact_price == "0.3"


def test_the_tasks_of_a_file_without_a_name_are_found_the_removed_ones_too(journal: Journal) -> None:
    records = Records(journal, Mailbox())
    nameless, removed, named = task(), task(removed=True), task(project="a.blend")
    for one in (nameless, removed, named):
        records.add(one).result(5)
    assert {one.local_id for one in records.without_project()} == {nameless.local_id, removed.local_id}
