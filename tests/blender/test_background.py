# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Blender in the background that opens and renders files: it leaves the tasks alone until a script asks for them."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.support import pump
from tests.blender.test_files_and_history import collections_of, undo
from tests.blender.test_travelling_files import let_the_timer_run, new_file, open_file, save, take
from tests.simulator.process import SimulatorProcess


@pytest.fixture
def left(extension: ModuleType, session: Any, simulator: SimulatorProcess, tmp_path: Path) -> tuple[Any, Path, Path]:
    """A running task, its file and the journal, and a Blender that has just been started."""
    simulator.configure(seconds=1000.0)
    task, blend = extension.generate("a cube"), tmp_path / "original.blend"
    pump(extension, lambda: task.task_id)
    save(blend)
    journal = session.engine.settings.data_directory / "journal.sqlite3"
    new_file()
    extension.core.blender.session.stop()
    extension.core.blender.tick.stop()
    extension.core.blender.session.start(extension.core.blender.tick.ensure_running)
    return task, blend, journal


def owners(journal: Path) -> list[str]:
    """Who works on the tasks, read without our code."""
    with closing(sqlite3.connect(journal)) as connection:
        return [owner for (owner,) in connection.execute("SELECT owner FROM tasks")]


def journal_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "tokenlab-journal"]


def copies() -> dict[str, Any]:
    """What the scenes say of tasks."""
    return {
        scene.name: (scene.get("tokenlab_scene_id"), scene["tokenlab_tasks"].to_dict())
        for scene in bpy.data.scenes
        if "tokenlab_tasks" in scene
    }


def test_a_file_that_is_opened_changed_and_saved_in_the_background_takes_no_task_from_anybody(
    extension: ModuleType, simulator: SimulatorProcess, left: tuple[Any, Path, Path], tmp_path: Path
) -> None:
    _, blend, journal = left
    assert owners(journal) == [""]
    open_file(blend)
    before = copies()
    assert len(before) == 1
    bpy.ops.ed.undo_push(message="One")
    bpy.ops.object.empty_add()
    bpy.ops.ed.undo_push(message="Two")
    undo()
    save(tmp_path / "rendered.blend")
    extension.core.blender.handlers._begin()
    assert owners(journal) == [""] and journal_threads() == []
    assert not bpy.app.timers.is_registered(extension.core.blender.tick.tick)
    open_file(tmp_path / "rendered.blend")
    assert copies() == before


def test_a_script_in_the_background_that_asks_for_tasks_has_those_of_the_open_file(
    extension: ModuleType, simulator: SimulatorProcess, left: tuple[Any, Path, Path]
) -> None:
    task, blend, journal = left
    open_file(blend)
    (resumed,) = extension.resume_all()
    assert resumed.local_id == task.local_id
    assert owners(journal) != [""]
    simulator.steer(task.task_id, seconds=0.0)
    assert resumed.wait(timeout=60)
    assert len(collections_of(task)) == 1
    assert len(simulator.creates()) == 1


def test_once_a_script_has_asked_a_file_that_is_opened_later_is_taken_up_as_well(
    extension: ModuleType, simulator: SimulatorProcess, left: tuple[Any, Path, Path]
) -> None:
    task, blend, _ = left
    # It goes on though its file is not open, and its model waits for that.
    assert [found.local_id for found in extension.tasks()] == [task.local_id]
    simulator.steer(task.task_id, seconds=0.0)
    pump(extension, lambda: task.state == "READY")
    assert collections_of(task) == []
    open_file(blend)
    pump(extension, lambda: task.state == "IMPORTED")
    assert len(collections_of(task)) == 1


def test_a_scene_appended_before_a_script_asks_has_no_part_in_its_tasks(
    extension: ModuleType, simulator: SimulatorProcess, left: tuple[Any, Path, Path]
) -> None:
    task, blend, _ = left
    new_file()
    bpy.context.scene.name = "Mine"
    taken = take(blend, "scenes", "Scene", link=False).name
    extension.resume_all()
    let_the_timer_run(extension)
    assert "tokenlab_tasks" not in bpy.data.scenes[taken]
    simulator.steer(task.task_id, seconds=0.0)
    pump(extension, lambda: task.state == "READY")
    let_the_timer_run(extension)
    assert collections_of(task) == [], "the model belongs into the original"
