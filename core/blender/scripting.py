# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What scripts use: `generate()`, `tasks()`, `resume_all()`, `models()`. bpy is allowed here.

Nothing here waits in a window. Without one, where timers do not fire, `generate()`, `tasks()`, `resume_all()` and
`models()` call the tick themselves until the journal was read, or the service has answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import bpy

from ..files.library import PICTURES
from ..service import stand_in
from ..service.address import MAX_IMAGE_URL, is_loopback, objection_to_image_url
from ..service.catalogue import ModelInfo
from ..service.contract import (
    AUTO,
    DEFAULT_IMAGE_PROMPT,
    DEFAULT_MODEL,
    FORMATS,
    MAX_SEED,
    QUALITIES,
    GenerationRequest,
)
from ..service.errors import OverBudget, TokenLabError
from ..tasks.placement import Placement
from ..tasks.records import ConnectionTested, DiagnosticsSaved, LedgerReport, LibraryReport
from ..tasks.task import UNFINISHED, TaskState
from ..tasks.variations import MAX_VARIATIONS, seeds, side_by_side
from ..text import clean_text
from . import budget, destination, pictures, preferences, prompts, session
from . import models as known_models
from .pump import pump
from .task_handle import TaskHandle

_NO_PURPOSE: Mapping[str, str] = {}
_QUESTION_SECONDS = 60.0
"""Longest wait for an answer that belongs to no task."""
_LIBRARY_SECONDS = 600.0
"""How long a script may wait for a large library."""
_NOT_READ = (
    "The task journal is still being read, so nobody knows whether the same was sent a moment ago. Nothing was sent or "
    "charged. Try again in a moment."
)


def generate(  # noqa: PLR0913  # the fields of the form; all but the first by name
    prompt: str | bpy.types.Text = "",
    *,
    model: str = DEFAULT_MODEL,
    format: str = "GLB",
    quality: str = AUTO,
    style: str = "",
    seed: int | None = None,
    image: str | Path | bpy.types.Image | None = None,
    image_url: str = "",
    scene: bpy.types.Scene | None = None,
    placement: str = "CURSOR",
    size: str | None = None,
    height: float | None = None,
    facing: str = "AS_DELIVERED",
    on_floor: bool | None = None,
    confirm_duplicate: bool = False,
    confirm_budget: bool = False,
) -> TaskHandle:
    """Send a request and return at once; the first time without a window, as soon as the task journal was read.

    :param prompt: what the model should be, or a text of this file that says so.
    :param model: `try-without-key` needs neither a key nor the network: TokenLab 3D makes one of a few small models.
    :param image: a path, or an image of this file; `image_url` a public https address instead, not both.
    :param scene: where the model goes; the scene of the context by default.
    :param placement: `CURSOR`, where the 3D cursor is now, or `ORIGIN`.
    :param size: `AS_DELIVERED`, `HEIGHT`, or `SELECTED`: as large as fits into the bounding box of what is selected in
        the scene now, on the middle of its bottom. By default `HEIGHT` if a height is given, else `AS_DELIVERED`.
    :param height: in Blender's units, which are metres by default; 1 if only the size says that there is one.
    :param facing: where the front looks: `AS_DELIVERED`, `NEGATIVE_Y`, `X`, `Y`, `NEGATIVE_X`, or `CAMERA`, towards the
        camera that the scene has when the model arrives. Delivered models look along -Y, as glTF has it.
    :param on_floor: put the lowest point of the model there, and not its origin. By default if it has a `HEIGHT`; as
        large as `SELECTED` it always stands.
    :param confirm_duplicate: send it although the same was sent within ten minutes.
    :param confirm_budget: send it although it could go beyond a limit that is set in the preferences.
    :raises Duplicate: when the same was sent, and that is not confirmed.
    :raises OverBudget: when it could go beyond a limit, and that is not confirmed.
    :raises TokenLabError: when it cannot be sent (no key, online access off, no prompt or far too long a one, no
        such picture, nothing selected, in a window the journal not read yet), or the model is known not to take it.
        Options that it does not list are not sent, and the task's note says so.
    """
    return generate_for(
        _NO_PURPOSE,
        prompt,
        model=model,
        format=format,
        quality=quality,
        style=style,
        seed=seed,
        image=image,
        image_url=image_url,
        scene=scene,
        placement=placement,
        size=size,
        height=height,
        facing=facing,
        on_floor=on_floor,
        confirm_duplicate=confirm_duplicate,
        confirm_budget=confirm_budget,
    )


