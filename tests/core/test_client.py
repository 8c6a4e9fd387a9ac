# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of the service, against the simulator: what each answer means, and where the key goes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from core.service.address import (
    Connection,
    is_acceptable_base_url,
    is_loopback,
    is_sendable_key,
    plain_base_url,
    same_origin,
)
from core.service.client import Client
from core.service.contract import RemoteStatus
from core.service.errors import Busy, Refused, ServiceError, Stopped, Unclear, Unreachable
from core.service.transport import Transport
from tests.loopback import Caller, LoopbackServer, answering, refused_port, reply
from tests.simulator.configuration import EXPIRED_KEY, OTHER_WORKSPACE_KEY
from tests.simulator.process import SimulatorProcess

BODY: dict[str, object] = {"model": "tripo-h3.1", "prompt": "a small wooden chair"}


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport("tokenlab-test/1", read_seconds=20.0)
    yield transport
    transport.stop()


@pytest.fixture
def client(simulator: SimulatorProcess, transport: Transport) -> Client:
    return Client(transport, Connection(simulator.url, simulator.key))


def creates_sent(simulator: SimulatorProcess) -> int:
    return sum(entry["method"] == "POST" for entry in simulator.requests())


# ---- the way of a task


def test_a_task_is_created_and_followed_to_its_end(simulator: SimulatorProcess, client: Client) -> None:
    created = client.create(BODY)
    assert created.task_id.startswith("ldtask_")
    assert (created.poll_url, created.status) == (f"/v1/tasks/{created.task_id}", RemoteStatus.PENDING)
    assert created.request_id
    simulator.steer(created.task_id, status="completed")
    done = client.status(created.task_id, created.poll_url)
    assert done.status is RemoteStatus.COMPLETED
    assert set(done.asset_urls) == {"model", "glb"}
    assert client.status(created.task_id).billing_transaction_id
    assert simulator.journal()["contract_violations"] == []


@pytest.mark.parametrize("fault", ["no-poll-url", "absolute-poll-url", "no-task-id", "colon-id", "extra-fields"])
def test_each_form_of_a_create_answer_leads_back_to_its_task(
    simulator: SimulatorProcess, client: Client, fault: str
) -> None:
    simulator.configure(faults=[fault])
    created = client.create(BODY)
    assert client.status(created.task_id, created.poll_url).task_id == created.task_id
    assert client.status(created.task_id).task_id == created.task_id


def test_a_foreign_poll_url_is_not_followed_and_gets_no_key(simulator: SimulatorProcess, client: Client) -> None:
    simulator.configure(faults=["foreign-poll-url"])
    created = client.create(BODY)
    assert "://" in created.poll_url
    assert client.status(created.task_id, created.poll_url).task_id == created.task_id
    assert [entry["origin"] for entry in simulator.requests() if entry["origin"] != "api"] == []


@pytest.mark.parametrize(
    "poll_url",
    [
        "https://evil.example.com/v1/tasks/x",
        "//evil.example.com/v1/tasks/x",
        "http://127.0.0.1:1/v1/tasks/x",
        "http://user:secret@{host}/v1/tasks/x",
        "http://{host}@evil.example.com/v1/tasks/x",
        "http://[bad/v1/tasks/x",
        "file:///etc/passwd",
        "ftp://{host}/x",
        "http://{host}:99999/x",
    ],
)
def test_a_poll_url_that_is_not_the_services_own_falls_back_to_the_task_id(
    simulator: SimulatorProcess, client: Client, poll_url: str
) -> None:
    created = client.create(BODY)
    host = simulator.url.removeprefix("http://")
    assert client.status(created.task_id, poll_url.replace("{host}", host)).task_id == created.task_id


