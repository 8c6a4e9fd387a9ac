# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fault is, where it may act, and the set that is active. bpy is not allowed here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..journal import Exchange
from ..tasks import Plan, Task

if TYPE_CHECKING:
    from ..service import Service


class Stage(Enum):
    """The places where the simulator asks the active faults. The first answer that a fault gives is sent."""

    CREATE_HEAD = "a create, before its body is read"
    ANY_API = "any API request, before anything is done with it"
    CREATE = "a valid create, before there is a task"
    CREATED = "a create, after there is a task"
    STATUS = "a status call of a known task"
    MODELS = "a call for models or prices"
    ASSET = "a download with a valid address"
    PICTURE = "a look at the picture behind an image URL"
    TASK_BODY = "the body of a create or status answer"
    CREATE_BODY = "the body of a create answer"
    STATUS_BODY = "the body of a status answer"
    MODELS_BODY = "the body of an answer about models"
    LATE = "any API answer, when it is ready to go out"


@dataclass(frozen=True)
class Moment:
    """What a fault may look at when it is asked."""

    service: Service
    exchange: Exchange
    task: Task | None = None
    asset: Path | None = None

    @property
    def request(self) -> web.Request:
        return self.exchange.request

    @property
    def the_task(self) -> Task:
        if self.task is None:
            raise RuntimeError("this fault acts where there is a task")
        return self.task

    @property
    def the_asset(self) -> Path:
        if self.asset is None:
            raise RuntimeError("this fault acts where there is a file")
        return self.asset

    def withhold(self) -> None:
        self.exchange.withheld = True


Body = dict[str, Any]
AnswerHook = Callable[[Moment], Awaitable[web.StreamResponse | None]]
ShapeHook = Callable[[Moment, Body], Body]
PlanHook = Callable[[Plan], None]


@dataclass
class Fault:
    name: str
    description: str
    # How often it answers before the service is well again; None is for ever.
    times: int | None = None
    answers: dict[Stage, AnswerHook] = field(default_factory=dict)
    shapes: dict[Stage, ShapeHook] = field(default_factory=dict)
    plan: PlanHook | None = None


FAULTS: dict[str, Fault] = {}


class UnknownFaultError(ValueError):
    """The name is not in the registry."""


def define(name: str, description: str, *, times: int | None = None) -> Fault:
    if name in FAULTS:
        raise ValueError(f"two faults are named {name}")
    FAULTS[name] = Fault(name, description, times)
    return FAULTS[name]


def define_answer(name: str, description: str, stage: Stage, hook: AnswerHook, *, times: int | None = None) -> None:
    define(name, description, times=times).answers[stage] = hook


def define_shape(name: str, description: str, stage: Stage, hook: ShapeHook) -> None:
    define(name, description).shapes[stage] = hook


def define_plan(name: str, description: str, hook: PlanHook) -> None:
    define(name, description).plan = hook


class ActiveFaults:
    """The faults that are switched on, by name or as `name:count` (act that many times, then be well)."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = tuple(names)
        self._faults = [_parse(name) for name in self.names]
        self._uses: Counter[str] = Counter()

    async def answer(self, stage: Stage, moment: Moment) -> web.StreamResponse | None:
        for fault, times in self._faults:
            hook = fault.answers.get(stage)
            if hook is None or (times is not None and self._uses[fault.name] >= times):
                continue
            self._uses[fault.name] += 1
            # Before the hook, because an answer may begin inside it.
            was_faulted, moment.exchange.faulted = moment.exchange.faulted, True
            reply = await hook(moment)
            if reply is not None:
                return reply
            moment.exchange.faulted = was_faulted
        return None

    def shape(self, stage: Stage, moment: Moment, body: Body) -> Body:
        for fault, times in self._faults:
            hook = fault.shapes.get(stage)
            if hook is None or (times is not None and self._uses[fault.name] >= times):
                continue
            self._uses[fault.name] += 1
            moment.exchange.faulted = True
            body = hook(moment, body)
        return body

    def plan(self) -> Plan:
        plan = Plan()
        for fault, _ in self._faults:
            if fault.plan is not None:
                fault.plan(plan)
        return plan


def check_names(names: Sequence[str]) -> None:
    for name in names:
        _parse(name)


def _parse(text: str) -> tuple[Fault, int | None]:
    name, colon, count = text.partition(":")
    fault = FAULTS.get(name)
    if fault is None:
        raise UnknownFaultError(f"unknown fault {name!r}; known are: {', '.join(sorted(FAULTS))}")
    if not colon:
        return fault, fault.times
    if not count.isdecimal():
        raise UnknownFaultError(f"{text!r}: after the colon comes how many times the fault acts")
    return fault, int(count)
