# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a downloaded file really is, told by its bytes and not by its name. No bpy here."""

from __future__ import annotations

import enum
import lzma
import re
import struct
import zipfile
import zlib
from pathlib import Path

_HEAD_BYTES = 64 * 1024
"""How much of a text file is looked at to recognise it."""

_USD_SUFFIXES = (".usd", ".usda", ".usdc")
_GLTF_KEYS = (b'"asset"', b'"accessors"', b'"bufferViews"', b'"meshes"')
"""A large file may name its version only at the end, so any of these will do."""
_STL_HEADER = 84
"""Bytes before the triangles of a binary STL; the last four are their number."""
_STL_TRIANGLE = 50
_BLANK = b"\xef\xbb\xbf \t\r\n"
"""What may come before the first letter of a text file."""


ZIP_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression that Python does not know
    RuntimeError,  # encrypted
    ValueError,
    OSError,  # what bz2 says of bad data
)
"""What reading a broken archive raises."""


class Implausible(Exception):
    """A file is broken or not what it seems. The text completes the sentence "The delivered GLB file …"."""


class ModelFormat(enum.Enum):
    """A kind of file that can come back from the service. The value is the usual file suffix."""

    GLB = ".glb"
    GLTF = ".gltf"
    FBX = ".fbx"
    OBJ = ".obj"
    USDZ = ".usdz"
    STL = ".stl"
    PLY = ".ply"
    ZIP = ".zip"

    @property
    def label(self) -> str:
        """The format's name as people write it."""
        return "glTF" if self is ModelFormat.GLTF else self.name


def sniff(path: Path) -> ModelFormat | None:
    """Return the format of the file at `path`, or None when it is no model that we know (API notes 3.4)."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head[:4] == b"PK\x03\x04":
        return _zip_or_usdz(path)
    if is_binary_stl(head, path.stat().st_size):
        return ModelFormat.STL
    return next((model_format for model_format, is_it in _TESTS if is_it(head)), None)


def is_text_fbx(path: Path) -> bool:
    """Whether the file is FBX written as text, which only newer importers read (bpy_facts D.5)."""
    with path.open("rb") as file:
        return _is_text_fbx(file.read(512))


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


def _is_glb(head: bytes) -> bool:
    return head[:4] == b"glTF"


def _is_fbx(head: bytes) -> bool:
    return head[:18] == b"Kaydara FBX Binary" or _is_text_fbx(head)


def _is_text_fbx(head: bytes) -> bool:
    return head.lstrip(_BLANK)[:1] == b";" and b"FBX" in head[:200]


def _is_ply(head: bytes) -> bool:
    return re.match(rb"ply[ \t]*[\r\n]", head) is not None and re.search(rb"[\r\n]format[ \t]", head) is not None


def _is_gltf_json(head: bytes) -> bool:
    return head.lstrip(_BLANK)[:1] == b"{" and any(key in head for key in _GLTF_KEYS)


def is_binary_stl(head: bytes, size: int) -> bool:
    """Whether a file that begins with `head` is STL: no magic bytes tell, and it may begin like one as text."""
    if len(head) < _STL_HEADER:
        return False
    count = int.from_bytes(head[_STL_HEADER - 4 : _STL_HEADER], "little")
    return count > 0 and size == _STL_HEADER + _STL_TRIANGLE * count


def _is_text_stl(head: bytes) -> bool:
    return re.match(rb"solid\b", head.lstrip(_BLANK)) is not None and re.search(rb"[\r\n]\s*facet\s", head) is not None


def _is_obj(head: bytes) -> bool:
    if b"\0" in head or head.lstrip(_BLANK)[:1] in (b"<", b"{", b"["):
        return False
    return re.search(rb"^\s*v\s+[-+.\d]", head, re.MULTILINE) is not None


_TESTS = (
    (ModelFormat.GLB, _is_glb),
    (ModelFormat.FBX, _is_fbx),
    (ModelFormat.PLY, _is_ply),
    (ModelFormat.GLTF, _is_gltf_json),
    (ModelFormat.STL, _is_text_stl),
    (ModelFormat.OBJ, _is_obj),
)
"""What is recognised by its beginning alone, in the order in which it is looked for."""


def _zip_or_usdz(path: Path) -> ModelFormat | None:
    """USDZ is a ZIP without compression whose first entry is a USD file (USDZ specification)."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except ZIP_DAMAGE:
        return None
    # The first one in the file: the directory at its end may have another order.
    first = min(entries, key=lambda entry: entry.header_offset, default=None)
    if first is None or first.compress_type != zipfile.ZIP_STORED:
        return ModelFormat.ZIP
    return ModelFormat.USDZ if first.filename.lower().endswith(_USD_SUFFIXES) else ModelFormat.ZIP
