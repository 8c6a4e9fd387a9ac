# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A few small models of our own, as GLB, for whoever tries the extension without a key. No bpy here.

They are built of boxes and of cones that may be blunt. Metres, Y up, standing on the ground with the front towards +Z,
as glTF has it.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

Point = tuple[float, float, float]
Polygon = tuple[Point, ...]
"""Corners of a flat, convex face, counter-clockwise as seen from outside."""
Parts = Mapping[str, Sequence[Polygon]]
"""The faces of a model by the name of their material."""

_COLORS: Final[Mapping[str, Sequence[Point]]] = {
    "Bark": ((0.19, 0.09, 0.04),),
    "Glass": ((0.05, 0.35, 0.6),),
    "Leaves": ((0.05, 0.25, 0.05), (0.16, 0.36, 0.05), (0.03, 0.22, 0.15), (0.5, 0.24, 0.03), (0.45, 0.09, 0.04)),
    "Metal": ((0.33, 0.35, 0.38),),
    "Paint": (
        (0.72, 0.14, 0.06),
        (0.8, 0.42, 0.04),
        (0.1, 0.42, 0.12),
        (0.03, 0.4, 0.42),
        (0.07, 0.2, 0.65),
        (0.38, 0.12, 0.5),
    ),
    "Stone": ((0.45, 0.42, 0.38),),
    "Wood": ((0.36, 0.2, 0.09),),
}
"""By material, what prompt and seed choose from: linear red, green and blue."""

_FLOAT, _UNSIGNED_SHORT = 5126, 5123
_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963
_MAGIC, _VERSION = b"glTF", 2


# ------------------------------------------------------------------------------
# Shapes


def _box(center: Point, size: Point) -> Iterator[Polygon]:
    """Yield the faces of a box; `center` is the middle of its bottom."""
    x, y, z = center
    w, h, d = size[0] / 2, size[1], size[2] / 2
    low = [(x - w, y, z + d), (x + w, y, z + d), (x + w, y, z - d), (x - w, y, z - d)]
    high = [(px, y + h, pz) for px, _, pz in low]
    yield from _sides(low, high)
    yield tuple(high)
    yield tuple(reversed(low))


def _cone(center: Point, height: float, bottom: float, top: float = 0.0, sides: int = 12) -> Iterator[Polygon]:
    """Yield the faces of an upright cone, blunt if its `top` has a radius; `center` is the middle of its bottom."""
    x, y, z = center

    def ring(radius: float, level: float) -> list[Point]:
        angles = (2 * math.pi * step / sides for step in range(sides))
        return [(x + radius * math.sin(angle), level, z + radius * math.cos(angle)) for angle in angles]

    low = ring(bottom, y)
    yield tuple(reversed(low))
    if top:
        high = ring(top, y + height)
        yield from _sides(low, high)
        yield tuple(high)
    else:
        tip = (x, y + height, z)
        yield from ((start, end, tip) for start, end in zip(low, [*low[1:], low[0]], strict=True))


def _sides(low: list[Point], high: list[Point]) -> Iterator[Polygon]:
    for index in range(len(low)):
        following = (index + 1) % len(low)
        yield low[index], low[following], high[following], high[index]


def _robot() -> Parts:
    legs = [_box((side * 0.13, 0.0, 0.0), (0.15, 0.34, 0.2)) for side in (-1, 1)]
    arms = [_box((side * 0.32, 0.38, 0.0), (0.12, 0.36, 0.16)) for side in (-1, 1)]
    eyes = [_box((side * 0.1, 0.96, 0.18), (0.1, 0.1, 0.05)) for side in (-1, 1)]
    antenna = _cone((0.0, 1.16, 0.0), 0.14, 0.02, 0.02)
    return {
        "Paint": [*_box((0.0, 0.34, 0.0), (0.54, 0.44, 0.32)), *_box((0.0, 0.82, 0.0), (0.44, 0.34, 0.36))],
        "Metal": [*_all(legs), *_all(arms), *antenna, *_box((0.0, 0.78, 0.0), (0.18, 0.04, 0.18))],
        "Glass": [*_all(eyes), *_cone((0.0, 1.3, 0.0), 0.07, 0.05, 0.03)],
    }


def _tree() -> Parts:
    crown = [((0.0, 0.42, 0.0), 0.6, 0.52), ((0.0, 0.78, 0.0), 0.52, 0.41), ((0.0, 1.1, 0.0), 0.5, 0.29)]
    return {
        "Leaves": _all(_cone(center, height, radius) for center, height, radius in crown),
        "Bark": [*_cone((0.0, 0.0, 0.0), 0.46, 0.13, 0.09)],
    }


def _chair() -> Parts:
    legs = [_box((x, 0.0, z), (0.06, 0.43, 0.06)) for x in (-0.2, 0.2) for z in (-0.2, 0.2)]
    posts = [_box((x, 0.48, -0.2), (0.06, 0.5, 0.05)) for x in (-0.2, 0.2)]
    slats = [_box((0.0, level, -0.2), (0.34, 0.09, 0.03)) for level in (0.6, 0.74, 0.88)]
    return {"Paint": [*_box((0.0, 0.43, 0.0), (0.48, 0.05, 0.48))], "Wood": _all([*legs, *posts, *slats])}


def _house() -> Parts:
    left, right, ridge = (-0.6, 0.6, -0.5), (0.6, 0.6, -0.5), (0.0, 1.05, -0.5)
    back = (left, right, ridge)
    front = tuple((x, y, -z) for x, y, z in back)
    windows = [_box((side * 0.29, 0.26, 0.4), (0.2, 0.2, 0.04)) for side in (-1, 1)]
    roof = [
        front,
        tuple(reversed(back)),
        (front[0], front[2], back[2], back[0]),
        (front[2], front[1], back[1], back[2]),
        (front[0], back[0], back[1], front[1]),
    ]
    return {
        "Paint": roof,
        "Stone": [*_box((0.0, 0.0, 0.0), (1.0, 0.6, 0.8)), *_box((0.3, 0.72, -0.2), (0.14, 0.4, 0.14))],
        "Wood": [*_box((0.0, 0.0, 0.4), (0.2, 0.4, 0.04))],
        "Glass": _all(windows),
    }


