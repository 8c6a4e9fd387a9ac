# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault of the API does what its name says; a test knows whether one was forgotten."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests.simulator.configuration import CREATE_PATH
from tests.simulator.faults import FAULTS
from tests.simulator.faults.answers import BOMB_BYTES
from tests.simulator.faults.status import JUMPS
from tests.simulator.plain_client import PlainClient
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import glb

LONG = 600.0
# How long a request is given that is never answered.
SHORT = 0.3
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()
# For the second host: the search after the tier finds the usual one in whatever that host was sent.
OTHER_KEY = {"Authorization": "Bearer sk-another"}
URL_FIELDS = {"model_url", "glb_url", "fbx_url", "obj_url", "usdz_url"}


@pytest.fixture
def client(simulator: SimulatorProcess) -> PlainClient:
    return PlainClient(simulator)


# ---- creating

# Status, whether the answer is JSON, how many tasks there are afterwards.
CREATES: dict[str, tuple[int, bool, int]] = {
    "create-401": (401, True, 0),
    "create-402": (402, True, 0),
    "create-402-quota": (402, True, 0),
    "create-403": (403, True, 0),
    "create-413": (413, True, 0),
    "create-500": (500, True, 0),
    "create-502-html": (502, False, 0),
    "create-503": (503, True, 0),
    "create-503-gateway": (503, True, 0),
    "create-503-html": (503, False, 0),
    "create-500-after-task": (500, True, 1),
    "create-504-after-task": (504, True, 1),
    "create-unreadable-200": (200, False, 1),
}


