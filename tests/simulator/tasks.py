# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of one task: its states by the clock, and the money. bpy is not allowed here.

Billing follows API notes 6: a create reserves the estimate, a completed task is charged once, a failure releases the
money, and the transaction id shows one status call after completion.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

PENDING_SHARE = 0.15
HIGHEST_RUNNING_PROGRESS = 99
TERMINAL_STATES = ("completed", "failed")


@dataclass
class Plan:
    """How the active faults want tasks to go. Read anew at every step, so that switching a fault off has an effect."""

    fails: bool = False
    error: str | dict[str, Any] = field(
        default_factory=lambda: {"code": "generation_failed", "message": "The model could not be generated."}
    )
    runs_forever: bool = False
    completes_at_once: bool = False
    # The transaction id shows after this many completed status calls; None is never.
    completed_calls_before_billing: int | None = 1
    forced_format: str | None = None
    id_prefix: str = "ldtask_"


@dataclass(frozen=True)
class Grant:
    """A signed address under which the asset host hands a file out."""

    task_id: str
    number: int
    token: str
    signature: str
    path: Path


@dataclass
class Ledger:
    """The balance of the workspace in USD."""

    recharged: Decimal = Decimal("100000")
    balance: Decimal = Decimal("100000")
    reserved: Decimal = Decimal(0)
    used: Decimal = Decimal(0)

    def reserve(self, amount: Decimal) -> None:
        self.balance -= amount
        self.reserved += amount

    def release(self, amount: Decimal) -> None:
        self.balance += amount
        self.reserved -= amount

    def charge(self, amount: Decimal) -> None:
        self.reserved -= amount
        self.used += amount


@dataclass
class Task:
    id: str
    created_by: int
    workspace: str
    model: str
    request: dict[str, Any]
    asset: Path
    asset_format: str
    price: Decimal
    started: float
    seconds: float
    state: str = "pending"
    progress: int = 0
    updated: float = 0.0
    polls: int = 0
    completed_calls: int = 0
    charged: bool = False
    released: bool = False
    billing_transaction_id: str | None = None
    error: str | dict[str, Any] | None = None
    grant: Grant | None = None
    refused_grants: set[str] = field(default_factory=set)
    steered_progress: int | None = None

    @property
    def is_terminal(self) -> bool:
        return self.state in TERMINAL_STATES

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "created_by": self.created_by,
            "model": self.model,
            "prompt": self.request.get("prompt"),
            "request": self.request,
            "state": self.state,
            "reserved": not (self.charged or self.released),
            "charged": self.charged,
            "released": self.released,
            "price_usd": str(self.price),
            "billing_transaction_id": self.billing_transaction_id,
            "polls": self.polls,
            "asset": self.asset.name,
        }


def advance(task: Task, plan: Plan, ledger: Ledger, now: float) -> None:
    """Bring the task to where the clock says it is. A terminal task stays as it is."""
    if task.is_terminal:
        return
    elapsed = now - task.started
    done = elapsed >= task.seconds and not plan.runs_forever
    if done or plan.completes_at_once:
        finish(task, "failed" if plan.fails else "completed", plan, ledger, now)
        return
    share = min(elapsed / task.seconds, 1.0) if task.seconds > 0 else 1.0
    task.state = "pending" if share < PENDING_SHARE else "processing"
    by_clock = min(int(share * 100), HIGHEST_RUNNING_PROGRESS)
    task.progress = by_clock if task.steered_progress is None else task.steered_progress
    task.updated = now


def finish(task: Task, state: str, plan: Plan, ledger: Ledger, now: float) -> None:
    task.state = state
    task.updated = now
    if state == "completed":
        task.progress = 100
        task.charged = True
        ledger.charge(task.price)
    else:
        task.error = plan.error
        task.released = True
        ledger.release(task.price)


def count_completed_call(task: Task, plan: Plan) -> None:
    """Settle one status call after completion: the first completed answer has no transaction id yet."""
    if task.state != "completed" or task.billing_transaction_id:
        return
    wanted = plan.completed_calls_before_billing
    if wanted is not None and task.completed_calls >= wanted:
        task.billing_transaction_id = f"billtxn_{secrets.token_hex(12)}"
    task.completed_calls += 1
