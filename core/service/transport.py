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
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
import requests.adapters
import urllib3.connection
import urllib3.exceptions

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 30.0
"""Longest silence of the service within an answer (API notes 3.3: official code uses 30 s)."""
TOTAL_SECONDS: Final = 120.0
"""Longest time for a whole exchange, and for the head of a download's answer. It ends what comes so slowly that no
pause in it is too long."""
MAX_REPLY_BYTES: Final = 16 * 1024 * 1024
"""Largest answer that is no download; a full model list has well under 1 MB."""

_CHUNK: Final = 64 * 1024
"""Bytes of a body at a time, and of the first pieces of a download."""
_LARGEST_CHUNK: Final = 1024 * 1024
_QUICK_SECONDS: Final = 0.02
_SLOW_SECONDS: Final = 0.25
"""A piece that took less or more than these is followed by a larger or smaller one: large ones cost less, but the piece
in which a connection ends is lost."""


class NotConnected(Exception):
    """No connection was made: not a byte of the request was sent. The text is a short cause in plain words."""


class ExchangeBroken(Exception):
    """The connection stood, and then no complete answer came."""


class TransportStopped(Exception):
    """`stop()` was called."""

    sent = False
    """Whether bytes of the request may have left."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer."""

    status: int
    headers: Mapping[str, str]
    """Case-insensitive."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer whose body is still to be read, by `chunks`."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    """Raises `ExchangeBroken` or `TransportStopped` when the body ends early."""


class _Connections:
    """The open connections of one transport.

    Each is watched through a duplicate of its socket: shutting a duplicate ends the connection itself, without
    touching TLS state that belongs to another thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: set[socket.socket] = set()
        self.stopped = False

    def watch(self, sock: socket.socket) -> socket.socket:
        duplicate = sock.dup()
        try:
            with self._lock:
                if self.stopped:
                    raise TransportStopped
                self._watched.add(duplicate)
            self.use(duplicate)
        except BaseException:
            self.forget(duplicate)
            raise
        return duplicate

    def use(self, duplicate: socket.socket) -> None:
        """Let the time limit of this thread's exchange hold for a connection."""
        limit = _current.limit
        if limit is None:
            return
        with self._lock:
            if limit.is_over:
                raise TimeoutError("the exchange took too long")
            limit.used.add(duplicate)

    def cut(self, limit: _Limit) -> None:
        """End one exchange."""
        with self._lock:
            limit.is_over = True
            for duplicate in limit.used & self._watched:
                with contextlib.suppress(OSError):
                    duplicate.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def watching(self, sock: socket.socket) -> Iterator[None]:
        duplicate = self.watch(sock)
        try:
            yield
        finally:
            self.forget(duplicate)

    def forget(self, duplicate: socket.socket) -> None:
        with self._lock:
            self._watched.discard(duplicate)
            duplicate.close()

    def stop(self) -> None:
        with self._lock:
            self.stopped = True
            for duplicate in self._watched:
                # A connection that the other side has ended already needs no second end.
                with contextlib.suppress(OSError):
                    duplicate.shutdown(socket.SHUT_RDWR)


class _Limit:
    """The time limit of one exchange."""

    def __init__(self) -> None:
        self.is_over = False
        self.used: set[socket.socket] = set()
        """Duplicates of the connections that it was made over."""


class _Current(threading.local):
    """What the connection classes below need to know of the request that this thread is making."""

    connections: _Connections | None = None
    connected = False
    lingering: list[socket.socket] | None = None
    """Duplicates of closed connections whose last answer is still being read."""
    limit: _Limit | None = None


_current = _Current()


