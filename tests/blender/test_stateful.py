# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any sequence of what users, files, Blender and the service do: nothing is lost, nothing is paid for twice.

`TOKENLAB_SEQUENCES=3000` in the environment makes a long run of it, `TOKENLAB_SHRINK=1` looks for the shortest sequence
that fails.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import bpy
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.blender.stateful_world import UNSENT, World
from tests.blender.support import pump
from tests.blender.test_files_and_history import undo
from tests.simulator.process import SimulatorProcess

SEQUENCES = int(os.environ.get("TOKENLAB_SEQUENCES", "150"))
STEPS = 12
MAX_TASKS = 6
PHASES = tuple(Phase) if "TOKENLAB_SHRINK" in os.environ else (Phase.explicit, Phase.reuse, Phase.generate)
FAULTS = (
    "create-reset-after-body",
    "create-500",
    "create-429",
    "poll-500-once",
    "task-fails",
    "asset-403-once",
)


@dataclass
class Stage:
    """What a machine needs of the fixtures; hypothesis makes the machines itself, without arguments."""

    extension: ModuleType
    simulator: SimulatorProcess
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    sequences: int = 0
    steps: int = 0
    seen: set[str] = field(default_factory=set)
    """Every state that a task was in after a step, and what else happened."""


STAGE: list[Stage] = []
"""The one that the running test has set."""


