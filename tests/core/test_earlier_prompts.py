# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The prompts that are offered again."""

from __future__ import annotations

from core.service.contract import DEFAULT_IMAGE_PROMPT, GenerationRequest
from core.tasks.earlier_prompts import earlier_prompts, find_prompt, has_earlier_prompts
from core.tasks.task import Task


def task(local_id: str, prompt: str, created_at: float = 0.0, task_id: str = "") -> Task:
    request = GenerationRequest(prompt=prompt)
    return Task(local_id=local_id, scene_id="scene", request=request, created_at=created_at, task_id=task_id)


def test_each_prompt_is_offered_once_and_the_newest_first() -> None:
    tasks = [task("1", "a cat", 1.0), task("4", "a\ncat", 4.0), task("2", "a dog", 2.0), task("3", "a cat", 3.0)]
    assert list(earlier_prompts(tasks).items()) == [("4", "a\ncat"), ("3", "a cat"), ("2", "a dog")]
    assert has_earlier_prompts(tasks)


def test_what_no_user_wrote_is_not_offered() -> None:
    tasks = [task("1", DEFAULT_IMAGE_PROMPT), task("2", "Task ldtask_1", task_id="ldtask_1"), task("3", "")]
    assert earlier_prompts(tasks) == {}
    assert not has_earlier_prompts(tasks)


def test_a_prompt_is_found_by_its_task() -> None:
    assert find_prompt([task("1", "a cat"), task("2", "a dog")], "2") == "a dog"
    assert find_prompt([task("1", "a cat")], "2") == ""
