# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the simulated service, shared by its two hosts. bpy is not allowed here."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from .assets import DEFAULT_FORMAT, AssetAddresses, asset_format, choose_asset, packed
from .configuration import Configuration
from .contract import Contract
from .faults import ActiveFaults
from .journal import Exchange, Journal, body_for_journal
from .picture_host import PICTURES_PATH
from .replies import ServiceError
from .tasks import Ledger, Task, advance
from .validation import CreateRequest


@dataclass
class Service:
    key: str
    start_up: Configuration
    contract: Contract
    scratch: Path
    captures: str = ""
    base_url: str = ""
    configuration: Configuration = field(init=False)
    faults: ActiveFaults = field(init=False)
    journal: Journal = field(default_factory=Journal)
    addresses: AssetAddresses = field(default_factory=AssetAddresses)
    ledger: Ledger = field(default_factory=Ledger)
    tasks: dict[str, Task] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.configure(self.start_up)

    def configure(self, configuration: Configuration) -> None:
        self.faults = ActiveFaults(configuration.faults)
        self.configuration = configuration

    def reset(self) -> None:
        """Forget everything but how the simulator was started."""
        self.tasks.clear()
        self.journal.clear()
        self.addresses.clear()
        self.ledger = Ledger()
        self.configure(replace(self.start_up))

    def create_task(self, exchange: Exchange, wanted: CreateRequest, workspace: str) -> Task:
        price = Decimal(wanted.model.highest)
        if self.ledger.balance < price:
            raise self.insufficient_balance(price)
        plan = self.faults.plan()
        asset = self._asset_for(wanted, plan.forced_format)
        now = time.time()
        task = Task(
            id=f"{plan.id_prefix}{secrets.token_hex(16)}",
            created_by=exchange.entry.n,
            workspace=workspace,
            model=wanted.model.id,
            request=body_for_journal(exchange.raw),
            asset=asset,
            asset_format="zip" if wanted.model.delivers_zip else str(asset_format(asset)),
            price=price,
            started=now,
            updated=now,
            seconds=self.configuration.seconds,
        )
        self.ledger.reserve(price)
        self.tasks[task.id] = task
        if plan.completes_at_once:
            advance(task, plan, self.ledger, now)
        return task

    def capture(self, exchange: Exchange) -> None:
        """Keep a whole request where the search for the key looks, if somebody named a place."""
        if self.captures:
            folder = Path(self.captures)
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / f"requests-{os.getpid()}.log").open("ab") as file:
                file.write(repr(exchange.entry.as_json()).encode() + b"\n" + exchange.raw + b"\n")

    def insufficient_balance(self, price: Decimal) -> ServiceError:
        return ServiceError(
            402,
            "insufficient_balance",
            "The workspace balance does not cover the estimated cost.",
            code="insufficient_balance",
            balance_usd=float(self.ledger.balance),
            estimated_cost_usd=float(price),
            hint="Top up the workspace balance.",
            retryable=False,
        )

    def bring_up_to_date(self, task: Task) -> None:
        advance(task, self.faults.plan(), self.ledger, time.time())

    @property
    def picture_url(self) -> str:
        """A picture for who wants to send a URL. On loopback, as the service itself."""
        return f"{self.addresses.base_url}{PICTURES_PATH}picture.png"

    def report(self) -> dict[str, Any]:
        """The journal as tests read it. An abandoned task completes and is charged by the clock all the same."""
        for task in self.tasks.values():
            self.bring_up_to_date(task)
        return {
            "requests": [entry.as_json() for entry in self.journal.entries],
            "tasks": [task.as_json() for task in self.tasks.values()],
            "contract_violations": list(self.journal.contract_violations),
            "contract_checked": self.contract.is_on,
            "picture_url": self.picture_url,
        }

    def _asset_for(self, wanted: CreateRequest, forced_format: str | None) -> Path:
        directory = self.configuration.assets
        if forced_format:
            return choose_asset(directory, "", forced_format)
        default = DEFAULT_FORMAT if DEFAULT_FORMAT in wanted.model.formats else wanted.model.formats[0]
        asset = choose_asset(directory, wanted.prompt, wanted.format or default)
        return packed(asset, self.scratch) if wanted.model.delivers_zip else asset
