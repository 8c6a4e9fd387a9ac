# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The prompts of earlier tasks, to be used again. No bpy here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..service.contract import DEFAULT_IMAGE_PROMPT
from .task import Task, adopted_prompt


def earlier_prompts(tasks: Iterable[Task]) -> dict[str, str]:
    """Return what was asked for, each prompt once and the newest first, by the local id of its newest task."""
    newest: dict[str, str] = {}
    for task in sorted(tasks, key=lambda task: task.created_at, reverse=True):
        if _is_users(task):
            newest.setdefault(task.request.prompt, task.local_id)
    return {local_id: prompt for prompt, local_id in newest.items()}


def has_earlier_prompts(tasks: Iterable[Task]) -> bool:
    """Whether there is any, which is asked at every redraw."""
    return any(map(_is_users, tasks))


def find_prompt(tasks: Iterable[Task], local_id: str) -> str:
    """Return the prompt of a task, or "" when there is no such task."""
    found: Iterator[str] = (task.request.prompt for task in tasks if task.local_id == local_id)
    return next(found, "")


def _is_users(task: Task) -> bool:
    """Whether a user wrote the prompt: not we, for a picture alone or for a task of which only the id is known."""
    prompt = task.request.prompt
    return bool(prompt) and prompt not in (DEFAULT_IMAGE_PROMPT, adopted_prompt(task.task_id))