def _all(shapes: Sequence[Iterator[Polygon]] | Iterator[Iterator[Polygon]]) -> list[Polygon]:
    return [polygon for shape in shapes for polygon in shape]


_MODELS: Final[Mapping[str, tuple[Callable[[], Parts], Sequence[str]]]] = {
    "Robot": (_robot, ("robot", "mascot", "android", "character", "figure", "机器人")),
    "Tree": (_tree, ("tree", "plant", "forest", "bush", "树")),
    "Chair": (_chair, ("chair", "stool", "seat", "furniture", "椅")),
    "House": (_house, ("house", "home", "hut", "building", "cottage", "房")),
}
"""By name, what makes a model, and which words of a prompt ask for it."""


# ------------------------------------------------------------------------------
# Files


def make(prompt: str, seed: int | None = None) -> bytes:
    """Return a model as GLB: the one that the prompt names, or any. The same is made of the same prompt and seed."""
    chance = hashlib.sha256(f"{prompt}\n{seed}".encode("utf-8", "replace")).digest()
    name = name_of(prompt)
    model, _words = _MODELS[name]
    return _glb(name, model(), chance[0])


def name_of(prompt: str) -> str:
    """Return what the model of a prompt is called."""
    text = prompt.casefold()
    for name, (_model, words) in _MODELS.items():
        if any(word in text for word in words):
            return name
    return list(_MODELS)[hashlib.sha256(text.encode("utf-8", "replace")).digest()[0] % len(_MODELS)]


def _glb(name: str, parts: Parts, chance: int) -> bytes:
    """Return one mesh with a material for each part; `chance` chooses the colors."""
    binary = bytearray()
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "TokenLab 3D, without the service"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": name, "mesh": 0}],
        "meshes": [{"name": name, "primitives": []}],
        "materials": [],
        "accessors": [],
        "bufferViews": [],
    }
    for number, (material, polygons) in enumerate(parts.items()):
        colors = _COLORS[material]
        document["materials"].append(_material(material, colors[chance % len(colors)]))
        attributes, indices = _add_polygons(document, binary, polygons)
        primitive = {"attributes": attributes, "indices": indices, "material": number}
        document["meshes"][0]["primitives"].append(primitive)
    document["buffers"] = [{"byteLength": len(binary)}]
    text = json.dumps(document).encode("ascii")
    chunks = _chunk(b"JSON", text, b" ") + _chunk(b"BIN\0", bytes(binary), b"\0")
    return _MAGIC + struct.pack("<II", _VERSION, len(chunks) + 12) + chunks


def _material(name: str, color: Point) -> dict[str, Any]:
    is_metal = name == "Metal"
    surface = {"baseColorFactor": [*color, 1.0], "metallicFactor": float(is_metal), "roughnessFactor": 0.6}
    return {"name": name, "pbrMetallicRoughness": surface}


def _add_polygons(
    document: dict[str, Any], binary: bytearray, polygons: Sequence[Polygon]
) -> tuple[dict[str, int], int]:
    """Write flat faces; return the numbers of the accessors for positions and normals, and of the one for indices."""
    points: list[Point] = []
    normals: list[Point] = []
    indices: list[int] = []
    for polygon in polygons:
        first = len(points)
        points += polygon
        normals += [_normal(polygon)] * len(polygon)
        for corner in range(first + 1, first + len(polygon) - 1):
            indices += (first, corner, corner + 1)
    position = _add(document, binary, points)
    extremes = document["accessors"][position]
    # As they are read again: a reader compares them with the single precision that is in the file.
    columns = [[_single(value) for value in column] for column in zip(*points, strict=True)]
    extremes["min"], extremes["max"] = [min(column) for column in columns], [max(column) for column in columns]
    return {"POSITION": position, "NORMAL": _add(document, binary, normals)}, _add_indices(document, binary, indices)


def _add(document: dict[str, Any], binary: bytearray, vectors: Sequence[Point]) -> int:
    data = b"".join(struct.pack("<3f", *vector) for vector in vectors)
    return _accessor(document, binary, data, _ARRAY_BUFFER, componentType=_FLOAT, count=len(vectors), type="VEC3")


def _add_indices(document: dict[str, Any], binary: bytearray, indices: Sequence[int]) -> int:
    data = struct.pack(f"<{len(indices)}H", *indices)
    kind = {"componentType": _UNSIGNED_SHORT, "count": len(indices), "type": "SCALAR"}
    return _accessor(document, binary, data, _ELEMENT_ARRAY_BUFFER, **kind)


def _accessor(document: dict[str, Any], binary: bytearray, data: bytes, target: int, **kind: Any) -> int:
    view = {"buffer": 0, "byteOffset": len(binary), "byteLength": len(data), "target": target}
    binary += data + bytes(-len(data) % 4)
    document["bufferViews"].append(view)
    document["accessors"].append({"bufferView": len(document["bufferViews"]) - 1, **kind})
    return len(document["accessors"]) - 1


def _normal(polygon: Polygon) -> Point:
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = polygon[:3]
    ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
    x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    length = math.hypot(x, y, z)
    return x / length, y / length, z / length


def _single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def _chunk(kind: bytes, data: bytes, filler: bytes) -> bytes:
    padded = data + filler * (-len(data) % 4)
    return struct.pack("<I", len(padded)) + kind + padded
