# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile GLB: its JSON and its data changed, in a container that is as it should be. No bpy."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests import odd_models
from tests.campaigns.mutations.basics import (
    FLOATS,
    INTEGERS,
    NAMES,
    NUMBERS,
    Chance,
    Kind,
    Traps,
    flip_bits,
    replace_words,
)
from tests.campaigns.mutations.pictures import resized

HEADER: Final = 12
CHUNK_HEADER: Final = 8
INDICES: Final = frozenset(
    {
        "bufferView",
        "buffer",
        "mesh",
        "material",
        "node",
        "source",
        "index",
        "indices",
        "scene",
        "skin",
        "input",
        "output",
    }
    | {"sampler", "camera", "joints", "nodes", "children", "inverseBindMatrices"}
)
"""Keys whose value counts something else of the file."""
LENGTHS: Final = frozenset({"count", "byteLength", "byteOffset", "byteStride", "componentType", "type", "mode"})

Document = dict[str, Any]
Leaf = tuple[Any, Any, str]
"""A list or an object, the key in it, and the key that the list is below."""


def split(data: bytes) -> tuple[Document, bytes]:
    """Return the JSON and the data of a GLB."""
    (length,) = struct.unpack_from("<I", data, HEADER)
    start = HEADER + CHUNK_HEADER
    binary = data[start + length + CHUNK_HEADER :]
    return json.loads(data[start : start + length]), binary


