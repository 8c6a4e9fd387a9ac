# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file a task gets, and its signed addresses. bpy is not allowed here."""

from __future__ import annotations

import secrets
import zipfile
from pathlib import Path
from urllib.parse import quote

from .tasks import Grant, Task

DEFAULT_FORMAT = "glb"
FORMATS = ("glb", "fbx", "obj", "usdz")
# Formats whose one file is complete in itself; an OBJ travels with its material and textures in a ZIP.
_SUFFIXES = {".glb": "glb", ".fbx": "fbx", ".usdz": "usdz", ".obj": "obj", ".zip": "obj"}


class NoAssetError(Exception):
    """The directory holds nothing that could be served."""


def asset_format(path: Path) -> str | None:
    return _SUFFIXES.get(path.suffix.lower())


def choose_asset(directory: Path, prompt: str, wanted: str) -> Path:
    """A file named in the prompt, else the first of the wanted format, else whatever is closest to a GLB."""
    files = sorted(path for path in directory.iterdir() if path.is_file() and not path.name.startswith("."))
    named = [path for path in files if path.name.lower() in prompt.lower()]
    if named:
        return max(named, key=lambda path: len(path.name))
    for acceptable in (wanted, *FORMATS):
        for path in files:
            if asset_format(path) == acceptable:
                return path
    raise NoAssetError(f"no file of a known format in {directory}")


def packed(path: Path, directory: Path) -> Path:
    """The file in a ZIP, as the image-only maker delivers it (API notes 3.4)."""
    archive = directory / f"{path.stem}.zip"
    if not archive.exists():
        unfinished = archive.with_suffix(f".{secrets.token_hex(4)}")
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as target:
            target.write(path, f"result/{path.name}")
        unfinished.replace(archive)
    return archive


class AssetAddresses:
    """The grants given so far; the asset host answers only to these."""

    def __init__(self) -> None:
        self.base_url = ""
        self._grants: dict[str, Grant] = {}

    def for_task(self, task: Task) -> str:
        """The task's address: the same one until the asset host has refused it."""
        grant = task.grant
        if grant is None or grant.token in task.refused_grants:
            number = 1 if grant is None else grant.number + 1
            grant = Grant(task.id, number, secrets.token_urlsafe(12), secrets.token_urlsafe(24), task.asset)
            task.grant = grant
            self._grants[grant.token] = grant
        return f"{self.base_url}/3d/{grant.token}/{quote(grant.path.name)}?signature={grant.signature}"

    def find(self, token: str) -> Grant | None:
        return self._grants.get(token)

    def clear(self) -> None:
        self._grants.clear()
