# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at an image URL, on real loopback sockets: what refuses, what is a doubt, and what it must never do."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core import redaction
from core.files.images import PictureError
from core.service import image_url
from core.service import transport as transport_module
from core.service.errors import Stopped
from core.service.image_url import Reach, look
from core.service.transport import Transport
from tests.loopback import PATIENCE_SECONDS, Behaviour, Caller, LoopbackServer, answering, refused_port, reply, wait_for
from tests.tiny_pictures import jpeg, png, webp

HERE = Reach(is_local=True, is_online=True)
"""The service is on this machine, so that pictures of this machine may be looked at."""
OUT_THERE = Reach(is_local=False, is_online=True)
SECRET = "hush-0123456789"  # noqa: S105  # of nobody
PATH = f"/{SECRET}/cat.png?signature={SECRET}"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport("tokenlab-test/1", read_seconds=PATIENCE_SECONDS)
    yield transport
    transport.stop()


def part(data: bytes, kind: str) -> bytes:
    """The answer of a host that knows ranges."""
    return reply(
        data[:1], status="206 Partial Content", headers=f"Content-Type: {kind}\r\nContent-Range: bytes 0-0/9\r\n"
    )


def whole(data: bytes, kind: str = "", headers: str = "") -> bytes:
    """The answer of a host that knows none."""
    return reply(data, headers=(f"Content-Type: {kind}\r\n" if kind else "") + headers)


def seen(transport: Transport, behaviour: Behaviour, reach: Reach = HERE) -> str:
    with LoopbackServer(behaviour) as server:
        doubt = look(transport, server.url + PATH, reach)
    assert SECRET not in doubt and "127.0.0.1" not in doubt and "://" not in doubt
    return doubt


# ---- pictures

PICTURES = {
    "a PNG": part(png(), "image/png"),
    "a JPEG": part(jpeg(), "image/jpeg"),
    "a JPEG by its other name": part(jpeg(), "image/jpg"),
    "a WebP": part(webp(), "image/webp; charset=binary"),
    "a PNG, whole": whole(png(), "image/png"),
    "a PNG without a type": whole(png()),
    "a JPEG of an unknown type": whole(jpeg(), "application/octet-stream"),
    "a WebP that is called a web page": whole(webp(), "text/html"),
    "a PNG in an encoding": whole(b"\x1f\x8bwhatever", "image/png", "Content-Encoding: gzip\r\n"),
    "a PNG of which nothing comes": part(b"", "image/png"),
}


@pytest.mark.parametrize("answer", PICTURES.values(), ids=PICTURES.keys())
def test_a_picture_leaves_no_doubt(transport: Transport, answer: bytes) -> None:
    assert seen(transport, answering(answer)) == ""


# ---- what refuses

REFUSED = {
    "nothing": (reply(status="404 Not Found"), "There is nothing at the image URL"),
    "nothing any more": (reply(status="410 Gone"), "There is nothing at the image URL"),
    "a page, by its type": (part(b"<", "text/html; charset=utf-8"), "There is a web page at the image URL"),
    "a page, by its bytes": (whole(b"\r\n  <!DOCTYPE HTML><html>", "image/png"), "a web page"),
    "a page without a type": (whole(b"<html><body>"), "a web page"),
    "a page in an encoding": (whole(b"\x89PNG?", "text/html", "Content-Encoding: br\r\n"), "a web page"),
    "JSON, by its type": (part(b"{", "application/json"), "a data file"),
    "JSON, by its bytes": (whole(b'{"error": 1}', "application/octet-stream"), "a data file"),
    "a model, by its type": (part(b"g", "model/gltf-binary"), "a 3D model"),
    "a GLB, by its bytes": (whole(b"glTF\2\0\0\0"), "a 3D model"),
    "an FBX, by its bytes": (whole(b"Kaydara FBX Binary"), "a 3D model"),
    "a video": (part(b"\0", "video/mp4"), "a video"),
    "a sound": (part(b"I", "audio/mpeg"), "a sound"),
    "a PDF": (whole(b"%PDF-1.7"), "a document"),
    "a ZIP": (whole(b"PK\x03\x04"), "an archive"),
}


