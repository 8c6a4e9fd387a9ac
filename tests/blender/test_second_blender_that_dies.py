# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real second Blender is killed, hangs, takes all memory, loses its parent: one model fails, and nothing stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from core.files.scene_units import FACTORY
from tests import odd_models, second_blenders, tiny_models
from tests.blender.support import ROOT, limit_second_blender, pump, vertex_count
from tests.loopback import wait_for
from tests.simulator.process import SimulatorProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to stop and kill with.")

SCRIPTS = ROOT / "tests" / "blender" / "scripts"
SIDE = 390
"""Squares along an edge of the large model: 300,000 lines of OBJ."""
A_MOMENT = 30.0
"""Longest time for the end of a process whose parent is gone, on a machine that is busy."""


class Stage:
    """A session whose models go through a real second Blender, which can be got hold of while it works."""

    def __init__(self, extension: ModuleType, session: Any, simulator: SimulatorProcess, folder: Path) -> None:
        self.extension, self.session, self.folder = extension, session, folder
        self.assets = folder / "assets"
        self.assets.mkdir()
        simulator.configure(assets=str(self.assets), seconds=0)
        self.heard = [""]
        """What second Blenders have said."""
        converter = session.engine._converter
        hear = converter._hear

        def listen(*arguments: Any) -> Any:
            message = hear(*arguments)
            self.heard.append(message["tokenlab"])
            return message

        converter._hear = listen

    def serve(self, name: str, data: bytes | str) -> str:
        path = self.assets / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return f"the model in {name}"

    def serve_large(self) -> str:
        return self.serve("large.obj", odd_models.grid_obj(SIDE))

    def pump_to_work(self) -> int:
        """Go on until the second Blender has begun with an order, and stop it there; return its number."""
        pump(self.extension, lambda: self.heard[-1] == "begun", pause=0.001)
        number = int(self.session.engine._converter._child.number)
        os.kill(number, signal.SIGSTOP)
        return number

    def fails(self, task: Any, *parts: str) -> None:
        """Wait for a task to fail, with a sentence that has these parts and says what is kept and what to do."""
        with pytest.raises(self.extension.TokenLabError) as caught:
            task.wait(timeout=60)
        for part in (*parts, "kept on disk", "nothing is charged again", "ry again"):
            assert part in str(caught.value)
        assert task.state == "READY"

    def try_again(self, task: Any, vertices: int) -> None:
        original = task.result_path.read_bytes()
        self.session.resume(task.local_id)
        assert vertex_count(task.wait(timeout=60)) == vertices
        assert task.result_path.read_bytes() == original

    def check_nothing_is_left(self) -> None:
        self.session.engine.stop()
        assert list((self.folder / "data" / "scratch").iterdir()) == []
        assert not [path for path in (self.folder / "data" / "library").rglob("*") if path.name.startswith(".")]
        assert second_blenders.running(self.folder) == []