def _connect(connection: urllib3.connection.HTTPConnection, connections: _Connections) -> socket.socket:
    """Open a TCP connection that `_Connections.stop` can interrupt, which urllib3's own function hides."""
    # urllib3 keeps the name to look up in `_dns_host`: `host` may end in a dot, which TLS does not want.
    host = connection._dns_host.strip("[]")
    problem: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, connection.port, 0, socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            with connections.watching(sock):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(CONNECT_SECONDS)
                sock.connect(address)
                return sock
        except OSError as error:
            sock.close()
            problem = error
        except TransportStopped:
            sock.close()
            raise
    raise problem or OSError("the name has no address")


class _Stoppable:
    """Mixin for urllib3's connections: connects stoppably, and is watched for as long as it is open."""

    sock: socket.socket | None
    _duplicate: socket.socket | None = None
    _connections: _Connections | None = None

    def _new_conn(self) -> socket.socket:
        connections = _current.connections
        if connections is None:
            raise TransportStopped
        try:
            sock = _connect(self, connections)  # type: ignore[arg-type]  # mixed into HTTPConnection only
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(self, "timed out") from error
        except OSError as error:
            raise urllib3.exceptions.NewConnectionError(self, str(error)) from error  # type: ignore[arg-type]
        self._duplicate, self._connections = connections.watch(sock), connections
        return sock

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # HTTPConnection's, TLS handshake included
        if isinstance(self.sock, ssl.SSLSocket) and self.sock.version() is None:
            # Python leaves the handshake out, without a word, when the other side has gone already.
            raise ssl.SSLError("the connection ended before the handshake")
        _current.connected = True

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        # A connection out of the pool stands already.
        _current.connected = _current.connected or self.sock is not None
        if self._duplicate is not None and self._connections is not None:
            self._connections.use(self._duplicate)
        super().putrequest(*args, **kwargs)  # type: ignore[misc]

    def close(self) -> None:
        if self._duplicate is not None and self._connections is not None:
            # http.client closes a connection as soon as it has the head of a last answer ("Connection: close"), and
            # reads the body all the same.
            if _current.lingering is not None:
                _current.lingering.append(self._duplicate)
            else:
                self._connections.forget(self._duplicate)
            self._duplicate = None
        super().close()  # type: ignore[misc]


class _HTTPConnection(_Stoppable, urllib3.connection.HTTPConnection):
    pass


class _HTTPSConnection(_Stoppable, urllib3.connection.HTTPSConnection):
    pass


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


_POOLS: Final = {"http": _HTTPPool, "https": _HTTPSPool}