@pytest.mark.parametrize(("answer", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_certainly_no_picture_refuses_with_a_sentence(transport: Transport, answer: bytes, words: str) -> None:
    with pytest.raises(PictureError) as caught:
        seen(transport, answering(answer))
    sentence = str(caught.value)
    assert words in sentence
    assert "Nothing was sent or charged." in sentence
    assert sentence.endswith("or choose an image file.")
    assert SECRET not in sentence and "://" not in sentence


@pytest.mark.parametrize("url", ["ftp://example.com/a.png", "https://me@example.com/a.png", "http://127.0.0.1:1/a.png"])
def test_an_address_that_is_not_to_be_opened_is_refused_and_not_opened(transport: Transport, url: str) -> None:
    """It may come out of somebody else's file."""
    transport.stop()
    with pytest.raises(PictureError, match="Nothing was sent or charged"):
        look(transport, url, OUT_THERE)


# ---- what is a doubt

DOUBTS = {
    "not for all": (reply(status="403 Forbidden"), "does not show it to everybody"),
    "a login": (reply(status="401 Unauthorized"), "does not show it to everybody"),
    "an error of the host": (whole(b"<html>Oops", "text/html").replace(b"200 OK", b"500 Oops"), "the status 500"),
    "a busy host": (reply(status="429 Too Many Requests"), "the status 429"),
    "a method not allowed": (reply(status="405 Method Not Allowed"), "the status 405"),
    "no part": (reply(status="416 Range Not Satisfiable"), "the status 416"),
    "a redirect to nowhere": (reply(status="302 Found"), "the status 302"),
    "a GIF": (part(b"G", "image/gif"), "no PNG, JPEG or WebP picture"),
    "an SVG": (whole(b"<svg>", "image/svg+xml"), "no PNG, JPEG or WebP picture"),
    "an unknown type": (part(png(), "application/octet-stream"), "does not say that it is a picture"),
    "plain text": (part(b"h", "text/plain"), "does not say that it is a picture"),
    "no type": (part(png(), ""), "does not say that it is a picture"),
    "nothing at all": (whole(b""), "does not say that it is a picture"),
    "a page that begins like a picture": (part(png(), "text/html"), "does not say that it is a picture"),
    "a PNG that begins like none": (part(b"x", "image/png"), "does not begin like a PNG, JPEG or WebP"),
    "rubbish": (b"rubbish\r\n\r\n", "no clear answer"),
    "a cut head": (b"HTTP/1.1 200 OK\r\nContent-Le", "does not say that it is a picture"),
}


@pytest.mark.parametrize(("answer", "words"), DOUBTS.values(), ids=DOUBTS.keys())
def test_everything_else_is_a_doubt(transport: Transport, answer: bytes, words: str) -> None:
    assert words in seen(transport, answering(answer))


def read_and_reset(caller: Caller) -> None:
    caller.read_request()
    caller.reset()


def test_a_host_that_cannot_be_reached_is_a_doubt(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{refused_port()}/cat.png"
    assert look(transport, url, HERE) == "its host could not be reached (no connection)"
    assert "no clear answer" in seen(transport, read_and_reset)
    with LoopbackServer(lambda caller: caller.send(b"this is no TLS")) as server:
        doubt = look(transport, server.url.replace("http:", "https:"), HERE)
    assert doubt == "its host could not be reached (no secure connection)"

    def fail(*_args: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert look(transport, "https://example.com/cat.png", OUT_THERE) == "its host could not be reached (no connection)"


def drip(caller: Caller) -> None:
    """Send a byte at a time, so that no pause is too long, and never come to an end."""
    caller.read_request()
    caller.send(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
    while True:
        caller.send(b"\x89")
        threading.Event().wait(0.05)


@pytest.mark.parametrize("behaviour", [lambda caller: (caller.read_request(), caller.wait_until_gone()), drip])
def test_a_host_that_takes_too_long_is_a_doubt(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour
) -> None:
    monkeypatch.setattr(image_url, "SECONDS", 0.4)
    assert "no clear answer in time" in seen(transport, behaviour)


# ---- redirects


def leading(*locations: str, then: bytes = PICTURES["a PNG"]) -> Behaviour:
    """Send on from one place to the next, and answer at the last."""
    left = list(locations)

    def behaviour(caller: Caller) -> None:
        if caller.read_request():
            caller.send(reply(status="302 Found", headers=f"Location: {left.pop(0)}\r\n") if left else then)

    return behaviour


def test_a_redirect_is_followed_to_another_host_without_a_key_and_without_its_fragment(transport: Transport) -> None:
    with LoopbackServer(answering(PICTURES["a PNG"])) as other:
        assert seen(transport, leading(f"{other.url}/b.png?c=1#top")) == ""
    assert other.requests[0].startswith(b"GET /b.png?c=1 HTTP/1.1\r\n")
    assert b"authorization" not in other.requests[0].lower()
    assert b"cookie" not in other.requests[0].lower()


def test_a_redirect_to_a_page_refuses(transport: Transport) -> None:
    with pytest.raises(PictureError, match="a web page"):
        seen(transport, leading("/login", then=whole(b"<html>", "text/html")))


def test_three_redirects_are_followed_and_no_more(transport: Transport) -> None:
    assert seen(transport, leading("/1", "/2", "/3")) == ""
    with LoopbackServer(leading(*["/again"] * 9)) as server:
        assert look(transport, f"{server.url}/cat.png", HERE) == "its host sends from one address to the next"
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "location",
    ["ftp://example.com/a.png", "file:///etc/passwd", "http://[bad", "https://me:secret@example.com/a.png"],
)
def test_a_redirect_to_what_is_not_opened_is_a_doubt(transport: Transport, location: str) -> None:
    assert seen(transport, leading(location)) == "it leads on to an address that the service does not open"


# ---- private places


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Names and the addresses that a resolver gives for them; others as usual."""
    names: dict[str, str] = {}
    real = socket.getaddrinfo

    def find(host: str, *rest: Any) -> Any:
        return real(names.get(host, host), *rest)

    monkeypatch.setattr(socket, "getaddrinfo", find)
    return names


def test_a_name_that_leads_to_this_machine_is_not_connected_to(transport: Transport, looked_up: dict[str, str]) -> None:
    looked_up["pictures.example.com"] = "127.0.0.1"
    with LoopbackServer(answering(PICTURES["a PNG"])) as server:
        doubt = look(transport, f"http://pictures.example.com:{server.port}/cat.png", OUT_THERE)
        assert doubt == "its host is in a private network, where the service may not get to"
        assert server.connections == []
        assert look(transport, f"http://pictures.example.com:{server.port}/cat.png", HERE) == ""


def test_no_redirect_leads_into_a_private_network(
    transport: Transport, looked_up: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up["pictures.example.com"] = looked_up["inside.example.com"] = "127.0.0.1"
    with LoopbackServer(answering(PICTURES["a PNG"])) as inside:
        # The first place counts as a public one, as if the test had the internet.
        real, asked = transport.peek, []

        def peek(url: str, **options: Any) -> transport_module.Reply:
            asked.append(url)
            return real(url, **{**options, "is_public_only": len(asked) > 1})

        monkeypatch.setattr(transport, "peek", peek)
        for host, words in (("127.0.0.1", "the service does not open"), ("inside.example.com", "a private network")):
            asked.clear()
            with LoopbackServer(leading(f"http://{host}:{inside.port}/a.png")) as server:
                doubt = look(transport, f"http://pictures.example.com:{server.port}/cat.png", OUT_THERE)
            assert words in doubt
            assert len(server.requests) == 1
        assert inside.connections == []


def test_a_proxy_may_be_in_a_private_network(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer(answering(PICTURES["a PNG"])) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert look(transport, "http://pictures.example.com/cat.png", OUT_THERE) == ""
    assert proxy.requests[0].startswith(b"GET http://pictures.example.com/cat.png HTTP/1.1\r\n")


def test_what_holds_for_a_look_holds_for_no_other_request_of_the_thread(transport: Transport) -> None:
    with LoopbackServer(answering(PICTURES["a PNG"])) as server:
        url = f"http://pictures.example.com:{server.port}/cat.png"
        look(transport, url, OUT_THERE)
        assert transport.get(f"{server.url}/v1/models", key="").status == 206


@pytest.mark.parametrize("is_local", [True, False])
def test_with_online_access_off_no_other_machine_is_asked(transport: Transport, is_local: bool) -> None:
    transport.stop()
    doubt = look(transport, "https://example.com/cat.png", Reach(is_local=is_local, is_online=False))
    assert doubt == "online access is off, so it was not looked at"


def test_with_online_access_off_this_machine_is_asked_and_no_redirect_leads_out_of_it(transport: Transport) -> None:
    offline = Reach(is_local=True, is_online=False)
    assert seen(transport, answering(PICTURES["a PNG"]), offline) == ""
    assert "online access is off" in seen(transport, leading("https://example.com/a.png"), offline)


# ---- what is asked, and how much is taken


def test_one_byte_is_asked_for_without_a_key(transport: Transport) -> None:
    with LoopbackServer(answering(PICTURES["a PNG"])) as server:
        look(transport, server.url + PATH, HERE)
    (request,) = server.requests
    assert request.startswith(f"GET {PATH} HTTP/1.1\r\n".encode())
    assert b"Range: bytes=0-0\r\n" in request
    assert b"User-Agent: tokenlab-test/1\r\n" in request
    assert b"authorization" not in request.lower()


def test_of_a_host_that_knows_no_ranges_little_is_taken(transport: Transport) -> None:
    size = 64 * 1024 * 1024
    sent = 0
    over = threading.Event()

    def flood(caller: Caller) -> None:
        nonlocal sent
        caller.read_request()
        caller.send(reply(png(), length=size, headers="Content-Type: image/png\r\n"))
        try:
            for _ in range(size // 65536):
                caller.send(bytes(65536))
                sent += 65536
        finally:
            over.set()

    with LoopbackServer(flood) as server:
        assert look(transport, server.url, HERE) == ""
        assert over.wait(PATIENCE_SECONDS)
    # What the systems on both sides keep in store is not ours to say.
    assert sent < size / 4


# ---- stopping, and what is written down


@pytest.mark.parametrize(
    "behaviour",
    [
        lambda caller: (caller.read_request(), caller.wait_until_gone()),
        answering(reply(png()[:4], length=100), then=Caller.wait_until_gone),
    ],
    ids=["before the answer", "in the body"],
)
def test_a_stop_ends_a_look_at_once(transport: Transport, behaviour: Behaviour) -> None:
    errors: list[BaseException] = []

    def run(url: str) -> None:
        try:
            look(transport, url, HERE)
        except Stopped as error:
            errors.append(error)

    with LoopbackServer(behaviour) as server:
        thread = threading.Thread(target=run, args=(server.url,))
        thread.start()
        server.wait_for_requests()
        transport.stop()
        thread.join(PATIENCE_SECONDS / 4)
        assert not thread.is_alive()
    assert len(errors) == 1
    wait_for(lambda: not transport._connections._watched)


LOOKS: list[Callable[[Transport, str], object]] = [
    lambda transport, url: look(transport, url, HERE),
    lambda transport, url: next(iter(_stream(transport, url))),
]


def _stream(transport: Transport, url: str) -> Iterator[bytes]:
    with transport.stream(url) as opened:
        yield from opened.chunks


@pytest.mark.parametrize("way", LOOKS, ids=["a look", "a download"])
def test_the_log_has_nothing_of_the_address_however_talkative_it_is(
    transport: Transport, caplog: pytest.LogCaptureFixture, way: Callable[[Transport, str], object]
) -> None:
    package = "core"
    redaction.install(package)
    try:
        with caplog.at_level(logging.DEBUG), LoopbackServer(answering(whole(png(), "image/png", "odd\r\n"))) as server:
            way(transport, server.url + PATH)
            assert SECRET not in caplog.text
            transport.get(f"{server.url}/v1/models", key="")
        assert "/v1/models" in caplog.text, "what is not private is written down as before"
    finally:
        redaction.uninstall()
