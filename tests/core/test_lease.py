# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task belongs to the Blender that works on it, for as long as that one lives and not a minute longer."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core.service.contract import GenerationRequest
from core.tasks import journal as journal_module
from core.tasks import lease
from core.tasks.journal import Journal
from core.tasks.journal_file import FILE_NAME
from core.tasks.lease import LEASE_SECONDS, has_ended, is_on_network, new_owner
from core.tasks.task import LEASED, Task, TaskState, new_task
from tests.ended_process import ended_process
from tests.loopback import PATIENCE_SECONDS, wait_for

NOW = 1_000_000.0
ELSEWHERE = "another machine/1/x"
needs_process_numbers = pytest.mark.skipif(sys.platform == "win32", reason="Windows is not asked about processes")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Journal, Journal]]:
    """Two Blenders on two machines with one journal."""
    journals = Journal(tmp_path), Journal(tmp_path)
    for name, journal in zip(("first/1/a", "second/1/b"), journals, strict=True):
        journal.owner = name
    yield journals
    for journal in journals:
        assert journal.stop(PATIENCE_SECONDS)


def task(state: TaskState = TaskState.PENDING, revision: int = 1) -> Task:
    return replace(new_task(GenerationRequest(prompt="A chair"), "scene-1"), state=state, revision=revision)


def save(journal: Journal, one: Task) -> bool:
    return journal.save(one).result(PATIENCE_SECONDS)


def is_ours(journal: Journal) -> list[bool]:
    return [row.is_ours for row in journal.load().result(PATIENCE_SECONDS)]


def owners(journal: Journal) -> list[tuple[str, float]]:
    """Who has a lease until when, read without our code."""
    with closing(sqlite3.connect(journal.path)) as connection:
        return connection.execute("SELECT owner, lease_until FROM tasks ORDER BY updated_at").fetchall()


def set_lease(journal: Journal, until: float) -> None:
    with closing(sqlite3.connect(journal.path)) as connection, connection:
        connection.execute("UPDATE tasks SET lease_until = ?", (until,))


# ---- whether a lease has ended


def test_two_sessions_of_one_process_have_different_names() -> None:
    assert new_owner() != new_owner()


def test_what_nobody_owns_is_free() -> None:
    assert has_ended("", NOW + 10, NOW)


def test_a_lease_holds_until_its_last_second() -> None:
    assert not has_ended(ELSEWHERE, NOW, NOW)
    assert not has_ended(ELSEWHERE, NOW + LEASE_SECONDS, NOW)
    assert has_ended(ELSEWHERE, NOW, NOW + 0.01)


@pytest.mark.parametrize("ahead", [0.001, 1.0, LEASE_SECONDS / 2])
def test_a_lease_of_a_clock_that_is_a_little_fast_holds(ahead: float) -> None:
    assert not has_ended(ELSEWHERE, NOW + ahead + LEASE_SECONDS, NOW)


@pytest.mark.parametrize("back", [2 * LEASE_SECONDS, 3600.0, 1e9])
def test_a_clock_that_was_set_back_locks_no_row(back: float) -> None:
    assert has_ended(ELSEWHERE, NOW + LEASE_SECONDS, NOW - back)


@needs_process_numbers
def test_a_process_that_is_gone_needs_no_waiting_for() -> None:
    host, _, rest = new_owner().partition("/")
    assert has_ended(f"{host}/{ended_process()}/x", NOW + 10, NOW)
    assert not has_ended(f"{host}/{os.getppid()}/x", NOW + 10, NOW)
    assert has_ended(f"{host}/{rest.partition('/')[0]}/an earlier session", NOW + 10, NOW)


@needs_process_numbers
def test_a_process_number_that_no_system_has_is_gone() -> None:
    host = new_owner().partition("/")[0]
    assert has_ended(f"{host}/{10**30}/x", NOW + 10, NOW)


@pytest.mark.parametrize("owner", ["nonsense", "a/b", "/", "//", f"{platform.node()}/not a number/x"])
def test_a_name_that_says_nothing_holds_until_the_lease_ends(owner: str) -> None:
    assert not has_ended(owner, NOW + 10, NOW)
    assert has_ended(owner, NOW - 10, NOW)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts processes in more than one way")
def test_a_process_of_another_machine_or_sandbox_with_our_name_is_not_judged_by_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere = new_owner()
    monkeypatch.setattr(os, "readlink", lambda path: "pid:[1]")
    # In a Flatpak every Blender is the same small number, and ours is that number too.
    assert not has_ended(elsewhere, NOW + 10, NOW)


# ---- asking for some rows


def test_a_few_rows_can_be_asked_for_and_no_others_are_taken_over(pair: tuple[Journal, Journal]) -> None:
    first, second = pair
    one, other = task(), task()
    assert save(first, one) and save(first, other)
    set_lease(first, time.time() - 1)
    (row,) = second.load([one.local_id, "unknown"]).result(PATIENCE_SECONDS)
    assert (row.task, row.is_ours) == (one, True)
    assert sorted(owner for owner, _ in owners(second)) == [first.owner, second.owner]
    assert second.load([]).result(PATIENCE_SECONDS) == []


