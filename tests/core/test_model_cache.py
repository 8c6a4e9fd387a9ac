# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service said of its models outlives the session, is asked for again when it is old, and never gets in the
way of a request."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.processes import mark
from core.service.catalogue import FRESH_SECONDS, is_fresh
from core.service.contract import CREATE_PATH
from core.tasks import model_cache
from core.tasks.model_cache import FILE_NAME, ModelCache
from core.tasks.records import ModelsLoaded
from core.tasks.task import TaskState
from tests.ended_process import of_ended
from tests.engine_rig import Rig
from tests.loopback import refused_port
from tests.simulator.process import SimulatorProcess

S = TaskState
MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[MakeRig]:
    """Makes engines, each a session of its own, over one data folder."""
    simulator.configure(seconds=0)
    made: list[Rig] = []

    def make(url: str = simulator.url) -> Rig:
        made.append(Rig(tmp_path / "data", url, simulator.key))
        return made[-1]

    yield make
    for rig in made:
        assert rig.engine.stop()


def ask(rig: Rig, **question: Any) -> ModelsLoaded:
    """Return the answer to a question for models."""
    rig.events.clear()
    rig.engine.ask_models(**question)
    rig.run_until(lambda: not rig.engine._questions)
    (answer,) = (event for event in rig.events if isinstance(event, ModelsLoaded) and event.is_answer)
    return answer


def asked_for(simulator: SimulatorProcess) -> list[str]:
    return [entry["path"] for entry in simulator.requests("api") if entry["method"] == "GET"]


def file_of(rig: Rig) -> Path:
    return rig.folder / FILE_NAME


def make_old(rig: Rig) -> None:
    """Say that everything in the file was fetched two days ago."""
    text = file_of(rig).read_text()
    record = json.loads(text)
    for part in (record, *record["details"]):
        part["fetched_at"] -= 2 * FRESH_SECONDS
    file_of(rig).write_text(json.dumps(record))


# ---- across sessions


def test_what_was_fetched_is_known_to_the_next_session_without_the_network(
    make_rig: MakeRig, simulator: SimulatorProcess
) -> None:
    first = ask(make_rig(), with_list=True, names=["tripo-h3.1"])
    assert first.error == ""
    assert simulator.requests("api")[0]["query"] == {"category": "3d", "view": "compact"}
    simulator.reset()
    second = ask(make_rig())
    assert second.catalogue == first.catalogue
    assert second.catalogue.find("tripo-h3.1") is not None
    assert simulator.requests("api") == []


def test_the_file_holds_what_is_public_and_no_key(make_rig: MakeRig, simulator: SimulatorProcess) -> None:
    rig = make_rig()
    ask(rig, with_list=True, names=["tripo-h3.1"])
    content = file_of(rig).read_text()
    assert simulator.key not in content
    assert set(json.loads(content)) == {"version", "base_url", "fetched_at", "models", "details"}
    assert [path.name for path in rig.folder.iterdir() if path.suffix == ".part"] == []