class _Adapter(requests.adapters.HTTPAdapter):
    """Uses our connections, also through a proxy, and never repeats a request by itself."""

    def __init__(self) -> None:
        super().__init__(max_retries=0, pool_maxsize=16)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _Session(requests.Session):
    """Follows no redirect, and does not read and parse one ahead either, as `requests` does when told not to follow."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class _BearerAuth(requests.auth.AuthBase):
    """Sets our header; being an auth object, it also keeps `requests` from looking into netrc."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Transport:
    """Makes HTTP requests for the client; one for the whole session, shared by all workers."""

    def __init__(
        self, user_agent: str, *, read_seconds: float = READ_SECONDS, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self._user_agent = user_agent
        self._total_seconds = total_seconds
        self._read_seconds = read_seconds
        self._connections = _Connections()
        self._pooled = self._new_session()

    def stop(self) -> None:
        """Cut every connection, now and from now on. May be called twice and from any thread."""
        self._connections.stop()

    def get(self, url: str, *, key: str = "", params: Mapping[str, str] | None = None) -> Reply:
        """Return the complete answer to a GET; redirects are not followed.

        :raises NotConnected, ExchangeBroken, TransportStopped:
        """
        with self._lingering(), self._exchange():
            response = self._pooled.get(
                url,
                params=params,
                auth=_BearerAuth(key),
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                timeout=(CONNECT_SECONDS, self._read_seconds),
                allow_redirects=False,
                stream=True,
            )
            return _whole(response)

    def post_once(self, url: str, body: bytes, *, key: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Send JSON once, on a new connection, without repeats and without redirects (architecture, section 3).

        :param headers: beside our own.
        :raises NotConnected: only when not a byte was sent.
        :raises ExchangeBroken, TransportStopped: the request may have arrived.
        """
        with self._lingering(), self._exchange(), self._new_session() as session:
            response = session.post(
                url,
                data=body,
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
            return _whole(response)

    @contextlib.contextmanager
    def stream(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Stream]:
        """Open a download without a key; redirects are not followed.

        :param headers: to be sent as well, such as a range.

        :raises NotConnected, ExchangeBroken, TransportStopped:
        """
        with self._lingering(), self._new_session() as session:
            with self._exchange():
                response = session.get(
                    url,
                    auth=_BearerAuth(""),
                    headers={"Accept": "*/*", "Accept-Encoding": "identity", **(headers or {})},
                    timeout=(CONNECT_SECONDS, self._read_seconds),
                    allow_redirects=False,
                    stream=True,
                )
            with response:
                yield Stream(response.status_code, response.headers, self._chunks(response))

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        size = 0
        try:
            for chunk in _pieces(response):
                if self._connections.stopped:
                    raise TransportStopped
                size += len(chunk)
                yield chunk
            if self._connections.stopped:
                # A body without a stated length looks complete when it was cut.
                raise TransportStopped
            _check_length(response, size)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise TransportStopped if self._connections.stopped else ExchangeBroken from error

    def _new_session(self) -> requests.Session:
        session = _Session()
        session.headers["User-Agent"] = self._user_agent
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter())
        return session

    @contextlib.contextmanager
    def _lingering(self) -> Iterator[None]:
        """Keep what this thread closes within reach of `stop` until the answer is read."""
        lingering: list[socket.socket] = []
        _current.lingering = lingering
        try:
            yield
        finally:
            _current.lingering = None
            for duplicate in lingering:
                self._connections.forget(duplicate)

    @contextlib.contextmanager
    def _exchange(self) -> Iterator[None]:
        """Prepare this thread for one request, and turn what goes wrong into one of three exceptions."""
        limit = _Limit()
        _current.connections, _current.connected, _current.limit = self._connections, False, limit
        # A thread of its own, because no time limit of a socket holds for a whole answer.
        watchdog = threading.Timer(self._total_seconds, self._connections.cut, (limit,))
        watchdog.name, watchdog.daemon = "tokenlab-time-limit", True
        watchdog.start()
        try:
            yield
            if limit.is_over:
                # What was cut can look complete: a head without its end, a body without a stated length.
                raise TimeoutError("the exchange took too long")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # ValueError: requests and urllib3 let some complaints about an address through as such.
            if self._connections.stopped:
                stopped = TransportStopped()
                stopped.sent = _current.connected
                raise stopped from error
            if _current.connected:
                raise ExchangeBroken from error
            raise NotConnected(_plain_cause(error)) from error
        finally:
            watchdog.cancel()
            _current.connections = _current.limit = None


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Read the body, in pieces as large as the connection is fast."""
    wanted = _CHUNK
    while True:
        started = time.monotonic()
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
    )
    return next((text for kind, text in causes if isinstance(error, kind)), "no connection")


def _whole(response: requests.Response) -> Reply:
    """Read the body within the limit of size; the limit of time is the whole exchange's."""
    parts: list[bytes] = []
    size = 0
    with response:
        for part in response.iter_content(_CHUNK):
            size += len(part)
            if size > MAX_REPLY_BYTES:
                raise ExchangeBroken("the answer is too long")
            parts.append(part)
    _check_length(response, size)
    return Reply(response.status_code, response.headers, b"".join(parts))


def _check_length(response: requests.Response, size: int) -> None:
    """Do what only urllib3 2 does by itself, and Blender 4.2 has 1.26: notice that a body ended early."""
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and "Content-Encoding" not in response.headers and size < int(announced):
        raise requests.ConnectionError("the answer ended early")
