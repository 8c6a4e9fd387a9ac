# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the gui tier: a real Blender window with the built zip installed. No bpy in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.build import build_zip
from tests.gui.window import ENDINGS, Window, missing_window
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import write_assets


@pytest.fixture(scope="session", autouse=True)
def can_open_a_window() -> None:
    """Skip everything where there can be no window; `python -m tests` says so before it starts this tier."""
    reason = missing_window()
    if reason:
        pytest.skip(f"NO WINDOW: {reason}")


@pytest.fixture(scope="session")
def extension_zip(can_open_a_window: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip that users install, built once."""
    return build_zip(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def simulator_process(can_open_a_window: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """One simulator for the whole run; use `simulator`, which resets it."""
    with SimulatorProcess(assets=write_assets(tmp_path_factory.mktemp("assets"))) as process:
        yield process


@pytest.fixture
def simulator(simulator_process: SimulatorProcess) -> SimulatorProcess:
    """The service on a loopback port, without tasks or faults."""
    simulator_process.reset()
    return simulator_process


@pytest.fixture
def window(request: pytest.FixtureRequest, extension_zip: Path, simulator: SimulatorProcess) -> Iterator[Window]:
    """A Blender window of this test alone, with the extension, talking to the simulator."""
    environment = {"TOKENLAB_API_BASE": simulator.url, "TOKENLAB_API_KEY": simulator.key}
    with Window(extension_zip, environment) as opened:
        yield opened
        opened.screenshot(ENDINGS / f"{request.node.name}.png")
        log = opened.log_text()
    # An exception in a panel's draw() goes nowhere else.
    assert "Traceback" not in log, log
