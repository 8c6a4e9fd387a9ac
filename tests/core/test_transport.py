# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP on real loopback sockets: what certainly was not sent, what may have been, and that nothing else happens."""

from __future__ import annotations

import gzip
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.service import transport as transport_module
from core.service.connections import TransportStopped
from core.service.transport import ExchangeBroken, NotConnected, Transport
from tests.loopback import Behaviour, Caller, LoopbackServer, answering, refused_port, reply, wait_for

KEY = "sk-test-key-0123456789"
SOON = 5.0
"""Seconds: far above what a cut needs, far below the time limits of the transport itself."""


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport("tokenlab-test/1", read_seconds=20.0)
    yield transport
    transport.stop()


def get(transport: Transport, url: str) -> object:
    return transport.get(url, key=KEY)


def post(transport: Transport, url: str) -> object:
    return transport.post_once(url, b'{"prompt": "p"}', key=KEY)


def stream(transport: Transport, url: str) -> object:
    with transport.stream(url) as opened:
        return b"".join(opened.chunks)


Way = Callable[[Transport, str], object]
all_ways = pytest.mark.parametrize("way", [get, post, stream])
with_key = pytest.mark.parametrize("way", [get, post])


# ---- whole answers


@with_key
def test_a_whole_answer_comes_back_with_status_headers_and_body(transport: Transport, way: Way) -> None:
    with LoopbackServer(answering(reply(b'{"a": 1}', status="404 Gone", headers="X-Request-ID: r1\r\n"))) as server:
        answer = way(transport, f"{server.url}/x")
    assert isinstance(answer, transport_module.Reply)
    assert (answer.status, answer.body) == (404, b'{"a": 1}')
    assert answer.headers.get("x-request-id") == "r1"
    request = server.requests[0]
    assert f"Authorization: Bearer {KEY}\r\n".encode() in request
    assert b"User-Agent: tokenlab-test/1\r\n" in request


def test_a_post_carries_its_body_as_json(transport: Transport) -> None:
    with LoopbackServer(answering(reply())) as server:
        post(transport, f"{server.url}/v1/3d/generations")
    assert server.requests[0].startswith(b"POST /v1/3d/generations HTTP/1.1\r\n")
    assert b"Content-Type: application/json\r\n" in server.requests[0]
    assert server.requests[0].endswith(b'\r\n\r\n{"prompt": "p"}')


def test_a_download_sends_no_key(transport: Transport) -> None:
    with LoopbackServer(answering(reply(b"model"))) as server:
        assert stream(transport, f"{server.url}/a.glb") == b"model"
    assert b"authorization" not in server.requests[0].lower()


# ---- nothing was sent


@all_ways
def test_a_refused_connection_means_not_connected(transport: Transport, way: Way) -> None:
    with pytest.raises(NotConnected) as caught:
        way(transport, f"http://127.0.0.1:{refused_port()}/secret-path")
    assert "secret-path" not in str(caught.value)


@all_ways
@pytest.mark.parametrize(
    "url", ["http://", "http://[bad", "nonsense", "ftp://127.0.0.1/", "http://" + "a" * 70 + ".x/"]
)
def test_an_address_that_is_none_means_not_connected(transport: Transport, way: Way, url: str) -> None:
    with pytest.raises(NotConnected):
        way(transport, url)


