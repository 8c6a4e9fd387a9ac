# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP with requests: time limits, size limits, and connections that can be cut from outside. No bpy here.

Threading rules: imported and used on worker threads only (importing requests alone takes 0.15 s). `stop()` may be
called from any thread: it cuts every open connection, so that a worker that waits for an answer returns at once.

Netrc and cookies are switched off: `requests` would replace our Authorization header by a netrc entry, and would carry
cookies from one call to the next. Proxies and certificates are taken from the environment, as `requests` does.
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Final

import requests
import urllib3.exceptions

from .. import redaction
from .address import is_sendable_key
from .connections import Adapter, Connections, Limit, PieceLimit, TransportStopped, current

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 30.0
"""Longest silence of the service within an answer (API notes 3.3: official code uses 30 s)."""
TOTAL_SECONDS: Final = 120.0
"""Longest time for a whole exchange, and for the head of a download's answer. It ends what comes so slowly that no
pause in it is too long."""
UPLOAD_BYTES_PER_SECOND: Final = 32 * 1024
"""Slowest line that a picture goes out over; an exchange may last longer by what its body takes on that."""
PIECE_SECONDS: Final = 60.0
"""Longest time for a piece of a download: one that comes more slowly than its smallest pieces in this time is ended."""
MAX_REPLY_BYTES: Final = 16 * 1024 * 1024
"""Largest answer that is no download; a full model list has well under 1 MB."""

_CHUNK: Final = 64 * 1024
"""Bytes of a body at a time, and of the first pieces of a download."""
_PEEK_BYTES: Final = 512
"""Enough to recognise a file or a web page by."""
_LARGEST_CHUNK: Final = 1024 * 1024
_QUICK_SECONDS: Final = 0.02
_SLOW_SECONDS: Final = 0.25
"""A piece that took less or more than these is followed by a larger or smaller one: large ones cost less, but the piece
in which a connection ends is lost."""


class NotConnected(Exception):
    """No connection was made: not a byte of the request was sent. The text is a short cause in plain words."""


class ExchangeBroken(Exception):
    """The connection stood, and then no complete answer came."""

    head: Reply | None = None
    """The beginning of the answer, without its body, if that came."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer."""

    status: int
    headers: Mapping[str, str]
    """Case-insensitive."""
    body: bytes


