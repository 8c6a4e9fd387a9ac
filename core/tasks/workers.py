# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The threads that do what waits. No bpy here, and nothing that runs here may touch bpy.

`concurrent.futures` is not used on purpose: it joins its threads when the interpreter ends, before anything of ours
could cut the request that they wait in, so that quitting Blender would hang.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

Job = Callable[[], None]


class Workers:
    """A fixed number of named daemon threads that take jobs from one queue. Started by the first job."""

    def __init__(self, count: int = 8) -> None:
        self._count = count
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def submit(self, job: Job) -> None:
        """Have a thread run `job`; never waits. After `stop` nothing is run any more."""
        if self._stopped:
            return
        if not self._threads:
            self._threads = [
                threading.Thread(target=self._run, name=f"tokenlab-worker-{number}", daemon=True)
                for number in range(self._count)
            ]
            for thread in self._threads:
                thread.start()
        self._jobs.put(job)

    def stop(self, timeout: float) -> bool:
        """Let the running jobs end, drop the waiting ones, and join. May be called twice.

        :param timeout: seconds for all threads together.
        :return: whether every thread has ended.
        """
        self._stopped = True
        for _ in self._threads:
            self._jobs.put(None)
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._stopped:
                continue
            try:
                job()
            except Exception as error:
                # Jobs handle what they expect. Only the kind is logged: the text could hold a private URL.
                logger.error("A job of TokenLab 3D ended with %s", type(error).__name__)
                logger.debug("The job was %s", job)
