# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the Blender under test (`blender --python agent.py`) and does what the test process asks. Uses bpy.

One request for each turn of a timer, so that Blender handles its events and draws between two requests. A request is a
line of JSON on the unix socket $TOKENLAB_GUI_SOCKET, {"code": "..."}; the reply is {"value": ...} with the value of
the code's last expression, or {"error": traceback}. A generator goes on turn after turn, and its value is what it
returns.
"""

from __future__ import annotations

import ast
import itertools
import json
import os
import queue
import socket
import threading
import traceback
from collections.abc import Generator, Iterator
from typing import Any

import bpy

TURN = 0.01
HOVER_TURNS = 2
"""After so many turns Blender knows what is under a pointer that has moved."""
drawn = [0]
"""How often a 3D Viewport was drawn."""


# What the requests may use


def window() -> bpy.types.Window:
    return bpy.context.window_manager.windows[0]


def viewport() -> bpy.types.Area:
    areas = [area for area in window().screen.areas if area.type == "VIEW_3D"]
    return max(areas, key=lambda area: area.width * area.height)


def sidebar() -> bpy.types.Region:
    return next(region for region in viewport().regions if region.type == "UI")


def move(x: int, y: int) -> None:
    window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)


def tap(key: Any, x: int, y: int, **modifiers: Any) -> None:
    """Press and release a key or a mouse button, with the pointer at x, y."""
    window().event_simulate(type=key, value="PRESS", x=x, y=y, **modifiers)
    modifiers.pop("unicode", None)
    window().event_simulate(type=key, value="RELEASE", x=x, y=y, **modifiers)


def type_text(text: str, x: int, y: int) -> None:
    # F24 is bound to nothing: the character alone does the typing.
    for character in text:
        tap("F24", x, y, unicode=character)


def view_selected() -> None:
    """Frame what is selected, as the View menu does."""
    region = next(region for region in viewport().regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window(), area=viewport(), region=region):  # type: ignore[attr-defined]
        bpy.ops.view3d.view_selected()


def under_pointer() -> str:
    """Say what the button under the pointer runs or sets, as Blender's own context menu would copy it."""
    manager = bpy.context.window_manager
    copies: tuple[tuple[Any, dict[str, Any]], ...] = (
        (bpy.ops.ui.copy_python_command_button, {}),
        (bpy.ops.ui.copy_data_path_button, {"full_path": True}),
    )
    with bpy.context.temp_override(window=window(), area=viewport(), region=sidebar()):  # type: ignore[attr-defined]
        for operator, arguments in copies:
            manager.clipboard = ""
            if operator.poll():
                try_operator(operator, arguments)
            if manager.clipboard:
                return str(manager.clipboard)
    return ""


def scan(column: int, top: int, bottom: int, step: int, wanted: str) -> Iterator[None]:
    """Go down a column and return, by what the buttons under the pointer run or set, in which rows they are.

    Takes several turns. Ends below the first button that has `wanted` in it, if there is one.
    """
    rows: dict[str, list[int]] = {}
    for row in range(top, bottom, -step):
        move(column, row)
        yield from itertools.repeat(None, HOVER_TURNS)
        name = under_pointer()
        if wanted and any(wanted in found for found in rows) and wanted not in name:
            break
        if name:
            rows.setdefault(name, []).append(row)
    return rows  # type: ignore[return-value]  # of the generator


def try_operator(operator: Any, arguments: dict[str, Any]) -> None:
    try:
        operator(**arguments)
    except RuntimeError as error:
        # A label passes the poll and has nothing to copy.
        print(f"agent: {error}")


# Serving


def run(code: str) -> object:
    """Execute the code; return the value of its last expression."""
    tree = ast.parse(code)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    # Executing what the test sends is what this file is for; nobody else can reach the socket.
    exec(compile(tree, "<test>", "exec"), globals())  # noqa: S102
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "<test>", "eval"), globals())  # noqa: S307
    return None


class Agent:
    """Takes requests from a thread and runs them on Blender's main thread."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
        self._going: Generator[None, None, object] | None = None

    def turn(self) -> float:
        try:
            value = self._value()
        except queue.Empty:
            return TURN
        except BaseException:  # whatever it was, the test must hear of it, and this timer must live on
            self._going = None
            self._replies.put({"error": traceback.format_exc()})
            return TURN
        if isinstance(value, Generator):
            self._going = value
        else:
            self._replies.put({"value": value})
        return TURN

    def _value(self) -> object:
        """Return the value of the next request, or the generator that will have it.

        :raises queue.Empty: when there is no request.
        """
        if self._going is None:
            return run(self._requests.get_nowait())
        going = self._going
        try:
            next(going)
        except StopIteration as end:
            self._going = None
            return end.value
        return going

    def serve(self) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.bind(os.environ["TOKENLAB_GUI_SOCKET"])
        server.listen(1)
        connection, _address = server.accept()
        with connection, connection.makefile("rw", encoding="utf-8") as stream:
            for line in stream:
                self._requests.put(json.loads(line)["code"])
                stream.write(json.dumps(self._replies.get(), default=repr) + "\n")
                stream.flush()


def count_drawing() -> None:
    drawn[0] += 1


def start() -> None:
    preferences = bpy.context.preferences
    preferences.view.show_splash = False
    preferences.view.smooth_view = 0
    preferences.view.use_save_prompt = False
    if "TOKENLAB_PICTURES" not in os.environ:
        # Without a graphics card, smooth edges of what nobody looks at take a third of the processor.
        preferences.system.viewport_aa = "OFF"
    bpy.types.SpaceView3D.draw_handler_add(count_drawing, (), "WINDOW", "POST_PIXEL")
    agent = Agent()
    turn = agent.turn  # kept: Blender knows a timer by the very object
    bpy.app.timers.register(turn, first_interval=TURN, persistent=True)
    threading.Thread(target=agent.serve, daemon=True).start()


start()
