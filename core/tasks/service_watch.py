# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the service is there and takes the key, as the latest exchange of any job has shown. No bpy here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from ..service.address import Connection
from ..service.errors import During
from .records import ServiceSeen, ServiceState

_UNAUTHORIZED: Final = 401


class ServiceWatch:
    """Tells when the service begins or ceases to be of use; the panel shows that, whatever was being asked."""

    def __init__(self, tell: Callable[[ServiceSeen], None]) -> None:
        """Know nothing yet. `tell` is called by workers, once for each change, and must not wait."""
        self._tell = tell
        self._lock = threading.Lock()
        self._seen: ServiceSeen | None = None

    def note(self, connection: Connection, status: int | None, during: During) -> None:
        """Take notice of an exchange.

        :param status: HTTP status of the answer, or None when no connection was made.
        :param during: what was asked for. What the service publishes it tells anybody, so that an answer about models
            says nothing of the key.
        """
        if status is None:
            state = ServiceState.UNREACHABLE
        else:
            state = ServiceState.KEY_REFUSED if status == _UNAUTHORIZED else ServiceState.ANSWERS
        seen, refused = ServiceSeen(state, connection), ServiceSeen(ServiceState.KEY_REFUSED, connection)
        with self._lock:
            if during == "models" and state is ServiceState.ANSWERS and self._seen == refused:
                return
            if seen != self._seen:
                self._seen = seen
                # Under the lock: told in another order than they were seen, the older word would stay.
                self._tell(seen)
