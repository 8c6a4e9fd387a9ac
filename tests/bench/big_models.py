# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Models of many triangles in every format, made once with Blender and kept in build/. No bpy here."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("make_big_models.py")
LIMIT_SECONDS = 900


def ensure_big_models(triangles: int) -> Path:
    """Return the folder with `model.glb`, `model.fbx`, `model.zip` (OBJ), `model.usdz`, `model.stl` and `model.ply`."""
    version = hashlib.sha256(SCRIPT.read_bytes()).hexdigest()[:12]
    folder = REPOSITORY / "build" / f"big-models-{version}" / str(triangles)
    if folder.is_dir():
        return folder
    scratch = folder.with_name(f".{triangles}-{os.getpid()}")
    scratch.mkdir(parents=True)
    try:
        command = [sys.executable, str(SCRIPT), str(triangles), str(scratch)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the big models could not be made:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        _zip_obj(scratch)
        try:
            scratch.rename(folder)
        except OSError:
            # Another process may have been faster; then its result is as good.
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _zip_obj(folder: Path) -> None:
    """Pack what belongs to the OBJ, as services deliver it."""
    parts = [path for path in folder.iterdir() if path.suffix in (".obj", ".mtl", ".png")]
    with zipfile.ZipFile(folder / "model.zip", "w", zipfile.ZIP_STORED) as archive:
        for path in parts:
            archive.write(path, path.name)
    for path in parts:
        path.unlink()
