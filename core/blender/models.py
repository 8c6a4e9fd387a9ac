# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service's models as the form needs them, and when the service is asked about them. bpy is allowed here.

What panels and Blender's search read is in memory: they run at every redraw. Nothing is asked by them, but by the tick,
on a worker: the file first, then the service, by itself once in a session and only when what is known is old.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..service import stand_in
from ..service.catalogue import Catalogue, ModelInfo, Objection, is_fresh, objection
from ..service.contract import DEFAULT_MODEL, FORMATS, GenerationRequest
from ..service.errors import TokenLabError
from . import prompts

if TYPE_CHECKING:
    import bpy

    from ..tasks.engine import Engine
    from ..tasks.records import ModelsLoaded

_PICTURE_FIELDS = {"IMAGE_FILE": "image", "IMAGE_DATABLOCK": "image", "IMAGE_URL": "image_url"}
"""By input type, the field of the request that the picture goes into."""


# ------------------------------------------------------------------------------
# What is known, for drawing


@dataclass(frozen=True, slots=True)
class Shown:
    """What the panels show of the models."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    error: str = ""
    """A user's sentence about the last question, or ""."""
    is_asking: bool = False


@dataclass(slots=True)
class _Memory:
    shown: Shown
    wake: Callable[[], None] | None = None
    """Makes the tick run while there is a session."""


_memory = _Memory(Shown())


def shown() -> Shown:
    """Return what is known at this moment; main thread only."""
    return _memory.shown


def chosen(form: Any) -> str:
    """Return the id of the model that a form would send."""
    return form.model.strip() or DEFAULT_MODEL


def info(form: Any) -> ModelInfo | None:
    """Return what is known of the model that a form has chosen, or None."""
    return find(chosen(form))


def find(name: str) -> ModelInfo | None:
    """Return what is known of a model, the service's or our stand-in, or None."""
    return stand_in.INFO if stand_in.is_model(name) else _memory.shown.catalogue.find(name)


def is_stand_in_chosen(form: Any) -> bool:
    """Whether what a form says stays in this process, and needs neither key nor network."""
    return stand_in.is_model(chosen(form))


def options(form: Any) -> frozenset[str]:
    """Return the names of the optional fields that the form's model takes; none when nothing is known."""
    return options_of(chosen(form), has_picture=form.input_type != "TEXT") or frozenset()


def options_of(name: str, *, has_picture: bool) -> frozenset[str] | None:
    """Return the names of the optional fields that a model takes, or None when it was not asked for yet."""
    model = find(name)
    if model is None or not (stand_in.is_model(name) or name in _memory.shown.catalogue.details):
        return None
    return model.parameters_for(has_picture=has_picture)


def formats(form: Any) -> tuple[str, ...]:
    """Return the formats that the form's model may be asked for, in the form's own order."""
    if "format" not in options(form):
        return ()
    model = info(form)
    published = model.output_formats if model else ()
    return tuple(name for name in FORMATS if not published or name in published)


def objection_to_form(form: Any) -> Objection | None:
    """Return why the form's model certainly does not take what the form holds, or None."""
    return objection(info(form), prompt=prompts.to_send(form), picture_field=_PICTURE_FIELDS.get(form.input_type, ""))


def listed() -> list[ModelInfo]:
    """Return the models of the service's list, the ones that it advises against last, and our stand-in after all."""
    models = (model for model in _memory.shown.catalogue.models if not stand_in.is_model(model.id))
    return [*sorted(models, key=lambda model: model.is_ending), stand_in.INFO]


def search(_form: Any, _context: bpy.types.Context, _text: str) -> list[tuple[str, str]]:
    """Return the models and what they cost, for Blender's search field; what is typed is filtered by Blender."""
    return [(model.id, describe(model)) for model in listed()]


def describe(model: ModelInfo) -> str:
    """Return maker, price and what else matters for a choice, in a few words."""
    name = model.name if model.name != model.id else ""
    return ", ".join(part for part in (name, model.provider, model.price, _ending(model)) if part)


def _ending(model: ModelInfo) -> str:
    return (model.stage.capitalize() or "Deprecated") if model.is_ending else ""