@pytest.fixture
def stage(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    # By environment, since disabling the extension takes its preferences away.
    monkeypatch.setenv("TOKENLAB_API_KEY", simulator.key)
    monkeypatch.setenv("TOKENLAB_API_BASE", simulator.url)
    STAGE.append(Stage(extension, simulator, tmp_path, monkeypatch))
    yield STAGE[-1]
    STAGE.pop()


NUMBER = st.integers(min_value=0, max_value=5)
FAULT = st.sampled_from(("", *FAULTS))
THEN = ("nothing", "sent", "finished")


class Machine(RuleBasedStateMachine):
    """The rules are what may happen; `World` does it and checks."""

    def __init__(self) -> None:
        super().__init__()
        stage = STAGE[-1]
        stage.sequences += 1
        folder = stage.folder / str(stage.sequences)
        folder.mkdir()
        stage.monkeypatch.setenv("TOKENLAB_DATA_DIR", str(folder / "data"))
        self.world = World(stage.extension, stage.simulator, folder)
        self.world.open()
        # Rules depend on nothing that threads have a hand in, or hypothesis could not run a sequence again.
        self.requests = 0

    def teardown(self) -> None:
        try:
            self.world.settle()
        finally:
            self.world.close()
            shutil.rmtree(self.world.folder, ignore_errors=True)

    def with_task(self, number: int, action: Callable[[str], object], *states: str) -> None:
        """Do something with a task in one of these states (in any, if none is named), if there is one."""
        found = [local_id for local_id, state in self.world.states().items() if not states or state in states]
        if found:
            action(found[number % len(found)])

    # The service

    @initialize(seconds=st.sampled_from((0.0, 0.05, 1000.0)), fault=FAULT, then=st.sampled_from(("", *THEN)))
    def begin(self, seconds: float, fault: str, then: str) -> None:
        """Most sequences begin with a task, or there would be little to go wrong."""
        self.change_pace(seconds)
        self.answer_otherwise(fault)
        if then:
            self.generate(then)

    @rule(fault=FAULT)
    def answer_otherwise(self, fault: str) -> None:
        self.world.simulator.configure(faults=[fault] if fault else [])

    @rule(seconds=st.sampled_from((0.0, 0.1, 1000.0)))
    def change_pace(self, seconds: float) -> None:
        self.world.simulator.configure(seconds=seconds)

    @rule()
    def complete(self) -> None:
        self.world.complete()

    # Time

    @rule(times=st.integers(min_value=1, max_value=4))
    def tick(self, times: int) -> None:
        self.world.tick(times)

    @rule()
    def compare(self) -> None:
        self.world.check_mirrors()

    @rule()
    def finish(self) -> None:
        self.world.finish()
        self.world.check_mirrors()

    # Tasks

    @precondition(lambda self: self.requests < MAX_TASKS)
    @rule(then=st.sampled_from(THEN))
    def generate(self, then: str) -> None:
        world = self.world
        self.requests += 1
        local_id = world.generate(f"model {self.requests}", confirm=False)
        if then == "sent":
            world.tick_until(lambda: world.states()[local_id] not in UNSENT)
        elif then == "finished":
            world.finish()

    @precondition(lambda self: self.requests < MAX_TASKS)
    @rule()
    def generate_and_import(self) -> None:
        self.generate("finished")

    @precondition(lambda self: 0 < self.requests < MAX_TASKS)
    @rule(number=NUMBER, confirm=st.booleans())
    def generate_the_same(self, number: int, confirm: bool) -> None:
        self.requests += 1
        prompts = sorted(self.world.asked)
        self.world.generate(prompts[number % len(prompts)], confirm=confirm)

    @rule(number=NUMBER)
    def remove(self, number: int) -> None:
        self.with_task(number, self.world.remove)

    @rule(number=NUMBER)
    def stop_waiting(self, number: int) -> None:
        self.with_task(number, self.world.stop_waiting, "PENDING", "PROCESSING", "DOWNLOADING")

    @rule(number=NUMBER)
    def resume(self, number: int) -> None:
        self.with_task(number, self.world.resume)

    @rule(number=NUMBER)
    def resume_what_waits(self, number: int) -> None:
        self.with_task(number, self.world.resume, "STOPPED", "QUEUED")

    @rule(number=NUMBER, here=st.booleans())
    def import_model(self, number: int, here: bool) -> None:
        self.with_task(number, lambda local_id: self.world.import_model(local_id, here=here), "READY", "IMPORTED")

    @rule(number=NUMBER)
    def attach(self, number: int) -> None:
        self.with_task(number, self.world.attach, "UNCERTAIN")

    @rule(number=NUMBER)
    def submit_again(self, number: int) -> None:
        self.with_task(number, self.world.submit_again, "UNCERTAIN")

    # Scenes and history

    @rule()
    def move_object(self) -> None:
        self.world.move_object()

    @rule(times=st.integers(min_value=1, max_value=3))
    def undo(self, times: int) -> None:
        for _ in range(times):
            self.world.travel("undo")

    @rule(times=st.integers(min_value=1, max_value=3))
    def redo(self, times: int) -> None:
        for _ in range(times):
            self.world.travel("redo")

    @precondition(lambda self: self.requests < MAX_TASKS)
    @rule(back=st.booleans())
    def take_back_an_import(self, back: bool) -> None:
        self.generate("finished")
        self.world.travel("undo")
        if back:
            self.world.travel("redo")

    @rule(kind=st.sampled_from(("copy", "EMPTY", "LINK_COPY", "FULL_COPY", "NEW")))
    def copy_scene(self, kind: str) -> None:
        self.world.copy_scene(kind)

    @rule(number=NUMBER)
    def delete_scene(self, number: int) -> None:
        self.world.delete_scene(number)

    @rule(number=NUMBER)
    def switch_scene(self, number: int) -> None:
        self.world.switch_scene(number)

    # Files and sessions

    @rule()
    def save(self) -> None:
        self.world.save()

    @precondition(lambda self: self.world.saved)
    @rule()
    def reload(self) -> None:
        self.world.read(self.world.saved)

    @rule()
    def new_file(self) -> None:
        self.world.read(None)

    @rule()
    def disable_and_enable(self) -> None:
        self.world.toggle()

    @rule(with_file=st.booleans())
    def restart(self, with_file: bool) -> None:
        self.world.restart(self.world.saved if with_file else None)

    # What must hold

    @invariant()
    def holds(self) -> None:
        self.world.check()
        STAGE[-1].steps += 1
        STAGE[-1].seen.update(self.world.states().values(), self.world.happened)


def test_no_sequence_of_events_loses_a_task_or_pays_for_it_twice(stage: Stage) -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="CI" in os.environ,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{stage.sequences} sequences, {stage.steps} steps; states seen: {sorted(stage.seen)}")


def test_a_model_whose_scene_was_deleted_waits_without_the_timer_and_comes_when_the_scene_is_back(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    simulator.configure(seconds=1000.0)
    first = bpy.context.scene
    bpy.data.scenes.new("Second")
    task = extension.generate("a cube", scene=first)
    pump(extension, lambda: task.task_id)
    bpy.ops.ed.undo_push(message="Before")
    bpy.data.scenes.remove(bpy.data.scenes["Scene"])
    bpy.ops.ed.undo_push(message="Delete Scene")
    simulator.steer(task.task_id, seconds=0.0)
    pump(extension, lambda: task.state == "READY")
    tick = extension.core.blender.tick
    pump(extension, lambda: tick.tick() is None)
    tick.stop()
    with pytest.raises(extension.TokenLabError, match="ready, but not imported"):
        task.wait(timeout=60)
    undo()
    assert bpy.app.timers.is_registered(tick.tick)
    assert task.wait(timeout=60)
    assert len(simulator.creates()) == 1


def test_a_scene_that_was_deleted_in_the_same_moment_as_another_was_made_is_noticed(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    simulator.configure(faults=["task-fails"])
    task = extension.generate("a cube")
    pump(extension, lambda: task.state == "FAILED")
    rows, tick = bpy.context.window_manager.tokenlab.tasks, extension.core.blender.tick
    tick.tick()
    assert [row.scene_name for row in rows] == ["Scene"]
    bpy.data.scenes.new("Second")
    bpy.data.scenes.remove(bpy.data.scenes["Scene"])
    tick.tick()
    assert len(rows) == 0, "a failed task of a scene that is gone concerns nobody"
    bpy.context.scene.name = "Third"
    task = extension.generate("a vase")
    bpy.context.scene.name = "Fourth"
    tick.tick()
    assert [row.scene_name for row in rows] == ["Fourth"]
