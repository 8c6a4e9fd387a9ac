# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest servers on real loopback sockets, for what no web framework would send. No bpy."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType

PATIENCE_SECONDS = 20.0
"""Generous, because it only ends tests that fail."""
RESET = struct.pack("ii", 1, 0)


class Caller:
    """One accepted connection, from the server's side."""

    def __init__(self, connection: socket.socket, requests: list[bytes]) -> None:
        self.connection = connection
        self._requests = requests

    def read_request(self, pause: float = 0.0) -> bytes:
        """Read one request, head and body, and note it; empty when the caller has gone.

        :param pause: seconds after each piece of the body.
        """
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.connection.recv(65536)
            if not part:
                return data
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += self.connection.recv(65536)
            time.sleep(pause)
        self._requests.append(head + b"\r\n\r\n" + body)
        return self._requests[-1]

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.connection.close()

    def wait_until_gone(self) -> None:
        """Say nothing more until the other side ends the connection."""
        with contextlib.suppress(OSError):
            while self.connection.recv(65536):
                pass


Behaviour = Callable[[Caller], None]


class LoopbackServer:
    """Runs a behaviour for each connection, on a thread of its own; `requests` holds what was asked."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        self._behaviour = behaviour
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> LoopbackServer:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing a listener does not wake its thread everywhere; a last call does.
        with contextlib.suppress(OSError):
            self._listener.settimeout(0)
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
        self._listener.close()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_for_requests(self, count: int = 1) -> None:
        wait_for(lambda: len(self.requests) >= count)

    def wait_for_connections(self, count: int = 1) -> None:
        wait_for(lambda: len(self.connections) >= count)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._listener.gettimeout() == 0:
                connection.close()
                return
            connection.setblocking(True)
            self.connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self._behaviour(Caller(connection, self.requests))


def answering(reply: bytes, *, then: Behaviour | None = None) -> Behaviour:
    """Answer the one request of each connection with these bytes."""

    def behaviour(caller: Caller) -> None:
        if caller.read_request():
            caller.send(reply)
            if then:
                then(caller)

    return behaviour


def reply(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    """Return a whole answer; `length` is what it claims."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body


def refused_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Look again and again until the condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError("what the test waits for did not happen")
        time.sleep(0.005)