# ---- folders on a network

MOUNTS = r"""
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
//box/share /mnt/my\040share cifs rw 0 0
/dev/sdb1 /home/me/local ext4 rw 0 0
short
sshfs#x /mnt/ssh fuse.sshfs rw 0 0
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows names its network folders differently")
@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/data", False),
        ("/home", True),
        ("/home/me/data", True),
        ("/home/me/local/data", False),
        ("/homework", False),
        ("/mnt/my share/data", True),
        ("/mnt/ssh", True),
    ],
)
def test_a_folder_on_a_network_drive_is_known_by_its_mount(tmp_path: Path, folder: str, expected: bool) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS.strip().replace("short\n", "") + "\n")
    assert is_on_network(Path(folder), mounts) is expected


def test_where_the_system_tells_nothing_a_folder_is_local(tmp_path: Path) -> None:
    assert not is_on_network(tmp_path, tmp_path / "no such file")


def test_a_journal_on_a_network_drive_does_without_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    for name, on_network in (("near", False), ("far", True)):
        monkeypatch.setattr(lease, "is_on_network", lambda folder, answer=on_network: answer)
        journal = Journal(tmp_path / name)
        save(journal, task())
        with closing(sqlite3.connect(tmp_path / name / FILE_NAME)) as connection:
            modes.append(connection.execute("PRAGMA journal_mode").fetchone()[0])
        assert journal.stop(PATIENCE_SECONDS)
    assert modes == ["wal", "delete"]


# ---- leases in the journal


@pytest.mark.parametrize("state", list(TaskState))
def test_only_what_is_worked_on_has_an_owner(pair: tuple[Journal, Journal], state: TaskState) -> None:
    first, second = pair
    save(first, task(state))
    assert owners(first)[0][0] == (first.owner if state in LEASED else "")
    assert is_ours(second) == [state not in LEASED]


def test_a_removed_task_is_worked_on_by_nobody_ever_again(pair: tuple[Journal, Journal]) -> None:
    first, second = pair
    save(first, replace(task(), removed=True))
    assert (is_ours(first), is_ours(second), owners(first)) == ([True], [True], [("", 0.0)])


def test_a_lease_that_has_ended_is_taken_over_by_one_only(pair: tuple[Journal, Journal]) -> None:
    first, second = pair
    save(first, task())
    assert is_ours(second) == [False]
    set_lease(first, time.time() - 1)
    assert (is_ours(second), is_ours(first)) == ([True], [False])
    assert owners(first)[0][0] == second.owner


def test_two_that_load_at_the_same_moment_never_both_own_a_row(
    pair: tuple[Journal, Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair
    save(first, task())
    save(second, task())
    # Both wait for the same lock. The clock runs on meanwhile, so that the later one sees a lease that began later.
    clock = iter(range(int(time.time()), int(time.time()) + 1000))
    for _ in range(30):
        set_lease(first, 1.0)
        with monkeypatch.context() as fast, closing(sqlite3.connect(first.path)) as other:
            fast.setattr(time, "time", lambda: float(next(clock)))
            other.execute("BEGIN IMMEDIATE")
            loads = [first.load(), second.load()]
            other.rollback()
            rows = [load.result(PATIENCE_SECONDS) for load in loads]
        for one, two in zip(*rows, strict=True):
            assert one.is_ours != two.is_ours


def test_a_lease_that_began_while_we_waited_for_the_lock_is_respected(pair: tuple[Journal, Journal]) -> None:
    first, second = pair
    save(first, task())
    save(second, task(TaskState.READY))
    with closing(sqlite3.connect(first.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        load = second.load()
        time.sleep(0.1)  # It waits in SQLite, where nobody can look.
        other.execute("UPDATE tasks SET lease_until = ? WHERE owner != ''", (time.time() + LEASE_SECONDS,))
        other.commit()
    assert [row.is_ours for row in load.result(PATIENCE_SECONDS)] == [False, True]


def test_leases_are_renewed_while_nothing_is_asked(
    pair: tuple[Journal, Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_RENEW_SECONDS", 0.02)
    first, second = pair
    save(first, task())
    save(second, task())
    until = [lease_until for _, lease_until in owners(first)]
    wait_for(lambda: all(new > old + 0.1 for (_, new), old in zip(owners(first), until, strict=True)))
    assert [owner for owner, _ in owners(first)] == [first.owner, second.owner]


def test_leases_are_renewed_although_orders_come_without_pause(
    pair: tuple[Journal, Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_RENEW_SECONDS", 0.02)
    first, _ = pair
    save(first, task())
    until = owners(first)[0][1]
    ended = threading.Event()

    def order() -> None:
        # The next ones are ordered before the last ones are done. A load would renew the lease itself.
        one, last = task(TaskState.READY), [first.save(task(TaskState.READY))]
        while not ended.is_set():
            following = [first.save(one) for _ in range(200)]
            last[-1].result(PATIENCE_SECONDS)
            last = following

    sender = threading.Thread(target=order)
    sender.start()
    try:
        wait_for(lambda: dict(owners(first))[first.owner] > until + 0.1)
    finally:
        ended.set()
        sender.join()


def test_stopping_gives_up_every_row_at_once(pair: tuple[Journal, Journal]) -> None:
    first, second = pair
    for _ in range(3):
        save(first, task())
    assert is_ours(second) == [False] * 3
    assert first.stop(PATIENCE_SECONDS)
    assert is_ours(second) == [True] * 3


def test_what_another_blender_works_on_cannot_be_overwritten(pair: tuple[Journal, Journal]) -> None:
    first, second = pair
    save(first, one := task(TaskState.SUBMITTING, 3))
    assert not save(second, replace(one, state=TaskState.UNCERTAIN, revision=9))
    assert save(first, replace(one, state=TaskState.PENDING, revision=4, task_id="ldtask_1"))
    assert first.load().result(PATIENCE_SECONDS)[0].task.task_id == "ldtask_1"


def test_the_id_of_a_paid_task_arrives_although_its_blender_slept_too_long(pair: tuple[Journal, Journal]) -> None:
    first, second = pair
    save(first, one := task(TaskState.SUBMITTING, 3))
    set_lease(first, time.time() - 1)
    assert is_ours(second) == [True]
    assert save(second, replace(one, state=TaskState.UNCERTAIN, revision=4))
    assert save(first, replace(one, state=TaskState.PENDING, revision=4, task_id="ldtask_1"))
    (row,) = second.load().result(PATIENCE_SECONDS)
    assert (row.task.state, row.task.task_id) == (TaskState.PENDING, "ldtask_1")


# ---- a computer that sleeps


class WallClock:
    """Unix seconds, to which a test can add a night."""

    def __init__(self) -> None:
        self.slept = 0.0

    def __call__(self) -> float:
        return time.time() + self.slept


def test_whoever_slept_longer_than_a_lease_keeps_what_nobody_took_and_looks_for_the_rest(tmp_path: Path) -> None:
    clock, woken = WallClock(), threading.Event()
    sleeper, other = Journal(tmp_path, on_woken=woken.set, clock=clock), Journal(tmp_path)
    sleeper.owner, other.owner = "first/1/a", "second/1/b"
    save(sleeper, task())
    save(sleeper, task(TaskState.DOWNLOADING))
    with closing(sqlite3.connect(sleeper.path)) as connection, connection:
        connection.execute("UPDATE tasks SET owner = ? WHERE state = 'DOWNLOADING'", (other.owner,))
    assert not woken.is_set()
    clock.slept = 8 * 3600.0
    assert save(sleeper, task(TaskState.READY))
    assert woken.is_set()
    until = dict(owners(sleeper))
    assert until[sleeper.owner] > clock()
    assert until[other.owner] < clock()
    for journal in (sleeper, other):
        assert journal.stop(PATIENCE_SECONDS)


@needs_process_numbers
def test_of_two_blenders_on_a_computer_that_slept_neither_takes_what_the_other_works_on(tmp_path: Path) -> None:
    clock = WallClock()
    first, second = Journal(tmp_path, clock=clock), Journal(tmp_path, clock=clock)
    # The parent of this process is one that lives.
    first.owner = f"{new_owner().partition('/')[0]}/{os.getppid()}/a"
    save(first, task())
    assert is_ours(second) == [False]
    clock.slept = 8 * 3600.0
    assert is_ours(second) == [False], "the first one has not come to say that it lives"
    clock.slept += LEASE_SECONDS * 0.6
    assert is_ours(second) == [False]
    clock.slept += LEASE_SECONDS * 0.6
    assert is_ours(second) == [True], "it had its time"
    for journal in (first, second):
        assert journal.stop(PATIENCE_SECONDS)


def test_a_queued_task_is_not_taken_by_whoever_looks_first(pair: tuple[Journal, Journal]) -> None:
    first, second = pair
    save(first, queued := task(TaskState.QUEUED))
    set_lease(first, time.time() - 1)
    assert (is_ours(second), owners(first)[0][0]) == ([True], first.owner)
    set_lease(first, time.time() - 1)
    sent = replace(queued, state=TaskState.SUBMITTING, revision=2)
    assert second.save(sent, expect=TaskState.QUEUED).result(PATIENCE_SECONDS)
    assert owners(first)[0][0] == second.owner


def test_of_two_that_decide_the_same_only_the_first_does(pair: tuple[Journal, Journal]) -> None:
    first, second = pair
    save(first, lost := task(TaskState.UNCERTAIN))
    attached = replace(lost, state=TaskState.PENDING, task_id="ldtask_1", revision=2)
    assert first.save(attached, expect=TaskState.UNCERTAIN).result(PATIENCE_SECONDS)
    assert first.save(replace(attached, state=TaskState.FAILED, revision=3)).result(PATIENCE_SECONDS)
    again = replace(lost, state=TaskState.QUEUED, revision=9)
    assert not second.save(again, expect=TaskState.UNCERTAIN).result(PATIENCE_SECONDS)
