# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where generations lie on disk, and what is written beside them. No bpy here.

``<library>/<year-month>/<slug>-<first 8 of the local id>/`` holds the untouched download, the picture that was sent
and ``task.json``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from ..processes import is_left_behind, mark

LIBRARY = "library"
"""Folder of the data folder for the models."""
PICTURES = "pictures"
"""Folder of the data folder for pictures out of Blender, on their way to a task's own folder."""
_PROVENANCE = "task.json"
_MAX_SLUG = 40
_PART = ".part"
"""How the name of everything ends that is not yet whole."""
_amending = threading.Lock()
"""What two workers learn of a model at once, such as its bill and its size, is to be kept both."""


def default_data_directory(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Return the platform's per-user data folder of this extension; it outlives Blender versions and upgrades."""
    home = Path.home()
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "TokenLab 3D"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "TokenLab 3D"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "tokenlab_3d"


def slug(prompt: str) -> str:
    """Return a short file name made of the prompt: lower-case ASCII words joined by hyphens, never empty."""
    plain = unicodedata.normalize("NFKD", prompt).encode("ascii", "ignore").decode("ascii").lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return words[:_MAX_SLUG].rstrip("-") or "model"


def generation_folder(data_directory: Path, prompt: str, local_id: str, created_at: float) -> Path:
    """Return the folder of one generation (not created). `created_at` is in unix seconds."""
    month = time.strftime("%Y-%m", time.gmtime(created_at))
    return data_directory / LIBRARY / month / f"{slug(prompt)}-{local_id[:8]}"


def own_folder(model: Path) -> Path:
    """Return the folder whose files belong to a model: that of its generation, which an archive may be unpacked in."""
    return next((folder for folder in model.parents if (folder / _PROVENANCE).is_file()), model.parent)


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` under a temporary name beside `path`, flush it to the disk and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{mark()}", suffix=_PART, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.is_file():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that are gone have left of `write_atomically` in a folder that several share."""
    for leftover in folder.glob(f".*-*{_PART}"):
        if is_left_behind(leftover.name[1:]):
            # Somebody else may be at it as well.
            leftover.unlink(missing_ok=True)


def write_provenance(folder: Path, facts: Mapping[str, object]) -> None:
    """Write `task.json`: where this model comes from. The caller leaves out the key and every URL."""
    text = json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False)
    write_atomically(folder / _PROVENANCE, text.encode("utf-8", "replace"))


def amend_provenance(folder: Path, facts: Mapping[str, object]) -> None:
    """Change facts in `task.json`, if it is there and can be read.

    :raises OSError: when it cannot be written.
    """
    with _amending:
        try:
            known = json.loads((folder / _PROVENANCE).read_bytes())
        except (OSError, ValueError, RecursionError):
            return
        if isinstance(known, dict):
            write_provenance(folder, {**known, **facts})
