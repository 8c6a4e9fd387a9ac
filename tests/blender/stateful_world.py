# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user does to Blender, to its files and to the service, and what must hold after each of it.

For `test_stateful`: every method of `World` that does something also tells the model what was asked for.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy

from tests.blender.support import MODULE
from tests.simulator.process import SimulatorProcess

PATIENCE = 60.0
"""Seconds for an effect that needs other threads; most take milliseconds, but not on a machine that is busy."""
BUSY_STATUS = 429
UNSENT = frozenset({"QUEUED", "SUBMITTING"})
ENDED = frozenset({"FAILED", "UNCERTAIN", "STOPPED", "LOST"})
TASKS_KEY, SCENE_ID_KEY = "tokenlab_tasks", "tokenlab_scene_id"


class ErrorRecords(logging.Handler):
    """Keeps what the extension logs as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logging.Formatter().format(record))


@dataclass
class Known:
    """A task as the model knows it."""

    prompt: str
    scene_id: str
    removed: bool = False
    is_due: bool = True
    """Its model has to be in its scene in the end, if the scene is open and the service makes it."""
    imports: int = 1
    """How many copies of its model one open file may have."""
    was_saved: bool = False
    """A file on disk knows that its model was imported."""


@dataclass
class World:
    """One Blender with its data folder, the service, and the model of both."""

    extension: ModuleType
    simulator: SimulatorProcess
    folder: Path
    asked: Counter[str] = field(default_factory=Counter)
    """By prompt: how often the user wanted it sent."""
    given_up: Counter[str] = field(default_factory=Counter)
    """By prompt: uncertain requests that the user sent again, whatever became of the first."""
    tasks: dict[str, Known] = field(default_factory=dict)
    saved: Path | None = None
    happened: set[str] = field(default_factory=set)
    """What a test of this size should have met, beside the states of tasks."""
    errors: ErrorRecords = field(default_factory=ErrorRecords)
    _skipped: float = 0.0
    _files: int = 0

    # Begin and end

    def open(self) -> None:
        """Begin with an empty file, an empty journal and an idle service."""
        self.simulator.reset()
        self.simulator.configure(seconds=0.0, faults=[])
        logging.getLogger(MODULE).addHandler(self.errors)
        self.restart(None)

    def close(self) -> None:
        logging.getLogger(MODULE).removeHandler(self.errors)

    @property
    def session(self) -> Any:
        return self.extension.core.blender.session.current()

    @property
    def journal(self) -> Path:
        path: Path = self.session.engine.settings.data_directory / "journal.sqlite3"
        return path

    def _begin(self) -> None:
        """Have the new session poll fast, by a clock that can be put forward, and use placeholders as in a window."""
        self.extension.core.blender.placeholder_watch.is_wanted = lambda: True
        engine = self.session.engine
        engine.pacing = type(engine.pacing)(usual=0.05, slow=0.05, longest_back_off=0.2, submit_tries=3)
        engine._clock = lambda: time.monotonic() + self._skipped

    # Time

    def tick(self, times: int = 1) -> None:
        """Let the timer run, with enough time in between for whatever is planned to be due."""
        for _ in range(times):
            self._skipped += 60.0
            self.extension.core.blender.tick.tick()
            time.sleep(0.002)

    def tick_until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"it did not happen in time: {self.states()}"
            self.tick()

    def finish(self) -> None:
        """Let the service complete everything, and the timer run until nothing is left to do."""
        self.complete()
        self.tick_until(self._is_idle)

    def _is_idle(self) -> bool:
        session = self.session
        if session.is_restored and any(entry["state"] == "processing" for entry in self.simulator.creates()):
            self.complete()
        return session.is_restored and not session.engine.is_busy and not session.imports.has_awaited

    # The service

    def complete(self) -> None:
        self.simulator.configure(seconds=0.0)
        for task in self.simulator.creates():
            self.simulator.steer(task["id"], seconds=0.0)

    # Tasks

    def states(self) -> dict[str, str]:
        """As they are now: `tasks()` would first let the timer run until the journal was read."""
        session = self.session
        return {task.local_id: session.imports.seen(task).state.value for task in session.engine.records.all()}

    def generate(self, prompt: str, *, confirm: bool) -> str:
        """Ask for a model; return the local id, or "" when it was taken for an accident."""
        same = [local_id for local_id in self.states() if self.tasks[local_id].prompt == prompt]
        is_elsewhere = self._is_in_another_file(prompt)
        is_known = self._may_be_paid(prompt)
        try:
            handle = self.extension.generate(prompt, confirm_duplicate=confirm)
        except self.extension.TokenLabError as error:
            assert "same was sent" in str(error)
            assert not confirm and (same or is_elsewhere)
            return ""
        # Without a window the journal is read first, and the first one may fail meanwhile.
        is_known = is_known and self._may_be_paid(prompt, besides=handle.local_id)
        assert confirm or not is_known, "a second payment by accident"
        self.asked[prompt] += 1
        self.tasks[handle.local_id] = Known(prompt, bpy.context.scene[SCENE_ID_KEY])
        return str(handle.local_id)

    def _may_be_paid(self, prompt: str, *, besides: str = "") -> bool:
        """Whether there is a task that asks for the same, and the service has not failed it."""
        states = [state for local_id, state in self.states().items() if self._asks_for(local_id, prompt, besides)]
        return any(state != "FAILED" for state in states) or self._is_in_another_file(prompt, besides=besides)

    def _asks_for(self, local_id: str, prompt: str, besides: str) -> bool:
        return local_id != besides and self.tasks[local_id].prompt == prompt

    def _is_in_another_file(self, prompt: str, *, besides: str = "") -> bool:
        """Whether the journal has the same request of a file that is not open, which may be paid for."""
        here = {*self.states(), besides}
        rows = [row for row in self.rows() if row["local_id"] not in here and not self.tasks[row["local_id"]].removed]
        return any(row["prompt"] == prompt and row["state"] != "FAILED" for row in rows)

    def call(self, operator: str, local_id: str, **arguments: Any) -> bool:
        """Press a button; whether it did something. What it says otherwise is a report, which Python gets raised."""
        try:
            result = getattr(bpy.ops.tokenlab, operator)(local_id=local_id, **arguments)
        except RuntimeError:
            return False
        return bool(result == {"FINISHED"})

    def remove(self, local_id: str) -> None:
        if self.call("remove_task", local_id):
            self.tasks[local_id].removed = True

    def resume(self, local_id: str) -> None:
        self.call("resume", local_id)

    def stop_waiting(self, local_id: str) -> None:
        self.call("stop_waiting", local_id)

    def import_model(self, local_id: str, *, here: bool) -> None:
        known = self.tasks[local_id]
        if self.call("import_model", local_id, here=here):
            # Once by hand: one more than by itself.
            known.imports += 1

    def submit_again(self, local_id: str) -> None:
        if self.call("submit_again", local_id):
            prompt = self.tasks[local_id].prompt
            self.asked[prompt] += 1
            self.given_up[prompt] += 1

    def attach(self, local_id: str) -> None:
        """Enter the id that the dashboard shows for an uncertain task, if there is one."""
        known_ids = {row["task_id"] for row in self.rows()}
        prompt = self.tasks[local_id].prompt
        lost = [item["id"] for item in self.simulator.creates() if item["prompt"] == prompt]
        found = [task_id for task_id in lost if task_id not in known_ids]
        if found:
            self.call("attach_task", local_id, task_id=found[0])

    # Scenes and history

    def move_object(self) -> None:
        item: Any = bpy.data.objects.get("Mover")
        if item is None:
            item = bpy.data.objects.new("Mover", None)
            bpy.context.scene.collection.objects.link(item)
        item.location.x += 1.0
        bpy.ops.ed.undo_push(message="Move")

    def travel(self, name: str) -> None:
        """Undo or redo one step, if Blender can."""
        before = self.states()
        # Not within temp_override: at its end it puts back a scene that undo may have freed, and 4.2 crashes later on.
        assert bpy.context.window is not None, "undo would be refused"
        operator = getattr(bpy.ops.ed, name)
        if not operator.poll():
            return
        operator()
        if not self.session.is_restored:
            # The file is only looked at when the journal has been read, and says something else now.
            self._believe_file()
        after = self.states()
        assert set(after) == set(before), "history takes back no task"
        for local_id, state in before.items():
            if state == "IMPORTED" and after[local_id] != "IMPORTED":
                self.tasks[local_id].is_due = False
            if (state == "IMPORTED") != (after[local_id] == "IMPORTED"):
                self.happened.add(f"{name} of an import")

    def copy_scene(self, kind: Any) -> None:
        if kind == "copy":
            bpy.context.scene.copy()
        else:
            bpy.ops.scene.new(type=kind)
        if kind == "FULL_COPY":
            for local_id in _collections():
                self.tasks[local_id].imports *= 2
        bpy.ops.ed.undo_push(message="New Scene")

    def delete_scene(self, index: int) -> None:
        if len(bpy.data.scenes) > 1:
            bpy.data.scenes.remove(bpy.data.scenes[index % len(bpy.data.scenes)])
            bpy.ops.ed.undo_push(message="Delete Scene")

    def switch_scene(self, index: int) -> None:
        bpy.context.window_manager.windows[0].scene = bpy.data.scenes[index % len(bpy.data.scenes)]

    # Files and sessions

    def save(self) -> None:
        self._files += 1
        self.saved = self.folder / f"{self._files}.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(self.saved), check_existing=False)
        for local_id, state in self.states().items():
            self.tasks[local_id].was_saved |= state == "IMPORTED"

    def read(self, path: Path | None) -> None:
        """Open a file, or begin a new one."""
        if path is None:
            bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        else:
            bpy.ops.wm.open_mainfile(filepath=str(path))
        bpy.ops.ed.undo_push(message="Original")  # As Blender does in a window.
        self._believe_file()

    def toggle(self) -> None:
        """Disable the extension and enable it again."""
        bpy.ops.preferences.addon_disable(module=MODULE)
        bpy.ops.preferences.addon_enable(module=MODULE)
        self._begin()
        self._believe_file()

    def restart(self, path: Path | None) -> None:
        """End Blender and start it with a file: another session, which knows nothing but the data folder."""
        blender = self.extension.core.blender
        blender.tick.stop()
        blender.session.stop()
        blender.session.start(blender.tick.ensure_running)
        self.read(path)
        self._begin()

    def _believe_file(self) -> None:
        """From now on the file says which models are still to come by themselves."""
        awaited = set()
        for scene in bpy.data.scenes:
            for local_id, text in scene.get(TASKS_KEY, {}).items():
                if json.loads(text)["awaiting_import"]:
                    awaited.add(local_id)
        for local_id, known in self.tasks.items():
            known.is_due = local_id in awaited

    # What must hold after each step

    def rows(self) -> list[dict[str, Any]]:
        """The journal, read past the extension."""
        if not self.journal.is_file():
            return []
        connection = sqlite3.connect(self.journal, timeout=PATIENCE)
        try:
            return [json.loads(text) for (text,) in connection.execute("SELECT record FROM tasks")]
        except sqlite3.OperationalError as error:
            assert "no such table" in str(error)  # The writer has not got so far yet.
            return []
        finally:
            connection.close()

    def check(self) -> None:
        """At any moment, whatever the workers are doing."""
        # First the service, then the journal: a task must be recorded before the service can have it.
        report = self.simulator.journal()
        self._check_nothing_is_sent_unasked(report)
        self._check_nothing_paid_is_lost(report["tasks"])
        for local_id, count in _collections().items():
            assert count <= self.tasks[local_id].imports, f"imported {count} times: {local_id}"
        assert self.errors.texts == [], "\n".join(self.errors.texts)

    def _check_nothing_is_sent_unasked(self, report: dict[str, Any]) -> None:
        created = Counter(item["prompt"] for item in report["tasks"])
        # One that has no body was cut off, and the service knows nothing of it.
        posted = [item for item in report["requests"] if item["method"] == "POST" and item["body"] is not None]
        # One that has no status yet may still be told to come again later.
        answered = [item for item in posted if item["status"] is not None]
        sent = Counter(item["body"]["prompt"] for item in answered if item["status"] != BUSY_STATUS)
        for prompt in created | sent:
            assert max(created[prompt], sent[prompt]) <= self.asked[prompt], f"sent without being asked: {prompt}"

    def _check_nothing_paid_is_lost(self, created: list[dict[str, Any]]) -> None:
        rows = self.rows()
        known_ids = {row["task_id"] for row in rows}
        unknown = Counter(item["prompt"] for item in created if item["id"] not in known_ids)
        listed = Counter(row["prompt"] for row in rows if row["state"] in ("SUBMITTING", "UNCERTAIN"))
        for prompt, count in unknown.items():
            assert count <= listed[prompt] + self.given_up[prompt], f"paid and lost: {prompt}"

    def check_mirrors(self) -> None:
        """Once the timer has brought everything over: the scenes and the sidebar say what the handles say."""
        end = time.monotonic() + PATIENCE
        while True:
            self.tick()
            problem = "the journal is not read" if not self.session.is_restored else self._mirror_problem()
            if not problem:
                break
            # A worker may have been at it in between.
            assert time.monotonic() < end, problem

    def _mirror_problem(self) -> str:
        states = self.states()
        scenes = {scene[SCENE_ID_KEY]: scene for scene in bpy.data.scenes if scene.get(SCENE_ID_KEY)}
        if len(scenes) != sum(1 for scene in bpy.data.scenes if scene.get(SCENE_ID_KEY)):
            return "two scenes have the same id"
        rows = {row.local_id: row for row in bpy.context.window_manager.tokenlab.tasks}
        elsewhere = 0
        for local_id, known in self.tasks.items():
            scene = scenes.get(known.scene_id)
            problem = (
                self._elsewhere_problem(local_id, states, rows)
                if scene is None or known.removed
                else self._entry_problem(local_id, scene, states, rows)
            )
            elsewhere += local_id in rows and scene is None
            if problem:
                return f"{problem}: {local_id} {known} {states.get(local_id)}"
        if set(rows) - set(states):
            return f"the sidebar lists what is no task: {set(rows) - set(states)}"
        if bpy.context.window_manager.tokenlab.tasks_elsewhere != elsewhere:
            return "the sidebar miscounts the tasks of other files"
        return self._placeholder_problem(states, scenes)

    def _placeholder_problem(self, states: dict[str, str], scenes: dict[str, Any]) -> str:
        """What is wrong with the placeholders in the scenes of their tasks; those of other scenes are nobody's."""
        redo: Any = bpy.ops.ed.redo
        for local_id, known in self.tasks.items():
            scene = scenes.get(known.scene_id)
            marked = [item for item in scene.objects if item.get("tokenlab_placeholder") == local_id] if scene else []
            if len(marked) > 1:
                return f"{len(marked)} placeholders of one task: {local_id}"
            is_over = known.removed or states.get(local_id) in ("FAILED", "STOPPED", "LOST", "IMPORTED")
            if marked and is_over and not redo.poll():
                return f"a placeholder whose model does not come: {local_id} {known} {states.get(local_id)}"
        return ""

    def _entry_problem(self, local_id: str, scene: Any, states: dict[str, str], rows: dict[str, Any]) -> str:
        """What is wrong with a task of an open scene."""
        text = scene.get(TASKS_KEY, {}).get(local_id)
        if local_id not in states or local_id not in rows or text is None:
            return "a task is missing in the list, the sidebar or its scene"
        entry = json.loads(text)
        if (entry["state"], rows[local_id].state) != (states[local_id],) * 2:
            return f"the scene says {entry['state']}, the sidebar {rows[local_id].state}"
        if rows[local_id].scene_name != scene.name:
            return "the sidebar names another scene"
        del entry["poll_url"]
        if self.simulator.key in text or "://" in json.dumps(entry):
            return "a key or an address is in the file"
        has_model = _collections()[local_id] > 0
        if has_model != (states[local_id] == "IMPORTED") and not entry["awaiting_import"]:
            return f"the file {'has' if has_model else 'lacks'} the model"
        return ""

    def _elsewhere_problem(self, local_id: str, states: dict[str, str], rows: dict[str, Any]) -> str:
        """What is wrong with a task that was removed, or whose scene is not open."""
        known = self.tasks[local_id]
        if known.removed:
            is_in_scene = any(local_id in scene.get(TASKS_KEY, {}) for scene in bpy.data.scenes)
            return "a removed task came back" if local_id in states or local_id in rows or is_in_scene else ""
        state = states.get(local_id)
        if local_id not in rows:
            is_wanted = state not in (None, "FAILED", "LOST", "IMPORTED") and not known.was_saved
            return "the sidebar forgot a task of another file" if is_wanted else ""
        return "" if (rows[local_id].state, rows[local_id].scene_name) == (state, "") else "the sidebar is behind"

    # What must hold in the end

    def settle(self) -> None:
        """Without faults everything comes to its end, and nothing half done is left."""
        self.simulator.configure(faults=[])
        self.finish()
        self.check()
        self.check_mirrors()
        assert not [row for row in self.rows() if row["state"] == "SUBMITTING"]
        scenes = {scene.get(SCENE_ID_KEY) for scene in bpy.data.scenes}
        for local_id, state in self.states().items():
            known = self.tasks[local_id]
            allowed = {*ENDED, "QUEUED", "READY", "IMPORTED"}
            if known.scene_id in scenes and known.is_due:
                allowed.remove("READY")
            assert state in allowed, f"{local_id} {known} ended {state}"
        # What is known of a model is written beside it a little later.
        self.tick_until(lambda: not self._half_written())

    def _half_written(self) -> list[Path]:
        """Files that are not whole. What a task that nobody waits for has of its model is kept, to go on with."""
        found = list(self.journal.parent.rglob("*.part"))
        if any(known.removed for known in self.tasks.values()) or "STOPPED" in self.states().values():
            found = [path for path in found if not path.name.startswith(".original.download.")]
        return found


def _collections() -> Counter[str]:
    """How often each task's model is in the open file."""
    shown = (item for item in bpy.data.collections if item.users)  # Others are left of a deleted scene.
    return Counter(item["tokenlab_local_id"] for item in shown if item.get("tokenlab_local_id"))
