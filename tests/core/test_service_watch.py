# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the service is there and takes the key: told once for each change, by whatever exchange shows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.service.address import Connection
from core.service.client import Client
from core.service.errors import ServiceError
from core.service.transport import Transport
from core.tasks.records import ServiceSeen, ServiceState
from core.tasks.service_watch import ServiceWatch
from tests.loopback import refused_port
from tests.simulator.process import SimulatorProcess


@pytest.fixture
def told() -> list[ServiceSeen]:
    return []


@pytest.fixture
def watch(told: list[ServiceSeen]) -> ServiceWatch:
    return ServiceWatch(told.append)


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport("tokenlab-test/1", read_seconds=20.0)
    yield transport
    transport.stop()


def test_each_change_is_told_once(told: list[ServiceSeen], watch: ServiceWatch) -> None:
    connection = Connection("https://service.invalid", "")
    for status in (200, 404, 503, 401, 401, None, None, 200):
        watch.note(connection, status, "status")
    assert [seen.state.name for seen in told] == ["ANSWERS", "KEY_REFUSED", "UNREACHABLE", "ANSWERS"]


def test_the_same_answer_for_another_key_is_news(told: list[ServiceSeen], watch: ServiceWatch) -> None:
    for key in ("sk-of-the-first-kind", "sk-of-the-second-kind"):
        watch.note(Connection("https://service.invalid", key), 401, "create")
    assert len(told) == 2
    assert "sk-" not in repr(told)


def test_what_anybody_may_ask_does_not_vouch_for_the_key(told: list[ServiceSeen], watch: ServiceWatch) -> None:
    connection = Connection("https://service.invalid", "")
    watch.note(connection, 401, "status")
    watch.note(connection, 200, "models")
    watch.note(connection, None, "models")
    watch.note(connection, 200, "models")
    assert [seen.state.name for seen in told] == ["KEY_REFUSED", "UNREACHABLE", "ANSWERS"]


def test_what_the_client_meets_is_noted(
    simulator: SimulatorProcess, transport: Transport, told: list[ServiceSeen], watch: ServiceWatch
) -> None:
    for url, key in (
        (simulator.url, simulator.key),
        (simulator.url, "sk-nobody-has-this-key"),
        (f"http://127.0.0.1:{refused_port()}", simulator.key),
    ):
        client = Client(transport, Connection(url, key), on_exchange=watch.note)
        try:
            client.models()
        except ServiceError:
            assert told[-1].state is not ServiceState.ANSWERS
    assert [seen.state for seen in told] == [ServiceState.ANSWERS, ServiceState.KEY_REFUSED, ServiceState.UNREACHABLE]


def test_a_create_request_is_an_exchange_too(
    simulator: SimulatorProcess, transport: Transport, told: list[ServiceSeen], watch: ServiceWatch
) -> None:
    simulator.configure(faults=["create-401"])
    client = Client(transport, Connection(simulator.url, simulator.key), on_exchange=watch.note)
    with pytest.raises(ServiceError):
        client.create({"model": "tripo-h3.1", "prompt": "a chair"})
    assert [seen.state for seen in told] == [ServiceState.KEY_REFUSED]