@pytest.mark.parametrize("name", CREATES)
def test_a_create_is_answered_as_the_fault_says(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    status, is_json, tasks = CREATES[name]
    simulator.configure(faults=[name])
    reply = client.create()
    assert reply.status_code == status
    assert (reply.headers["Content-Type"].partition(";")[0] == "application/json") == is_json
    if is_json:
        assert reply.json()["error"]["message"]
    assert len(simulator.creates()) == tasks
    assert simulator.journal()["requests"][0]["status"] == status


def test_details_of_the_errors_that_have_some(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["create-402"])
    money = client.create().json()["error"]
    assert money["balance_usd"] < money["estimated_cost_usd"]
    simulator.configure(faults=["create-503"])
    busy = client.create().json()["error"]
    assert (busy["code"], busy["retryable"], busy["retry_after"]) == ("all_channels_failed", True, 1)


SILENT_CREATES = {"create-never-answers": 1, "never-answers": 0}


@pytest.mark.parametrize("name", SILENT_CREATES)
def test_a_create_that_never_answers_is_still_in_the_journal(
    simulator: SimulatorProcess, client: PlainClient, name: str
) -> None:
    simulator.configure(faults=[name])
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.create(timeout=SHORT)
    entry = simulator.journal()["requests"][0]
    assert (entry["path"], entry["status"], entry["body"]["model"]) == (CREATE_PATH, None, "tripo-h3.1")
    assert len(simulator.creates()) == SILENT_CREATES[name]


def test_a_task_whose_create_was_never_answered_is_charged(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["create-never-answers"], seconds=0)
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.create(timeout=SHORT)
    assert simulator.creates()[0]["charged"]


RESET_CREATES = {"create-reset-after-body": 1, "create-reset-before-body-read": 0}


@pytest.mark.parametrize("name", RESET_CREATES)
def test_the_connection_of_a_create_is_reset(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    simulator.configure(faults=[name])
    with pytest.raises(requests.exceptions.ConnectionError):
        client.create()
    entry = simulator.journal()["requests"][0]
    assert entry["status"] is None
    assert (entry["body"] is not None) == (name == "create-reset-after-body")
    assert len(simulator.creates()) == RESET_CREATES[name]


# Faults of the answer to a create, after which there is a task.
CUT_IN_THE_BODY = {
    "create-reset-in-body": True,
    "create-reset-after-naming": True,
    "poll-reset-in-body": False,
    "poll-truncated": False,
}
BOMBS = {"create-gzip-bomb": True, "poll-gzip-bomb": False}


def faulty(simulator: SimulatorProcess, client: PlainClient, name: str, *, is_create: bool) -> requests.Response:
    """The head of the answer that has the fault."""
    task_id = "" if is_create else client.create_task()
    simulator.configure(faults=[name])
    return client.create(stream=True) if is_create else client.status(task_id, stream=True)


@pytest.mark.parametrize("name", CUT_IN_THE_BODY)
def test_an_answer_ends_within_its_body(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    reply = faulty(simulator, client, name, is_create=CUT_IN_THE_BODY[name])
    assert (reply.status_code, reply.headers["Content-Length"]) == (200, "1000")
    received = b""
    # urllib3 1.26, which Blender 4.2 has, does not complain about a body that ends early.
    with contextlib.suppress(requests.exceptions.RequestException):
        for piece in reply.iter_content(1):
            received += piece
    # A reset may take away what has arrived.
    assert b'{"id": "ldtask_'.startswith(received)
    assert len(simulator.creates()) == 1


@pytest.mark.parametrize("name", ["create-reset-after-naming", "create-empty-200"])
def test_a_header_names_a_task_that_the_body_does_not(
    simulator: SimulatorProcess, client: PlainClient, name: str
) -> None:
    reply = faulty(simulator, client, name, is_create=True)
    assert (reply.status_code, reply.headers["X-Task-ID"]) == (200, simulator.creates()[0]["id"])
    assert name != "create-empty-200" or reply.content == b""


@pytest.mark.parametrize("name", BOMBS)
def test_an_answer_is_a_bomb(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    reply = faulty(simulator, client, name, is_create=BOMBS[name])
    assert int(reply.headers["Content-Length"]) < 100_000
    assert len(reply.content) == BOMB_BYTES
    assert len(simulator.creates()) == 1


BURSTS = {
    "create-429": (True, True),
    "create-429-header-only": (True, False),
    "create-429-body-only": (False, True),
    "create-429-http-date": (True, False),
}


@pytest.mark.parametrize("name", BURSTS)
def test_two_creates_are_too_many_and_the_third_is_not(
    simulator: SimulatorProcess, client: PlainClient, name: str
) -> None:
    in_header, in_body = BURSTS[name]
    simulator.configure(faults=[name])
    replies = [client.create() for _ in range(3)]
    assert [reply.status_code for reply in replies] == [429, 429, 200]
    assert ("Retry-After" in replies[0].headers) == in_header
    assert ("retry_after" in replies[0].json()["error"]) == in_body
    assert replies[0].headers["X-RateLimit-Remaining"] == "0"
    if name == "create-429-http-date":
        assert parsedate_to_datetime(replies[0].headers["Retry-After"])
    assert len(simulator.creates()) == 1


def test_a_count_after_the_name_limits_any_fault(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["create-500:1", "create-503:2"])
    assert [client.create().status_code for _ in range(4)] == [500, 503, 503, 200]


REDIRECTS = {"create-307": False, "create-307-foreign": True}


@pytest.mark.parametrize("name", REDIRECTS)
def test_a_create_is_redirected_and_following_shows(
    simulator: SimulatorProcess, client: PlainClient, name: str
) -> None:
    simulator.configure(faults=[name])
    reply = client.create()
    assert reply.status_code == 307
    location = reply.headers["Location"]
    assert location.startswith("http://") == REDIRECTS[name]
    assert simulator.creates() == []
    client.call("POST", location, json={"prompt": "x"}, headers=OTHER_KEY if REDIRECTS[name] else client.headers)
    assert len(simulator.creates()) == (0 if REDIRECTS[name] else 1)
    assert len(simulator.requests("assets")) == (1 if REDIRECTS[name] else 0)


ENCODINGS = {"image-not-data-url": (400, 200), "image-not-base64": (200, 400)}


@pytest.mark.parametrize("name", ENCODINGS)
def test_only_one_encoding_of_a_picture_is_taken(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    simulator.configure(faults=[name])
    replies = [client.create(image=f"data:image/png;base64,{PNG}"), client.create(image=PNG)]
    assert tuple(reply.status_code for reply in replies) == ENCODINGS[name]
    refused = next(reply for reply in replies if reply.status_code == 400)
    assert refused.json()["error"]["param"] == "image"
    assert client.create().status_code == 200


# ---- bodies of create and status answers


def ended(simulator: SimulatorProcess, client: PlainClient, **fields: Any) -> dict[str, Any]:
    """A status answer after the end of a task."""
    simulator.configure(seconds=0)
    client.create(**fields)
    return dict(client.status(simulator.creates()[-1]["id"]).json())


def created(_simulator: SimulatorProcess, client: PlainClient) -> dict[str, Any]:
    return dict(client.create().json())


Situation = Callable[[SimulatorProcess, PlainClient], dict[str, Any]]
BODIES: dict[str, tuple[Situation, Callable[[dict[str, Any]], bool]]] = {
    "create-200-without-id": (created, lambda body: not {"id", "task_id", "poll_url"} & set(body) and "status" in body),
    "create-200-without-status": (created, lambda body: "status" not in body and "id" in body),
    "create-completed": (created, lambda body: body["status"] == "completed" and "glb_url" in body),
    "no-task-id": (created, lambda body: "task_id" not in body and "id" in body),
    "no-poll-url": (created, lambda body: "poll_url" not in body and "id" in body),
    "absolute-poll-url": (created, lambda body: body["poll_url"].startswith("http://127.0.0.1:")),
    "foreign-poll-url": (created, lambda body: body["poll_url"].startswith("http://127.0.0.1:")),
    "colon-id": (created, lambda body: ":" in body["id"] and ":" not in body["poll_url"]),
    "poll-missing-status": (ended, lambda body: "status" not in body and "id" in body),
    "task-fails": (ended, lambda body: body["status"] == "failed" and bool(body["error"]["message"])),
    "task-fails-string": (ended, lambda body: body["status"] == "failed" and isinstance(body["error"], str)),
    "status-succeeded": (ended, lambda body: body["status"] == "succeeded" and "glb_url" in body),
    "status-canceled": (ended, lambda body: body["status"] == "canceled" and "glb_url" not in body),
    "status-expired": (ended, lambda body: body["status"] == "expired" and "glb_url" not in body),
    "status-timeout": (ended, lambda body: body["status"] == "timeout" and "glb_url" not in body),
    "status-upper-case": (ended, lambda body: body["status"] == "COMPLETED"),
    "completed-without-url": (ended, lambda body: body["status"] == "completed" and not URL_FIELDS & set(body)),
    "only-model-url": (ended, lambda body: set(body) & URL_FIELDS == {"model_url"}),
    "only-glb-url": (ended, lambda body: set(body) & URL_FIELDS == {"glb_url"}),
    "extra-fields": (ended, lambda body: body["status"] == "completed" and "_routing" in body),
}


@pytest.mark.parametrize("name", BODIES)
def test_the_body_is_as_the_fault_says_and_otherwise_not(
    simulator: SimulatorProcess, client: PlainClient, name: str
) -> None:
    situation, holds = BODIES[name]
    assert not holds(situation(simulator, client))
    simulator.configure(faults=[name])
    assert holds(situation(simulator, client))


def test_poll_urls_point_where_their_faults_say(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["absolute-poll-url"])
    assert created(simulator, client)["poll_url"].startswith(simulator.url + "/v1/tasks/")
    simulator.configure(faults=["foreign-poll-url"])
    address = created(simulator, client)["poll_url"]
    assert not address.startswith(simulator.url)
    client.call("GET", address, headers=OTHER_KEY)
    assert "Authorization" in simulator.requests("assets")[0]["headers"]


def test_a_task_with_a_colon_is_found_again(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["colon-id"])
    body = created(simulator, client)
    assert client.call("GET", body["poll_url"]).json()["id"] == body["id"]


def test_a_failed_task_is_not_charged_whatever_it_is_called(simulator: SimulatorProcess, client: PlainClient) -> None:
    for name in ("task-fails", "task-fails-string", "status-canceled", "status-expired", "status-timeout"):
        simulator.configure(faults=[name])
        ended(simulator, client)
        task = simulator.creates()[-1]
        assert (task["charged"], task["released"]) == (False, True)


RUNNING = {"status-unknown-word", "no-progress", "progress-jumps", "never-completes"}


def start_and_poll(simulator: SimulatorProcess, client: PlainClient, fault: str, times: int) -> list[dict[str, Any]]:
    """Status answers of a task that is over its time but does not end."""
    simulator.configure(faults=["never-completes", fault], seconds=0)
    client.create()
    task_id = simulator.creates()[-1]["id"]
    return [dict(client.status(task_id).json()) for _ in range(times)]


def test_a_task_that_never_completes_says_processing(simulator: SimulatorProcess, client: PlainClient) -> None:
    bodies = start_and_poll(simulator, client, "never-completes", 3)
    assert [(body["status"], body["progress"]) for body in bodies] == [("processing", 99)] * 3
    simulator.configure(faults=[])
    assert client.status(bodies[0]["id"]).json()["status"] == "completed"


def test_a_running_task_says_an_unknown_word(simulator: SimulatorProcess, client: PlainClient) -> None:
    assert start_and_poll(simulator, client, "status-unknown-word", 1)[0]["status"] == "texturing"


def test_a_running_task_has_no_progress(simulator: SimulatorProcess, client: PlainClient) -> None:
    body = start_and_poll(simulator, client, "no-progress", 1)[0]
    assert body["status"] == "processing"
    assert "progress" not in body


def test_the_progress_goes_up_and_down(simulator: SimulatorProcess, client: PlainClient) -> None:
    bodies = start_and_poll(simulator, client, "progress-jumps", 6)
    seen = [body["progress"] for body in bodies]
    assert sorted(seen) == sorted(JUMPS)
    assert seen != sorted(seen)


WITH_GLB = {"wrong-format", "only-glb-url"}


@pytest.mark.parametrize("name", WITH_GLB)
def test_a_glb_comes_whatever_was_asked_for(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    simulator.configure(faults=[name])
    body = ended(simulator, client, format="obj")
    assert client.download(body["glb_url"]).content == glb()


BILLING: dict[str, list[bool]] = {
    "late-billing": [False, False, False, True, True],
    "never-billing": [False] * 5,
}


@pytest.mark.parametrize("name", BILLING)
def test_the_transaction_id_shows_late_or_never(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    simulator.configure(faults=[name], seconds=0)
    task_id = client.create_task()
    shown = ["billing_transaction_id" in client.status(task_id).json() for _ in range(5)]
    assert shown == BILLING[name]
    assert simulator.creates()[0]["charged"]


# ---- status calls

POLLS: dict[str, list[int]] = {
    "poll-500-once": [500, 200, 200],
    "poll-500": [500, 500, 500],
    "poll-502-html": [502, 502, 502],
    "poll-429": [429, 429, 200],
    "record-expires": [200, 404, 404],
}


@pytest.mark.parametrize("name", POLLS)
def test_status_calls_are_answered_as_the_fault_says(
    simulator: SimulatorProcess, client: PlainClient, name: str
) -> None:
    task_id = client.create_task()
    simulator.configure(faults=[name])
    replies = [client.status(task_id) for _ in range(3)]
    assert [reply.status_code for reply in replies] == POLLS[name]
    is_html = replies[0].headers["Content-Type"].startswith("text/html")
    assert is_html == name.endswith("html")


def test_a_poll_is_never_answered(simulator: SimulatorProcess, client: PlainClient) -> None:
    task_id = client.create_task()
    simulator.configure(faults=["poll-never-answers"])
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.status(task_id, timeout=SHORT)
    assert client.call("GET", "/v1/models").status_code == 200


def test_a_poll_is_answered_with_a_page(simulator: SimulatorProcess, client: PlainClient) -> None:
    task_id = client.create_task()
    simulator.configure(faults=["poll-unreadable"])
    reply = client.status(task_id)
    assert (reply.status_code, reply.headers["Content-Type"].partition(";")[0]) == (200, "text/html")


# ---- models and the whole API

MODEL_CALLS = {"models-500": (500, "application/json"), "models-502-html": (502, "text/html")}
MODEL_CALLS["models-unreadable"] = (200, "text/html")


@pytest.mark.parametrize("name", MODEL_CALLS)
def test_calls_for_models_are_answered_as_the_fault_says(
    simulator: SimulatorProcess, client: PlainClient, name: str
) -> None:
    simulator.configure(faults=[name])
    for path in ("/v1/models", "/v1/models/tripo-h3.1", "/v1/pricing"):
        reply = client.call("GET", path)
        assert (reply.status_code, reply.headers["Content-Type"].partition(";")[0]) == MODEL_CALLS[name]
    assert client.create().status_code == 200


def test_models_are_never_listed(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["models-never-answers"])
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.call("GET", "/v1/models", timeout=SHORT)
    assert client.create().status_code == 200


def test_the_list_of_models_is_empty(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["models-empty"])
    assert client.call("GET", "/v1/models?view=compact").json()["data"] == []


def test_models_are_described_with_the_old_names(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["lemondata-naming"])
    body = client.call("GET", "/v1/models/tripo-h3.1").json()
    assert "tokenlab" not in body
    assert body["lemondata"]["public_contract"]["output_formats"] == ["glb", "fbx", "obj", "usdz"]


def test_slow_answers_come_after_the_deed(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["slow-answers"])
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.create(timeout=SHORT)
    assert len(simulator.creates()) == 1
    assert client.create().status_code == 200


def test_a_configured_delay_comes_after_the_deed_too(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(delay=1.0)
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.create(timeout=SHORT)
    assert len(simulator.creates()) == 1


@pytest.mark.parametrize("name", ["create-drips", "poll-drips"])
def test_an_answer_drips_for_ever(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    task_id = client.create_task()
    simulator.configure(faults=[name])
    is_create = name == "create-drips"
    with client.create(stream=True) if is_create else client.status(task_id, stream=True) as reply:
        pieces = reply.iter_content(1)
        assert [next(pieces) for _ in range(4)] == [b" "] * 4
    assert len(simulator.creates()) == 1 + is_create


# ---- nothing forgotten

TESTED_BY_NAME = {
    "create-drips",
    "create-empty-200",
    "poll-drips",
    "poll-never-answers",
    "poll-unreadable",
    "models-never-answers",
    "models-empty",
    "lemondata-naming",
    "slow-answers",
}


def test_every_fault_has_a_test_and_a_sentence() -> None:
    tables = (CREATES, SILENT_CREATES, RESET_CREATES, BURSTS, REDIRECTS, ENCODINGS, BODIES, BILLING, POLLS)
    tested = TESTED_BY_NAME | RUNNING | WITH_GLB
    tested.update(*tables, MODEL_CALLS, CUT_IN_THE_BODY, BOMBS)
    assert tested == {name for name in FAULTS if not name.startswith(("asset-", "picture-"))}
    assert all(fault.description.endswith(".") for fault in FAULTS.values())


def test_faults_can_be_combined(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["status-upper-case", "only-model-url", "never-billing", "poll-500-once"], seconds=0)
    task_id = client.create_task()
    assert client.status(task_id).status_code == 500
    body = client.status(task_id).json()
    assert body["status"] == "COMPLETED"
    assert set(body) & URL_FIELDS == {"model_url"}


def test_the_names_can_be_asked_for(simulator: SimulatorProcess, client: PlainClient) -> None:
    listed = client.call("GET", "/_simulator/faults").json()
    assert listed == {name: fault.description for name, fault in FAULTS.items()}
