# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other Blenders work on: shown here while they live, gone on with when they are gone, for little of our time.

The other one is a journal of its own with the same file, whose process number nobody can ask for.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.support import new_session, pump
from tests.blender.test_travelling_files import let_the_timer_run
from tests.simulator.process import SimulatorProcess

OWNER = "elsewhere/1/x"


class Other:
    """Another Blender with the journal of a session."""

    def __init__(self, extension: ModuleType, session: Any) -> None:
        self._tasks = extension.core.tasks
        self._request = extension.core.service.contract.GenerationRequest
        self.journal = self._tasks.journal.Journal(session.engine.settings.data_directory)
        self.journal.owner = OWNER

    def works_on(self, scene_id: str, prompt: str = "a vase", state: str = "PROCESSING") -> Any:
        """Return a task that it has sent."""
        task = self._tasks.task.new_task(self._request(prompt=prompt), scene_id)
        return self.save(replace(task, state=self._tasks.task.TaskState[state], task_id="ldtask_other", revision=5))

    def save(self, task: Any) -> Any:
        assert self.journal.save(task).result(20)
        return task


@pytest.fixture
def other(extension: ModuleType, session: Any) -> Iterator[Other]:
    blender = Other(extension, session)
    yield blender
    assert blender.journal.stop(20)


def scene_id(extension: ModuleType) -> str:
    """Return the id of the open scene."""
    bpy.context.scene["tokenlab_tasks"] = {}  # A scene keeps its id only with tasks.
    return str(extension.core.blender.store.scene_id(bpy.context.scene))


def read_journal(extension: ModuleType, session: Any) -> None:
    """As when the file was just opened."""
    session.restore()
    pump(extension, lambda: session.is_restored and not session.engine._questions)


def later(session: Any, seconds: float) -> None:
    """Have the clock of the engine go on; the tick does what is due then."""
    moved = session.engine._clock() + seconds
    began = time.monotonic()
    session.engine._clock = lambda: moved + time.monotonic() - began


def look_again(extension: ModuleType, session: Any) -> None:
    """Let the tick look at the journal for what is followed, and take in what came of it."""
    later(session, 2.1)
    let_the_timer_run(extension, 1)
    pump(extension, lambda: not session.engine._questions)
    let_the_timer_run(extension, 1)


def rows() -> dict[str, Any]:
    return {row.local_id: row for row in bpy.context.window_manager.tokenlab.tasks}


def hold(session: Any, owner: str, seconds: float) -> None:
    """Have every row of the journal be somebody's for so long."""
    file = session.engine.settings.data_directory / "journal.sqlite3"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE tasks SET owner = ?, lease_until = ?", (owner, time.time() + seconds))


# ---- tasks of this file


def test_what_another_blender_makes_of_a_task_of_this_file_is_shown(
    extension: ModuleType, session: Any, other: Other
) -> None:
    task = other.works_on(scene_id(extension))
    read_journal(extension, session)
    assert rows()[task.local_id].state == "PROCESSING"
    other.save(replace(task, progress=40, revision=6))
    look_again(extension, session)
    assert rows()[task.local_id].progress == 40
    other.save(replace(task, error="It was refused.", state=type(task.state).FAILED, revision=7))
    look_again(extension, session)
    assert rows()[task.local_id].state == "FAILED"
    assert '"FAILED"' in bpy.context.scene["tokenlab_tasks"][task.local_id]
    let_the_timer_run(extension, 2)
    assert extension.core.blender.tick.tick() is None


def test_a_look_at_one_followed_task_writes_no_line_of_the_others(
    extension: ModuleType, session: Any, other: Other
) -> None:
    done, followed = other.works_on(scene_id(extension), state="FAILED"), other.works_on(scene_id(extension))
    read_journal(extension, session)
    rows()[done.local_id].prompt = "whatever somebody wrote there"
    other.save(replace(followed, progress=40, revision=6))
    look_again(extension, session)
    assert rows()[followed.local_id].progress == 40
    assert rows()[done.local_id].prompt == "whatever somebody wrote there"


