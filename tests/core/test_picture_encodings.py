# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture is sent a second time only after a clear refusal of how it was written, and then never a third time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.tasks.task import TaskState
from tests.engine_rig import Rig, creates_sent
from tests.loopback import Caller, LoopbackServer, reply
from tests.simulator.process import SimulatorProcess
from tests.tiny_pictures import png

S = TaskState
MODEL = b'{"id": "tripo-h3.1", "object": "model"}'


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "cat.png"
    path.write_bytes(png())
    return str(path)


@pytest.fixture
def rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Rig]:
    simulator.configure(seconds=0)
    rig = Rig(tmp_path / "data", simulator.url, simulator.key)
    yield rig
    assert rig.engine.stop()


def test_a_service_that_wants_no_data_url_gets_the_picture_as_base64(
    rig: Rig, simulator: SimulatorProcess, picture: str
) -> None:
    simulator.configure(faults=["image-not-data-url"])
    rows: list[S] = []

    def look(_url: str) -> None:
        row = rig.row(local_id)
        assert row is not None
        rows.append(row.state)

    rig.transport.before_post = look
    local_id = rig.submit(picture_path=picture, image_name="cat.png")
    assert rig.run_to(local_id, S.READY, S.FAILED).state is S.READY
    assert rows == [S.SUBMITTING, S.SUBMITTING], "the journal knows of each request before it is sent"
    assert creates_sent(simulator) == 2
    (accepted,) = simulator.creates()
    assert accepted["request"]["image"]["encoding"] == "base64"


def test_a_picture_that_is_refused_either_way_is_not_sent_a_third_time(
    rig: Rig, simulator: SimulatorProcess, picture: str
) -> None:
    simulator.configure(faults=["image-not-data-url", "image-not-base64"])
    done = rig.run_to(rig.submit(picture_path=picture, image_name="cat.png"), S.READY, S.FAILED, S.UNCERTAIN)
    assert (done.state, creates_sent(simulator)) == (S.FAILED, 2)
    assert "Nothing was charged." in done.error


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("400 Bad Request", b'{"error": {"message": "no", "param": "prompt"}}'),
        ("400 Bad Request", b'{"error": {"message": "no"}}'),
        ("422 Unprocessable", b'{"error": {"message": "no", "param": "image"}}'),
        ("413 Too Large", b'{"error": {"message": "no", "param": "image"}}'),
        ("500 Oops", b'{"error": {"message": "no", "param": "image"}}'),
        ("408 Timeout", b'{"error": {"message": "no", "param": "image"}}'),
        ("307 Elsewhere", b'{"error": {"message": "no", "param": "image"}}'),
    ],
)
def test_no_other_answer_has_it_sent_again(tmp_path: Path, picture: str, status: str, body: bytes) -> None:
    def service(caller: Caller) -> None:
        while request := caller.read_request():
            caller.send(reply(body, status=status) if request.startswith(b"POST") else reply(MODEL))

    with LoopbackServer(service) as server:
        rig = Rig(tmp_path / "data", server.url, "sk-key-for-this-test")
        local_id = rig.submit(picture_path=picture, image_name="cat.png")
        rig.run_to(local_id, S.FAILED, S.UNCERTAIN)
        assert sum(request.startswith(b"POST") for request in server.requests) == 1
        assert rig.engine.stop()


def test_a_refusal_that_names_the_picture_beside_its_error_has_it_sent_as_base64(tmp_path: Path, picture: str) -> None:
    body = b'{"error": {"message": "no"}, "validation_errors": [{"field": "image", "message": "no"}]}'

    def service(caller: Caller) -> None:
        while request := caller.read_request():
            caller.send(reply(body, status="400 Bad Request") if request.startswith(b"POST") else reply(MODEL))

    with LoopbackServer(service) as server:
        rig = Rig(tmp_path / "data", server.url, "sk-key-for-this-test")
        rig.run_to(rig.submit(picture_path=picture, image_name="cat.png"), S.FAILED, S.UNCERTAIN)
        sent = [request for request in server.requests if request.startswith(b"POST")]
        assert [b"data:image/png" in request for request in sent] == [True, False]
        assert rig.engine.stop()


def test_a_stop_between_the_two_sends_nothing_more(rig: Rig, simulator: SimulatorProcess, picture: str) -> None:
    simulator.configure(faults=["image-not-data-url"])
    local_id = rig.submit(picture_path=picture, image_name="cat.png")
    asked: list[str] = []

    def remove_at_first(url: str) -> None:
        asked.append(url)
        rig.engine.remove(local_id)

    rig.transport.before_post = remove_at_first
    rig.run_until(lambda: rig.is_at_rest() and bool(asked))
    assert len(asked) == 1
    assert simulator.creates() == []