@all_ways
def test_a_name_that_does_not_exist_means_not_connected(
    transport: Transport, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # The resolver itself is somebody else's, and may take its time to say so.
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(NotConnected):
        way(transport, "http://api.example.invalid/")


@all_ways
def test_a_connection_that_does_not_come_about_in_time_means_not_connected(
    transport: Transport, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "CONNECT_SECONDS", 0.3)
    with FullListener() as full, pytest.raises(NotConnected, match="no answer in time"):
        way(transport, full.url)


@all_ways
def test_a_failed_handshake_means_not_connected(transport: Transport, way: Way) -> None:
    with (
        LoopbackServer(lambda caller: caller.send(b"this is no TLS")) as server,
        pytest.raises(NotConnected, match="no secure connection"),
    ):
        way(transport, server.url.replace("http:", "https:"))


@all_ways
def test_silence_in_the_handshake_means_not_connected(
    transport: Transport, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "CONNECT_SECONDS", 0.3)
    with LoopbackServer(Caller.wait_until_gone) as server, pytest.raises(NotConnected):
        way(transport, server.url.replace("http:", "https:"))


@pytest.mark.parametrize("key", ["sk-••••1234", "sk-ü", "sk-first\nX-Second: line", "sk-a\x00b"])
def test_a_key_that_no_header_can_hold_means_that_nothing_was_sent(transport: Transport, key: str) -> None:
    with LoopbackServer(answering(reply())) as server:
        with pytest.raises(NotConnected, match="the API key is not valid"):
            transport.get(server.url, key=key)
        with pytest.raises(NotConnected, match="the API key is not valid"):
            transport.post_once(server.url, b"{}", key=key)
        assert server.connections == []


# ---- it may have been sent


def read_and_close(caller: Caller) -> None:
    caller.read_request()


def read_and_reset(caller: Caller) -> None:
    caller.read_request()
    caller.reset()


def read_and_stay_silent(caller: Caller) -> None:
    caller.read_request()
    caller.wait_until_gone()


BREAKS: dict[str, Behaviour] = {
    "closed at once": lambda caller: None,
    "closed without an answer": read_and_close,
    "reset without an answer": read_and_reset,
    "rubbish": answering(b"rubbish\r\n\r\n"),
    "closed in the body": answering(reply(b"{", length=100)),
    "reset in the body": answering(reply(b"{", length=100), then=Caller.reset),
    "a broken chunk": answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"),
    "silence": read_and_stay_silent,
    "silence in the body": answering(reply(b"{", length=100), then=Caller.wait_until_gone),
}


@all_ways
@pytest.mark.parametrize("behaviour", BREAKS.values(), ids=BREAKS.keys())
def test_once_the_connection_stood_an_incomplete_answer_is_a_broken_exchange(way: Way, behaviour: Behaviour) -> None:
    transport = Transport("test", read_seconds=0.3)
    with LoopbackServer(behaviour) as server, pytest.raises(ExchangeBroken):
        way(transport, server.url)
    assert len(server.connections) == 1


@all_ways
def test_an_encoded_answer_that_ends_early_is_a_broken_exchange_too(transport: Transport, way: Way) -> None:
    whole = gzip.compress(os.urandom(200_000))
    half = reply(whole[: len(whole) // 2], headers="Content-Encoding: gzip\r\n", length=len(whole))
    with LoopbackServer(answering(half)) as server, pytest.raises(ExchangeBroken):
        way(transport, server.url)


@all_ways
def test_an_encoded_answer_is_whole_though_it_is_longer_than_it_says(transport: Transport, way: Way) -> None:
    whole = reply(gzip.compress(bytes(200_000)), headers="Content-Encoding: gzip\r\n")
    with LoopbackServer(answering(whole)) as server:
        answer = way(transport, server.url)
    assert bytes(200_000) in (answer, getattr(answer, "body", None))


@with_key
def test_an_answer_that_is_too_long_is_a_broken_exchange(
    transport: Transport, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "MAX_REPLY_BYTES", 1000)
    with LoopbackServer(answering(reply(bytes(1001)))) as server, pytest.raises(ExchangeBroken):
        way(transport, server.url)


# ---- stopping


class FullListener:
    """A port that takes no more connections: the next one hangs while connecting."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self._fillers: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def __enter__(self) -> FullListener:
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self._listener.getsockname())
            self._fillers.append(filler)
        return self

    def __exit__(self, *_: object) -> None:
        for filler in (*self._fillers, self._listener):
            filler.close()


class Outcome:
    """What came of a call on a thread of its own."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self.value: object = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    def _run(self, call: Callable[[], object]) -> None:
        try:
            self.value = call()
        except Exception as error:
            self.error = error

    def wait(self) -> None:
        self._thread.join(SOON)
        assert not self._thread.is_alive(), "the call did not return"


def assert_stopped(outcome: Outcome, *, sent: bool) -> None:
    outcome.wait()
    assert isinstance(outcome.error, TransportStopped)
    assert outcome.error.sent is sent


@all_ways
def test_stopping_cuts_a_connection_that_is_being_made(transport: Transport, way: Way) -> None:
    with FullListener() as full:
        outcome = Outcome(lambda: way(transport, full.url))
        wait_for(lambda: bool(transport._connections._watched))
        transport.stop()
        assert_stopped(outcome, sent=False)


@all_ways
def test_stopping_cuts_a_handshake(transport: Transport, way: Way) -> None:
    with LoopbackServer(Caller.wait_until_gone) as server:
        outcome = Outcome(lambda: way(transport, server.url.replace("http:", "https:")))
        server.wait_for_connections()
        transport.stop()
        assert_stopped(outcome, sent=False)


@all_ways
def test_stopping_cuts_the_wait_for_an_answer(transport: Transport, way: Way) -> None:
    with LoopbackServer(read_and_stay_silent) as server:
        outcome = Outcome(lambda: way(transport, server.url))
        server.wait_for_requests()
        transport.stop()
        assert_stopped(outcome, sent=True)


@all_ways
@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
    ],
)
def test_stopping_cuts_a_body(transport: Transport, way: Way, head: bytes) -> None:
    with LoopbackServer(answering(head + b"start", then=Caller.wait_until_gone)) as server:
        outcome = Outcome(lambda: way(transport, server.url))
        server.wait_for_requests()
        # Long enough for most runs to be in the body; stopping must work wherever it finds them.
        time.sleep(0.1)
        transport.stop()
        outcome.wait()
    # An answer without a stated length may be whole for all anybody knows, and a create's must not be thrown away.
    if way is stream or b"1000000" in head or b"chunked" in head:
        assert isinstance(outcome.error, TransportStopped)


@all_ways
def test_after_stopping_nothing_is_begun(transport: Transport, way: Way) -> None:
    with LoopbackServer(answering(reply())) as server:
        transport.stop()
        transport.stop()
        with pytest.raises(TransportStopped) as caught:
            way(transport, server.url)
        assert caught.value.sent is False
    assert server.requests == []


def test_no_connection_is_watched_when_it_is_over(transport: Transport) -> None:
    with LoopbackServer(answering(reply(headers="Connection: close\r\n"))) as server:
        for way in (get, post, stream):
            way(transport, server.url)
    assert transport._connections._watched == set()


# ---- nothing happens by itself


@all_ways
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/elsewhere", "http://[bad", "\xff\xfe"])
def test_redirects_are_not_followed_nor_looked_at(transport: Transport, way: Way, status: int, location: str) -> None:
    body = reply(b"moved", status=f"{status} Moved", headers=f"Location: {location}\r\n")
    with LoopbackServer(answering(body)) as server:
        answer = way(transport, server.url)
    assert len(server.requests) == 1
    assert answer == b"moved" if way is stream else getattr(answer, "status", None) == status


def test_the_body_of_a_redirect_is_limited_like_any_other(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "MAX_REPLY_BYTES", 1000)
    large = answering(reply(bytes(1001), status="302 Found", headers="Location: /x\r\n"))
    with LoopbackServer(large) as server, pytest.raises(ExchangeBroken):
        get(transport, server.url)


def test_a_netrc_neither_replaces_the_key_nor_reaches_a_download(
    transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with LoopbackServer(answering(reply())) as server:
        for way in (get, post, stream):
            way(transport, server.url)
    for request in server.requests[:2]:
        assert request.count(b"Authorization:") == 1
        assert f"Authorization: Bearer {KEY}".encode() in request
    assert b"Authorization" not in server.requests[2]


def test_an_empty_key_does_not_let_netrc_in_either(
    transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with LoopbackServer(answering(reply())) as server:
        transport.get(server.url)
    assert b"Authorization" not in server.requests[0]


def test_cookies_are_not_kept(transport: Transport) -> None:
    last = "Connection: close\r\nSet-Cookie: session=1; Path=/\r\n"
    with LoopbackServer(answering(reply(headers=last))) as server:
        for way in (get, get, post, stream):
            way(transport, server.url)
    assert not any(b"cookie" in request.lower() for request in server.requests)


def test_a_proxy_of_the_environment_is_used_and_can_be_cut_too(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer(answering(reply(b"by proxy"))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        answer = transport.get("http://api.example.invalid/x")
        assert (answer.status, answer.body) == (200, b"by proxy")
        assert proxy.requests[0].startswith(b"GET http://api.example.invalid/x HTTP/1.1\r\n")
    with LoopbackServer(read_and_stay_silent) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        outcome = Outcome(lambda: get(transport, "http://api.example.invalid/x"))
        proxy.wait_for_requests()
        transport.stop()
        assert_stopped(outcome, sent=True)


def test_a_proxy_that_refuses_the_tunnel_means_that_nothing_was_sent(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer(answering(reply(b"", status="403 Forbidden"))) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(NotConnected):
            post(transport, "https://api.example.invalid/v1/3d/generations")
    assert KEY.encode() not in b"".join(proxy.requests)


# ---- connections that are kept


def keep_alive(caller: Caller) -> None:
    while caller.read_request():
        caller.send(reply())


def test_polls_share_a_connection_and_a_create_has_its_own(transport: Transport) -> None:
    with LoopbackServer(keep_alive) as server:
        for way in (get, get, post, get):
            way(transport, server.url)
        assert len(server.connections) == 2


def test_a_kept_connection_that_the_service_closed_meanwhile_is_replaced(transport: Transport) -> None:
    with LoopbackServer(answering(reply())) as server:
        get(transport, server.url)
        # The server closes after each answer; wait until that is known here.
        wait_for(lambda: server.connections[0].fileno() == -1)
        time.sleep(0.05)
        get(transport, server.url)
        assert len(server.requests) == 2


def test_stopping_ends_kept_connections_too(transport: Transport) -> None:
    with LoopbackServer(keep_alive) as server:
        get(transport, server.url)
        transport.stop()
        with pytest.raises(TransportStopped):
            get(transport, server.url)
        assert len(server.requests) == 1