def test_what_a_killed_process_left_half_written_is_gone(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.folder.mkdir(parents=True, exist_ok=True)
    (rig.folder / f".{of_ended(mark())}abc.part").write_bytes(b"{")
    ask(rig)
    assert [path.name for path in rig.folder.iterdir() if path.suffix == ".part"] == []


def test_what_one_service_said_is_not_taken_for_the_word_of_another(make_rig: MakeRig) -> None:
    ask(make_rig(), with_list=True)
    other = ask(make_rig(f"http://127.0.0.1:{refused_port()}"))
    assert (other.catalogue.listed, other.catalogue.fetched_at) == ((), 0.0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[" * 100_000,
        b"\xff\xfe",
        b"[]",
        b'{"version": 2}',
        b'{"version": 1, "base_url": "BASE", "models": {"a": 1}, "details": 7, "fetched_at": "x"}',
        b'{"version": 1, "base_url": "BASE", "models": [1, null, {"id": 5}], "details": [1, {"model": 3}]}',
        b'{"version": 1, "base_url": "BASE", "models": [], "details": [], "fetched_at": 1' + b"0" * 400 + b"}",
        b'{"version": 1, "base_url": ["BASE"], "models": [], "details": [], "fetched_at": NaN}',
    ],
)
def test_a_file_that_cannot_be_read_is_no_file(make_rig: MakeRig, simulator: SimulatorProcess, content: bytes) -> None:
    rig = make_rig()
    rig.folder.mkdir(parents=True)
    file_of(rig).write_bytes(content.replace(b"BASE", simulator.url.encode()))
    answer = ask(rig)
    assert (answer.error, answer.catalogue.models, answer.catalogue.fetched_at) == ("", (), 0.0)
    assert ask(rig, with_list=True).catalogue.models
    json.loads(file_of(rig).read_bytes())


def test_a_file_that_is_too_large_is_not_read(
    make_rig: MakeRig, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(make_rig(), with_list=True)
    monkeypatch.setattr(model_cache, "_MAX_BYTES", 10)
    assert ask(make_rig()).catalogue.models == ()


def test_a_folder_that_takes_no_file_keeps_nobody_from_knowing_the_models(make_rig: MakeRig) -> None:
    rig = make_rig()
    file_of(rig).mkdir(parents=True)
    answer = ask(rig, with_list=True, names=["tripo-h3.1"])
    assert (answer.error, len(answer.catalogue.details)) == ("", 1)


# ---- what fails


def test_when_the_service_cannot_be_asked_what_was_known_stays_known_and_a_sentence_says_why(
    make_rig: MakeRig, simulator: SimulatorProcess
) -> None:
    rig = make_rig()
    known = ask(rig, with_list=True, names=["tripo-h3.1"]).catalogue
    simulator.configure(faults=["models-500"])
    failed = ask(rig, with_list=True, names=["tripo-p1.0"])
    assert failed.catalogue == known
    assert "did not answer clearly" in failed.error


def test_a_model_that_the_service_does_not_know_says_so_and_leaves_the_others_known(make_rig: MakeRig) -> None:
    answer = ask(make_rig(), with_list=True, names=["tripo-h3", "tripo-p1.0"])
    assert answer.error.startswith("The service does not know the model")
    assert set(answer.catalogue.details) == {"tripo-p1.0"}
    assert answer.catalogue.models


# ---- before a request


def test_before_a_request_a_model_is_asked_about_once_a_day(make_rig: MakeRig, simulator: SimulatorProcess) -> None:
    path = "/v1/models/tripo-h3.1"
    rig = make_rig()
    for prompt in ("one", "two"):
        rig.run_to(rig.submit(prompt), S.READY)
    assert asked_for(simulator).count(path) == 1
    later = make_rig()
    later.run_to(later.submit("three"), S.READY)
    assert asked_for(simulator).count(path) == 1
    make_old(later)
    much_later = make_rig()
    much_later.run_to(much_later.submit("four", seed=7), S.READY)
    assert asked_for(simulator).count(path) == 2
    assert simulator.creates()[-1]["request"]["seed"] == 7


def test_what_is_learnt_before_a_request_is_told(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run_to(rig.submit(), S.READY)
    told = [event for event in rig.events if isinstance(event, ModelsLoaded)]
    assert [(event.is_answer, set(event.catalogue.details)) for event in told] == [(False, {"tripo-h3.1"})]
    assert rig.engine._questions == 0


def test_what_was_known_long_ago_serves_when_the_service_gives_no_clear_answer_now(
    make_rig: MakeRig, simulator: SimulatorProcess
) -> None:
    rig = make_rig()
    ask(rig, names=["tripo-h3.1"])
    make_old(rig)
    simulator.configure(seconds=0, faults=["models-500"])
    later = make_rig()
    assert later.run_to(later.submit(seed=7), S.READY, S.FAILED).state is S.READY
    assert simulator.creates()[0]["request"]["seed"] == 7


@pytest.mark.parametrize(
    ("age", "fresh"), [(0.0, True), (FRESH_SECONDS - 1, True), (FRESH_SECONDS, False), (-1.0, False)]
)
def test_an_answer_is_fresh_for_a_day_and_never_from_the_future(age: float, fresh: bool) -> None:
    assert is_fresh(1e9, 1e9 + age) is fresh


# ---- the list


class Answers:
    """A client that answers what it was told to."""

    def __init__(self, *names: str) -> None:
        from core.service.catalogue import ModelInfo  # noqa: PLC0415

        self._models = [ModelInfo(id=name, request_endpoint=CREATE_PATH) for name in names]

    def models(self) -> Any:
        return self._models

    def model(self, model_id: str) -> Any:
        return next(model for model in self._models if model.id == model_id)


def test_details_of_models_that_are_gone_are_forgotten_when_they_are_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ModelCache(tmp_path / FILE_NAME, lambda _known: None)
    both: Any = Answers("a", "b")
    cache.ask(both, "base", "a")
    cache.ask(both, "base", "b")
    only: Any = Answers("b")
    cache.refresh(only, "base")
    assert set(cache.known("base").details) == {"a", "b"}
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 2 * FRESH_SECONDS)
    cache.refresh(only, "base")
    assert set(cache.known("base").details) == {"b"}


def test_many_workers_lose_nothing_that_one_of_them_learnt(tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(20)]
    client: Any = Answers(*names)
    cache = ModelCache(tmp_path / FILE_NAME, lambda _known: None)
    threads = [threading.Thread(target=cache.ask, args=(client, "base", name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(cache.known("base").details) == set(names)
    again = ModelCache(tmp_path / FILE_NAME, lambda _known: None)
    assert again.known("base") == cache.known("base")
