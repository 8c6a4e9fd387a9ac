# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to the service, made when it is first needed. No bpy here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..service.transport import Transport


class LazyTransport:
    """Makes the transport when the first worker asks for it, so that the main thread never imports requests."""

    def __init__(self, make: Callable[[str], Transport], user_agent: str) -> None:
        self._make = make
        self._user_agent = user_agent
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        self._stopped = False

    def get(self) -> Transport:
        """Return the one transport. For workers: the first one to ask waits for the import."""
        with self._lock:
            if self._transport is None:
                self._transport = self._make(self._user_agent)
                if self._stopped:
                    self._transport.stop()
            return self._transport

    def stop(self) -> None:
        """Cut every exchange, those too that begin later."""
        # Not under the lock: a worker may hold it while it imports requests.
        self._stopped = True
        if self._transport is not None:
            self._transport.stop()


def requests_transport(user_agent: str) -> Transport:
    """Return the real transport."""
    from ..service.transport import Transport  # noqa: PLC0415  # imports requests: workers only

    return Transport(user_agent)