def generate_for(
    purpose: Mapping[str, str],
    prompt: str | bpy.types.Text = "",
    *,
    confirm_duplicate: bool = False,
    confirm_budget: bool = False,
    **options: Any,
) -> TaskHandle:
    """Send a request as `generate` does.

    :param purpose: `output_path`, `batch` and `batch_row` of the task, as far as it has them.
    :raises TokenLabError: as `generate` does.
    """
    order = _order(prompt, **options)
    if not confirm_budget:
        _check_budget(order.request.model, 1)
    (handle,) = _send(
        order, [order.request.seed], [order.landing], confirm_duplicate=confirm_duplicate, purpose=purpose
    )
    return handle


def generate_variations(
    prompt: str | bpy.types.Text = "",
    *,
    variations: int,
    seed: int | None = None,
    confirm_budget: bool = False,
    **options: Any,
) -> list[TaskHandle]:
    """Send the same request several times with different seeds, and return at once. Each one is paid for.

    The models land side by side along X. The same again is what is meant here, so that nothing has to be confirmed.

    :param variations: how many, 2 to 8.
    :param seed: of the first one; the others have random ones.
    :param confirm_budget: as for `generate`; all of them are within the limits, or none is sent.
    :param options: as for `generate`.
    :raises TokenLabError: as `generate` does, and when the model takes no seed. The text says how many were sent.
    """
    if not 1 < variations <= MAX_VARIATIONS:
        raise TokenLabError(
            f"{variations} variations cannot be generated. Nothing was sent. Use a number from 2 to {MAX_VARIATIONS}."
        )
    order = _order(prompt, seed=seed, **options)
    offered = known_models.options_of(order.request.model, has_picture=order.request.has_picture)
    if offered is not None and "seed" not in offered:
        raise TokenLabError(
            f"{order.request.model} takes no seed, so variations of a prompt cannot be asked for. Nothing was sent or "
            "charged. Generate them one by one, or choose another model."
        )
    if not confirm_budget:
        _check_budget(order.request.model, variations)
    places = side_by_side(order.landing, variations)
    return _send(order, list(seeds(seed, variations)), places, confirm_duplicate=True)


def _check_budget(model: str, count: int) -> None:
    """Refuse what could go beyond a limit; without a window wait until it is known what that costs.

    :raises OverBudget: when it could.
    """
    current = session.current()
    if not budget.is_limited(current.spending):
        return
    if bpy.app.background:
        _wait_for_journal()
        if budget.price_of(model) is None:
            ask_for_models(is_only_if_old=True)
    budget.check(current.spending, model, count)


def over_budget(model: str) -> OverBudget | None:
    """Return how one more request would go beyond a limit, or None when it would not.

    :raises TokenLabError: when that is not known yet.
    """
    try:
        _check_budget(model, 1)
    except OverBudget as error:
        return error
    return None


def unsent_over_budget(local_id: str) -> OverBudget | None:
    """Return how sending a task that an earlier session has left unsent would go beyond a limit, or None.

    :raises TokenLabError: when that is not known yet.
    """
    current = session.current()
    task = current.engine.records.get(local_id)
    if task is None or task.state is not TaskState.QUEUED or current.spending.is_counted(local_id):
        return None
    return over_budget(task.request.model)


def resume(local_id: str, *, confirm_budget: bool = False) -> bool:
    """Go on with a task, and send it if that was never done; whether there was anything to go on with.

    :raises OverBudget: when that could go beyond a limit, and is not confirmed.
    :raises TokenLabError: when another Blender works on it.
    """
    over = None if confirm_budget else unsent_over_budget(local_id)
    if over is not None:
        raise over
    return session.current().resume(local_id)


