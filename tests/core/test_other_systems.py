# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Windows and macOS want, shown on Linux. Names that clash where case does not count, names of devices, and both
separators in archives are in test_archive.py and test_batch.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.files import archive, library, names
from core.files.names import UnsafeName, safe_path
from core.tasks.converter_process import Child
from core.tasks.task import TaskState
from tests.engine_rig import Rig
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import glb, obj_zip

MAX_PATH = 259
"""Characters of a path that Windows takes everywhere."""
USER = "C:\\Users\\twenty-characters-us\\AppData\\Local\\TokenLab 3D"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which files a process has open")


def longest_model() -> str:
    """The path of a file of the longest name, in an archive of a task with a long prompt."""
    folder = library.generation_folder(Path("data"), "word " * 100, "12345678-0000", 0.0).relative_to("data")
    scratch = f"{archive._SCRATCH}12345678"
    inner = "d" * names._MAX_CHARACTERS
    return "\\".join((USER, *folder.parts, max(scratch, "unpacked", key=len), inner))


def test_no_file_of_the_library_has_a_longer_path_than_windows_takes() -> None:
    assert len(longest_model()) <= MAX_PATH
    assert str(safe_path("d" * names._MAX_CHARACTERS)) == "d" * names._MAX_CHARACTERS
    with pytest.raises(UnsafeName):
        safe_path("d" * (names._MAX_CHARACTERS + 1))


@pytest.fixture
def rig(simulator: SimulatorProcess, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path / "data", simulator.url, simulator.key)
    yield rig
    assert rig.engine.stop()


def open_files() -> set[str]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            found.add(os.readlink(link))
        except FileNotFoundError:
            continue  # It was the one that listed them.
    return found


@LINUX
@pytest.mark.parametrize("asset", ["model.glb", "model.zip"])
def test_no_file_is_renamed_or_replaced_while_it_is_open(
    rig: Rig,
    simulator: SimulatorProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asset: str,
) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / asset).write_bytes(obj_zip() if asset.endswith("zip") else glb())
    simulator.configure(assets=assets, seconds=0)
    renamed: list[str] = []
    real = os.replace

    def replace(source: Any, target: Any) -> None:
        for path in (source, target):
            assert os.path.realpath(path) not in open_files(), path
        renamed.append(str(target))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    task = rig.run_to(rig.submit(), TaskState.READY)
    assert task.error == "" and renamed


def test_the_second_blender_opens_no_console_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x08000000, raising=False)
    # That it is refused here shows that it would be asked for there.
    with pytest.raises(ValueError, match="creationflags"):
        Child((sys.executable, "-c", "pass"), {}, tmp_path)