@dataclass(slots=True)
class _Exchange:
    """What becomes known of an exchange while it goes on."""

    limit: Limit
    head: Reply | None = None
    """As in `ExchangeBroken`."""


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer whose body is still to be read, by `chunks`."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    """Raises `ExchangeBroken` or `TransportStopped` when the body ends early."""


class _Session(requests.Session):
    """Follows no redirect, and does not read and parse one ahead either, as `requests` does when told not to follow."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class _BearerAuth(requests.auth.AuthBase):
    """Sets our header; being an auth object, it also keeps `requests` from looking into netrc."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if not is_sendable_key(self._key):
            # Said before there is a connection, for nothing is sent.
            raise requests.exceptions.InvalidHeader
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Transport:
    """Makes HTTP requests for the client; one for the whole session, shared by all workers."""

    def __init__(
        self,
        user_agent: str,
        *,
        read_seconds: float = READ_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
        piece_seconds: float = PIECE_SECONDS,
    ) -> None:
        self._user_agent = user_agent
        self._total_seconds = total_seconds
        self._read_seconds = read_seconds
        self._piece_seconds = piece_seconds
        self._connections = Connections()
        self._pooled = self._new_session()

    def stop(self) -> None:
        """Cut every connection, now and from now on. May be called twice and from any thread."""
        self._connections.stop()

    def get(self, url: str, *, key: str = "", params: Mapping[str, str] | None = None) -> Reply:
        """Return the complete answer to a GET; redirects are not followed.

        :raises NotConnected, ExchangeBroken, TransportStopped:
        """
        with self._lingering(), self._exchange() as exchange:
            response = self._pooled.get(
                url,
                params=params,
                auth=_BearerAuth(key),
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                timeout=(CONNECT_SECONDS, self._read_seconds),
                allow_redirects=False,
                stream=True,
            )
            return _whole(response, exchange)

    def post_once(self, url: str, body: bytes, *, key: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Send JSON once, on a new connection, without repeats and without redirects (architecture, section 3).

        :param headers: beside our own.
        :raises NotConnected: only when not a byte was sent.
        :raises ExchangeBroken, TransportStopped: the request may have arrived.
        """
        seconds = self._total_seconds + len(body) / UPLOAD_BYTES_PER_SECOND
        with self._lingering(), self._exchange(seconds) as exchange, self._new_session() as session:
            response = session.post(
                url,
                # Sent piece by piece: the time limit of a socket, still that for connecting, holds for all of one send.
                data=io.BytesIO(body),
                auth=_BearerAuth(key),
                headers={
                    **(headers or {}),
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                },
                timeout=(CONNECT_SECONDS, self._read_seconds),
                allow_redirects=False,
                stream=True,
            )
            return _whole(response, exchange)

    def peek(self, url: str, *, seconds: float, is_public_only: bool) -> Reply:
        """Ask for one byte, and return the head of the answer with the first bytes of what came, however much that is.

        No key is sent, redirects are not followed, and nothing of the address gets into a log.

        :param seconds: longest time for all of it.
        :param is_public_only: connect to addresses of the public internet only.
        :raises NotPublic: when there is no such address.
        :raises NotConnected, ExchangeBroken, TransportStopped:
        """
        exchange = self._exchange(min(seconds, self._total_seconds), is_public_only=is_public_only)
        with self._lingering(), redaction.silence(), exchange, self._new_session() as session:
            response = session.get(
                url,
                auth=_BearerAuth(""),
                headers={"Accept": "*/*", "Accept-Encoding": "identity", "Range": "bytes=0-0"},
                timeout=(min(CONNECT_SECONDS, seconds), min(self._read_seconds, seconds)),
                allow_redirects=False,
                stream=True,
            )
            with response:
                # As it comes: an encoded body is nothing to recognise a file by.
                head = response.raw.read(_PEEK_BYTES)
            if self._connections.stopped:
                raise TransportStopped  # What was cut looks like a short body.
            return Reply(response.status_code, response.headers, head)

    @contextlib.contextmanager
    def stream(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Stream]:
        """Open a download without a key; redirects are not followed.

        :param headers: to be sent as well, such as a range.

        :raises NotConnected, ExchangeBroken, TransportStopped:
        """
        with self._lingering(), self._new_session() as session:
            with self._exchange() as exchange, redaction.silence():
                response = session.get(
                    url,
                    auth=_BearerAuth(""),
                    headers={"Accept": "*/*", "Accept-Encoding": "identity", **(headers or {})},
                    timeout=(CONNECT_SECONDS, self._read_seconds),
                    allow_redirects=False,
                    stream=True,
                )
            with response, contextlib.closing(self._chunks(response, exchange.limit)) as chunks:
                yield Stream(response.status_code, response.headers, chunks)

    def _chunks(self, response: requests.Response, limit: Limit) -> Generator[bytes]:
        cut = partial(self._connections.cut, limit)
        try:
            with contextlib.closing(PieceLimit(cut, self._piece_seconds)) as piece_limit:
                for chunk in _pieces(response, piece_limit):
                    self._check_uncut(limit)
                    yield chunk
            # A body without a stated length looks complete when it was cut.
            self._check_uncut(limit)
            _check_length(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise TransportStopped if self._connections.stopped else ExchangeBroken from error

    def _check_uncut(self, limit: Limit) -> None:
        if self._connections.stopped:
            raise TransportStopped
        if limit.is_over:
            raise ExchangeBroken

    def _new_session(self) -> requests.Session:
        session = _Session()
        session.headers["User-Agent"] = self._user_agent
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            session.mount(scheme, Adapter())
        return session

    @contextlib.contextmanager
    def _lingering(self) -> Iterator[None]:
        """Keep what this thread closes within reach of `stop` until the answer is read."""
        lingering: list[socket.socket] = []
        current.lingering = lingering
        try:
            yield
        finally:
            current.lingering = None
            for duplicate in lingering:
                self._connections.forget(duplicate)

    @contextlib.contextmanager
    def _exchange(self, seconds: float | None = None, *, is_public_only: bool = False) -> Iterator[_Exchange]:
        """Prepare this thread for one request, and turn what goes wrong into one of three exceptions.

        :param seconds: longest time for all of it, if it is not that of the transport.
        """
        limit = Limit()
        exchange = _Exchange(limit)
        current.connections, current.connected, current.limit = self._connections, False, limit
        current.is_public_only = is_public_only
        # A thread of its own, because no time limit of a socket holds for a whole answer.
        allowed = self._total_seconds if seconds is None else seconds
        watchdog = threading.Timer(allowed, self._connections.cut, (limit,))
        watchdog.name, watchdog.daemon = "tokenlab-time-limit", True
        watchdog.start()
        try:
            yield exchange
            if limit.is_over:
                # What was cut can look complete: a head without its end, a body without a stated length.
                raise TimeoutError("the exchange took too long")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # ValueError: requests and urllib3 let some complaints about an address through as such.
            if self._connections.stopped:
                stopped = TransportStopped()
                stopped.sent, stopped.head = current.connected, exchange.head
                raise stopped from error
            if current.connected:
                broken = ExchangeBroken()
                broken.head = exchange.head
                raise broken from error
            raise NotConnected(_plain_cause(error)) from error
        finally:
            watchdog.cancel()
            current.connections = current.limit = None


def _pieces(response: requests.Response, limit: PieceLimit) -> Iterator[bytes]:
    """Read the body, in pieces as large as the connection is fast."""
    wanted = _CHUNK
    while True:
        started = time.monotonic()
        with limit.piece():
            piece: bytes = response.raw.read(wanted, decode_content=True)
        if not piece:
            return
        seconds = time.monotonic() - started
        if seconds < _QUICK_SECONDS:
            wanted = min(2 * wanted, _LARGEST_CHUNK)
        elif seconds > _SLOW_SECONDS:
            wanted = max(wanted // 2, _CHUNK)
        yield piece


def _plain_cause(error: BaseException) -> str:
    causes: tuple[tuple[type[BaseException], str], ...] = (
        (requests.exceptions.ConnectTimeout, "no answer in time"),
        (requests.exceptions.SSLError, "no secure connection"),
        (requests.exceptions.ProxyError, "the proxy refused"),
        (requests.exceptions.InvalidURL, "the address is not valid"),
        (requests.exceptions.InvalidSchema, "the address is not valid"),
        (requests.exceptions.InvalidHeader, "the API key is not valid"),
    )
    return next((text for kind, text in causes if isinstance(error, kind)), "no connection")


def _whole(response: requests.Response, exchange: _Exchange) -> Reply:
    """Read the body within the limit of size; the limit of time is the whole exchange's."""
    exchange.head = Reply(response.status_code, response.headers, b"")
    parts: list[bytes] = []
    size = 0
    with response:
        for part in response.iter_content(_CHUNK):
            size += len(part)
            if size > MAX_REPLY_BYTES:
                raise requests.ConnectionError("the answer is too long")
            parts.append(part)
    _check_length(response)
    return Reply(response.status_code, response.headers, b"".join(parts))


def _check_length(response: requests.Response) -> None:
    """Do what only urllib3 2 does by itself, and Blender 4.2 has 1.26: notice that a body ended early."""
    announced = response.headers.get("Content-Length", "")
    # An announced length is that on the wire, before decoding; chunks tell their own, and are not counted there.
    is_counted = announced.isdecimal() and "Transfer-Encoding" not in response.headers
    if is_counted and response.raw.tell() < int(announced):
        raise requests.ConnectionError("the answer ended early")