def wake(_owner: object = None, _context: object = None) -> None:
    """Have the tick look whether there is something to ask; called by Blender when a key or an address was entered."""
    if _memory.wake is not None:
        _memory.wake()


def model_chosen(_owner: object, _context: object) -> None:
    """Have the tick ask about the model that was entered, if need be; called by Blender."""
    _memory.shown = replace(_memory.shown, error="")  # It was about another one.
    wake()


def forget() -> None:
    """Drop what belongs to a session that has ended."""
    _memory.shown, _memory.wake = Shown(), None


# ------------------------------------------------------------------------------
# When the service is asked


class Models:
    """Asks about the models, for one session."""

    def __init__(self, engine: Engine, wake: Callable[[], None]) -> None:
        """Ask nothing yet."""
        self._engine = engine
        self._is_waiting = False
        self._is_wanted = False
        """The user asked for a new list."""
        self._listed: set[str] = set()
        """Service addresses whose list was asked for in this session."""
        self._looked_up: set[tuple[str, str]] = set()
        """Addresses and ids of the models that were asked about in this session."""
        _memory.shown, _memory.wake = Shown(), wake

    @property
    def catalogue(self) -> Catalogue:
        """What is known of the models of the service that is set now; empty before that was looked up."""
        known = _memory.shown.catalogue
        return known if known.base_url == self._base_url else Catalogue()

    @property
    def error(self) -> str:
        """A user's sentence about what went wrong when the service was last asked, or ""."""
        return _memory.shown.error

    @property
    def is_settled(self) -> bool:
        """Whether nothing more becomes known by waiting."""
        return bool(self.catalogue.base_url) and not (self._is_waiting or self._is_wanted)

    @property
    def is_old(self) -> bool:
        """Whether the list should be fetched anew."""
        return not is_fresh(self.catalogue.fetched_at, time.time())

    def refresh(self) -> None:
        """Have the list fetched, and the details of the models in use, at the next tick."""
        self._is_wanted = True
        wake()

    def keep_up(self, in_use: Collection[str]) -> None:
        """Ask what has to be asked now; called by the tick.

        :param in_use: ids of the models that visible forms have chosen.
        """
        if self._is_waiting:
            return
        in_use = [name for name in in_use if not stand_in.is_model(name)]
        if not self.catalogue.base_url:
            self._ask(with_list=False, names=())
        elif not self._engine.settings.may_connect:
            self._is_wanted = False
        elif self._is_wanted or (self.is_old and self._base_url not in self._listed):
            names = in_use if self._is_wanted else self._unknown(in_use)
            self._is_wanted = False
            self._ask(with_list=True, names=names)
        elif names := self._unknown(in_use):
            self._ask(with_list=False, names=names)

    def take(self, event: ModelsLoaded) -> None:
        """Show what was found out."""
        if event.is_answer:
            self._is_waiting = False
        error = event.error if event.is_answer else _memory.shown.error
        _memory.shown = Shown(event.catalogue, error, self._is_waiting)

    def check(self, request: GenerationRequest) -> None:
        """Say at once what the model certainly does not take, as far as that is known here.

        :raises TokenLabError: when it does not.
        """
        is_ours = stand_in.is_model(request.model)
        model = stand_in.INFO if is_ours else self.catalogue.find(request.model)
        found = objection(model, prompt=request.prompt, picture_field=request.picture_field)
        if found:
            raise TokenLabError(f"{found.what} Nothing was sent or charged. {found.advice}")

    @property
    def _base_url(self) -> str:
        return self._engine.settings.connection.base_url

    def _unknown(self, names: Collection[str]) -> list[str]:
        now, details = time.time(), self.catalogue.details
        return [
            name
            for name in names
            if (self._base_url, name) not in self._looked_up
            and not (name in details and is_fresh(details[name].fetched_at, now))
        ]

    def _ask(self, *, with_list: bool, names: Collection[str]) -> None:
        self._is_waiting = True
        if with_list:
            self._listed.add(self._base_url)
        self._looked_up.update((self._base_url, name) for name in names)
        known = _memory.shown
        _memory.shown = Shown(known.catalogue, known.error, is_asking=with_list or bool(names))
        self._engine.ask_models(with_list=with_list, names=tuple(names))
