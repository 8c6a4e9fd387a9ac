# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the core tier. No bpy: a test here that imports it, however far down, fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.tiers import PRIVATE_VARIABLES
from tests.tiny_models import write_assets

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine_rig import Blender
    from tests.simulator.process import SimulatorProcess

# Without this `import bpy` would work wherever the bpy wheel happens to be installed.
sys.modules["bpy"] = None  # type: ignore[assignment]  # None is how Python spells "not importable"

# Once more, for whoever starts pytest directly.
for name in PRIVATE_VARIABLES:
    os.environ.pop(name, None)

# A time limit for each example makes tests fail on a busy machine and nowhere else.
settings.register_profile("tokenlab", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("tokenlab")


@pytest.fixture(scope="session")
def simulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """One simulator for the whole run; use `simulator`, which resets it."""
    # Imported here: most core tests need neither the simulator nor its web server.
    from tests.simulator.process import SimulatorProcess  # noqa: PLC0415

    with SimulatorProcess(assets=write_assets(tmp_path_factory.mktemp("assets"))) as process:
        yield process


@pytest.fixture
def simulator(simulator_process: SimulatorProcess) -> SimulatorProcess:
    """The service on a loopback port, without tasks or faults: .url .key .journal() .configure()."""
    simulator_process.reset()
    return simulator_process


@pytest.fixture
def blenders(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[tuple[Blender, Blender]]:
    """Two living Blenders on two machines, with one folder."""
    from tests.engine_rig import Blender  # noqa: PLC0415  # imports requests, as most core tests need not

    simulator.configure(seconds=0)
    both = Blender(tmp_path, simulator, "first/1/a"), Blender(tmp_path, simulator, "second/1/b")
    yield both
    for blender in both:
        assert blender.engine.stop()