@pytest.mark.parametrize(
    ("path", "poll_url", "asked"),
    [
        ("", "/v1/tasks/x", "/v1/tasks/x"),
        ("/tokenlab", "/v1/tasks/x?a=1", "/tokenlab/v1/tasks/x?a=1"),
        ("/tokenlab/", "/v1/tasks/x", "/tokenlab/v1/tasks/x"),
        ("/tokenlab", "/tokenlab/v1/tasks/x", "/tokenlab/v1/tasks/x"),
        ("/tokenlab", "/tokenlabs/v1/tasks/x", "/tokenlab/tokenlabs/v1/tasks/x"),
        ("/tokenlab", "", "/tokenlab/v1/tasks/ldtask_1"),
        ("/tokenlab", "//evil.example.com/v1/tasks/x", "/tokenlab/v1/tasks/ldtask_1"),
        ("/tokenlab", "https://evil.example.com/v1/tasks/x", "/tokenlab/v1/tasks/ldtask_1"),
        ("/tokenlab", "{origin}/v1/tasks/x", "/v1/tasks/x"),
    ],
)
def test_a_poll_url_of_a_service_behind_a_path_leads_there_too(
    transport: Transport, path: str, poll_url: str, asked: str
) -> None:
    with LoopbackServer(answering(reply(b'{"id": "ldtask_1", "status": "pending"}'))) as server:
        client = Client(transport, Connection(server.url + path, "sk-x"))
        client.status("ldtask_1", poll_url.replace("{origin}", server.url))
    assert server.requests[0].startswith(f"GET {asked} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize("task_id", ["a/b", "../models", "a?b=c", "a#b", "a b", "gptproto_v3:1", "ü"])
def test_an_id_cannot_lead_to_another_route(simulator: SimulatorProcess, client: Client, task_id: str) -> None:
    with pytest.raises(Refused) as caught:
        client.status(task_id)
    assert caught.value.status == 404
    path = simulator.requests()[-1]["path"]
    assert path.startswith("/v1/tasks/")
    assert path.count("/") == 3


def test_an_unusual_prompt_arrives_as_it_is(simulator: SimulatorProcess, client: Client) -> None:
    client.create({**BODY, "prompt": "椅子 \N{CHAIR} \ud800 “a”"})
    assert simulator.creates()[0]["prompt"] == "椅子 \N{CHAIR} ? “a”"


# ---- what a create that did not work means (architecture, section 3)

CREATE_FAULTS: list[tuple[str, type[ServiceError], int]] = [
    ("create-401", Refused, 0),
    ("create-402", Refused, 0),
    ("create-402-quota", Refused, 0),
    ("create-403", Refused, 0),
    ("create-413", Refused, 0),
    ("create-307", Refused, 0),
    ("create-307-foreign", Refused, 0),
    ("create-429", Busy, 0),
    ("create-429-body-only", Busy, 0),
    ("create-429-http-date", Busy, 0),
    ("create-503", Busy, 0),
    ("create-500", Unclear, 0),
    ("create-502-html", Unclear, 0),
    ("create-503-html", Unclear, 0),
    ("create-reset-before-body-read", Unclear, 0),
    ("create-reset-after-body", Unclear, 1),
    ("create-500-after-task", Unclear, 1),
    ("create-504-after-task", Unclear, 1),
    ("create-unreadable-200", Unclear, 1),
]


@pytest.mark.parametrize(("fault", "kind", "tasks"), CREATE_FAULTS)
def test_a_create_fails_as_certainly_as_the_answer_is_and_is_sent_once(
    simulator: SimulatorProcess, client: Client, fault: str, kind: type[ServiceError], tasks: int
) -> None:
    simulator.configure(faults=[fault])
    with pytest.raises(ServiceError) as caught:
        client.create(BODY)
    assert type(caught.value) is kind
    assert simulator.key not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert creates_sent(simulator) == 1
    assert len(simulator.creates()) == tasks
    if kind is Busy:
        assert caught.value.retry_after is not None
        assert 0 < caught.value.retry_after <= 3


def test_a_create_that_is_never_answered_is_unclear(simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["create-never-answers"])
    client = Client(Transport("test", read_seconds=0.5), Connection(simulator.url, simulator.key))
    with pytest.raises(Unclear):
        client.create(BODY)
    assert (creates_sent(simulator), len(simulator.creates())) == (1, 1)


def test_a_create_answer_with_an_id_in_the_header_only_is_still_ours(
    simulator: SimulatorProcess, client: Client
) -> None:
    simulator.configure(faults=["create-200-without-id"])
    assert client.create(BODY).task_id == simulator.creates()[0]["id"]


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"id": 1, "status": "pending"}']
)
def test_an_unreadable_answer_to_a_create_is_unclear(transport: Transport, body: bytes) -> None:
    with LoopbackServer(answering(reply(body))) as server, pytest.raises(Unclear):
        Client(transport, Connection(server.url, "sk-x")).create(BODY)


ID = "ldtask_0123456789abcdef0123456789abcdef"
NAMED = f"X-Task-ID: {ID}\r\nX-Request-ID: req_1\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        reply(f'{{"id": "{ID}"}}'.encode(), headers="X-Request-ID: req_1\r\n"),
        reply(f'{{"task_id": "{ID}", "status": 5}}'.encode(), headers="X-Request-ID: req_1\r\n"),
        reply(f'{{"id": "{ID}", "status": ""}}'.encode(), headers="X-Request-ID: req_1\r\n"),
        reply(b"", status="202 Accepted", headers=NAMED),
        reply(b"<html>", headers=NAMED),
        reply(b"[]", headers=NAMED),
        reply(b'{"id": "ldt', headers=NAMED, length=1000),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + NAMED.encode() + b"\r\nZZ\r\n",
    ],
)
def test_any_success_that_names_the_task_is_a_task(transport: Transport, answer: bytes) -> None:
    with LoopbackServer(answering(answer)) as server:
        created = Client(transport, Connection(server.url, "sk-x")).create(BODY)
    assert (created.task_id, created.status, created.request_id) == (ID, RemoteStatus.PENDING, "req_1")


