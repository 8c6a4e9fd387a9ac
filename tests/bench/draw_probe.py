# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times the Python of our drawing in a window. Sent to the Blender under test by `Window.run`. Uses bpy.

Blender looks a drawing method up at each call, so that a class can be given one that keeps the time.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable
from typing import Any

import bpy

MODULE = "bl_ext.user_default.tokenlab_3d"
METHODS = ("draw", "draw_item", "draw_filter", "filter_items", "poll")
FAR = 1e6
"""Seconds until a task is asked about: not during this."""


class DrawProbe:
    """Adds up what our classes take in each redraw of the sidebar."""

    def __init__(self) -> None:
        self.redraws: list[float] = []
        """Milliseconds."""
        self._spent, self.count = 0.0, 0
        for name in dir(bpy.types):
            kind = getattr(bpy.types, name)
            if getattr(kind, "__module__", "").startswith(f"{MODULE}.panels"):
                for method in METHODS:
                    if method in vars(kind):
                        self._wrap(kind, method)
        self._count()

    def _wrap(self, kind: Any, method: str) -> None:
        is_class_method = isinstance(vars(kind)[method], classmethod)
        function = vars(kind)[method].__func__ if is_class_method else vars(kind)[method]
        timed = self._timed(function)
        setattr(kind, method, classmethod(timed) if is_class_method else timed)

    def _timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                self._spent += time.perf_counter() - begin

        # Blender passes as many arguments as the function says that it takes.
        names = ", ".join(inspect.signature(function).parameters)
        wrapped: Callable[..., Any] = eval(f"lambda {names}: run({names})", {"run": run})  # noqa: S307  # our own names
        return wrapped

    def _count(self) -> None:
        """The first panel of the tab begins a redraw."""
        draw = bpy.types.TOKENLAB_PT_generate.draw  # type: ignore[attr-defined]  # ours

        def counted(self_: Any, context: Any) -> None:
            self.count += 1
            draw(self_, context)

        bpy.types.TOKENLAB_PT_generate.draw = counted  # type: ignore[attr-defined]

    def begin(self) -> None:
        """Begin to note a redraw."""
        self.count, self._spent = 0, 0.0

    def end(self) -> int:
        """Note what the redraws since `begin` took, each; return how many there were."""
        if self.count:
            self.redraws.append(1000.0 * self._spent / self.count)
        return self.count


def fill(count: int) -> None:
    """Give the session so many tasks that run, are imported or have failed."""
    core = sys.modules[f"{MODULE}.core.blender.session"]
    task_module: Any = sys.modules[f"{MODULE}.core.tasks.task"]
    contract: Any = sys.modules[f"{MODULE}.core.service.contract"]
    store: Any = sys.modules[f"{MODULE}.core.blender.store"]
    session: Any = vars(core)["current"]()
    for number in range(count):
        request = contract.GenerationRequest(prompt=f"a model of something, number {number}")
        task = task_module.new_task(request, store.scene_id(bpy.context.scene))
        session.engine.records.add(task)
        steps: list[dict[str, Any]] = [{"state": "SUBMITTING", "submitted_at": time.time()}]
        steps += [
            {"state": "PENDING", "task_id": f"ldtask_{number}"},
            {"state": "PROCESSING", "progress": number % 100},
        ]
        if number % 3:
            steps[-1] = {"state": "FAILED", "error": "The service could not make a model of this. Nothing was charged."}
        for step in steps:
            session.engine.records.change(task.local_id, **{**step, "state": task_module.TaskState[step["state"]]})
        session.engine._plan(task.local_id, FAR)
    session.file.show_tasks()