def leaves(value: Any, below: str = "") -> Iterator[Leaf]:
    """Give every place in a document that holds no list and no object."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        name = key if isinstance(key, str) else below
        if isinstance(item, dict | list):
            yield from leaves(item, name)
        else:
            yield value, key, name


def _changed(change: Callable[[Chance, Document, Traps], object]) -> Callable[[Chance, bytes, Traps], bytes]:
    """Make a mutation of a file out of one of its JSON."""

    def make(chance: Chance, data: bytes, traps: Traps) -> bytes:
        document, binary = split(data)
        change(chance, document, traps)
        return odd_models.pack_glb(document, binary)

    return make


def _replace(chance: Chance, document: Document, values: tuple[Any, ...], keys: frozenset[str] | None = None) -> None:
    """Put other values in a few places, or only where one of the keys leads."""
    places = [leaf for leaf in leaves(document) if keys is None or leaf[2] in keys]
    for _ in range(chance.randint(1, 3)):
        if places:
            holder, key, _name = chance.choice(places)
            holder[key] = chance.choice(values)


def _number(chance: Chance, document: Document, _traps: Traps) -> None:
    places = [leaf for leaf in leaves(document) if isinstance(leaf[0][leaf[1]], int | float)]
    for _ in range(chance.randint(1, 4)):
        holder, key, _name = chance.choice(places)
        holder[key] = chance.choice(NUMBERS)


def _other_type(chance: Chance, document: Document, _traps: Traps) -> None:
    _replace(chance, document, (None, True, [], {}, "text", [[[]]], {"a": {"b": []}}, "NaN", 1.5))


def _removed(chance: Chance, document: Document, _traps: Traps) -> None:
    holders = [holder for holder, _key, _name in leaves(document)]
    for _ in range(chance.randint(1, 3)):
        holder = chance.choice([document, *holders])
        if isinstance(holder, dict) and holder:
            del holder[chance.choice(list(holder))]
        elif isinstance(holder, list) and holder:
            del holder[chance.randrange(len(holder))]


def _extension(chance: Chance, document: Document, _traps: Traps) -> None:
    """Say that a part is as an extension has it, which it is not."""
    compressed = {"bufferView": 0, "attributes": {"POSITION": 0, "NORMAL": 1}}
    packed = {"buffer": 0, "byteOffset": 0, "byteLength": 99, "byteStride": 12, "count": 9, "mode": "ATTRIBUTES"}
    name, holder, value = chance.choice(
        (
            ("KHR_draco_mesh_compression", document["meshes"][0]["primitives"][0], compressed),
            ("EXT_meshopt_compression", document["bufferViews"][0], packed),
            ("KHR_texture_basisu", (document.get("textures") or [{}])[0], {"source": 0}),
            ("EXT_texture_webp", (document.get("textures") or [{}])[0], {"source": 0}),
            (
                "KHR_materials_transmission",
                (document.get("materials") or [{}])[0],
                {"transmissionTexture": {"index": 7}},
            ),
            ("KHR_texture_transform", document, {"offset": "here"}),
            ("KHR_lights_punctual", document, {"lights": [{"type": "spot", "spot": {}, "intensity": 1e300}]}),
            ("EXT_mesh_gpu_instancing", document["nodes"][-1], {"attributes": {"TRANSLATION": 0, "SCALE": 0}}),
            ("KHR_materials_variants", document, {"variants": [{"name": name} for name in NAMES]}),
            ("X_unheard_of", document, {}),
        )
    )
    holder.setdefault("extensions", {})[name] = value
    document["extensionsUsed"] = [*document.get("extensionsUsed", ()), name]
    if chance.random() < 0.5:
        document["extensionsRequired"] = [name]


def _nodes(chance: Chance, document: Document, _traps: Traps) -> None:
    """Nodes in a circle, nodes that are everywhere, and far too many of them."""
    nodes, mesh = document["nodes"], {"mesh": 0}
    first = len(nodes)
    way = chance.choice(("circle", "itself", "two parents", "chain", "crowd", "scene twice"))
    if way == "circle":
        nodes += [{"children": [first + 1], **mesh}, {"children": [first]}]
        document["scenes"][0]["nodes"].append(first)
    elif way == "itself":
        nodes[0]["children"] = [0]
    elif way == "two parents":
        nodes += [{"children": [0]}, {"children": [0]}]
        document["scenes"][0]["nodes"] = [first, first + 1]
    elif way == "chain":
        length = chance.choice((300, 1500))
        nodes += [{"children": [first + number + 1]} for number in range(length)] + [mesh]
        document["scenes"][0]["nodes"].append(first)
    elif way == "crowd":
        nodes += [{**mesh, "translation": [number, 0, 0]} for number in range(chance.choice((500, 5000)))]
        document["scenes"][0]["nodes"] += range(first, len(nodes))
    else:
        document["scenes"][0]["nodes"] *= 3


def _names(chance: Chance, document: Document, _traps: Traps) -> None:
    for kind in ("nodes", "meshes", "materials", "images", "animations", "skins"):
        for item in document.get(kind, ()):
            item["name"] = chance.choice(NAMES)
    document["scenes"][0]["name"] = chance.choice(NAMES)
    document["extras"] = document["nodes"][0]["extras"] = {name[:60]: name for name in NAMES}


def _foreign(chance: Chance, document: Document, traps: Traps) -> None:
    """Ask for a file of this computer, as a texture or as data."""
    uri = traps.path(chance)
    kind = chance.choice(("images", "buffers"))
    for item in document.get(kind) or document["buffers"]:
        item.pop("bufferView", None)
        item["uri"] = uri


def _weights(chance: Chance, document: Document, _traps: Traps) -> None:
    """Shape keys, skins and animations that point anywhere."""
    accessors = len(document["accessors"])
    primitive = document["meshes"][0]["primitives"][0]
    any_accessor = chance.randrange(accessors)
    document["meshes"][0]["weights"] = [chance.choice(FLOATS[3:])]
    primitive["targets"] = [{"POSITION": any_accessor, "NORMAL": chance.randrange(accessors)}]
    primitive["attributes"].update(JOINTS_0=any_accessor, WEIGHTS_0=chance.randrange(accessors), COLOR_0=any_accessor)
    document["skins"] = [{"joints": [0, 0, len(document["nodes"]) - 1], "inverseBindMatrices": any_accessor}]
    document["nodes"][-1].update(mesh=0, skin=0)
    samplers = [{"input": any_accessor, "output": chance.randrange(accessors), "interpolation": "CUBICSPLINE"}]
    channels = [{"sampler": 0, "target": {"node": 0, "path": path}} for path in ("translation", "weights", "scale")]
    document["animations"] = [{"samplers": samplers, "channels": channels}]


def _data_bits(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    _document, binary = split(data)
    return flip_bits(chance, data, len(data) - len(binary), most=400)


def _data_words(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    """Numbers that are none, infinite or far too large, in the place of positions, indices and the rest."""
    words = [struct.pack("<f", value) for value in FLOATS] + [
        struct.pack("<I", value & 0xFFFFFFFF) for value in INTEGERS
    ]
    _document, binary = split(data)
    return replace_words(chance, data, len(data) - len(binary), len(data), words, most=2000)


def _json_bits(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    (length,) = struct.unpack_from("<I", data, HEADER)
    start = HEADER + CHUNK_HEADER
    return flip_bits(chance, data, start, start + length, most=3)


def _container(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    """Lengths, kinds and the version that the container itself states."""
    (length,) = struct.unpack_from("<I", data, HEADER)
    second = HEADER + CHUNK_HEADER + length
    place = chance.choice((4, 8, 12, 16, second, second + 4))
    word = struct.pack("<I", chance.choice(INTEGERS) & 0xFFFFFFFF)
    return data[:place] + word + data[place + 4 :]


def _picture(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    """Change what a picture says of itself; without one, put a hostile one in."""
    document, binary = split(data)
    changed = resized(chance, binary)
    if changed == binary:
        side = chance.choice((17_000, 40_000, 1))
        return odd_models.textured_glb(odd_models.png(side, chance.choice((side, 1))))
    return odd_models.pack_glb(document, changed)


KINDS: Final = (
    Kind("numbers of the JSON", _changed(_number)),
    Kind("indices of the JSON", _changed(lambda chance, document, _: _replace(chance, document, INTEGERS, INDICES))),
    Kind("lengths of the JSON", _changed(lambda chance, document, _: _replace(chance, document, INTEGERS, LENGTHS))),
    Kind("values of another type", _changed(_other_type)),
    Kind("something left out", _changed(_removed)),
    Kind("an extension", _changed(_extension)),
    Kind("a tree that is none", _changed(_nodes)),
    Kind("names", _changed(_names)),
    Kind("shapes, skins, movements", _changed(_weights)),
    Kind("bits of the data", _data_bits),
    Kind("numbers of the data", _data_words),
    Kind("sizes of a picture", _picture),
    Kind("a file of this computer", _changed(_foreign)),
    Kind("bits of the JSON", _json_bits),
    Kind("lengths of the container", _container),
)