def test_a_success_that_names_the_task_is_a_task_even_if_we_end_the_exchange(transport: Transport) -> None:
    def stop(caller: Caller) -> None:
        # Long enough for the head to be read.
        time.sleep(0.2)
        transport.stop()
        caller.wait_until_gone()

    with LoopbackServer(answering(reply(b"{", headers=NAMED, length=1000), then=stop)) as server:
        assert Client(transport, Connection(server.url, "sk-x")).create(BODY).task_id == ID


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "500 No"])
def test_an_answer_that_breaks_off_without_naming_a_task_is_unclear_and_known_by_its_request(
    transport: Transport, status: str
) -> None:
    broken = reply(b"{", status=status, headers="X-Request-ID: req_1\r\n", length=1000)
    with LoopbackServer(answering(broken)) as server, pytest.raises(Unclear) as caught:
        Client(transport, Connection(server.url, "sk-x")).create(BODY)
    assert caught.value.request_id == "req_1"


def test_a_refusal_that_breaks_off_is_no_task_whatever_it_names(transport: Transport) -> None:
    broken = reply(b"{", status="500 No", headers=NAMED, length=1000)
    with LoopbackServer(answering(broken)) as server, pytest.raises(Unclear):
        Client(transport, Connection(server.url, "sk-x")).create(BODY)


def test_an_error_in_html_is_translated_like_any_other(transport: Transport) -> None:
    page = answering(reply(b"<html>no</html>", status="403 Forbidden"))
    with LoopbackServer(page) as server, pytest.raises(Refused) as caught:
        Client(transport, Connection(server.url, "sk-x")).create(BODY)
    assert "html" not in str(caught.value)


def test_no_connection_and_a_stop_before_it_mean_that_nothing_was_sent(transport: Transport) -> None:
    client = Client(transport, Connection(f"http://127.0.0.1:{refused_port()}", "sk-x"))
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1 could not be reached .*Nothing was sent or charged\."):
        client.create(BODY)
    transport.stop()
    with pytest.raises(Stopped) as caught:
        client.create(BODY)
    assert caught.value.sent is False


def test_an_image_only_model_is_told_in_the_services_words(simulator: SimulatorProcess, client: Client) -> None:
    with pytest.raises(Refused) as caught:
        client.create({**BODY, "model": "seed3d-2.0"})
    assert caught.value.status == 400
    with pytest.raises(Refused, match=r"Did you mean tripo-h3\.1\?"):
        client.create({**BODY, "model": "tripo-h31"})
    assert simulator.creates() == []


# ---- status

STATUS_FAULTS: list[tuple[str, type[ServiceError]]] = [
    ("poll-500", Unclear),
    ("poll-502-html", Unclear),
    ("poll-429", Busy),
    ("poll-unreadable", Unclear),
    ("poll-missing-status", Unclear),
]


@pytest.mark.parametrize(("fault", "kind"), STATUS_FAULTS)
def test_a_status_that_did_not_work_says_nothing_about_the_task(
    simulator: SimulatorProcess, client: Client, fault: str, kind: type[ServiceError]
) -> None:
    created = client.create(BODY)
    simulator.configure(faults=[fault])
    with pytest.raises(ServiceError) as caught:
        client.status(created.task_id)
    assert type(caught.value) is kind


def test_a_task_of_another_key_is_a_403_and_an_unknown_one_a_404(
    simulator: SimulatorProcess, client: Client, transport: Transport
) -> None:
    created = client.create(BODY)
    other = Client(transport, Connection(simulator.url, OTHER_WORKSPACE_KEY))
    with pytest.raises(Refused) as caught:
        other.status(created.task_id)
    assert (caught.value.status, caught.value.code) == (403, "task_not_owned")
    with pytest.raises(Refused) as caught:
        client.status("ldtask_ffffffffffffffffffffffffffffffff")
    assert caught.value.status == 404


# ---- the key


def test_a_good_key_passes_its_test_for_free(simulator: SimulatorProcess, client: Client) -> None:
    client.test_key()
    assert simulator.creates() == []


