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
from typing import Any

from ..processes import is_left_behind, mark

LIBRARY = "library"
"""Folder of the data folder for the models."""
PICTURES = "pictures"
"""Folder of the data folder for pictures out of Blender, on their way to a task's own folder."""
_PROVENANCE = "task.json"
_WRITTEN = "written"
"""Key in it of the files beside it that we have written ourselves: size and time of each, by name."""
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
    """Write `task.json`: where this model comes from. The caller leaves out the key and every URL.

    What it says of the files beside it stays.
    """
    noted = _noted(_known(folder))
    facts = {_WRITTEN: noted, **facts} if noted else facts
    text = json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False)
    write_atomically(folder / _PROVENANCE, text.encode("utf-8", "replace"))


def amend_provenance(folder: Path, facts: Mapping[str, object]) -> None:
    """Change facts in `task.json`, if it is there and can be read.

    :raises OSError: when it cannot be written.
    """
    with _amending:
        known = _known(folder)
        if known is not None:
            write_provenance(folder, {**known, **facts})


def note_written(path: Path, status: os.stat_result) -> None:
    """Note in `task.json` how a file beside it is that we have just written: whoever changes it makes it his.

    :param status: of the file as it was written; it may be another one already.
    :raises OSError: when that cannot be done.
    """
    with _amending:
        known = _known(path.parent)
        if known is not None:
            noted = {**_noted(known), path.name: _state(status)}
            write_provenance(path.parent, {**known, _WRITTEN: noted})


def is_as_written(path: Path) -> bool:
    """Whether a file is there, and as we wrote it. Of one that nobody has noted that is not known, so it is not."""
    try:
        return _noted(_known(path.parent)).get(path.name) == _state(path.lstat())
    except OSError:
        return False


def _known(folder: Path) -> dict[str, Any] | None:
    """Return what `task.json` says; None when it cannot be read."""
    try:
        known = json.loads((folder / _PROVENANCE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return known if isinstance(known, dict) else None


def _noted(known: Mapping[str, Any] | None) -> dict[str, Any]:
    noted = (known or {}).get(_WRITTEN)
    return noted if isinstance(noted, dict) else {}


def _state(status: os.stat_result) -> list[int]:
    """Return what changes with a file: size in bytes, and time in nanoseconds."""
    return [status.st_size, status.st_mtime_ns]
