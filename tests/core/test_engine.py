# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a task from the request to the file, against the simulator; and that nothing is paid twice."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.service.address import Connection
from core.service.contract import GenerationRequest
from core.tasks import jobs
from core.tasks.engine import Engine
from core.tasks.job_context import JobContext
from core.tasks.journal import Row
from core.tasks.pacing import Pacing
from core.tasks.records import ConnectionTested, JobDone, JournalLoaded, ModelsLoaded
from core.tasks.settings import Settings
from core.tasks.task import Task, TaskState, new_task
from tests.engine_rig import Gate, Rig, WatchedTransport, creates_sent, our_threads
from tests.loopback import PATIENCE_SECONDS, Caller, LoopbackServer, refused_port, wait_for
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import glb
from tests.tiny_pictures import png

S = TaskState
MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[MakeRig]:
    rigs: list[Rig] = []
    simulator.configure(seconds=0)

    def make(folder: Path = tmp_path / "data", url: str = simulator.url, **options: Any) -> Rig:
        rigs.append(Rig(folder, url, simulator.key, **options))
        return rigs[-1]

    yield make
    for rig in rigs:
        assert rig.engine.stop()


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    return make_rig()


# ---- the whole way


def test_a_prompt_becomes_a_file_on_disk(rig: Rig, simulator: SimulatorProcess) -> None:
    local_id = rig.submit()
    assert rig.task(local_id).state is S.QUEUED
    done = rig.run_to(local_id, S.READY)
    assert rig.states(local_id) == [S.QUEUED, S.SUBMITTING, S.PENDING, S.DOWNLOADING, S.READY]
    path = Path(done.result_path)
    assert path.read_bytes() == glb()
    assert (path.name, done.result_format, done.progress, done.error, done.note) == ("original.glb", "GLB", 100, "", "")
    wait_for(lambda: rig.row(local_id) == done)
    assert [task["id"] for task in simulator.creates()] == [done.task_id]
    assert simulator.journal()["contract_violations"] == []


def test_what_lies_beside_the_file_says_where_it_comes_from_without_key_or_address(
    rig: Rig, simulator: SimulatorProcess
) -> None:
    done = rig.run_to(rig.submit(), S.READY)
    text = (Path(done.result_path).parent / "task.json").read_text()
    facts = json.loads(text)
    assert (facts["prompt"], facts["task_id"], facts["file"]) == (done.request.prompt, done.task_id, "original.glb")
    for path in rig.folder.rglob("*"):
        assert not path.is_file() or simulator.key.encode() not in path.read_bytes(), path
    assert "://" not in text


def test_after_the_end_nothing_is_asked_any_more(rig: Rig, simulator: SimulatorProcess) -> None:
    local_id = rig.submit()
    rig.run_to(local_id, S.READY)
    rig.run_for(120.0)  # For the billing id, which comes a little later.
    asked = len(simulator.requests())
    rig.run_for(3600.0)
    assert len(simulator.requests()) == asked
    assert not rig.engine.is_busy


def test_no_job_runs_on_the_thread_that_drives_the_engine(rig: Rig) -> None:
    rig.run_to(rig.submit(), S.READY)
    assert rig.transport.threads
    assert threading.current_thread() not in rig.transport.threads
    assert {thread.name.rpartition("-")[0] for thread in rig.transport.threads} == {"tokenlab-worker"}


def test_neither_pump_nor_next_event_waits_for_a_job(rig: Rig) -> None:
    gate = Gate()
    rig.transport.before_get = gate
    rig.submit()
    rig.turn()
    assert gate.reached.wait(PATIENCE_SECONDS)
    rig.turn()
    gate.opened.set()


def test_a_task_is_polled_at_the_usual_pace(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["never-completes"], seconds=600)
    local_id = rig.submit()
    rig.run_to(local_id, S.PENDING)
    rig.run_for(4.9)
    assert simulator.creates()[0]["polls"] == 0
    rig.run_for(0.2)
    assert simulator.creates()[0]["polls"] == 1
    rig.run_for(5.1, turns=1)
    assert simulator.creates()[0]["polls"] == 2