class _Order(NamedTuple):
    """A request that can be sent, and where its model is to go."""

    request: GenerationRequest
    image: str | Path | bpy.types.Image | None
    picture: pictures.Picture
    scene: bpy.types.Scene
    landing: Placement


def _order(  # noqa: PLR0913  # the fields of the form
    prompt: str | bpy.types.Text = "",
    *,
    model: str = DEFAULT_MODEL,
    format: str = "GLB",
    quality: str = AUTO,
    style: str = "",
    seed: int | None = None,
    image: str | Path | bpy.types.Image | None = None,
    image_url: str = "",
    scene: bpy.types.Scene | None = None,
    placement: str = "CURSOR",
    size: str | None = None,
    height: float | None = None,
    facing: str = "AS_DELIVERED",
    on_floor: bool | None = None,
) -> _Order:
    """Check what `generate` was given, without sending anything.

    :raises TokenLabError: as `generate` does.
    """
    if seed is not None and not 0 <= seed <= MAX_SEED:
        raise TokenLabError(f"The seed {seed} is out of range. Nothing was sent. Use one from 0 to {MAX_SEED}.")
    # Cleaned here already: a lone surrogate ends Blender in a custom property.
    prompt, image_url = prompts.read(prompt), _image_url(image_url)
    if image is not None and image_url:
        raise TokenLabError("There are two pictures, a file and a URL. Nothing was sent or charged. Give only one.")
    picture = _picture(image)
    if not prompt:
        if not (picture.name or image_url):
            raise TokenLabError("The prompt is empty. Nothing was sent or charged. Write what the model should be.")
        prompt = DEFAULT_IMAGE_PROMPT
    request = GenerationRequest(
        prompt=prompt,
        model=clean_text(model) or DEFAULT_MODEL,
        format=_choice(format, FORMATS, "format"),
        quality=_choice(quality, QUALITIES, "quality"),
        style=clean_text(style),
        seed=seed,
        image_url=image_url,
        image_name=clean_text(picture.name),
        delivery_policy=preferences.delivery_policy(),
    )
    current, scene = session.current(), scene or bpy.context.scene
    current.models.check(request)
    landing = destination.choose(scene, placement=placement, size=size, height=height, facing=facing, on_floor=on_floor)
    return _Order(request, image, picture, scene, landing)


def _send(
    order: _Order,
    chosen: Sequence[int | None],
    places: Sequence[Placement],
    *,
    confirm_duplicate: bool,
    purpose: Mapping[str, str] = _NO_PURPOSE,
) -> list[TaskHandle]:
    """Send an order with each of the seeds.

    :raises TokenLabError: when it cannot be sent; the text says how many were.
    """
    if not (confirm_duplicate or stand_in.is_model(order.request.model)):
        _know_what_was_sent()
    handles: list[TaskHandle] = []
    for seed, place in zip(chosen, places, strict=True):
        try:
            # A picture that was made for a task is used up by it.
            picture = _picture(order.image) if handles else order.picture
            task = session.current().generate(
                replace(order.request, seed=seed),
                order.scene,
                picture=picture,
                placement=place,
                confirm_duplicate=confirm_duplicate,
                **purpose,
            )
        except TokenLabError as error:
            if not handles:
                raise
            raise TokenLabError(f"{len(handles)} of {len(chosen)} variations are being sent. {error}") from error
        handles.append(TaskHandle(task.local_id))
    return handles


def _know_what_was_sent() -> None:
    """Make sure that the journal was read: only then a request can be told from one that was sent before.

    :raises TokenLabError: in a window, which may not wait for that, or when it takes too long.
    """
    _wait_for_journal()
    current = session.current()
    # What is wrong with the journal is said where the request is sent.
    if not (current.has_read_journal or current.engine.journal_problem):
        raise TokenLabError(_NOT_READ)


def _wait_for_journal() -> None:
    """Without a window, where nothing has called the tick yet, wait until the tasks of the open file are known."""
    if bpy.app.background and not session.current().is_restored:
        pump(lambda: session.current().is_restored, _QUESTION_SECONDS)


