# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a file can be what its beginning says, before Blender's importers see it. No bpy here.

Some broken files crash them, some import as half a model without a word (bpy_facts D.5). Nothing is read into memory
whole, and nothing takes so long at a time that Blender's own thread would feel it.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from . import gltf
from .formats import ZIP_DAMAGE, Implausible, ModelFormat, is_binary_stl, is_text_fbx

_JSON_LIMIT: Final = 4 * 1024**2
"""Bytes of JSON that are looked into here: no other thread runs while they are parsed, which takes 40 ms."""
_CHUNK: Final = 1024**2
_TAIL: Final = 4096


def check(path: Path, model_format: ModelFormat) -> None:
    """Look at a model before it is imported.

    :raises Implausible: when it cannot be whole.
    """
    _CHECKS[model_format](path)


def _check_glb(path: Path) -> None:
    gltf.read(path, ModelFormat.GLB, limit=_JSON_LIMIT)


def _check_gltf(path: Path) -> None:
    gltf.read(path, ModelFormat.GLTF, limit=_JSON_LIMIT)


# ------------------------------------------------------------------------------
# OBJ and STL

_FACES: Final = re.compile(rb"[\r\n][ \t]*[flp][ \t]")
"""A face, a line or a point; vertices alone are what is left of a file that was cut."""


def _check_obj(path: Path) -> None:
    with path.open("rb") as file:
        if not any(_FACES.search(text) for text in _overlapping(file)):
            raise Implausible("holds no faces")


def _overlapping(file: BinaryIO) -> Iterator[bytes]:
    """Yield the file in pieces that share a few bytes, so that what is looked for is in one of them whole."""
    tail = b"\n"
    while chunk := file.read(_CHUNK):
        yield tail + chunk
        tail = chunk[-16:]


def _check_stl(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        if is_binary_stl(file.read(_TAIL), size):
            return  # Its size has told already that it is whole.
        file.seek(max(0, size - _TAIL))
        if not re.search(rb"(endfacet|endsolid[^\r\n]*)\s*\Z", file.read()):
            raise Implausible("is cut short")


# ------------------------------------------------------------------------------
# FBX

_FBX_VERSION: Final = 23
"""Where the version is, and four bytes later the first node."""
_FBX_WIDE: Final = 7500
"""From this version on, offsets have eight bytes."""
_FBX_NODES: Final = 10_000
"""So many nodes are looked at; real files have a dozen at the top."""


def _check_fbx(path: Path) -> None:
    """Go from one top node to the next: each says where it ends."""
    if is_text_fbx(path):
        return
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(_FBX_VERSION)
        version = file.read(4)
        offset = struct.Struct("<Q" if _number(version) >= _FBX_WIDE else "<I")
        position = _FBX_VERSION + 4
        for _ in range(_FBX_NODES):
            file.seek(position)
            data = file.read(offset.size)
            end = offset.unpack(data)[0] if len(data) == offset.size else size + 1
            if end == 0:
                return
            if not position < end <= size:
                raise Implausible("is cut short or damaged")
            position = end


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")


# ------------------------------------------------------------------------------
# PLY

_PLY_HEADER: Final = 64 * 1024
_PLY_SIZES: Final[Mapping[bytes, int]] = {
    **dict.fromkeys((b"char", b"uchar", b"int8", b"uint8"), 1),
    **dict.fromkeys((b"short", b"ushort", b"int16", b"uint16"), 2),
    **dict.fromkeys((b"int", b"uint", b"int32", b"uint32", b"float", b"float32"), 4),
    **dict.fromkeys((b"double", b"float64"), 8),
}
_PLY_LINE: Final = re.compile(
    rb"(?:ply|format (?:ascii|binary_little_endian|binary_big_endian) 1\.0|(?:comment|obj_info)(?: .*)?"
    rb"|element (?P<element>[!-~]+) (?P<count>\d{1,10})"
    rb"|property (?:(?P<type>\w+)|list (?P<list>\w+) (?P<item>\w+)) [!-~]+) *\r?"
)
"""What a line of a header may be. Blender's importer ends the whole process over a word or a blank too many."""
_PLY_END: Final = re.compile(rb"\nend_header *\r?\n")
_NOT_A_HEADER: Final = "is damaged: its header cannot be read"


@dataclass(slots=True)
class _Element:
    name: bytes
    count: int
    size: int = 0
    """Bytes that one of them takes at least in a binary file."""
    values: int = 0
    """The least number of values that one of them has."""


def _check_ply(path: Path) -> None:
    """Compare what the header promises with what there is: Blender makes room for all of it, and crashes."""
    with path.open("rb") as file:
        head = file.read(_PLY_HEADER)
    end = _PLY_END.search(head)
    if end is None:
        raise Implausible(_NOT_A_HEADER)
    header = head[: end.start()]
    elements = _ply_elements(header)
    is_text = b"\nformat ascii" in header
    # As text each value takes a digit and a blank.
    promised = sum(element.count * (2 * element.values if is_text else element.size) for element in elements)
    # The last blank may be missing.
    if promised - is_text > path.stat().st_size - end.end():
        raise Implausible("is cut short or damaged: it holds less than its header promises")
    if not any(element.name == b"vertex" and element.count for element in elements):
        raise Implausible("holds no geometry")


def _ply_elements(header: bytes) -> list[_Element]:
    elements: list[_Element] = []
    for line in header.split(b"\n"):
        found = _PLY_LINE.fullmatch(line)
        if found is None:
            raise Implausible(_NOT_A_HEADER)
        if found["element"]:
            elements.append(_Element(found["element"], int(found["count"])))
        elif found["type"] or found["list"]:
            # Of a list, only the number of its items is certainly there.
            size = _PLY_SIZES.get(found["list"] or found["type"])
            if not elements or size is None or (found["item"] and found["item"] not in _PLY_SIZES):
                raise Implausible(_NOT_A_HEADER)
            elements[-1].size += size
            elements[-1].values += 1
    if any(element.count and not element.values for element in elements):
        raise Implausible(_NOT_A_HEADER)
    return elements


# ------------------------------------------------------------------------------
# USDZ


def _check_usdz(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            first = min(archive.infolist(), key=lambda entry: entry.header_offset)
            with archive.open(first) as file:
                head = file.read(8)
    except ZIP_DAMAGE as error:
        raise Implausible("is damaged or of a kind that cannot be read") from error
    if not head.startswith((b"PXR-USDC", b"#usda")):
        raise Implausible("is damaged: it does not begin with a scene")


_CHECKS: Final[Mapping[ModelFormat, Callable[[Path], None]]] = {
    ModelFormat.GLB: _check_glb,
    ModelFormat.GLTF: _check_gltf,
    ModelFormat.OBJ: _check_obj,
    ModelFormat.STL: _check_stl,
    ModelFormat.FBX: _check_fbx,
    ModelFormat.PLY: _check_ply,
    ModelFormat.USDZ: _check_usdz,
}
