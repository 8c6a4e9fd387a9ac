# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The named steps at which the campaign `kills` ends a Blender. bpy only in `arm`, which the killed process calls.

Nothing in the extension knows of them: its functions are wrapped from outside, after it was enabled. A point is reached
on whatever thread comes by; the process then ends itself with SIGKILL, so that nothing after that point happens.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import types
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

RANDOM: Final = "a random moment"
DRIVE_POINTS: Final = {
    "QUEUED committed: before": 1,
    "QUEUED committed: after": 1,
    "SUBMITTING committed: before": 1,
    "SUBMITTING committed: after": 1,
    "create request: connected, no byte sent": 1,
    "create request: head sent": 1,
    "create request: body sent": 1,
    "create request: answer read": 1,
    "create request: answer understood": 1,
    "PENDING committed: before": 1,
    "PENDING committed: after": 1,
    "journal row: before": 6,
    "journal row: written, not committed": 6,
    "journal row: after": 6,
    "poll: before": 1,
    "poll: answer read": 2,
    "poll: answer noted": 2,
    "download: before": 1,
    "download: in the middle": 3,
    "download: resumed": 1,
    "download: whole, not renamed": 1,
    "download: renamed": 1,
    "finish: before": 1,
    "finish: model not yet named": 1,
    "finish: model named": 1,
    "finish: task.json not yet renamed": 1,
    "finish: after": 1,
    "conversion: before": 1,
    "conversion: model prepared": 1,
    "conversion: model.blend not yet there": 1,
    "conversion: model.blend there": 1,
    "conversion: after": 1,
    "preview: before": 1,
    "preview: half there": 1,
    "preview: after": 1,
    "import: before": 1,
    "import: in the middle": 1,
    "import: after": 1,
    "append: in the middle": 1,
    "scene entry: before": 8,
    "scene entry: after": 8,
    "undo: before": 1,
    "undo: after": 2,
    "redo: before": 1,
    "redo: after": 2,
    "save: before": 2,
    "save: within": 2,
    "save: after": 2,
}
"""The points of a process that works, and the highest count at which it dies there."""
RESTART_POINTS: Final = {
    "journal read: before": 1,
    "journal read: after": 1,
    "open file: before": 1,
    "open file: after": 1,
    "journal and scenes merged: before": 1,
    "journal and scenes merged: after": 1,
    "journal row: before": 2,
    "journal row: written, not committed": 2,
    "poll: answer read": 1,
    "download: in the middle": 2,
    "download: resumed": 1,
    "finish: model named": 1,
    "conversion: model prepared": 1,
    "conversion: model.blend there": 1,
    "import: in the middle": 1,
    "import: after": 1,
    "save: within": 1,
}
"""The same of a process that goes on after a kill."""

PREPARING: Final = ("conversion", "preview", "append")
"""How the points begin that only a Blender reaches which has its models prepared by a second one."""

Hit = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Kill:
    """Where a process dies: at the `count`-th passing of `point`. An empty point is never reached."""

    point: str = ""
    count: int = 1


def arm(tokenlab: Any, kill: Kill) -> Hit:
    """Wrap the functions of the enabled extension; return what the driver calls at points of its own."""
    hit = _counter(kill)
    core = tokenlab.core
    _arm_jobs(core.tasks.jobs, hit)
    _around(core.tasks.downloads, "_finish", hit, "finish: before", "finish: after")
    _arm_journal(core.tasks.journal, hit)
    _arm_engine(core.tasks.engine.Engine, hit)
    _arm_conversions(core.tasks.conversions, hit)
    _arm_import(core.blender, hit)
    _arm_renames(hit)
    _arm_history(hit)
    # The modules that import requests are loaded by the first worker, as always; here a little earlier.
    from importlib import import_module  # noqa: PLC0415

    service = core.service.__name__
    client, transport, connections, transfer = (
        import_module(f"{service}.{name}") for name in ("client", "transport", "connections", "transfer")
    )
    _arm_service(client, transport, connections, hit)
    _arm_transfer(transfer, hit)
    return hit


def _counter(kill: Kill) -> Hit:
    lock, counts = threading.Lock(), Counter[str]()

    def hit(point: str) -> None:
        if not point or point != kill.point:
            return
        with lock:
            counts[point] += 1
            if counts[point] == kill.count:
                os.kill(os.getpid(), signal.SIGKILL)

    return hit


def _wrap(owner: Any, name: str, before: Callable[..., None] | None, after: Callable[..., None] | None) -> None:
    """Call `before` and `after` around a function, with its arguments."""
    inner = getattr(owner, name)

    def wrapped(*args: Any, **options: Any) -> Any:
        if before is not None:
            before(*args, **options)
        result = inner(*args, **options)
        if after is not None:
            after(*args, **options)
        return result

    setattr(owner, name, wrapped)


def _around(owner: Any, name: str, hit: Hit, before: str, after: str) -> None:
    _wrap(
        owner,
        name,
        (lambda *_args, **_options: hit(before)) if before else None,
        (lambda *_args, **_options: hit(after)) if after else None,
    )


