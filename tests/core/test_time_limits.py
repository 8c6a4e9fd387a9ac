# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an exchange may last: as long as it needs on a slow line, and no longer. On real loopback sockets."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from core.service import transport as transport_module
from core.service.transport import ExchangeBroken, Transport
from tests.loopback import PATIENCE_SECONDS, Caller, LoopbackServer, answering, reply

SOON = 5.0
"""Seconds: far above what anything here needs."""


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


# ---- sending


def read_slowly(caller: Caller) -> None:
    """Take a request as a slow line brings it: never long nothing, but long in all."""
    caller.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    caller.read_request(pause=0.015)
    caller.send(reply())


def test_a_large_body_may_take_longer_than_a_connection_or_a_small_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "CONNECT_SECONDS", 0.5)
    transport, body = Transport("tokenlab-test/1", read_seconds=0.5, total_seconds=0.5), b"x" * 8_000_000
    with LoopbackServer(read_slowly) as server:
        began = time.monotonic()
        assert transport.post_once(server.url, body, key="sk-x").status == 200
        assert time.monotonic() - began > 1.0, "this was no slow line"
    (request,) = server.requests
    assert request.endswith(body)
    assert f"Content-Length: {len(body)}\r\n".encode() in request
    assert b"Transfer-Encoding" not in request


def test_silence_within_a_large_body_is_a_broken_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "CONNECT_SECONDS", 0.3)
    gone = threading.Event()
    transport = Transport("tokenlab-test/1", read_seconds=SOON)
    with LoopbackServer(lambda _caller: assert_set(gone)) as server:
        with pytest.raises(ExchangeBroken):
            transport.post_once(server.url, b"x" * 8_000_000, key="sk-x")
        gone.set()


def assert_set(event: threading.Event) -> None:
    assert event.wait(PATIENCE_SECONDS)


# ---- an answer


@pytest.mark.parametrize("part", ["head", "body without a length", "body"])
def test_an_answer_that_drips_for_ever_is_ended(part: str) -> None:
    beginnings = {
        "head": b"HTTP/1.1 200 OK\r\nX-Slow: ",
        "body without a length": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        "body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
    }

    def drip(caller: Caller) -> None:
        caller.read_request()
        caller.send(beginnings[part])
        while True:
            caller.send(b"x")
            time.sleep(0.02)

    transport = Transport("tokenlab-test/1", read_seconds=PATIENCE_SECONDS, total_seconds=0.3)
    with LoopbackServer(drip) as server:
        with pytest.raises(ExchangeBroken):
            transport.get(server.url)
        with pytest.raises(ExchangeBroken):
            transport.post_once(server.url, b"{}", key="")
        if part == "head":
            with pytest.raises(ExchangeBroken), transport.stream(server.url):
                pass
    transport.stop()


def test_a_download_may_take_longer_than_an_exchange() -> None:
    def slowly(caller: Caller) -> None:
        caller.read_request()
        caller.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
        for _ in range(20):
            time.sleep(0.03)
            caller.send(b"x")

    transport = Transport("tokenlab-test/1", read_seconds=PATIENCE_SECONDS, total_seconds=0.3)
    with LoopbackServer(slowly) as server, transport.stream(server.url) as stream:
        assert b"".join(stream.chunks) == b"x" * 20
    transport.stop()


@pytest.mark.parametrize("length", ["Content-Length: 1000000", "Connection: close"])
def test_a_download_that_drips_for_ever_is_ended(length: str) -> None:
    def drip(caller: Caller) -> None:
        caller.read_request()
        caller.send(f"HTTP/1.1 200 OK\r\n{length}\r\n\r\n".encode())
        for _ in range(500):
            caller.send(b"x")
            time.sleep(0.02)

    transport = Transport("tokenlab-test/1", read_seconds=PATIENCE_SECONDS, piece_seconds=0.3)
    with LoopbackServer(drip) as server, transport.stream(server.url) as stream:
        began = time.monotonic()
        with pytest.raises(ExchangeBroken):
            for _ in stream.chunks:
                pass
        assert time.monotonic() - began < SOON
    transport.stop()
    assert "tokenlab-piece-limit" not in [thread.name for thread in threading.enumerate()]


def test_a_download_is_not_ended_because_the_disk_is_slow() -> None:
    data = bytes(300_000)
    transport = Transport("tokenlab-test/1", read_seconds=PATIENCE_SECONDS, piece_seconds=0.2)
    with LoopbackServer(answering(reply(data))) as server, transport.stream(server.url) as stream:
        received = b""
        for chunk in stream.chunks:
            received += chunk
            time.sleep(0.3)
        assert received == data
    transport.stop()


def test_a_download_that_is_left_leaves_no_thread() -> None:
    transport = Transport("tokenlab-test/1", read_seconds=PATIENCE_SECONDS)
    with LoopbackServer(answering(reply(bytes(300_000)))) as server, transport.stream(server.url) as stream:
        assert next(iter(stream.chunks))
    assert "tokenlab-piece-limit" not in [thread.name for thread in threading.enumerate()]
    transport.stop()