def tasks() -> list[TaskHandle]:
    """Return the tasks that this Blender knows, oldest first."""
    _wait_for_journal()
    return [TaskHandle(task.local_id) for task in session.current().engine.records.all()]


def resume_all() -> list[TaskHandle]:
    """Take up what is unfinished, or was stopped by an error, and return the tasks that are worked on.

    Nothing is submitted by this, and what the user has stopped waiting for stays as it is.

    They are those of the open file whose model is to come, and those of other files that this Blender goes on with.
    """
    current = session.current()
    current.restore()
    _wait_for_journal()
    current.ask_again()
    return [
        TaskHandle(task.local_id)
        for task in current.engine.records.all()
        if task.state in UNFINISHED or current.imports.is_coming(task.local_id)
    ]


def models() -> list[ModelInfo]:
    """Return the service's models: as they were last fetched if that is less than a day ago or cannot be done now.

    In a window this does not wait, and raises while nothing is known yet.

    :raises TokenLabError: when they cannot be had.
    """
    known = session.current().models
    ask_for_models(is_only_if_old=True)
    catalogue = known.catalogue
    if not catalogue.fetched_at:
        raise TokenLabError(known.error or preferences.problem() or "The models are being fetched. Ask again soon.")
    return list(catalogue.models)


def ask_for_models(*, is_only_if_old: bool = False) -> None:
    """Have the models fetched; without a window wait for them."""
    current = session.current()
    current.refresh_settings()
    if bpy.app.background:
        pump(lambda: current.models.is_settled, _QUESTION_SECONDS)
    if not is_only_if_old or (current.models.is_old and current.models.is_settled):
        current.models.refresh()
    if bpy.app.background:
        pump(lambda: current.models.is_settled, _QUESTION_SECONDS)


def wait_for_connection_test() -> ConnectionTested:
    """Return what the connection test that is under way says; without a window only."""
    current = session.current()
    pump(lambda: current.connection_test is not None, _QUESTION_SECONDS)
    silence = ConnectionTested("The service did not answer in time. Try again later.", accepted=False)
    return current.connection_test or silence


def wait_for_library() -> LibraryReport:
    """Return what came of what is being done with the library; without a window only."""
    library = session.current().library
    pump(lambda: not library.is_asking, _LIBRARY_SECONDS)
    silence = LibraryReport(None, "The library is so large that this takes longer. It goes on.", is_bad=True)
    return silence if library.is_asking or library.report is None else library.report


def wait_for_ledger() -> LedgerReport:
    """Return what came of what is being done with the ledger; without a window only."""
    books = session.current().books
    pump(lambda: books.report is not None, _QUESTION_SECONDS)
    return books.report or LedgerReport("The ledger takes longer than expected. It goes on.", is_bad=True)


def wait_for_diagnostics() -> DiagnosticsSaved:
    """Return where the diagnostics that are under way were saved; without a window only."""
    current = session.current().diagnostics
    pump(lambda: current.saved is not None, _QUESTION_SECONDS)
    return current.saved or DiagnosticsSaved("", "The diagnostics take longer than expected. They are still written.")


def _image_url(text: str) -> str:
    """Return an image URL, or "".

    :raises TokenLabError: when it has not the shape of one. Whether there is a picture is found out by a worker.
    """
    url = clean_text(text, limit=MAX_IMAGE_URL + 1)
    objection = objection_to_image_url(url, is_local=is_loopback(preferences.base_url())) if url else ""
    if objection:
        raise TokenLabError(objection)
    return url


def _picture(image: str | Path | bpy.types.Image | None) -> pictures.Picture:
    if image is None:
        return pictures.Picture()
    folder = session.current().engine.settings.data_directory / PICTURES
    if isinstance(image, str | Path):
        return pictures.from_file(str(image), folder)
    return pictures.from_datablock(image, folder)


def _choice(value: str, allowed: tuple[str, ...], name: str) -> str:
    upper = value.strip().upper()
    if upper not in (AUTO, *allowed):
        raise TokenLabError(f"“{value}” is no {name}. Nothing was sent. Use one of {', '.join((AUTO, *allowed))}.")
    return upper