@pytest.fixture
def stage(extension: ModuleType, simulator: SimulatorProcess, prepared: Any, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(extension, prepared, simulator, tmp_path)
    yield made
    made.check_nothing_is_left()


LARGE = (SIDE + 1) ** 2


def test_one_that_is_killed_in_the_middle_costs_one_try(stage: Stage) -> None:
    task = stage.extension.generate(stage.serve_large())
    os.kill(stage.pump_to_work(), signal.SIGKILL)
    stage.fails(task, "importer crashed", "in a second Blender, so nothing of your work is lost")
    stage.try_again(task, LARGE)


def test_one_that_hangs_is_given_up_when_its_time_is_over(stage: Stage) -> None:
    limit_second_blender(stage.session, convert=2.0)
    task = stage.extension.generate(stage.serve_large())
    number = stage.pump_to_work()
    stage.fails(task, "took longer than 2 seconds and was given up")
    assert not second_blenders.is_running(number)
    limit_second_blender(stage.session, convert=60.0)
    stage.try_again(task, LARGE)


def test_one_that_takes_too_much_memory_is_given_up(stage: Stage) -> None:
    task = stage.extension.generate(stage.serve_large())
    stage.pump_to_work()
    # It is stopped, and has 200 MB at least; where no system sees to the limit, that is what it is watched for.
    limit_second_blender(stage.session, memory=100 * 1024**2)
    stage.fails(task, "took more than", "GB of memory and was given up")
    limit_second_blender(stage.session, memory=4 * 1024**3)
    stage.try_again(task, LARGE)


@pytest.mark.skipif(sys.platform != "linux", reason="Other systems do not keep the limit; there the child is watched.")
def test_one_that_gets_no_more_memory_says_so(stage: Stage) -> None:
    limit_second_blender(stage.session, memory=1024**3)
    document, binary = odd_models.triangle()
    # Positions without data are zeros: 3.6 GB of them.
    document["accessors"][0].update(count=300_000_000)
    del document["accessors"][0]["bufferView"]
    task = stage.extension.generate(stage.serve("zeros.glb", odd_models.pack_glb(document, binary)))
    stage.fails(task, "took more than 1 GB of memory and was given up")
    assert vertex_count(stage.extension.generate(stage.serve("good.glb", tiny_models.glb())).wait(timeout=60)) == 3


def test_a_picture_that_takes_all_memory_is_told_by_its_head(stage: Stage) -> None:
    limit_second_blender(stage.session, memory=1024**3)
    picture = odd_models.png(30_000, 30_000)
    task = stage.extension.generate(stage.serve("picture.glb", odd_models.textured_glb(picture)))
    stage.fails(task, "has a texture of 30000 x 30000 pixels, more than can be shown")
    assert vertex_count(stage.extension.generate(stage.serve("good.glb", tiny_models.glb())).wait(timeout=60)) == 3


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_one_that_dies_over_the_picture_costs_the_picture(stage: Stage, end: signal.Signals) -> None:
    limit_second_blender(stage.session, preview=2.0)
    task = stage.extension.generate(stage.serve("good.glb", tiny_models.glb()))
    assert vertex_count(task.wait(timeout=60)) == 3
    engine = stage.session.engine
    pump(stage.extension, lambda: engine._previews.is_making)
    os.kill(stage.pump_to_work(), end)
    pump(stage.extension, lambda: not engine.is_busy)
    names = sorted(path.name for path in task.result_path.parent.iterdir())
    assert names == ["model.blend", "original.glb", "task.json"]
    assert (task.error, task.state) == ("", "IMPORTED")
    assert vertex_count(stage.extension.generate(stage.serve("next.glb", tiny_models.glb())).wait(timeout=60)) == 3


# ------------------------------------------------------------------------------
# Without a parent


class Family:
    """A parent that is no Blender, its second Blender, and what becomes of that."""

    def __init__(self, words: tuple[str, ...], folder: Path) -> None:
        self.words, self.folder = words, folder
        self.scratch = folder / "scratch"

    def orphan(
        self, order: dict[str, Any] | None = None, *, until: Callable[[], bool] = lambda: True, **settings: float
    ) -> int:
        """Start both, kill the parent once the child is at work and something holds, and return the child's number."""
        plan = json.dumps({"words": self.words, "scratch": str(self.scratch), "order": order, **settings})
        parent = subprocess.Popen(
            [sys.executable, str(SCRIPTS / "parent_that_dies.py"), plan],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert parent.stdout is not None
        with parent, parent.stdout:
            number = int(parent.stdout.readline())
            wait_for(until, A_MOMENT)
            parent.kill()
        return number

    def order(self, name: str, data: bytes | str) -> dict[str, Any]:
        source = self.folder / name
        source.write_bytes(data if isinstance(data, bytes) else data.encode())
        texts = {"name": "Model", "description": "", "catalogue": "", "units": FACTORY}
        paths = {"source": str(source), "blend": str(self.folder / "model.blend")}
        return {"do": "convert", "format": source.suffix[1:].upper(), "tags": [], **texts, **paths}


@pytest.fixture
def family(extension: ModuleType, tmp_path: Path) -> Iterator[Family]:
    made = Family(extension.core.blender.second_blender.command(is_wanted=True).words, tmp_path)
    yield made
    for number in second_blenders.running(tmp_path):
        os.kill(number, signal.SIGKILL)


def glb_order(family: Family) -> dict[str, Any]:
    return family.order("large.glb", odd_models.grid_glb(SIDE))


def obj_order(family: Family) -> dict[str, Any]:
    return family.order("large.obj", odd_models.grid_obj(SIDE))


@pytest.mark.parametrize("make", [None, obj_order, glb_order], ids=["idle", "importer in C++", "importer in Python"])
def test_one_whose_parent_was_killed_ends_and_leaves_nothing(
    family: Family, make: Callable[[Family], dict[str, Any]] | None
) -> None:
    number = family.orphan(make(family) if make else None)
    wait_for(lambda: not second_blenders.is_running(number), A_MOMENT)
    assert list(family.scratch.iterdir()) == []
    assert not (family.folder / "model.blend").exists(), "it worked on, for nobody"


def test_one_that_cannot_see_that_its_parent_was_killed_ends_when_its_time_is_over(family: Family) -> None:
    script = family.words[-2]
    family.words = (*family.words[:-2], str(SCRIPTS / "converter_that_holds_on.py"), script, "--")
    order = family.order("good.glb", tiny_models.glb())
    number = family.orphan(order, until=(family.folder / "held").exists, seconds=2.0)
    assert second_blenders.is_running(number)
    wait_for(lambda: not second_blenders.is_running(number), A_MOMENT)
    # Nobody can tidy up then: the next second Blender does, a day later.
    assert [path.name.partition("-")[0] for path in family.scratch.iterdir()] == ["converter"]


def test_one_with_nothing_to_do_ends_by_itself(stage: Stage) -> None:
    limit_second_blender(stage.session, idle=1.0)
    stage.extension.generate(stage.serve("good.glb", tiny_models.glb())).wait(timeout=60)
    pump(stage.extension, lambda: not stage.session.engine.is_busy)
    time.sleep(0.1)
    wait_for(lambda: second_blenders.running(stage.folder) == [])
    assert list((stage.folder / "data" / "scratch").iterdir()) == []
    assert vertex_count(stage.extension.generate(stage.serve("next.glb", tiny_models.glb())).wait(timeout=60)) == 3
