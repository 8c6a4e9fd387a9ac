# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One Blender process of the campaign `kills`; bpy is needed.

`install ZIP` fills the profile, `drive PLAN` works like a user, `settle PLAN` opens what was last saved and goes on
until nothing moves any more. The plan is JSON (`kills_round`); Blender's and the extension's folders are in the
environment.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import bpy

from tests.blender.support import MODULE, REPOSITORY, new_session
from tests.campaigns.kill_points import Hit, Kill, arm

RESTING = frozenset({"IMPORTED", "READY", "FAILED", "UNCERTAIN", "QUEUED", "STOPPED", "LOST"})
"""Where a task stays until the user does something."""


class Blender:
    """The process's own Blender with the enabled extension, polling fast."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.random = random.Random(plan["seed"])  # noqa: S311  # no secret
        self.blend = Path(plan["blend"])
        bpy.ops.preferences.addon_enable(module=MODULE)
        self.tokenlab: Any = importlib.import_module(MODULE)
        # The context first: the handlers that the points hang on come after the extension's.
        self.hit: Hit = arm(self.tokenlab, Kill(plan["point"], plan["count"]))
        if plan["prepares"]:
            self.prepare_models()
        new_session(self.tokenlab)
        print("ready", flush=True)

    def prepare_models(self) -> None:
        """Do as a Blender with a window does: have every model prepared by a second one."""
        core = self.tokenlab.core
        core.blender.second_blender._CRASHING = frozenset(item.name for item in core.files.formats.ModelFormat)

    @property
    def session(self) -> Any:
        return self.tokenlab.core.blender.session.current()

    def pump(self, until: Any, limit: float) -> bool:
        """Call the tick until something holds; return whether it did in time."""
        end = time.monotonic() + limit
        while not until():
            if time.monotonic() > end:
                return False
            self.tokenlab.core.blender.tick.tick()
            time.sleep(0.005)
        return True

    def rests(self) -> bool:
        """Whether every task waits for the user, and nothing for the tick."""
        session = self.session
        tasks = self.tokenlab.tasks()
        return (
            session.is_restored
            and not session.engine.is_busy
            and not session.imports.has_awaited
            and all(task.state in RESTING for task in tasks)
        )

    def save(self) -> None:
        self.hit("save: before")
        bpy.ops.wm.save_as_mainfile(filepath=str(self.blend))

    def submit(self, prompt: str) -> Any:
        """Ask for a model, having noted for the judges that it was asked for."""
        with Path(self.plan["asked"]).open("ab", buffering=0) as file:
            file.write(f"{prompt}\n".encode())
        return self.tokenlab.generate(prompt)

    def history(self, step: str) -> None:
        """Undo or redo, as far as there is something to."""
        self.hit(f"{step}: before")
        assert bpy.context.window is not None, "it would be refused"
        operator: Any = getattr(bpy.ops.ed, step)
        if operator.poll():
            operator()
        self.hit(f"{step}: after")

    def edit(self) -> None:
        bpy.ops.object.empty_add()
        bpy.ops.ed.undo_push(message="Add Empty")

    def has_scene_of(self, task: Any) -> bool:
        """Whether a task belongs to the open file; the model of another one waits until its own is opened."""
        record = self.session.engine.records.get(task.local_id)
        return record is not None and self.tokenlab.core.blender.store.find_scene(record.scene_id) is not None

    def report(self, is_settled: bool) -> None:
        """Write what this process sees, as JSON."""
        collections = Counter(
            item["tokenlab_local_id"] for item in bpy.data.collections if item.get("tokenlab_local_id") is not None
        )
        session = self.session
        tasks = [
            {
                "local_id": task.local_id,
                "title": task.title,
                "state": task.state,
                "task_id": task.task_id,
                "error": task.error,
                "models": collections.pop(task.local_id, 0),
                "meshes": sum(item.type == "MESH" for item in task.objects),
                "wanted": getattr(session.imports.states.get(task.local_id), "value", ""),
                "is_of_this_file": self.has_scene_of(task),
            }
            for task in self.tokenlab.tasks()
        ]
        facts = {
            "settled": is_settled,
            "tasks": tasks,
            "strangers": len(collections),
            "notice": self.tokenlab.core.blender.properties.session_list().notice,
        }
        Path(self.plan["report"]).write_text(json.dumps(facts), encoding="utf-8")


def drive(blender: Blender) -> None:
    """Work like a user: generate, edit, save, undo, redo, while tasks run and afterwards."""
    chance, limit = blender.random.random, blender.plan["limit"]
    bpy.ops.ed.undo_push(message="Begin")
    if chance() < 0.7:
        blender.save()
    tasks = [blender.submit(prompt) for prompt in blender.plan["prompts"]]
    blender.edit()
    blender.pump(lambda: any(task.task_id for task in tasks) or blender.rests(), limit)
    if chance() < 0.6:
        blender.save()
    # Every round that is to die in the history gets there.
    if chance() < 0.5 or blender.plan["point"].startswith(("undo", "redo")):
        blender.edit()
        blender.history("undo")
        blender.history("redo")
    is_settled = blender.pump(blender.rests, limit)
    for step in blender.random.choice((("undo",), ("undo", "redo"), ("undo", "undo", "redo", "redo"), ())):
        blender.history(step)
        blender.pump(blender.rests, limit)
    blender.save()
    blender.report(is_settled)


def settle(blender: Blender) -> None:
    """Open what was last saved, and go on until everything rests; then do what only a user can do."""
    chance, limit = blender.random.random, blender.plan["limit"]
    if blender.blend.is_file():
        blender.hit("open file: before")
        bpy.ops.wm.open_mainfile(filepath=str(blender.blend))
        blender.hit("open file: after")
    is_settled = blender.pump(blender.rests, limit)
    is_settled = _as_a_user(blender, chance() < 0.5, chance() < 0.5) and is_settled
    if chance() < 0.3:
        blender.history("undo")
        blender.pump(blender.rests, limit)
        blender.history("redo")
        is_settled = blender.pump(blender.rests, limit) and is_settled
    blender.save()
    blender.report(is_settled)


def _as_a_user(blender: Blender, sends: bool, imports: bool) -> bool:
    """Send what was never sent, and import what waits for its own file, which may never have been saved."""
    for task in blender.tokenlab.tasks():
        if sends and task.state == "QUEUED":
            blender.session.resume(task.local_id)
    is_settled = blender.pump(blender.rests, blender.plan["limit"])
    for task in blender.tokenlab.tasks():
        if imports and task.state == "READY" and not task.objects:
            blender.session.import_now(task.local_id, bpy.context.scene)
    return blender.pump(blender.rests, blender.plan["limit"]) and is_settled


def install(package: str) -> None:
    """Fill the profile that all rounds share."""
    bpy.ops.extensions.package_install_files(filepath=package, repo=REPOSITORY, enable_on_install=True)
    print(f"Blender {bpy.app.version_string}")
    bpy.ops.preferences.addon_disable(module=MODULE)


def main() -> None:
    mode, argument = sys.argv[1:]
    if mode == "install":
        install(argument)
        return
    blender = Blender(json.loads(argument))
    {"drive": drive, "settle": settle}[mode](blender)
    bpy.ops.preferences.addon_disable(module=MODULE)
    # What comes after is Python's and Blender's own end, which other tests look at.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
