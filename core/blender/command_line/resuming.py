# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command `resume`: finish what was interrupted. bpy is allowed here."""

from __future__ import annotations

import argparse
from pathlib import Path

import bpy

from ...service.errors import TokenLabError
from ...tasks.journal_file import FILE_NAME
from ...tasks.journal_view import look
from ...tasks.refused_key import has_stopped_by_itself
from ...tasks.task import LEASED, UNFINISHED, Task, TaskState
from .. import preferences, scripting, session
from ..pump import pump
from ..task_handle import TaskHandle
from . import generating, workplace
from .answer import Answer
from .exit_status import ExitStatus
from .listing import MOST
from .progress import Progress
from .task_results import problem_of, result_of, status_of

_WAITING = LEASED | {TaskState.STOPPED}
"""States of tasks that need the service."""
_WORST_LAST = (ExitStatus.SUCCESS, ExitStatus.NOT_NOW, ExitStatus.FAILED, ExitStatus.UNCERTAIN)


def resume(options: argparse.Namespace, progress: Progress) -> Answer:
    """Wait for every unfinished task, and write the outputs that a command was asked for.

    Requests that no command asked for and that were never sent are left to their files.

    :raises CommandError: when the journal or the service cannot be used.
    :raises KeyboardInterrupt: at Ctrl C; the tasks are kept.
    """
    unfinished = _unfinished()
    workplace.open_empty_file()
    current = workplace.begin(options)
    workplace.take_up(lambda task: bool(task.output_path) or has_stopped_by_itself(task))
    tasks = current.engine.records.all()
    handles = [TaskHandle(item.local_id) for item in tasks if item.local_id in unfinished or _is_wanted(current, item)]
    if any(not handle.is_stand_in and _needs_service(handle.record) for handle in handles):
        workplace.require_service(None)
    for handle in handles:
        if not current.engine.is_followed(handle.local_id):
            _resume(handle)
    _wait(handles, progress, options.timeout)
    workplace.wait_for_answers()
    answers = [_finish(handle, may_replace=options.overwrite) for handle in handles]
    status = max((answer.status for answer in answers), key=_WORST_LAST.index, default=ExitStatus.SUCCESS)
    lines = [line for answer in answers for line in answer.lines]
    data = [{**answer.data, "problem": answer.problem} for answer in answers]
    return Answer(status, lines, {"tasks": data}, _problems(handles, answers))


def _problems(handles: list[TaskHandle], answers: list[Answer]) -> str:
    """Return what is wrong, and where there are several tasks, with which of them; "" if nothing is."""
    found = [(handle.title, answer.problem) for handle, answer in zip(handles, answers, strict=True) if answer.problem]
    return "\n".join(f"{title}: {problem}" if len(handles) > 1 else problem for title, problem in found)


def _unfinished() -> set[str]:
    """Return the local ids of what is to be gone on with; a session does that at once, and may be done before we look.

    What is wrong with the journal is said by whoever needs it.
    """
    view = look(preferences.data_directory() / FILE_NAME, most=MOST)
    return {seen.task.local_id for seen in view.newest if seen.task.state in UNFINISHED and not seen.task.removed}


def _resume(handle: TaskHandle) -> None:
    """Go on with a task that does not by itself, or have it say why that is not possible."""
    task = handle.record
    if not (task.state in (TaskState.QUEUED, TaskState.STOPPED) or workplace.is_to_be_fetched(task)):
        return
    try:
        scripting.resume(handle.local_id)
    except TokenLabError as error:
        session.current().engine.records.change(handle.local_id, error=workplace.in_words(error))


def _is_wanted(current: session.Session, task: Task) -> bool:
    """Whether there is anything to be done for a task, or said of it: what has failed was said when it did."""
    if task.state in (TaskState.FAILED, TaskState.LOST):
        return False
    if current.engine.is_working_on(task.local_id) or task.output_path:
        return True
    return task.state is TaskState.UNCERTAIN or has_stopped_by_itself(task)


def _needs_service(task: Task) -> bool:
    return task.state in _WAITING or (bool(task.output_path) and workplace.is_to_be_fetched(task))


def _wait(handles: list[TaskHandle], progress: Progress, timeout: float) -> None:
    def show() -> None:
        done = sum(_is_at_rest(handle) for handle in handles)
        if handles:
            progress.show(f"{done} of {len(handles)} tasks are over", 100.0 * done / len(handles))

    pump(lambda: all(map(_is_at_rest, handles)), timeout, each=show)


def _is_at_rest(handle: TaskHandle) -> bool:
    return not session.current().engine.is_working_on(handle.local_id)


def _finish(handle: TaskHandle, *, may_replace: bool) -> Answer:
    """Write the output of a task whose model is there, if somebody waits for it.

    :param may_replace: also in the place of a file that somebody has made since.
    """
    task = handle.record
    if task.state is not TaskState.READY:
        status = status_of(handle)
        return Answer(status, [], result_of(handle, None), problem_of(handle, status))
    if not task.output_path:
        # The file that it was generated in imports it when it is opened.
        return Answer(ExitStatus.SUCCESS, [task.result_path], result_of(handle, None))
    try:
        bring(handle)
    except TokenLabError as error:
        return Answer(ExitStatus.FAILED, [], result_of(handle, None), str(error))
    answer = generating.finish(handle, Path(task.output_path), may_replace=may_replace)
    clear(handle)
    return answer


def bring(handle: TaskHandle) -> None:
    """Import the model of a task into the open scene, wherever it belongs.

    :raises TokenLabError: when it cannot be imported.
    """
    current = session.current()
    if not current.imports.is_imported(handle.local_id) or not handle.objects:
        current.import_now(handle.local_id, bpy.context.scene)
        # One that could crash this Blender is prepared by a second one first.
        pump(lambda: bool(handle.objects or handle.record.error), generating.IMPORT_SECONDS)
    if not handle.objects:
        raise TokenLabError(handle.record.error or "The model was not imported in time. Use the command resume later.")


def clear(handle: TaskHandle) -> None:
    """Take a model out of the open file again, with all that it brought."""
    own = [item for item in bpy.data.collections if item.get("tokenlab_local_id") == handle.local_id]
    # All at once: the collections of a rig are within its own, and each thing may go only once.
    everything = {thing for item in own for thing in (*item.all_objects, *item.children_recursive, item)}
    bpy.data.batch_remove(list(everything))
    bpy.data.orphans_purge(do_recursive=True)
