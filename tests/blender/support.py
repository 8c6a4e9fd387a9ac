# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the blender tier's tests share. Imports no bpy, so that a test process can set Blender's folders first."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESIDENT = ROOT / "tests" / "blender" / "scripts" / "resident.py"
"""A script that does what its first argument names, in a Blender process of its own."""
REPOSITORY = "user_default"
MODULE = f"bl_ext.{REPOSITORY}.tokenlab_3d"
SHARED_SAMPLES = ROOT.parent / "shared" / "samples"
"""Real files of many makers, where a machine has them; no test depends on them."""
WAIT_SECONDS = 60.0
"""Longest wait for an effect, generous because machines are busy."""


def new_session(extension: ModuleType) -> Any:
    """End the extension's session and begin another one that asks the service often, and as often as it likes."""
    sessions = extension.core.blender.session
    sessions.stop()
    sessions.start(extension.core.blender.tick.ensure_running)
    session = sessions.current()
    session.engine.pacing = type(session.engine.pacing)(
        usual=0.05, slow=0.05, longest_back_off=0.2, download_tries=3, submit_tries=3, billing=()
    )
    ask_without_pause(session)
    return session


def ask_without_pause(session: Any) -> None:
    """Let a session have as many answers as it likes: a real one asks the service a hundred times a minute at most."""
    budget = session.engine._schedule.budget
    budget.take, budget.wait, budget.spend = (lambda _now: True), (lambda _now: 0.0), (lambda: None)


def limit_second_blender(session: Any, **limits: float) -> None:
    """Give the next second Blender of a session other limits (`core.tasks.converter.Limits`)."""
    converter = session.engine._converter
    converter._limits = dataclasses.replace(converter._limits, **limits)
    converter._memory = int(limits.get("memory", converter._memory))


def pump(
    extension: ModuleType, until: Callable[[], object], limit: float = WAIT_SECONDS, *, pause: float = 0.01
) -> None:
    """Call the timer's function as Blender would, and no more once it says that it is done, until something holds."""
    import bpy  # noqa: PLC0415  # see the docstring of the module

    tick = extension.core.blender.tick
    end = time.monotonic() + limit
    while not until():
        assert time.monotonic() < end, "it did not happen in time"
        if bpy.app.timers.is_registered(tick.tick) and tick.tick() is None:
            tick.stop()
        time.sleep(pause)


def data_counts() -> dict[str, int]:
    """How much of each kind of data the open file has."""
    import bpy  # noqa: PLC0415

    kinds = [kind.identifier for kind in bpy.data.bl_rna.properties if kind.type == "COLLECTION"]
    return {kind: len(getattr(bpy.data, kind)) for kind in kinds}


def vertex_count(objects: Any) -> int:
    """The vertices of all meshes among the objects."""
    return sum(len(item.data.vertices) for item in objects if item.type == "MESH")


def run_script(
    script: Path, *arguments: object, environment: dict[str, str], check: bool = True, limit: float = 180.0
) -> subprocess.CompletedProcess[str]:
    """Run a Python script in a process of its own that may import bpy, with folders of its own."""
    done = subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    if check:
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done
