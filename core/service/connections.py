# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that can be cut from outside, for `transport`. No bpy here.

urllib3's own are used, but opened by us: so that `stop()` reaches one that is still being made, and a time limit holds
for the whole of an exchange.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import requests.adapters
import urllib3.connection
import urllib3.exceptions

from .address import is_public_address

if TYPE_CHECKING:
    from .transport import Reply

_SEND_BUFFER: Final = 256 * 1024
"""Bytes. The system keeps up to some MB otherwise, and on a slow line these are still on their way when the wait for an
answer has long begun."""


class TransportStopped(Exception):
    """`stop()` was called."""

    sent = False
    """Whether bytes of the request may have left."""
    head: Reply | None = None
    """The beginning of the answer, without its body, if that came."""


class NotPublic(Exception):
    """A host has no address in the public internet, and no other is wanted. Nothing was connected to."""


class Connections:
    """The open connections of one transport.

    Each is watched through a duplicate of its socket: shutting a duplicate ends the connection itself, without
    touching TLS state that belongs to another thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: set[socket.socket] = set()
        self.stopped = False

    def watch(self, sock: socket.socket) -> socket.socket:
        """Keep a connection within reach until its duplicate, which is returned, is forgotten.

        :raises TransportStopped: after `stop`.
        """
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
        limit = current.limit
        if limit is None:
            return
        with self._lock:
            if limit.is_over:
                raise TimeoutError("the exchange took too long")
            limit.used.add(duplicate)

    def cut(self, limit: Limit) -> None:
        """End one exchange."""
        with self._lock:
            limit.is_over = True
            for duplicate in limit.used & self._watched:
                with contextlib.suppress(OSError):
                    duplicate.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def watching(self, sock: socket.socket) -> Iterator[None]:
        """Keep a connection within reach for a while."""
        duplicate = self.watch(sock)
        try:
            yield
        finally:
            self.forget(duplicate)

    def forget(self, duplicate: socket.socket) -> None:
        """Have nothing more to do with a connection."""
        with self._lock:
            self._watched.discard(duplicate)
            duplicate.close()

    def stop(self) -> None:
        """Cut all connections, and make no more."""
        with self._lock:
            self.stopped = True
            for duplicate in self._watched:
                # A connection that the other side has ended already needs no second end.
                with contextlib.suppress(OSError):
                    duplicate.shutdown(socket.SHUT_RDWR)


class Limit:
    """The time limit of one exchange."""

    def __init__(self) -> None:
        self.is_over = False
        self.used: set[socket.socket] = set()
        """Duplicates of the connections that it was made over."""


class PieceLimit:
    """A time limit for each piece of a body, of which there may be any number: one thread watches over them all."""

    def __init__(self, cut: Callable[[], None], seconds: float) -> None:
        """Begin to watch.

        :param cut: ends the exchange, on the watching thread.
        :param seconds: longest time for a piece.
        """
        self._cut, self._seconds = cut, seconds
        self._began: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="tokenlab-piece-limit", daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def piece(self) -> Iterator[None]:
        """Let the limit hold; between two pieces the time belongs to whoever takes them."""
        self._began = time.monotonic()
        try:
            yield
        finally:
            self._began = None

    def close(self) -> None:
        """Watch no more."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        wait = self._seconds
        while not self._over.wait(wait):
            began = self._began
            wait = self._seconds if began is None else began + self._seconds - time.monotonic()
            if wait <= 0:
                self._cut()
                return


class Current(threading.local):
    """What the connection classes below need to know of the request that this thread is making."""

    connections: Connections | None = None
    connected = False
    lingering: list[socket.socket] | None = None
    """Duplicates of closed connections whose last answer is still being read."""
    limit: Limit | None = None
    is_public_only = False
    """Connect to addresses of the public internet only."""


current = Current()


def _connect(connection: urllib3.connection.HTTPConnection, connections: Connections) -> socket.socket:
    """Open a TCP connection that `Connections.stop` can interrupt, which urllib3's own function hides."""
    # urllib3 keeps the name to look up in `_dns_host`: `host` may end in a dot, which TLS does not want.
    host = connection._dns_host.strip("[]")
    found = socket.getaddrinfo(host, connection.port, 0, socket.SOCK_STREAM)
    if current.is_public_only and connection.proxy is None:
        # A proxy may well be in this network. It looks up the name itself, so that here nobody can judge that.
        found = [item for item in found if is_public_address(str(item[4][0]))]
        if not found:
            raise NotPublic
    problem: OSError | None = None
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            with connections.watching(sock):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
                sock.settimeout(connection.timeout)
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
    _connections: Connections | None = None

    def _new_conn(self) -> socket.socket:
        connections = current.connections
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
        current.connected = True

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        # A connection out of the pool stands already.
        current.connected = current.connected or self.sock is not None
        if self._duplicate is not None and self._connections is not None:
            self._connections.use(self._duplicate)
        super().putrequest(*args, **kwargs)  # type: ignore[misc]

    def close(self) -> None:
        if self._duplicate is not None and self._connections is not None:
            # http.client closes a connection as soon as it has the head of a last answer ("Connection: close"), and
            # reads the body all the same.
            if current.lingering is not None:
                current.lingering.append(self._duplicate)
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


class Adapter(requests.adapters.HTTPAdapter):
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
