# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a glTF file says of itself: its JSON part, alone or at the head of a GLB. No bpy here."""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from .formats import Implausible, ModelFormat

_HEADER: Final = struct.Struct("<4sII")
_CHUNK: Final = struct.Struct("<I4s")
_VERSION: Final = 2
_TRIANGLES: Final = (4, 5, 6)
"""What the specification calls triangles, strips and fans of them; the first is meant where nothing is said."""
_TRIANGLE: Final = 3
_COPIED: Final = 1024**2
"""Bytes at a time."""
_OUTSIDE: Final = re.compile(r"[\\/]|[A-Za-z][A-Za-z0-9+.-]*:")
"""How a reference begins that does not start from the file's own folder."""


def json_part(path: Path, model_format: ModelFormat) -> tuple[int, int]:
    """Return where the JSON begins and how many bytes it has.

    :raises Implausible: when the head of a GLB contradicts the file (glTF 2.0 specification, 4.4).
    """
    size = path.stat().st_size
    if model_format is ModelFormat.GLTF:
        return 0, size
    start = _HEADER.size + _CHUNK.size
    with path.open("rb") as file:
        head = file.read(start)
        if len(head) < start:
            raise Implausible("is cut short")
        _, version, length = _HEADER.unpack_from(head)
        count, kind = _CHUNK.unpack_from(head, _HEADER.size)
        if version != _VERSION:
            raise Implausible(f"is of version {version} of glTF, which Blender cannot read")
        if length > size:
            raise Implausible(f"is cut short: {length - size:,} bytes are missing")
        if kind != b"JSON" or count == 0 or start + count > length:
            raise Implausible("is damaged: its description is not where it should be")
        file.seek(start + count)
        chunk = file.read(_CHUNK.size) if start + count < length else b""
    if len(chunk) == _CHUNK.size and start + count + _CHUNK.size + _CHUNK.unpack(chunk)[0] > length:
        raise Implausible("is damaged: its data are longer than the file")
    return start, count


def without_trailer(path: Path) -> Path:
    """Return the GLB, or a copy beside it without what follows its end: Blender's importer wants no byte more."""
    with path.open("rb") as file:
        length = _HEADER.unpack(file.read(_HEADER.size))[2]
        if length >= path.stat().st_size:
            return path
        file.seek(0)
        whole = path.with_name(f"{path.stem}.whole{path.suffix}")
        with whole.open("wb") as copy:
            while chunk := file.read(min(_COPIED, length - copy.tell())):
                copy.write(chunk)
    return whole


def read(path: Path, model_format: ModelFormat, *, limit: int | None = None) -> Mapping[str, Any]:
    """Return the JSON part, or nothing when it has more than `limit` bytes: reading it stops all other threads.

    :raises Implausible: when it is none of glTF 2.0.
    """
    start, count = json_part(path, model_format)
    if limit is not None and count > limit:
        return {}
    with path.open("rb") as file:
        file.seek(start)
        text = file.read(count)
    try:
        document = json.loads(text.decode("utf-8-sig"))
        version = document["asset"]["version"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise Implausible("is damaged: its description cannot be read") from error
    if not str(version).startswith(f"{_VERSION}."):
        raise Implausible("is of a version of glTF that Blender cannot read")
    if any(0 < corners < _TRIANGLE for corners in _corners(document)):
        raise Implausible("is damaged: one of its meshes has less than one triangle")
    return document  # type: ignore[no-any-return]


def _corners(document: Mapping[str, Any]) -> Iterator[int]:
    """Yield how many corners the triangles of each mesh have; one or two crash Blender before 5.0."""
    accessors = document.get("accessors")
    for primitive in _primitives(document):
        attributes = primitive.get("attributes")
        positions = attributes.get("POSITION") if isinstance(attributes, dict) else None
        index = primitive.get("indices", positions)
        try:
            count = accessors[index]["count"]  # type: ignore[index]
        except (TypeError, KeyError, IndexError):
            continue  # The importer says what it makes of that.
        if primitive.get("mode", _TRIANGLES[0]) in _TRIANGLES and isinstance(count, int):
            yield count


def _primitives(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for mesh in _items(document.get("meshes")):
        yield from _items(mesh.get("primitives"))


def _items(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield the objects in a list, whatever else it may be."""
    yield from (item for item in (value if isinstance(value, list) else ()) if isinstance(item, dict))


def required_extensions(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a reader must know to read the file at all."""
    names = document.get("extensionsRequired")
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def leads_outside(document: Mapping[str, Any], depth: int = 0) -> bool:
    """Whether the file asks its reader to open something that does not belong to it.

    :param depth: how many folders it lies below the one whose files are its own.
    """
    return any(_is_outside(uri, depth) for uri in _references(document))


def _references(document: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("buffers", "images"):
        for item in _items(document.get(kind)):
            uri = item.get("uri")
            if isinstance(uri, str) and not uri.startswith("data:"):
                yield uri


def _is_outside(uri: str, depth: int) -> bool:
    path = unquote(uri)
    if _OUTSIDE.match(path):
        return True
    for part in path.replace("\\", "/").split("/"):
        if part == os.pardir:
            depth -= 1
        elif part not in ("", "."):
            depth += 1
        if depth < 0:
            return True
    return False
