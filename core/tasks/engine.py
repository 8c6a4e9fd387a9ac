# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who does what when: starts the jobs that are due and passes on what came of them. No bpy here.

All methods belong to the main thread and never wait: what waits is in `jobs`, on `workers`.
"""

from __future__ import annotations

import logging
import math
import queue
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..service.contract import GenerationRequest
from ..service.errors import DASHBOARD_RUNS
from ..service.stand_in import POLL_SECONDS, StandIn
from . import conversions, jobs, on_disk
from .billing import Bills
from .converter import Converter
from .duplicates import FIRST_TRY, recent, recent_duplicate
from .following import Following
from .giving_up import final_changes
from .job_choice import job_for
from .job_context import JobContext, reporting
from .journal import Journal, Row
from .lazy_transport import LazyTransport, requests_transport
from .model_cache import FILE_NAME, ModelCache
from .pacing import Pacing, back_off, poll_delay
from .placement import AS_DELIVERED, Placement
from .previews import Previews
from .records import (
    BillAsked,
    Event,
    JobDone,
    JournalFailed,
    JournalLoaded,
    JournalRebuilt,
    Mailbox,
    ModelsLoaded,
    OthersSeen,
    Overtaken,
    PreviewMade,
    Records,
    Woken,
    is_answer,
)
from .schedule import Schedule, count_polled
from .service_watch import ServiceWatch
from .settings import Settings
from .task import UNFINISHED, Task, TaskState, new_task
from .workers import Workers

if TYPE_CHECKING:
    from ..service.transport import Transport

logger = logging.getLogger(__name__)

STOP_SECONDS: Final = 1.5
"""How long quitting may wait for our threads, which return at once when their connections are cut."""
_IDLE_SECONDS: Final = 2.0
"""Pause between looks while there are tasks but no way to the service (no key, online access off)."""
_CUT_OFF: Final = (
    "Blender ended while this request was being sent, so the service may have started a paid task. "
    f"Look at {DASHBOARD_RUNS} before you send it again."
)
_UNCERTAIN: Final = frozenset({TaskState.UNCERTAIN})
_NOT_ACCEPTED: Final = frozenset({TaskState.QUEUED, TaskState.SUBMITTING, TaskState.UNCERTAIN})


class Engine:
    """The one engine of this Blender."""

    def __init__(
        self,
        settings: Settings,
        *,
        user_agent: str,
        pacing: Pacing | None = None,
        clock: Callable[[], float] = time.monotonic,
        make_transport: Callable[[str], Transport] | None = None,
    ) -> None:
        self.settings = settings
        self.pacing = pacing or Pacing()
        self._clock = clock
        self._mailbox: Mailbox = queue.SimpleQueue()
        self._journal = Journal(settings.data_directory, on_rebuilt=self._on_rebuilt, on_woken=self._on_woken)
        self._workers = Workers()
        self._transport = LazyTransport(make_transport or requests_transport, user_agent)
        self._schedule = Schedule()
        self._activities = self._schedule.activities
        self._following = Following()
        self._questions = 0
        """Questions under way that belong to no task: each is answered by exactly one event."""
        self.journal_problem = ""
        """A user's sentence while the journal cannot be used: nothing new may be sent then."""
        self.records = Records(self._journal, self._mailbox)
        self._elsewhere: list[Task] = []
        """What was asked for a moment ago in files that are not open, as the journal last had it; oldest first."""
        self._bills = Bills()
        self._previews = Previews()
        self._converter = Converter(settings.data_directory / conversions.SCRATCH, self.pacing.converter)
        cache = ModelCache(settings.data_directory / FILE_NAME, lambda known: self._mailbox.put(ModelsLoaded(known)))
        self._context = JobContext(
            records=self.records,
            mailbox=self._mailbox,
            transport=self._transport.get,
            models=cache,
            budget=self._schedule.budget,
            converter=self._converter,
            service=ServiceWatch(self._mailbox.put),
            stand_in=StandIn(clock),
        )

    # What the user asks for

    def submit(
        self,
        request: GenerationRequest,
        scene_id: str,
        *,
        placement: Placement = AS_DELIVERED,
        **details: Any,
    ) -> Task:
        """Take in a new task and have it sent as soon as there is room; returns at once.

        :param details: as for `new_task`.
        """
        task = new_task(request, scene_id, placement=placement, **details)
        self.records.add(task)
        self._plan(task.local_id, 0.0)
        return task

    def resume(self, local_id: str) -> bool:
        """Go on with a task: send a queued one, ask about one that was given up, fetch a result once more."""
        task = self.records.get(local_id)
        if task is None:
            return False
        has_failed = bool(task.error) and not self._schedule.in_flight(local_id)
        if task.state in (TaskState.STOPPED, TaskState.LOST) and task.task_id:
            self.records.change(local_id, state=TaskState.PENDING, error="")
        elif task.state is TaskState.READY and not on_disk.has_result(task):
            self.records.change(local_id, state=TaskState.DOWNLOADING, progress=0, error="")
        elif task.state is TaskState.READY and self.needs_conversion(task):
            self.records.change(local_id, state=TaskState.CONVERTING, error="")
        elif task.state is not TaskState.QUEUED and task.state not in UNFINISHED:
            return False
        self._plan(local_id, 0.0)
        self._activities[local_id].asks_anew |= has_failed
        return True

    def needs_conversion(self, task: Task) -> bool:
        """Whether a model that is there has to be prepared by a second Blender before this one takes it."""
        return conversions.is_needed(task, self.settings.converter, self._converter)

    def trust_converter(self) -> None:
        """Have a second Blender started again, however often that has failed: the user wants another try."""
        self._converter.trust_again()

    def recent_duplicate(self, request: GenerationRequest, picture_key: str) -> Task | None:
        """Return the newest task that asked for the same a moment ago and may be paid for, or None."""
        elsewhere = [task for task in self._elsewhere if not self.records.knows(task.local_id)]
        return recent_duplicate([*elsewhere, *self.records.all()], request, picture_key)

    def submit_again(self, local_id: str) -> bool:
        """Send an `UNCERTAIN` task once more, which the user has asked for knowing that it may be paid twice."""
        # The note stays whatever becomes of the second try: its refusal says nothing of the first.
        queued = self.records.change(
            local_id, expect=_UNCERTAIN, state=TaskState.QUEUED, error="", request_id="", note=FIRST_TRY
        )
        if queued is None:
            return False
        self._plan(local_id, 0.0)
        return True

    def attach(self, local_id: str, task_id: str) -> bool:
        """Go on with an `UNCERTAIN` task under the id that the user found in the dashboard."""
        attached = self.records.change(
            local_id, expect=_UNCERTAIN, state=TaskState.PENDING, task_id=task_id, poll_url="", error=""
        )
        if attached is None:
            return False
        self._plan(local_id, 0.0)
        return True

    def adopt_task_id(self, task_id: str, request: GenerationRequest, scene_id: str) -> Task:
        """Take in a task of the service that this computer knows nothing of, by its id."""
        task = replace(new_task(request, scene_id), state=TaskState.PENDING, task_id=task_id)
        self.records.add(task)
        self._plan(task.local_id, 0.0)
        return task

    def stop_waiting(self, local_id: str) -> bool:
        """Ask no more about a task; it goes on at the service and may be charged there."""
        return self.records.change(local_id, state=TaskState.STOPPED, error="") is not None

    def remove(self, local_id: str) -> bool:
        """Take a task off the list; its row stays in the journal."""
        return self.records.change(local_id, removed=True) is not None

    def test_connection(self) -> None:
        """Have the key tested; `ConnectionTested` tells what came of it."""
        self.run(partial(jobs.test_connection, connection=self.settings.connection), is_answered=True)

    def ask_models(self, *, with_list: bool = False, names: Sequence[str] = ()) -> None:
        """Have what is known of the models looked up, and the list or single ones asked for; `ModelsLoaded` tells."""
        connection = self.settings.connection
        self.run(partial(jobs.ask_models, connection=connection, with_list=with_list, names=names), is_answered=True)

    def run(self, job: Callable[[JobContext], None], *, is_answered: bool = False) -> None:
        """Have a worker do what belongs to no task; exactly one event tells what came of it if it `is_answered`."""
        self._questions += is_answered
        self._workers.submit(partial(job, self._context))

    def load_journal(self) -> None:
        """Have the journal read; `JournalLoaded` or `JournalFailed` tells what came of it."""
        self._following.looked(self._clock())
        self._read(JournalLoaded)

    def _look_at_others(self, asked: frozenset[str]) -> None:
        """Have a few rows read; `OthersSeen` or `JournalFailed` tells what came of it."""
        if self.journal_problem:
            self.load_journal()  # Once it can be used again there is more to be learnt.
        else:
            self._read(partial(OthersSeen, asked), only=asked)

    def _read(self, event: Callable[[tuple[Row, ...]], Event], only: Collection[str] | None = None) -> None:
        self._questions += 1
        self.records.read_journal(event, only)

    def journal_rows(self) -> Future[list[Row]]:
        """Return every row of the journal, also of files that are not open, having taken over what is free."""
        return self._journal.load()

    def watch(self, local_ids: Collection[str]) -> None:
        """Have these tasks of others looked at now and then, in case they are left; `OthersSeen` tells of them."""
        self._following.watch(local_ids, self._clock())

    def adopt(self, rows: Sequence[Row], entries: Sequence[Task]) -> bool:
        """Take in what the journal (`rows`) and the scenes (`entries`) know, and go on with what is unfinished.

        A queued task is not sent by itself, and one whose sending was cut off is `UNCERTAIN`: that can be told only
        when both sides are known, and not while another Blender is sending it (architecture, section 3).

        :return: whether that brought anything new.
        """
        taken_over, has_news = set(), False
        for row in rows:
            local_id = row.task.local_id
            was_followed = self._following.let_go(local_id)
            is_news = self.records.adopt(row.task, durable=False, is_followed=was_followed)
            has_news |= is_news
            if not row.is_ours:
                self._following.follow(local_id, row.owner)
            elif is_news or was_followed:
                taken_over.add(local_id)
        for entry in entries:
            copy = on_disk.unless_there(self.records.get(entry.local_id), entry)
            has_news |= self.records.adopt(copy, durable=not self.is_followed(entry.local_id))
            taken_over.add(entry.local_id)
        for local_id in taken_over - self._following.owners.keys():
            self._go_on(local_id)
        return has_news

    def _go_on(self, local_id: str) -> None:
        """Take up a task that nobody works on, unless it is under way here already."""
        task = self.records.get(local_id)
        if task is None or local_id in self._activities:
            return
        if task.is_stand_in and task.state in _NOT_ACCEPTED:
            # Nothing leaves this computer, and nothing can be paid for twice.
            self.records.change(local_id, state=TaskState.QUEUED, error="")
            self._plan(local_id, 0.0)
        elif task.state is TaskState.SUBMITTING:
            self.records.change(local_id, state=TaskState.UNCERTAIN, error=_CUT_OFF)
        elif task.state is TaskState.QUEUED and task.error:
            # It said that it is tried again by itself. Not in the journal, or the task would be ours from here on.
            self.records.change(local_id, durable=False, error="")
        elif task.state in UNFINISHED:
            self._plan(local_id, 0.0)

    def is_followed(self, local_id: str) -> bool:
        """Whether another Blender works on the task."""
        return local_id in self._following.owners

    def _on_rebuilt(self, sentence: str) -> None:
        """Called on the journal's thread."""
        self._mailbox.put(JournalRebuilt(sentence))

    def _on_woken(self) -> None:
        """Called on the journal's thread."""
        self._mailbox.put(Woken())

    # What the tick asks for

    @property
    def is_busy(self) -> bool:
        """Whether there is anything that a later `pump` or `next_event` could have to do with."""
        return self.has_tasks or self._following.is_watching

    @property
    def has_tasks(self) -> bool:
        """Whether there is anything to do for the tasks that are known here, or something was asked."""
        is_waiting = self._activities or self._following.owners or self._questions or self._bills or self._previews
        return bool(is_waiting) or not self._mailbox.empty()

    def is_working_on(self, local_id: str) -> bool:
        """Whether something is planned or under way for a task, here or in another Blender."""
        return local_id in self._activities or self.is_followed(local_id)

    def awaits_bill(self, local_id: str) -> bool:
        """Whether the service is still to be asked for the billing id of a task."""
        return local_id in self._bills

    def next_event(self) -> Event | None:
        """Return the next event, having taken notice of it, or None; never waits."""
        try:
            event = self._mailbox.get_nowait()
        except queue.Empty:
            return None
        self._questions -= is_answer(event)
        self._take_notice(event)
        return event

    def _take_notice(self, event: Event) -> None:
        if isinstance(event, JobDone):
            self._job_done(event)
        elif isinstance(event, BillAsked):
            self._bill_asked(event)
        elif isinstance(event, PreviewMade):
            self._previews.ended(event.local_id)
        elif isinstance(event, Overtaken):
            self._following.follow(event.local_id)
        elif isinstance(event, OthersSeen):
            self._following.seen(event.asked, event.rows)
        elif isinstance(event, Woken):
            self.load_journal()
        elif isinstance(event, JournalRebuilt):
            self.records.save_all(self._following.owners)
        elif isinstance(event, JournalFailed):
            self.journal_problem = event.sentence
        elif isinstance(event, JournalLoaded):
            self.journal_problem = ""
            self.records.save_failed()
            self._elsewhere = recent([row.task for row in event.rows])

    def pump(self) -> None:
        """Start every job that is due."""
        planned, limits, now = self._planned(), self.settings, self._clock()
        others = self._following.due(now)
        if others:
            self._look_at_others(others)
        for task in self._schedule.due(
            planned,
            now,
            max_tasks=limits.max_concurrent_tasks,
            max_downloads=limits.max_downloads,
            may_convert=not self._previews.is_making,
        ):
            if self._may_start(task, now):
                self._start(task)
        if not limits.may_connect:
            self._bills.clear()
        for local_id in self._bills.due(now):
            if self.records.get(local_id) is None:
                self._bills.drop(local_id)
            elif self._schedule.may_ask(now):
                self._ask_bill(local_id)
        self._make_preview(planned)

    def _may_start(self, task: Task, now: float) -> bool:
        if task.is_stand_in or task.state is TaskState.CONVERTING:
            return True
        # A host of files is not the service, and has limits of its own.
        return self.settings.may_connect and (task.state is TaskState.DOWNLOADING or self._schedule.may_ask(now))

    def _make_preview(self, planned: Sequence[Task]) -> None:
        """Have the next picture made, unless a model waits to be prepared."""
        command = self.settings.converter
        if command is None:
            self._previews.clear()
        if command is None or any(task.state is TaskState.CONVERTING for task in planned):
            return
        local_id = self._previews.begin()
        if local_id:
            job = partial(conversions.preview, self._context, local_id, command)
            self._workers.submit(reporting(self._mailbox, job, PreviewMade(local_id, is_there=False)))

    def seconds_until_due(self) -> float:
        """Return how long nothing of the service will be due, in seconds; any tick will do for its stand-in."""
        if not self.settings.may_connect:
            return _IDLE_SECONDS
        wait = self._schedule.wait(self._clock(), bill_at=self._bills.next_at())
        return _IDLE_SECONDS if math.isinf(wait) else wait

    def stop(self, timeout: float = STOP_SECONDS) -> bool:
        """Cut every exchange, end every thread. Idempotent and bounded.

        :param timeout: seconds for the workers, and again for the journal.
        :return: whether all have ended.
        """
        self._transport.stop()
        self._converter.stop()
        workers_ended = self._workers.stop(timeout)
        journal_ended = self._journal.stop(timeout)
        if not (workers_ended and journal_ended):
            logger.warning("A thread of TokenLab 3D did not end in time")
        return workers_ended and journal_ended

    # Planning

    def _plan(self, local_id: str, delay: float) -> None:
        self._schedule.plan(local_id, self._clock() + delay)

    def _planned(self) -> list[Task]:
        """The tasks with something to do; those that have nothing to do any more are dropped here."""
        tasks = []
        for local_id, activity in list(self._activities.items()):
            task = self.records.get(local_id) if not self.is_followed(local_id) or activity.in_flight else None
            if task is not None and (task.state in UNFINISHED or task.state is TaskState.QUEUED or activity.in_flight):
                tasks.append(task)
            elif not activity.in_flight:
                del self._activities[local_id]
        return tasks

    def _start(self, task: Task) -> None:
        activity = self._activities[task.local_id]
        activity.in_flight = True
        activity.is_asking = not task.is_stand_in and task.state not in (TaskState.DOWNLOADING, TaskState.CONVERTING)
        is_silent, asks_anew = self._schedule.breaker.is_open, activity.asks_anew
        job = job_for(task, self._context, self.settings, is_silent=is_silent, asks_anew=asks_anew)
        if activity.is_asking:
            self._schedule.breaker.begun()
        self._workers.submit(reporting(self._mailbox, job, JobDone(task.local_id, failed=True)))

    def _ask_bill(self, local_id: str) -> None:
        self._bills.begun(local_id)
        self._schedule.breaker.begun()
        connection, folder = self.settings.connection, self.settings.data_directory
        job = partial(jobs.ask_bill, self._context, local_id, connection, folder)
        self._workers.submit(reporting(self._mailbox, job, BillAsked(local_id)))

    def _bill_asked(self, asked: BillAsked) -> None:
        self._schedule.breaker.ended(self._clock(), self.pacing, answered=asked.answered)
        task = self.records.get(asked.local_id)
        self._bills.ended(asked.local_id, is_known=task is None or bool(task.billing_transaction_id))

    def _job_done(self, done: JobDone) -> None:
        activity = self._activities.get(done.local_id)
        task = self.records.get(done.local_id)
        if activity is None:
            return
        activity.in_flight = False
        if activity.is_asking:
            self._schedule.breaker.ended(self._clock(), self.pacing, answered=done.answered)
        if done.wants_preview:
            self._previews.want(done.local_id)
        if done.is_unbilled:
            self._bills.expect(done.local_id, self._clock(), self.pacing.billing)
        if done.is_followed:
            self._following.follow(done.local_id)
            return
        activity.failures = activity.failures + 1 if done.failed else 0
        if task is None:
            return
        if done.failed:
            if self._give_up(task, activity.failures):
                return
            delay = back_off(self.pacing, failures=activity.failures, retry_after=done.retry_after)
        else:
            delay = self._pause(task)
        self._plan(done.local_id, delay)

    def _pause(self, task: Task) -> float:
        """Return the seconds until the next job of a task, when nothing went wrong with the last one."""
        if task.state in (TaskState.DOWNLOADING, TaskState.CONVERTING, TaskState.QUEUED):
            return 0.0
        if task.is_stand_in:
            return POLL_SECONDS
        age = time.time() - (task.submitted_at or task.created_at)
        running = count_polled(map(self.records.get, self._activities))
        return poll_delay(self.pacing, age=age, running=running)

    def _give_up(self, task: Task, failures: int) -> bool:
        """End what failed too often in a row; the user can try again."""
        changes = final_changes(task, failures, self.pacing)
        if changes is None:
            return False
        self.records.change(task.local_id, **changes)
        if task.state is TaskState.DOWNLOADING:
            del self._activities[task.local_id]
        return True