def _arm_jobs(jobs: Any, hit: Hit) -> None:
    def state(changes: dict[str, Any]) -> str:
        return changes["state"].value if "state" in changes else "QUEUED"

    _wrap(
        jobs,
        "_commit",
        lambda *_args, **changes: hit(f"{state(changes)} committed: before"),
        lambda *_args, **changes: hit(f"{state(changes)} committed: after"),
    )
    _around(jobs, "poll", hit, "poll: before", "")
    _around(jobs, "_take_status", hit, "poll: answer read", "poll: answer noted")


def _arm_journal(journal: Any, hit: Hit) -> None:
    class Connection(sqlite3.Connection):
        """Dies between a statement and its commit."""

        def __exit__(self, *details: Any) -> Any:
            hit("journal row: written, not committed")
            return super().__exit__(*details)

    names = {name: getattr(sqlite3, name) for name in dir(sqlite3) if not name.startswith("__")}
    journal.sqlite3 = types.SimpleNamespace(**{**names, "connect": partial(sqlite3.connect, factory=Connection)})
    _around(journal.Journal, "_carry_out", hit, "journal row: before", "journal row: after")
    _around(journal.Journal, "_load", hit, "journal read: before", "journal read: after")


def _arm_engine(engine: Any, hit: Hit) -> None:
    merged = "journal and scenes merged"
    _around(engine, "adopt", hit, f"{merged}: before", f"{merged}: after")


def _arm_service(client: Any, transport: Any, connections: Any, hit: Hit) -> None:
    creating = threading.local()
    _around(client.Client, "create", hit, "", "create request: answer understood")
    post = transport.Transport.post_once

    def post_once(*args: Any, **options: Any) -> Any:
        creating.sent = 0
        try:
            reply = post(*args, **options)
            hit("create request: answer read")
            return reply
        finally:
            creating.sent = None

    transport.Transport.post_once = post_once
    send = connections._HTTPConnection.send

    def counted_send(connection: Any, data: Any) -> None:
        # The head goes first, then the body.
        sent = getattr(creating, "sent", None)
        if sent is None:
            send(connection, data)
            return
        if sent == 0 and connection.sock is None:
            connection.connect()
        if sent == 0:
            hit("create request: connected, no byte sent")
        send(connection, data)
        creating.sent = sent + 1
        hit("create request: head sent" if sent == 0 else "create request: body sent")

    connections._HTTPConnection.send = counted_send


def _arm_transfer(transfer: Any, hit: Hit) -> None:
    _around(transfer, "download", hit, "download: before", "")
    store = transfer._store

    def stored(stream: Any, partial: Any, version: Any, at: int, progress: Callable[..., None]) -> Any:
        def noticed(done: int, total: int | None) -> None:
            progress(done, total)
            hit("download: in the middle")

        if at > 0:
            hit("download: resumed")
        return store(stream, partial, version, at, noticed)

    transfer._store = stored


def _arm_renames(hit: Hit) -> None:
    replace = os.replace

    def replaced(source: Any, target: Any, **options: Any) -> None:
        name = Path(os.fsdecode(target)).name
        before, after = {
            "original.download": ("download: whole, not renamed", "download: renamed"),
            "original.glb": ("finish: model not yet named", "finish: model named"),
            "task.json": ("finish: task.json not yet renamed", ""),
            "model.blend": ("conversion: model.blend not yet there", "conversion: model.blend there"),
            "preview.png": ("", "preview: half there"),
        }.get(name, ("", ""))
        hit(before)
        replace(source, target, **options)
        hit(after)

    os.replace = replaced  # type: ignore[assignment]  # the real one takes more types


def _arm_conversions(conversions: Any, hit: Hit) -> None:
    _around(conversions, "convert", hit, "conversion: before", "conversion: after")
    _around(conversions, "preview", hit, "preview: before", "preview: after")
    _wrap(conversions, "_put", lambda made, _path: hit(_named(made.name, "conversion: model prepared")), None)


def _named(name: str, point: str) -> str:
    return point if name == "model.blend" else ""


def _arm_import(blender: Any, hit: Hit) -> None:
    for name in ("import_model", "append_model"):
        _around(blender.importing, name, hit, "import: before", "import: after")
    _around(blender.importing, "_append", hit, "", "append: in the middle")
    _around(blender.importers, "_gather", hit, "import: in the middle", "")
    _around(blender.store, "write_entry", hit, "scene entry: before", "scene entry: after")


def _arm_history(hit: Hit) -> None:
    import bpy  # noqa: PLC0415  # the parent of the campaign has no Blender

    # After the extension's own handlers, which were registered first.
    handlers: Any = bpy.app.handlers
    for point, registered in (
        ("undo: after", handlers.undo_post),
        ("redo: after", handlers.redo_post),
        ("save: within", handlers.save_pre),
        ("save: after", handlers.save_post),
    ):
        registered.append(handlers.persistent(lambda *_args, point=point: hit(point)))
