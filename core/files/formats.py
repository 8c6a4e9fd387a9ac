# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a downloaded file really is, told by its bytes and not by its name. No bpy here."""

from __future__ import annotations

import enum
import re
import zipfile
from pathlib import Path

_HEAD_BYTES = 64 * 1024
"""How much of a text file is looked at to recognise OBJ."""

_USD_SUFFIXES = (".usd", ".usda", ".usdc")


class ModelFormat(enum.Enum):
    """A kind of file that can come back from the service. The value is the usual file suffix."""

    GLB = ".glb"
    GLTF = ".gltf"
    FBX = ".fbx"
    OBJ = ".obj"
    USDZ = ".usdz"
    ZIP = ".zip"

    @property
    def label(self) -> str:
        """The format's name as people write it."""
        return "glTF" if self is ModelFormat.GLTF else self.name


def sniff(path: Path) -> ModelFormat | None:
    """Return the format of the file at `path`, or None when it is no model that we know (API notes 3.4)."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head[:4] == b"glTF":
        return ModelFormat.GLB
    if head[:18] == b"Kaydara FBX Binary" or _is_ascii_fbx(head):
        return ModelFormat.FBX
    if head[:4] == b"PK\x03\x04":
        return _zip_or_usdz(path)
    if _is_gltf_json(head):
        return ModelFormat.GLTF
    if _is_obj(head):
        return ModelFormat.OBJ
    return None


def describe_unknown(path: Path) -> str:
    """Say in a few words what a file that is no model seems to be, for a sentence."""
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        return "an empty file"
    if head.lstrip()[:1] == b"<":
        return "a web page"
    if head.lstrip()[:1] in (b"{", b"["):
        return "a data file"
    return "a file of an unknown kind"


def _is_ascii_fbx(head: bytes) -> bool:
    return head.lstrip()[:1] == b";" and b"FBX" in head[:200]


def _is_gltf_json(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" and b'"asset"' in head


def _is_obj(head: bytes) -> bool:
    if b"\0" in head or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"{", b"["):
        return False
    return re.search(rb"^\s*v\s+[-+.\d]", head, re.MULTILINE) is not None


def _zip_or_usdz(path: Path) -> ModelFormat | None:
    """USDZ is an uncompressed ZIP whose first entry is a USD file (USDZ specification)."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    if names and names[0].lower().endswith(_USD_SUFFIXES):
        return ModelFormat.USDZ
    return ModelFormat.ZIP
