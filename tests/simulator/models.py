# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that are served when no directory is named: made once with Blender. bpy is not allowed here.

Blender runs in a child process, so that this one stays free of it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_DIRECTORY = REPOSITORY / "build" / "models"
SCRIPT = Path(__file__).with_name("make_models.py")
STAMP = ".stamp"
TIME_LIMIT_SECONDS = 300


class ModelsError(RuntimeError):
    """The models could not be made."""


def ensure_models(directory: Path = DEFAULT_DIRECTORY) -> Path:
    """Make the models unless they are there and made by this very script."""
    wanted = hashlib.sha256(SCRIPT.read_bytes()).hexdigest()
    if _stamp_of(directory) == wanted:
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".models-") as unfinished:
        fresh = Path(unfinished) / "models"
        fresh.mkdir()
        _make(fresh)
        (fresh / STAMP).write_text(wanted, encoding="utf-8")
        _put_in_place(fresh, directory, wanted)
    return directory


def _make(directory: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS, check=False)
    if done.returncode == 0:
        return
    if "No module named 'bpy'" in done.stderr:
        raise ModelsError(
            f"{sys.executable} has no bpy to make models with. Name a directory with --assets, or run once with a "
            "Python that has bpy."
        )
    raise ModelsError(f"making the models failed ({done.returncode}):\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _put_in_place(fresh: Path, directory: Path, wanted: str) -> None:
    """Another process may have been faster; then its result is as good."""
    if _stamp_of(directory) == wanted:
        return
    if directory.exists():
        shutil.rmtree(directory, ignore_errors=True)
    try:
        fresh.rename(directory)
    except OSError:
        if _stamp_of(directory) != wanted:
            raise


def _stamp_of(directory: Path) -> str | None:
    stamp = directory / STAMP
    return stamp.read_text(encoding="utf-8") if stamp.is_file() else None
