# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws panels without a window: a layout that notes what is drawn, and refuses what Blender's own would refuse.

Uses bpy. What a layout can do is taken from Blender's own description of it, so that each version is its own judge.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import bpy


@dataclass
class Drawn:
    """What one drawing has put on the screen."""

    texts: list[str] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)
    """Names of the fields that can be changed; `format=GLB` for one value of a choice."""
    operators: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name, what they are called with."""
    buttons: list[str] = field(default_factory=list)
    """What is written on the operators' buttons."""
    labels: list[str] = field(default_factory=list)
    """Texts of our own that are names and no sentences: those that Blender may translate."""
    fields: list[tuple[str, str]] = field(default_factory=list)
    """The type and the name of each property that can be changed."""
    disabled: list[str] = field(default_factory=list)
    """Names of the fields and operators that cannot be used."""
    unasked: list[str] = field(default_factory=list)
    """Names of the operators that a click executes at once, so that they ask nothing first."""

    @property
    def text(self) -> str:
        return " ".join(self.texts)


class FakeLayout:
    def __init__(self, drawn: Drawn, *, enabled: bool = True, operator_context: str = "INVOKE_REGION_WIN") -> None:
        self.__dict__.update(_drawn=drawn, enabled=enabled, operator_context=operator_context)

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in bpy.types.UILayout.bl_rna.properties, f"a layout has no {name}"
        self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:
        function = bpy.types.UILayout.bl_rna.functions.get(name)
        if function is None:
            raise AttributeError(f"a layout has no {name}")

        def call(*positional: Any, **named: Any) -> Any:
            arguments = dict(zip(_parameters(function), positional, strict=False)) | named
            _check(function, arguments)
            return self._note(name, arguments)

        return call

    def _note(self, name: str, arguments: dict[str, Any]) -> Any:
        drawn: Drawn = self._drawn
        if arguments.get("text") and arguments.get("translate", True):
            drawn.labels.append(arguments["text"])
        if name in ("label", "progress"):
            drawn.texts.append(arguments.get("text", ""))
        elif name in ("prop", "prop_enum", "textbox", "template_ID", "template_ID_preview"):
            drawn.fields.append((arguments["data"].bl_rna.identifier, arguments["property"]))
            assert arguments["property"] in arguments["data"].bl_rna.properties, arguments["property"]
            value = f"={arguments['value']}" if name == "prop_enum" else ""
            self._note_use(f"{arguments['property']}{value}", drawn.properties)
        elif name == "enum_item_name":
            return arguments["data"].bl_rna.properties[arguments["property"]].enum_items[arguments["identifier"]].name
        elif name == "menu":
            drawn.texts.append(arguments.get("text", ""))
            menu = bpy.types.Menu.bl_rna_get_subclass_py(arguments["menu"])
            menu.draw(SimpleNamespace(layout=FakeLayout(drawn, enabled=self.enabled)), bpy.context)
        elif name == "operator":
            drawn.buttons.append(arguments.get("text", ""))
            if not self.operator_context.startswith("INVOKE"):
                drawn.unasked.append(arguments["operator"])
            return self._operator(arguments["operator"])
        return FakeLayout(drawn, enabled=self.enabled, operator_context=self.operator_context)

    def _operator(self, name: str) -> Any:
        module, function = name.split(".")
        known = getattr(getattr(bpy.ops, module), function).get_rna_type().properties
        self._note_use(name, [])
        called_with = self._drawn.operators[name] = {}

        class Properties(SimpleNamespace):
            def __setattr__(self, name: str, value: Any) -> None:
                assert name in known, name
                called_with[name] = value

        return Properties()

    def _note_use(self, name: str, where: list[str]) -> None:
        where.append(name)
        if not self.enabled:
            self._drawn.disabled.append(name)


def draw(panel: Any, **own: Any) -> Drawn:
    """Draw a panel class, or an operator's dialog, and return what is to be seen."""
    drawn = Drawn()
    panel.draw(SimpleNamespace(layout=FakeLayout(drawn), **own), bpy.context)
    return drawn


def _parameters(function: Any) -> list[str]:
    return [parameter.identifier for parameter in function.parameters if not parameter.is_output]


def _check(function: Any, arguments: dict[str, Any]) -> None:
    for name, value in arguments.items():
        parameter = function.parameters.get(name)
        assert parameter is not None, f"{function.identifier} has no {name}"
        if parameter.type == "ENUM" and not parameter.is_enum_flag:
            assert value in parameter.enum_items.keys(), f"{function.identifier} knows no {name}={value}"  # noqa: SIM118
