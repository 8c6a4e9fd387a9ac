# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the blender tier: the built zip, installed into a real Blender without a window (the bpy module).

The tests see what a user gets: the extension is imported as `bl_ext.user_default.tokenlab_3d`, never from this tree.
"""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from tests.blender.support import MODULE, REPOSITORY, new_session, pump
from tests.build import build_zip
from tests.tiers import PRIVATE_VARIABLES
from tests.tiny_models import write_assets

if TYPE_CHECKING:
    from tests.simulator.process import SimulatorProcess

# Neither a user's key nor the real service nor a user's data may ever get into a test, and Blender reads the folder of
# its settings once, when it is imported: so all this comes before `import bpy`.
for name in PRIVATE_VARIABLES:
    os.environ.pop(name, None)
SESSION_FOLDER = Path(tempfile.mkdtemp(prefix="tokenlab-blender-"))
os.environ["BLENDER_USER_RESOURCES"] = str(SESSION_FOLDER / "blender")
os.environ["TOKENLAB_DATA_DIR"] = str(SESSION_FOLDER / "data")

import bpy  # noqa: E402  # after the lines above


def pytest_unconfigure() -> None:
    # Not everything need go: on Windows the files that Blender has open stay until the process ends.
    shutil.rmtree(SESSION_FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip that users install, built once."""
    return build_zip(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def extension(extension_zip: Path) -> Iterator[ModuleType]:
    """The installed and enabled extension."""
    bpy.ops.extensions.package_install_files(filepath=str(extension_zip), repo=REPOSITORY, enable_on_install=True)
    assert MODULE in bpy.context.preferences.addons, "Blender did not enable the extension; its reason is printed above"
    yield importlib.import_module(MODULE)
    # Whatever stays registered at the end makes Blender 4.2 crash and 4.5 hang while the process exits.
    bpy.ops.preferences.addon_disable(module=MODULE)


@pytest.fixture(autouse=True)
def empty_file(extension: ModuleType) -> None:
    """Start each test with an empty, unsaved file; the extension stays enabled."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


@pytest.fixture
def preferences(extension: ModuleType) -> Iterator[Any]:
    """The extension's preferences; every value is put back after the test.

    Without a type: the class is in the installed zip, and mypy sees this tree.
    """
    values = bpy.context.preferences.addons[MODULE].preferences
    names = [name for name in values.bl_rna.properties.keys() if name not in ("rna_type", "bl_idname")]  # noqa: SIM118
    before = {name: getattr(values, name) for name in names}
    yield values
    # Looked up anew: a test that disabled the extension has ended the life of what `values` points to.
    values = bpy.context.preferences.addons[MODULE].preferences
    for name, value in before.items():
        setattr(values, name, value)


@pytest.fixture(scope="session")
def simulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """One simulator for the whole run; use `simulator`, which resets it."""
    # Imported here: a test that talks to nobody needs no web server.
    from tests.simulator.process import SimulatorProcess  # noqa: PLC0415

    with SimulatorProcess(assets=write_assets(tmp_path_factory.mktemp("assets"))) as process:
        yield process


@pytest.fixture
def session(
    extension: ModuleType, preferences: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_file: None
) -> Any:
    """A session of its own for this test: no task, an empty journal, and short pauses between polls."""
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(tmp_path / "data"))
    return new_session(extension)


@pytest.fixture
def simulator(simulator_process: SimulatorProcess, preferences: Any, session: Any) -> SimulatorProcess:
    """The service on a loopback port, without tasks or faults, and the extension set to talk to it."""
    simulator_process.reset()
    preferences.base_url = simulator_process.url
    preferences.api_key = simulator_process.key
    return simulator_process


@pytest.fixture
def generate(extension: ModuleType, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A function that sends a request with a placeholder, as in a window, and waits until the service has it."""
    monkeypatch.setattr(extension.core.blender.placeholder_watch, "is_wanted", lambda: True)
    simulator.configure(seconds=1000.0)

    def run(prompt: str = "a model", **arguments: Any) -> Any:
        task = extension.generate(prompt, format="AUTO", **arguments)
        pump(extension, lambda: task.task_id)
        return task

    return run


@pytest.fixture
def prepared(extension: ModuleType, session: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The session, as it is where there is a window: every model goes through a second Blender."""
    formats = extension.core.files.formats.ModelFormat
    monkeypatch.setattr(extension.core.blender.second_blender, "_CRASHING", frozenset(item.name for item in formats))
    yield session
    session.engine.stop()