def test_a_picture_is_copied_and_sent_with_its_hash_noted(
    rig: Rig, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    picture = tmp_path / "cat.dat"
    picture.write_bytes(png())
    done = rig.run_to(rig.submit(picture_path=str(picture), image_name="cat.dat"), S.READY, S.FAILED)
    sent = simulator.requests("api")[1]["body"]["image"]
    if done.state is S.READY:
        assert sent["sha256"] == done.request.image_sha256
    copy = Path(done.picture_path)
    assert (copy.name, copy.read_bytes()) == ("source.png", picture.read_bytes())


def test_a_picture_out_of_blender_stays_until_the_journal_names_its_copy(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = rig.folder / "pictures" / "cat.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(png())
    commit, was_there = jobs._commit, []

    def watched(context: JobContext, local_id: str, **changes: Any) -> bool:
        if "picture_path" in changes:
            was_there.append(picture.exists())
        return commit(context, local_id, **changes)

    monkeypatch.setattr(jobs, "_commit", watched)
    rig.run_to(rig.submit(picture_path=str(picture), image_name="cat.png"), S.READY, S.FAILED)
    assert (was_there, picture.exists()) == ([True], False)


def test_an_archive_is_unpacked_and_another_format_is_noted(rig: Rig, simulator: SimulatorProcess) -> None:
    done = rig.run_to(rig.submit("triangle.zip", format="FBX"), S.READY)
    assert (Path(done.result_path).name, done.result_format) == ("triangle.obj", "OBJ")
    assert done.note == "The service delivered OBJ instead of FBX."


# ---- the order of the steps (architecture, section 3)


def test_the_row_is_on_the_disk_before_the_request_leaves(rig: Rig) -> None:
    seen: list[Task | None] = []
    local_id = ""
    rig.transport.before_post = lambda url: seen.append(rig.row(local_id))
    local_id = rig.submit()
    rig.run_to(local_id, S.READY)
    assert len(seen) == 1
    assert seen[0] is not None
    assert (seen[0].state, seen[0].task_id, seen[0].submitted_at is None) == (S.SUBMITTING, "", False)


def test_the_answer_is_on_the_disk_before_anything_else_is_done_with_it(rig: Rig, simulator: SimulatorProcess) -> None:
    local_id = rig.submit()
    seen: list[str] = []

    def look(url: str) -> None:
        if "/v1/tasks/" in url:
            row = rig.row(local_id)
            seen.append(row.task_id if row else "")

    rig.transport.before_get = look
    rig.run_until(lambda: any(isinstance(event, JobDone) for event in rig.events))
    row = rig.row(local_id)
    assert row is not None
    assert row.task_id == simulator.creates()[0]["id"]
    rig.run_to(local_id, S.READY)
    assert seen == [row.task_id]


# ---- never twice


@pytest.mark.parametrize(
    ("fault", "tasks"),
    [
        ("create-never-answers", 1),
        ("create-reset-after-body", 1),
        ("create-500-after-task", 1),
        ("create-504-after-task", 1),
        ("create-unreadable-200", 1),
        ("create-reset-before-body-read", 0),
        ("create-500", 0),
        ("create-502-html", 0),
        ("create-503-html", 0),
    ],
)
def test_a_create_without_a_clear_answer_is_uncertain_and_never_repeated(
    rig: Rig, simulator: SimulatorProcess, fault: str, tasks: int
) -> None:
    simulator.configure(faults=[fault])
    rig.transport._read_seconds = 0.5
    local_id = rig.submit()
    done = rig.run_to(local_id, S.UNCERTAIN)
    assert "may have started a paid task" in done.error
    simulator.configure(faults=[])
    assert not rig.engine.resume(local_id)
    assert not rig.engine.stop_waiting(local_id)
    rig.run_for(86_400.0)
    assert (creates_sent(simulator), len(simulator.creates())) == (1, tasks)
    assert rig.row(local_id) == done


def test_what_nobody_foresaw_while_sending_is_uncertain_too(rig: Rig) -> None:
    def fail(_url: str) -> None:
        raise KeyError("a defect of ours")

    rig.transport.before_post = fail
    local_id = rig.submit()
    assert "may have started a paid task" in rig.run_to(local_id, S.UNCERTAIN).error


def test_a_busy_service_is_asked_again_after_the_time_that_it_wants(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["create-429"])
    sent_at: list[float] = []
    rig.transport.before_post = lambda url: sent_at.append(rig.now)
    local_id = rig.submit()
    rig.run_to(local_id, S.READY)
    assert rig.states(local_id)[:5] == [S.QUEUED, S.SUBMITTING, S.QUEUED, S.SUBMITTING, S.QUEUED]
    assert len(simulator.creates()) == 1
    assert [round(later - earlier, 1) for earlier, later in itertools.pairwise(sent_at)] == [1.0, 1.0]


def test_a_service_that_stays_busy_is_given_up_and_nothing_was_charged(
    make_rig: MakeRig, simulator: SimulatorProcess
) -> None:
    simulator.configure(faults=["create-503"])
    rig = make_rig(pacing=Pacing(submit_tries=3))
    done = rig.run_to(rig.submit(), S.FAILED)
    assert "Nothing was charged." in done.error
    rig.run_for(86_400.0)
    assert (creates_sent(simulator), len(simulator.creates())) == (3, 0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": "no-such-model"}, "does not know the model"),
        ({"model": "seed3d-2.0"}, "needs a picture"),
        ({"model": "tripo-p1.0", "image_url": "https://example.com/a.png"}, "takes text only"),
        ({"prompt": "x" * 1025}, "takes 1024"),
        ({"prompt": " "}, "Nothing was charged"),
        ({"image_name": "lost.png"}, "picture"),
    ],
)
def test_what_cannot_work_fails_with_a_sentence_and_is_not_charged(
    rig: Rig, simulator: SimulatorProcess, fields: dict[str, str], words: str
) -> None:
    done = rig.run_to(rig.submit(**fields), S.FAILED, S.READY)
    assert done.state is S.FAILED
    assert words in done.error
    assert "charged" in done.error
    assert simulator.creates() == []


def test_a_wrong_key_and_no_network_fail_with_a_sentence_and_are_not_charged(
    make_rig: MakeRig, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    rig = make_rig()
    rig.use_key("sk-wrong")
    assert "does not accept the API key" in rig.run_to(rig.submit(), S.FAILED).error
    offline = make_rig(tmp_path / "other", f"http://127.0.0.1:{refused_port()}")
    done = offline.run_to(offline.submit(), S.FAILED)
    assert "could not be reached" in done.error
    assert "Nothing was sent or charged." in done.error
    wait_for(lambda: offline.row(done.local_id) == done)
    assert simulator.creates() == []


def test_without_a_journal_nothing_is_sent(make_rig: MakeRig, simulator: SimulatorProcess, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    rig = make_rig(tmp_path / "file" / "data")
    done = rig.run_to(rig.submit(), S.FAILED)
    assert "journal" in done.error
    assert creates_sent(simulator) == 0


# ---- several tasks


def test_no_more_tasks_are_at_the_service_than_allowed(make_rig: MakeRig, simulator: SimulatorProcess) -> None:
    rig = make_rig(max_concurrent_tasks=2)
    gate = Gate()
    rig.transport.before_get = gate
    ids = [rig.submit(f"chair {number}") for number in range(5)]
    rig.turn()
    assert gate.reached.wait(PATIENCE_SECONDS)
    for _ in range(5):
        rig.turn()
    assert sum(activity.in_flight for activity in rig.engine._activities.values()) == 2
    gate.opened.set()
    running = {S.SUBMITTING, S.PENDING, S.PROCESSING}
    most = 0

    def all_ready() -> bool:
        nonlocal most
        states = [rig.task(local_id).state for local_id in ids]
        most = max(most, sum(state in running for state in states))
        return all(state is S.READY for state in states)

    rig.run_until(all_ready)
    assert most == 2
    assert len(simulator.creates()) == 5


# ---- what is found at the start


def found(state: TaskState, **changes: Any) -> Task:
    return replace(new_task(GenerationRequest(prompt="found"), "scene-1"), state=state, revision=5, **changes)


def test_a_task_that_was_being_sent_when_blender_ended_is_uncertain(rig: Rig, simulator: SimulatorProcess) -> None:
    task = found(S.SUBMITTING)
    rig.engine.adopt([Row(task, is_ours=True)], [task])
    assert rig.task(task.local_id).state is S.UNCERTAIN
    assert "Blender ended" in rig.task(task.local_id).error
    rig.run_for(3600.0)
    assert simulator.requests() == []


def test_a_row_that_knows_more_than_the_scene_wins(rig: Rig, simulator: SimulatorProcess) -> None:
    first = rig.submit()
    done = rig.run_to(first, S.READY)
    entry = replace(done, state=S.SUBMITTING, revision=2, task_id="", result_path="", asset_urls={})
    other = Rig(rig.folder, simulator.url, simulator.key)
    other.engine.load_journal()
    other.run_until(lambda: any(isinstance(event, JournalLoaded) for event in other.events))
    rows = next(event.rows for event in other.events if isinstance(event, JournalLoaded))
    other.engine.adopt(rows, [entry])
    assert other.task(first) == done
    assert other.engine.stop()


def test_a_queued_task_is_not_sent_by_itself_but_when_it_is_asked_for(rig: Rig, simulator: SimulatorProcess) -> None:
    task = found(S.QUEUED)
    rig.engine.adopt([], [task])
    rig.run_for(3600.0)
    assert simulator.requests() == []
    assert rig.engine.resume(task.local_id)
    rig.run_to(task.local_id, S.READY)
    assert len(simulator.creates()) == 1


def test_an_unfinished_task_goes_on_and_an_imported_one_counts_as_ready(rig: Rig, simulator: SimulatorProcess) -> None:
    done = rig.run_to(rig.submit(), S.READY)
    copy = replace(done, local_id=found(S.QUEUED).local_id, state=S.PROCESSING, result_path="", asset_urls={})
    rig.engine.adopt([], [copy, imported := found(S.IMPORTED)])
    assert rig.run_to(copy.local_id, S.READY).task_id == done.task_id
    assert rig.task(imported.local_id).state is S.READY
    assert creates_sent(simulator) == 1


# ---- questions and the end


def test_key_and_models_are_asked_for_on_a_worker(rig: Rig, simulator: SimulatorProcess) -> None:
    rig.engine.test_connection()
    rig.engine.ask_models(with_list=True)
    rig.run_until(lambda: not rig.engine._questions)
    tested = next(event for event in rig.events if isinstance(event, ConnectionTested))
    loaded = next(event for event in rig.events if isinstance(event, ModelsLoaded) and event.is_answer)
    assert (tested.accepted, loaded.error) == (True, "")
    assert "tripo-h3.1" in [model.id for model in loaded.catalogue.models]
    assert simulator.creates() == []


def test_stopping_returns_soon_although_the_service_hangs_and_leaves_no_thread(tmp_path: Path) -> None:
    def hang(caller: Caller) -> None:
        caller.read_request()
        caller.wait_until_gone()

    with LoopbackServer(hang) as server:
        rig = Rig(tmp_path, server.url, "sk-x")
        rig.transport = WatchedTransport("test")
        for _ in range(3):
            rig.submit()
        rig.engine.test_connection()
        rig.turn()
        server.wait_for_requests(4)
        before = time.monotonic()
        assert rig.engine.stop()
        assert time.monotonic() - before < 3.0
        assert our_threads() == []
        assert rig.engine.stop()
        rig.drain()
    assert {task.state for task in rig.engine.records.all()} == {S.QUEUED}


def test_stopping_while_a_create_hangs_leaves_it_uncertain_on_the_disk(rig: Rig, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["create-never-answers"])
    local_id = rig.submit()
    rig.turn()
    wait_for(lambda: len(simulator.creates()) == 1)
    assert rig.engine.stop()
    row = rig.row(local_id)
    assert row is not None
    assert row.state is S.UNCERTAIN
    assert "may have started a paid task" in row.error


def test_an_engine_that_never_worked_stops_at_once(tmp_path: Path) -> None:
    engine = Engine(Settings(Connection("https://x", "k"), tmp_path, may_connect=True), user_agent="t")
    assert engine.stop()
    assert list(tmp_path.iterdir()) == []
