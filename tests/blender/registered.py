# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the extension has registered in Blender, found there and in no list of ours: a new class is checked too.

Uses bpy.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import bpy

from tests.blender.fake_layout import Drawn, FakeLayout
from tests.blender.support import MODULE

KINDS = ("Operator", "Panel", "Menu", "Header", "UIList", "PropertyGroup", "AddonPreferences", "FileHandler")


def is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith(MODULE)


def classes(*kinds: str) -> list[Any]:
    """The registered classes of the extension, of these kinds or of all."""
    found: dict[str, Any] = {}
    for kind in kinds or KINDS:
        for cls in _below(getattr(bpy.types, kind)):
            if is_ours(cls) and cls.is_registered:
                found[cls.__name__] = cls
    return [found[name] for name in sorted(found)]


def _below(cls: Any) -> Iterator[Any]:
    for sub in type.__subclasses__(cls):
        yield sub
        yield from _below(sub)


def operators() -> dict[str, Any]:
    """The classes of the operators by the names that `bpy.ops` has for them."""
    return {cls.bl_idname: cls for cls in classes("Operator")}


def operator(name: str) -> Any:
    """What is called to run an operator."""
    module, function = name.split(".")
    return getattr(getattr(bpy.ops, module), function)


def rna(cls: Any) -> Any:
    """Blender's own description of a class; that of an operator is with its operator."""
    return operator(cls.bl_idname).get_rna_type() if issubclass(cls, bpy.types.Operator) else cls.bl_rna


def properties(cls: Any) -> dict[str, Any]:
    """The properties that a class declares itself, not those that it has of Blender."""
    declared = {name for base in cls.__mro__ if is_ours(base) for name in getattr(base, "__annotations__", {})}
    return {item.identifier: item for item in rna(cls).properties if item.identifier in declared}


def appended() -> dict[str, list[Callable[..., None]]]:
    """Our functions that draw in Blender's own menus, panels and headers, by the names of these."""
    found: dict[str, list[Callable[..., None]]] = {}
    for name in dir(bpy.types):
        draw = getattr(getattr(bpy.types, name), "draw", None)
        ours = [function for function in getattr(draw, "_draw_funcs", ()) if is_ours(function)]
        if ours:
            found[name] = ours
    return found


EXECUTING = "EXEC_REGION_WIN"
"""How Blender opens a menu at the pointer, such as that of a right-click: what is clicked there asks nothing."""


class StandIn:
    """What a drawing method gets as `self`: an instance cannot be made without a window."""

    def __init__(self, cls: Any, drawn: Drawn, **values: Any) -> None:
        layout = FakeLayout(drawn, operator_context=EXECUTING) if issubclass(cls, bpy.types.Menu) else FakeLayout(drawn)
        self.__dict__.update(_cls=cls, layout=layout, **values)

    def __getattr__(self, name: str) -> Any:
        cls = self.__dict__["_cls"]
        found = getattr(cls, name, None)
        if isinstance(found, types.FunctionType):
            return functools.partial(found, self)
        known = rna(cls).properties
        if name in known:
            item = known[name]
            return list(item.default_array) if getattr(item, "is_array", False) else getattr(item, "default", None)
        if found is None:
            raise AttributeError(name)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        raise AssertionError(f"{self._cls.__name__} writes {name} while it draws")


def drawings() -> Iterator[tuple[str, Callable[[], Drawn]]]:
    """Everything that draws, by a name for the reader; what does not want to be drawn now draws nothing."""
    for cls in classes("Panel", "Menu", "Header", "Operator", "AddonPreferences"):
        own = {"draw", "draw_header"} & {name for base in cls.__mro__ if is_ours(base) for name in vars(base)}
        for name in sorted(own):
            yield f"{cls.__name__}.{name}", functools.partial(_draw, cls, name)
    for cls in classes("UIList"):
        yield f"{cls.__name__}.draw_item", functools.partial(_draw_list, cls)
    for owner, functions in appended().items():
        for function in functions:
            yield f"{function.__name__} in {owner}", functools.partial(_draw_appended, owner, function)


def _draw(cls: Any, method: str) -> Drawn:
    drawn = Drawn()
    is_polled = "poll" in dir(cls) and not issubclass(cls, bpy.types.Operator)
    if not is_polled or cls.poll(bpy.context):
        extra = {"bl_rna": cls.bl_rna}
        getattr(cls, method)(StandIn(cls, drawn, **extra), bpy.context)
    return drawn


def _draw_list(cls: Any) -> Drawn:
    drawn, shown = Drawn(), bpy.context.window_manager.tokenlab
    stand_in = StandIn(cls, drawn, layout_type="DEFAULT")
    if "filter_items" in dir(cls):
        cls.filter_items(stand_in, bpy.context, shown, "tasks")
    if "draw_filter" in vars(cls):
        cls.draw_filter(stand_in, bpy.context, FakeLayout(drawn))
    for index, row in enumerate(shown.tasks):
        arguments = (shown, row, 0, shown, "active_task_index", index, 0)
        cls.draw_item(stand_in, bpy.context, FakeLayout(drawn), *arguments)
    return drawn


def _draw_appended(owner: str, function: Callable[..., None]) -> Drawn:
    drawn = Drawn()
    function(StandIn(getattr(bpy.types, owner), drawn), bpy.context)
    return drawn
