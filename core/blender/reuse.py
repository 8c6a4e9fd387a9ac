# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task was asked for, back into the form or once more to the service. bpy is allowed here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import bpy

from ..files.library import PICTURES
from ..service.contract import DEFAULT_IMAGE_PROMPT, DEFAULT_MODEL
from ..service.errors import TokenLabError
from ..tasks.placement import Placement, Size
from ..tasks.task import Task, adopted_prompt
from . import pictures, session

LOCAL_ID, TASK_ID = "tokenlab_local_id", "tokenlab_task_id"
PROMPT, MODEL = "tokenlab_prompt", "tokenlab_model"
"""Custom properties of what was imported."""


class Origin(NamedTuple):
    """Where an object comes from, as it says itself: its task may be in no list any more."""

    local_id: str
    task_id: str
    prompt: str
    model: str


class Again(NamedTuple):
    """What is asked for once more, but for the seed."""

    arguments: dict[str, Any]
    """Of `scripting.generate`."""
    has_picture: bool
    is_all: bool
    """Whether more of it is known than prompt and model."""


def origin_of(item: bpy.types.Object | None) -> Origin | None:
    """Return where an object comes from, or None when no task has made it."""
    if item is None:
        return None
    values = [item.get(name, "") for name in (LOCAL_ID, TASK_ID, PROMPT, MODEL)]
    return Origin(*map(str, values)) if values[0] else None


def find_task(local_id: str) -> Task | None:
    """Return the task, if it is known and in a list."""
    return session.current().engine.records.get(local_id)


def fill_form(form: Any, task: Task) -> str:
    """Fill a form with what a task was asked for; return a user's sentence about what could not be, or ""."""
    request = task.request
    missing = _fill_request(form, request.prompt, request.model, task.task_id)
    form.format, form.quality, form.style = request.format, request.quality, request.style
    form.use_seed = request.seed is not None
    if request.seed is not None:
        form.seed = request.seed
    _fill_placement(form, task.placement)
    return _fill_picture(form, task) or missing


def fill_from_origin(form: Any, origin: Origin) -> str:
    """Fill a form with what an object says of itself; return a user's sentence about what it does not say."""
    missing = _fill_request(form, origin.prompt, origin.model, origin.task_id)
    form.input_type = "TEXT"
    return missing or "Its task is not in the list any more, so only prompt and model are known"


def again(task: Task) -> Again:
    """Return what a task was asked for.

    :raises TokenLabError: when that is not known, or its picture is not on this computer any more.
    """
    request, placement = task.request, task.placement
    _check_prompt(request.prompt, task.task_id)
    arguments: dict[str, Any] = {
        "prompt": request.prompt,
        "model": request.model,
        "format": request.format,
        "quality": request.quality,
        "style": request.style,
        "facing": placement.facing.value,
        "on_floor": placement.on_floor,
    }
    if placement.size is Size.HEIGHT:
        arguments["height"] = placement.height
    if request.image_url:
        arguments["image_url"] = request.image_url
    elif request.has_picture:
        if not (task.picture_path and Path(task.picture_path).is_file()):
            raise TokenLabError(
                "The picture of this task is not on this computer any more. Nothing was sent or charged. Reuse the "
                "settings, and choose the picture again."
            )
        arguments["image"] = task.picture_path
    return Again(arguments, request.has_picture, is_all=True)


def again_from_origin(origin: Origin) -> Again:
    """Return what an object says that it was asked for.

    :raises TokenLabError: when that is too little: the picture is not known.
    """
    _check_prompt(origin.prompt, origin.task_id)
    if origin.prompt == DEFAULT_IMAGE_PROMPT:
        raise TokenLabError(
            "This model was made of a picture, and its task is not in the list any more. Nothing was sent or charged. "
            "Choose the picture, and generate."
        )
    return Again({"prompt": origin.prompt, "model": origin.model}, has_picture=False, is_all=False)


def _is_written(prompt: str, task_id: str) -> bool:
    """Whether somebody wrote the prompt: of a task that was added by its ID it is not known."""
    return bool(prompt.strip()) and prompt != adopted_prompt(task_id)


def _check_prompt(prompt: str, task_id: str) -> None:
    """Refuse to pay for a prompt that nobody wrote."""
    if not _is_written(prompt, task_id):
        raise TokenLabError(
            "The prompt of this model is not known here, since its task was added by its ID. Nothing was sent or "
            "charged. Write a prompt, and generate."
        )


def _fill_request(form: Any, prompt: str, model: str, task_id: str) -> str:
    """Fill in prompt and model; return a user's sentence when the prompt is not known."""
    is_written = _is_written(prompt, task_id)
    form.prompt_text = None
    form.prompt, form.model = prompt if is_written else "", model or DEFAULT_MODEL
    return "" if is_written else "Its prompt is not known here, since its task was added by its ID. Write one"


def _fill_picture(form: Any, task: Task) -> str:
    if not task.request.has_picture:
        form.input_type = "TEXT"
    elif task.request.image_url:
        form.input_type, form.image_url = "IMAGE_URL", task.request.image_url
    elif chosen := _chosen_file(task):
        # Rather than our copy of it: the form is saved with the scene, and our data folder is nobody's business.
        form.input_type, form.image_path = "IMAGE_FILE", chosen
    elif _is_on_its_way(task.picture_path):
        form.input_type = "TEXT"
        return "Its picture is kept once it is sent, so reuse the settings then, or choose one"
    elif task.picture_path and Path(task.picture_path).is_file():
        form.input_type, form.image_path = "IMAGE_FILE", task.picture_path
    else:
        form.input_type = "TEXT"
        return "Its picture is not on this computer, so choose one, or generate from the prompt alone"
    return ""


def _chosen_file(task: Task) -> str:
    """Return the path of the picture file that was chosen for a task, or "" when it is not there as it was."""
    source = pictures.find_source(task.picture_key)
    return "" if _is_on_its_way(source) else source


def _is_on_its_way(path: str) -> bool:
    """Whether a picture was made for one task, and goes when that is sent."""
    return Path(path).parent == session.current().engine.settings.data_directory / PICTURES


def _fill_placement(form: Any, placement: Placement) -> None:
    """Size and facing; the place is where the user wants the next one."""
    # First the size: choosing one in the form decides whether the model stands.
    form.size = placement.size.value if placement.size is not Size.BOX else "SELECTED"
    form.height, form.facing, form.on_floor = placement.height, placement.facing.value, placement.on_floor