@pytest.mark.parametrize("key", ["sk-wrong", EXPIRED_KEY, ""])
def test_a_bad_key_fails_its_test_with_a_sentence_that_speaks_of_no_task(
    simulator: SimulatorProcess, transport: Transport, key: str
) -> None:
    with pytest.raises(Refused, match=r"does not accept the API key|The API key has expired") as caught:
        Client(transport, Connection(simulator.url, key)).test_key()
    assert caught.value.status == 401
    assert "task" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"), [("404 Not Found", b"<html>"), ("403 Forbidden", b"{}"), ("404 No", b"[]")]
)
def test_an_address_that_is_not_the_service_does_not_pass_for_an_accepted_key(
    transport: Transport, status: str, body: bytes
) -> None:
    with LoopbackServer(answering(reply(body, status=status))) as server, pytest.raises(Refused):
        Client(transport, Connection(server.url, "sk-x")).test_key()


def test_no_connection_is_told_when_a_key_is_tested(transport: Transport) -> None:
    client = Client(transport, Connection(f"http://127.0.0.1:{refused_port()}", "sk-x"))
    with pytest.raises(Unreachable) as caught:
        client.test_key()
    assert "task" not in str(caught.value)


def test_the_key_is_not_in_what_is_printed_of_a_connection() -> None:
    assert "sk-secret" not in repr(Connection("https://api.example.com", "sk-secret"))


# ---- models


def test_only_models_of_our_endpoint_are_listed(client: Client) -> None:
    ids = [model.id for model in client.models()]
    assert "tripo-h3.1" in ids
    assert not [name for name in ids if name.startswith(("marble", "seedream"))]


def test_a_model_is_described_and_an_unknown_one_refused(client: Client) -> None:
    model = client.model("hitem3d-2.0")
    assert (model.takes_text_only, model.takes_pictures) == (False, True)
    with pytest.raises(Refused, match="no-such-model") as caught:
        client.model("no-such-model")
    assert caught.value.code == "model_not_found"


def test_the_names_of_the_old_service_are_understood(simulator: SimulatorProcess, client: Client) -> None:
    known = client.model("tripo-h3.1")
    simulator.configure(faults=["lemondata-naming"])
    assert client.model("tripo-h3.1") == known


@pytest.mark.parametrize("fault", ["models-500", "models-502-html", "models-unreadable"])
def test_an_unclear_answer_about_models_is_unclear(simulator: SimulatorProcess, client: Client, fault: str) -> None:
    simulator.configure(faults=[fault])
    for call in (client.models, lambda: client.model("tripo-h3.1")):
        with pytest.raises(Unclear):
            call()


# ---- addresses


@pytest.mark.parametrize(
    ("url", "acceptable"),
    [
        ("https://api.tokenlab.sh", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost:8080", True),
        ("http://[::1]:8080", True),
        ("http://api.tokenlab.sh", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("ftp://127.0.0.1", False),
        ("api.tokenlab.sh", False),
        ("https://", False),
        ("http://[bad", False),
        ("", False),
    ],
)
def test_a_key_is_sent_over_https_or_to_this_machine_only(url: str, acceptable: bool) -> None:
    assert is_acceptable_base_url(url) is acceptable


@pytest.mark.parametrize(
    ("key", "sendable"),
    [("sk-Test_0123", True), ("", True), ("sk-••••", False), ("sk-ü", False), ("sk-a\nb", False), ("sk-\x7f", False)],
)
def test_a_key_is_printable_ascii(key: str, sendable: bool) -> None:
    assert is_sendable_key(key) is sendable


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("https://api.example.com", "https://api.example.com"),
        (" https://api.example.com// ", "https://api.example.com"),
        ("https://api.example.com/v1", "https://api.example.com"),
        ("https://api.example.com/v1/", "https://api.example.com"),
        ("https://gw.example.com/tokenlab/v1", "https://gw.example.com/tokenlab"),
        ("https://gw.example.com/dev1", "https://gw.example.com/dev1"),
        ("https://v1/", "https://v1"),
        ("", ""),
    ],
)
def test_the_version_that_each_path_begins_with_may_be_part_of_the_service_address(written: str, plain: str) -> None:
    assert plain_base_url(written) == plain


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://api.example.com/x", True),
        ("https://API.example.com:443/x", True),
        ("https://api.example.com:444/x", False),
        ("http://api.example.com/x", False),
        ("https://example.com/x", False),
        ("https://user@api.example.com/x", False),
        ("https://api.example.com:x/", False),
        ("", False),
    ],
)
def test_an_origin_is_scheme_host_and_port_without_credentials(url: str, same: bool) -> None:
    assert same_origin(url, "https://api.example.com") is same


def test_what_is_no_address_is_not_on_this_machine() -> None:
    assert [is_loopback(url) for url in ("http://[bad", "", "http://10.0.0.1", "http://127.9.9.9")] == [
        False,
        False,
        False,
        True,
    ]
