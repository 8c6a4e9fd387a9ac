# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our catalog in the library's catalog file, which Blender's Asset Browser reads and writes too. No bpy here.

One for all generations: their names and tags are searched, and a user who wants an order makes catalogs of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from .library import write_atomically

CATALOG_ID: Final = "5f0f8d2e-6b1c-4e6a-9a53-0d5e7f1b3c84"
"""The catalog of each asset that we make; never another one, since files hold it."""
FILE_NAME: Final = "blender_assets.cats.txt"
_LINE: Final = f"{CATALOG_ID}:TokenLab 3D:TokenLab 3D"
_VERSION: Final = "VERSION 1"
_NEW: Final = f"""\
# This is an Asset Catalog Definition file for Blender.
#
# Empty lines and lines starting with `#` will be ignored.
# The first non-ignored line should be the version indicator.
# Other lines are of the format "UUID:catalog/path/for/assets:simple catalog name"

{_VERSION}

"""


class UnreadableCatalogs(Exception):
    """The catalog file is nothing that we know, and was left as it is. The text is a user's sentence."""


def add_to(folder: Path) -> None:
    """Write our line into the catalog file of a library, unless it is there; all other lines stay as they are.

    A line that has our id is ours wherever the user moved the catalog to.

    :raises UnreadableCatalogs: when the file is none of version 1.
    :raises OSError: when the disk does not take it.
    """
    # Somebody may share one file between libraries.
    path = (folder / FILE_NAME).resolve()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = _NEW.encode()
    lines = _lines(data)
    if lines[:1] != [_VERSION]:
        raise UnreadableCatalogs(
            f"The file {FILE_NAME} of the library cannot be read, so it was left as it is. "
            "The models are in the Asset Browser without a catalog. Move that file away and add the library again."
        )
    if any(line.partition(":")[0].strip().lower() == CATALOG_ID for line in lines):
        return
    end = b"\r\n" if b"\r\n" in data else b"\n"
    gap = b"" if not data or data.endswith(b"\n") else end
    write_atomically(path, data + gap + _LINE.encode() + end)


def _lines(data: bytes) -> list[str]:
    """Return the lines that count; none when the file is no text."""
    try:
        lines = [line.strip() for line in data.decode("utf-8-sig").splitlines()]
    except ValueError:
        return []
    return [line for line in lines if line and not line.startswith("#")]