def test_a_journal_that_says_nothing_new_has_nothing_written(extension: ModuleType, session: Any, other: Other) -> None:
    done = other.works_on(scene_id(extension), state="FAILED")
    read_journal(extension, session)
    rows()[done.local_id].prompt = "whatever somebody wrote there"
    session.engine.load_journal()
    while session.engine._questions:
        let_the_timer_run(extension, 1)
    assert rows()[done.local_id].prompt == "whatever somebody wrote there"


def test_a_followed_task_that_its_owner_removes_is_gone_here_too(
    extension: ModuleType, session: Any, other: Other
) -> None:
    task = other.works_on(scene_id(extension))
    read_journal(extension, session)
    assert task.local_id in rows() and task.local_id in bpy.context.scene["tokenlab_tasks"]
    other.save(replace(task, removed=True, revision=6))
    look_again(extension, session)
    assert rows() == {}
    assert task.local_id not in bpy.context.scene["tokenlab_tasks"]


# ---- tasks of files that are not open


@pytest.fixture
def left(
    extension: ModuleType, session: Any, simulator: SimulatorProcess, generate: Callable[..., Any]
) -> tuple[Any, str, str]:
    """A session, with a running task that somebody left: of an unsaved file, whose Blender was ended a moment ago."""
    task = generate("a cube")
    local_id, task_id = task.local_id, task.task_id
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    extension.core.blender.session.stop()
    hold(session, OWNER, 20.0)
    session = new_session(extension)
    pump(extension, lambda: session.is_restored)
    return session, local_id, task_id


def test_a_paid_task_of_a_blender_that_crashed_a_moment_ago_is_gone_on_with(
    extension: ModuleType, simulator: SimulatorProcess, left: tuple[Any, str, str]
) -> None:
    session, local_id, task_id = left
    let_the_timer_run(extension)
    assert (rows(), extension.tasks()) == ({}, []), "its owner may still live"
    assert extension.core.blender.tick.tick() is not None
    hold(session, OWNER, -1.0)
    later(session, 36.0)
    pump(extension, lambda: local_id in rows())
    assert bpy.context.window_manager.tokenlab.tasks_elsewhere == 1
    simulator.steer(task_id, seconds=0.0)
    pump(extension, lambda: rows()[local_id].state == "READY")
    assert len(simulator.creates()) == 1


def test_a_task_whose_owner_lives_is_looked_at_again_and_again_and_left_alone(
    extension: ModuleType, simulator: SimulatorProcess, left: tuple[Any, str, str]
) -> None:
    session, local_id, _ = left
    polls = simulator.creates()[0]["polls"]
    for _ in range(3):
        hold(session, OWNER, 20.0)
        later(session, 36.0)
        let_the_timer_run(extension, 1)
        pump(extension, lambda: not session.engine._questions)
        assert rows() == {}
    assert extension.core.blender.tick.tick() is not None
    assert simulator.creates()[0]["polls"] == polls
    hold(session, OWNER, -1.0)
    later(session, 36.0)
    pump(extension, lambda: local_id in rows())


def test_a_task_that_its_owner_has_ended_is_looked_at_no_more(
    extension: ModuleType, session: Any, other: Other
) -> None:
    task = other.works_on("scene-of-another-file")
    read_journal(extension, session)
    assert extension.core.blender.tick.tick() is not None
    other.save(replace(task, state=type(task.state).READY, revision=6))
    later(session, 36.0)
    let_the_timer_run(extension, 1)
    pump(extension, lambda: not session.engine._questions)
    let_the_timer_run(extension, 2)
    assert extension.core.blender.tick.tick() is None
    assert rows() == {}, "it comes into the file that it was made for"


def test_another_data_folder_does_not_wait_for_what_others_do(
    extension: ModuleType, session: Any, other: Other
) -> None:
    other.works_on("scene-of-another-file")
    read_journal(extension, session)
    let_the_timer_run(extension)
    assert session.engine.is_busy and not session.engine.has_tasks
