# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker threads: nothing kills them, and stopping them is bounded."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from core.tasks.workers import Workers
from tests.loopback import PATIENCE_SECONDS, wait_for


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(2)
    yield workers
    assert workers.stop(PATIENCE_SECONDS)


def ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("tokenlab-worker")]


def test_no_thread_runs_before_the_first_job_and_then_as_many_as_wanted(workers: Workers) -> None:
    before = len(ours())
    workers.submit(lambda: None)
    assert len(ours()) == before + 2
    workers.submit(lambda: None)
    assert len(ours()) == before + 2


def test_jobs_run_at_the_same_time_and_not_on_the_callers_thread(workers: Workers) -> None:
    both = threading.Barrier(3)
    seen: list[threading.Thread] = []

    def job() -> None:
        seen.append(threading.current_thread())
        both.wait(PATIENCE_SECONDS)

    workers.submit(job)
    workers.submit(job)
    both.wait(PATIENCE_SECONDS)
    assert len(set(seen)) == 2
    assert threading.current_thread() not in seen


def test_an_exception_kills_no_thread_and_its_text_is_not_logged(
    workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("https://cdn.example.com/a.glb?signature=secret")

    done = threading.Event()
    with caplog.at_level(logging.DEBUG):
        for _ in range(10):
            workers.submit(fail)
        workers.submit(done.set)
        assert done.wait(PATIENCE_SECONDS)
        wait_for(lambda: caplog.text.count("RuntimeError") >= 10)
    assert "secret" not in caplog.text


def test_stopping_lets_the_running_job_end_and_drops_the_waiting_ones() -> None:
    workers = Workers(1)
    begun, may_end, ran = threading.Event(), threading.Event(), []

    def first() -> None:
        begun.set()
        may_end.wait(PATIENCE_SECONDS)
        ran.append("first")

    workers.submit(first)
    workers.submit(lambda: ran.append("second"))
    assert begun.wait(PATIENCE_SECONDS)
    assert workers.stop(0.0) is False
    may_end.set()
    assert workers.stop(PATIENCE_SECONDS) is True
    assert ran == ["first"]


def test_stopping_does_not_wait_for_longer_than_it_may() -> None:
    workers, may_end, all_begun = Workers(4), threading.Event(), threading.Barrier(5)

    def job() -> None:
        all_begun.wait(PATIENCE_SECONDS)
        may_end.wait(PATIENCE_SECONDS)

    for _ in range(4):
        workers.submit(job)
    all_begun.wait(PATIENCE_SECONDS)
    before = time.monotonic()
    assert workers.stop(0.2) is False
    assert time.monotonic() - before < 2.0
    may_end.set()
    assert workers.stop(PATIENCE_SECONDS)


def test_stopping_twice_and_before_the_first_job_is_fine_and_nothing_runs_afterwards() -> None:
    workers, ran = Workers(1), []
    assert workers.stop(0.0) is True
    assert workers.stop(0.0) is True
    workers.submit(lambda: ran.append("late"))
    assert workers.stop(PATIENCE_SECONDS) is True
    assert ran == []
