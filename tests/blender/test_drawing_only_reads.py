# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever is drawn, in whatever state, reads memory and nothing else: it runs at every movement of the mouse."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender import panel_states, registered
from tests.blender.only_reads import Touched, only_reads, unchanged
from tests.simulator.process import SimulatorProcess


@pytest.fixture(autouse=True)
def interface(extension: ModuleType) -> Iterator[None]:
    """The interface is as it was afterwards."""
    yield
    panel_states.clear(extension)


@pytest.fixture
def models(extension: ModuleType, simulator: SimulatorProcess) -> None:
    """The service's models are known, so that the panels have something to offer."""
    form = bpy.context.scene.tokenlab
    for model in ("tripo-h3.1", "tripo-p1.0"):
        form.model = model
        bpy.ops.tokenlab.refresh_models()


def test_nothing_that_draws_writes_or_opens_anything(extension: ModuleType, models: None, preferences: Any) -> None:
    drawings = dict(registered.drawings())
    problems: list[str] = []
    has_drawn: set[str] = set()
    for state, enter in panel_states.states(extension, preferences):
        enter()
        with unchanged():
            for name, draw in drawings.items():
                try:
                    with only_reads():
                        drawn = draw()
                except Exception as error:
                    problems.append(f"{name} in the state “{state}”: {type(error).__name__}: {error}")
                else:
                    has_drawn |= {name} if drawn.texts or drawn.properties or drawn.operators else set()
    assert not problems, "\n".join(problems)
    unseen = drawings.keys() - has_drawn
    assert not unseen, f"no state of panel_states.py has these drawn: {sorted(unseen)}"


def test_all_that_draws_is_found(extension: ModuleType) -> None:
    names = {name for name, _draw in registered.drawings()}
    for expected in (
        *("TOKENLAB_PT_generate.draw", "TOKENLAB_UL_tasks.draw_item", "TOKENLAB_MT_object.draw"),
        *("TOKENLAB_OT_generate.draw", "TOKENLAB_AP_preferences.draw", "_draw_add in VIEW3D_MT_add"),
    ):
        assert expected in names


# ---- and the watch sees what it is there for


WRONG: dict[str, Callable[[Path], object]] = {
    "a file is opened": Path.read_text,
    "a file is made": Path.touch,
    "a file is looked at": Path.exists,
    "a folder is made": lambda path: path.with_name("folder").mkdir(),
    "a folder is read": lambda path: os.listdir(path.parent),
    "a file is removed": Path.unlink,
    "a file is renamed": lambda path: path.rename(path.with_name("other")),
    "a socket is made": lambda _path: socket.socket(),
    "a database is opened": sqlite3.connect,
    "a process is started": lambda _path: subprocess.run([sys.executable, "-c", ""], check=False),
    "a thread is started": lambda _path: threading.Thread(target=int).start(),
    "a module is imported": lambda _path: __import__("wave"),
    "a timer is started": lambda _path: bpy.app.timers.register(int),
    "the form is changed": lambda _path: setattr(bpy.context.scene.tokenlab, "prompt", ""),
    "the list is changed": lambda _path: setattr(panel_states.shown(), "notice", ""),
    "the list gets longer": lambda _path: panel_states.shown().tasks.add(),
    "a scene is changed": lambda _path: setattr(bpy.context.scene, "frame_start", 1),
    "a scene gets a property": lambda _path: bpy.context.scene.__setitem__("x", 1),
    "a scene loses a property": lambda _path: bpy.context.scene.__delitem__("there"),
    "an object is made": lambda _path: bpy.data.objects.new("x", None),
}


@pytest.mark.parametrize("what", list(WRONG))
def test_it_is_an_error_when(extension: ModuleType, tmp_path: Path, what: str) -> None:
    path = tmp_path / "file"
    path.write_text("")
    bpy.context.scene["there"] = 1
    sys.modules.pop("wave", None)
    with pytest.raises(AssertionError), unchanged(), only_reads():
        WRONG[what](path)
    panel_states.shown().tasks.clear()
    bpy.context.scene.tokenlab.prompt = "can be written again"
    path.with_name("after").write_text("as can files")


def test_what_only_reads_is_no_error(extension: ModuleType) -> None:
    with only_reads():
        assert bpy.context.scene.tokenlab.prompt == ""
        assert bpy.context.scene.get("x") is None
    assert issubclass(Touched, AssertionError)
