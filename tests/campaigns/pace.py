# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated hour with many tasks: `python -m tests.campaigns.pace`. How often is the service asked? No bpy here.

The real engine, records and journal, with a clock that jumps from tick to tick and a service in memory that answers in
no time. The table goes to docs/pace.md; the last line is `N passed, N failed, N skipped`.
"""

from __future__ import annotations

import bisect
import contextlib
import datetime
import json
import random
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from core.service.address import Connection
from core.service.contract import GenerationRequest
from core.service.transport import Reply, Stream
from core.tasks.engine import Engine
from core.tasks.pacing import REQUESTS_PER_MINUTE
from core.tasks.settings import Settings
from core.tasks.task import TaskState
from tests.bench.report import table
from tests.tiers import Outcome
from tests.tiny_models import glb

COUNTS = (1, 8, 50, 200)
HOUR = 3600.0
FIRST, LAST = 60.0, 3000.0
"""A task takes between so many seconds."""
BILLING = 45.0
"""Seconds after which a completed task is settled."""
FAST, SLOW = 0.1, 0.5
"""Seconds between two ticks, as in `core.blender.tick`."""
FEW, FEW_GOAL, GOAL = 8, 10.0, 130.0
"""Up to `FEW` tasks a completion is to be noticed within `FEW_GOAL` seconds, that of any of 200 within `GOAL`."""
COLUMNS = ("tasks", "busiest minute", "requests", "polls of a task", "slowest notice", "median notice", "models")
REPORT = Path(__file__).resolve().parents[2] / "docs" / "pace.md"
EPOCH = 1_800_000_000.0


@dataclass
class Service:
    """The service and its host of files, in memory. It takes the place of the transport."""

    clock: Callable[[], float]
    durations: Iterator[float]
    requests: list[float] = field(default_factory=list)
    """When each request came."""
    completed_at: dict[str, float] = field(default_factory=dict)
    polls: Counter[str] = field(default_factory=Counter)

    def stop(self) -> None:
        """Nothing waits."""

    def post_once(self, _url: str, _body: bytes, *, key: str, headers: Mapping[str, str] | None = None) -> Reply:
        del headers
        task_id = f"ldtask_{len(self.completed_at)}"
        self.completed_at[task_id] = self._note() + next(self.durations)
        return _json({"id": task_id, "task_id": task_id, "status": "pending"}) if key else Reply(401, {}, b"")

    def get(self, url: str, *, key: str = "", params: Mapping[str, str] | None = None) -> Reply:
        del params
        now, name = self._note(), url.rpartition("/")[2]
        if not key:
            return Reply(401, {}, b"")
        if name not in self.completed_at:
            return _json({"id": name})  # The question about the model.
        self.polls[name] += 1
        done_for = now - self.completed_at[name]
        reply: dict[str, object] = {"task_id": name, "status": "completed" if done_for >= 0.0 else "processing"}
        if done_for >= 0.0:
            reply["model_url"] = f"https://files.invalid/{name}.glb"
        if done_for >= BILLING:
            reply["billing_transaction_id"] = f"billtxn_{name}"
        return _json(reply)

    @contextlib.contextmanager
    def stream(self, _url: str, _headers: Mapping[str, str] | None = None) -> Iterator[Stream]:
        model = glb()
        yield Stream(200, {"Content-Length": str(len(model))}, iter([model]))

    def _note(self) -> float:
        self.requests.append(self.clock())
        return self.requests[-1]


def _json(body: Mapping[str, object]) -> Reply:
    return Reply(200, {"Content-Type": "application/json"}, json.dumps(body).encode())


class NoThreads:
    """Does each job at once, in the place of the workers: the clock stands still meanwhile."""

    def submit(self, job: Callable[[], None]) -> None:
        job()

    def stop(self, _timeout: float) -> bool:
        return True


@dataclass(frozen=True)
class Result:
    """What one simulated hour came to. Seconds."""

    count: int
    requests: Sequence[float]
    polls: Sequence[int]
    notices: Sequence[float]
    """From each completion to the moment when the engine knew."""
    models: int
    bills: int

    @property
    def busiest_minute(self) -> int:
        times = sorted(self.requests)
        return max(bisect.bisect_left(times, first + 60.0) - number for number, first in enumerate(times))

    def problems(self) -> list[str]:
        """Return what is not as it should be."""
        goal = FEW_GOAL if self.count <= FEW else GOAL
        found = []
        if self.busiest_minute > REQUESTS_PER_MINUTE:
            found.append(f"{self.busiest_minute} requests in a minute")
        if max(self.notices) > goal:
            found.append(f"a completion was noticed after {max(self.notices):.1f} s")
        if not self.count == len(self.notices) == self.models == self.bills:
            found.append(f"of {self.count} tasks {self.models} have their model and {self.bills} their billing id")
        return found

    def row(self) -> tuple[object, ...]:
        return (
            self.count,
            self.busiest_minute,
            len(self.requests),
            f"{min(self.polls)} to {max(self.polls)}, median {statistics.median(self.polls):.0f}",
            f"{max(self.notices):.1f} s",
            f"{statistics.median(self.notices):.1f} s",
            self.models,
        )


def simulate(count: int, folder: Path, *, last: float = LAST, seconds: float = HOUR) -> Result:
    """Send `count` tasks at once, and let the clock run."""
    now = [0.0]
    source = random.Random(count)  # noqa: S311  # the same hour in every run
    service = Service(lambda: now[0], iter(lambda: source.uniform(FIRST, last), None))
    noticed: dict[str, float] = {}
    with mock.patch("time.time", lambda: EPOCH + now[0]):
        engine = Engine(
            Settings(
                Connection("https://service.invalid", "sk-any"), folder, may_connect=True, max_concurrent_tasks=count
            ),
            user_agent="tokenlab-pace",
            clock=lambda: now[0],
            make_transport=lambda _agent: _as_transport(service),
        )
        engine._workers = NoThreads()  # type: ignore[assignment]  # has what is used of it
        for number in range(count):
            engine.submit(GenerationRequest(prompt=f"chair {number}"), "scene-1")
        while now[0] < seconds:
            engine.pump()
            while engine.next_event() is not None:
                pass
            for task in engine.records.all():
                if task.state is TaskState.READY:
                    noticed.setdefault(task.task_id, now[0])
            now[0] += max(FAST, min(SLOW, engine.seconds_until_due()))
        tasks = engine.records.all()
        engine.stop()
    return Result(
        count,
        service.requests,
        list(service.polls.values()),
        [at - service.completed_at[task_id] for task_id, at in noticed.items()],
        sum(task.state is TaskState.READY and Path(task.result_path).is_file() for task in tasks),
        sum(bool(task.billing_transaction_id) for task in tasks),
    )


def _as_transport(service: Service) -> Any:
    return service


def write_report(results: Sequence[Result]) -> None:
    lines = [
        "# How often the service is asked",
        "",
        "Written by a run; not by hand. The real engine sends so many tasks at the same moment to a service in memory",
        f"and lives through a simulated hour. A task takes {FIRST:.0f} to {LAST:.0f} s, and is settled {BILLING:.0f} s",
        f"after its completion. Allowed are {REQUESTS_PER_MINUTE} requests in any 60 seconds for all tasks together. A",
        f"completion is to be noticed in {FEW_GOAL:.0f} s with up to {FEW} tasks, and in {GOAL:.0f} s with 200.",
        "Requests are creates, polls, questions about the model and for billing ids; a notice ends with the model on",
        "the disk.",
        "",
        f"{datetime.date.today().isoformat()}. To repeat it: `make campaign CAMPAIGN=pace`.",
        "",
        *table(COLUMNS, [result.row() for result in results]),
    ]
    REPORT.write_text("\n".join(lines) + "\n", "utf-8")


def main() -> int:
    """Run the campaign; return the exit status."""
    results, failed = [], 0
    for count in COUNTS:
        with tempfile.TemporaryDirectory(prefix="tokenlab-pace-") as folder:
            results.append(simulate(count, Path(folder)))
        problems = results[-1].problems()
        failed += bool(problems)
        print(f"{count} tasks: {'; '.join(problems) or 'ok'}", flush=True)
    write_report(results)
    print(Outcome(passed=len(COUNTS) - failed, failed=failed, skipped=0))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
