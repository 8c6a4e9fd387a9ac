# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that was saved while a model was on its way is opened after the model has arrived: nothing is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.tasks.task import Task, TaskState, from_text, to_scene_text
from tests.engine_rig import Blender, asset_requests, flush
from tests.simulator.process import SimulatorProcess

S = TaskState


@pytest.fixture
def blender(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Blender]:
    simulator.configure(seconds=0)
    blender = Blender(tmp_path, simulator)
    yield blender
    assert blender.engine.stop()


def copy_of(task: Task, **changes: object) -> Task:
    """What a file says of a task that was saved then."""
    copy = from_text(to_scene_text(replace(task, **changes)), scene_id=task.scene_id)  # type: ignore[arg-type]
    assert copy is not None
    return copy


def test_a_file_saved_in_mid_download_does_not_outlive_what_the_journal_has_from_then_on(blender: Blender) -> None:
    local_id = blender.submit()
    done = blender.run_to(local_id, S.READY)
    blender.engine.records.change(local_id, state=S.DOWNLOADING, result_path="")
    saved = blender.task(local_id)
    for progress in range(30):
        assert blender.engine.records.change(local_id, durable=False, progress=progress)
    copy = copy_of(blender.task(local_id))
    assert (copy.state, copy.progress, copy.revision) == (S.DOWNLOADING, 29, saved.revision)
    blender.engine.records.change(local_id, state=S.READY, result_path=done.result_path)
    ready = blender.task(local_id)
    blender.engine.records.adopt(copy)
    assert blender.task(local_id) == ready


@pytest.mark.parametrize("state", [S.PENDING, S.PROCESSING, S.DOWNLOADING, S.CONVERTING])
def test_a_file_that_counts_further_than_the_journal_takes_back_no_model_that_is_there(
    blender: Blender, simulator: SimulatorProcess, state: TaskState
) -> None:
    # As an earlier version wrote it, which counted each step of a download.
    local_id = blender.submit()
    blender.run_to(local_id, S.READY)
    blender.run_for(60.0)
    done = blender.task(local_id)
    blender.engine.adopt([], [copy_of(done, state=state, revision=40)])
    blender.run_for(60.0)
    assert blender.task(local_id) == replace(done, revision=40)
    flush(blender)
    assert blender.row(local_id) == blender.task(local_id)
    assert asset_requests(simulator) == 1


def test_a_model_that_is_gone_from_the_disk_is_fetched_for_a_file_that_waits_for_it(
    blender: Blender, simulator: SimulatorProcess
) -> None:
    local_id = blender.submit()
    done = blender.run_to(local_id, S.READY)
    Path(done.result_path).unlink()
    blender.engine.adopt([], [copy_of(done, state=S.DOWNLOADING, revision=40)])
    blender.run_to(local_id, S.READY)
    assert Path(blender.task(local_id).result_path).is_file()
    assert asset_requests(simulator) == 2


def test_a_file_in_which_the_task_was_sent_again_goes_on_with_what_was_sent(
    blender: Blender, simulator: SimulatorProcess
) -> None:
    local_id, other = blender.submit(), blender.submit("another chair")
    done = blender.run_to(local_id, S.READY)
    again = blender.run_to(other, S.READY)
    copy = copy_of(done, state=S.PROCESSING, revision=40, task_id=again.task_id, poll_url="")
    blender.engine.adopt([], [copy])
    blender.run_to(local_id, S.READY)
    assert (blender.task(local_id).task_id, asset_requests(simulator)) == (again.task_id, 3)
