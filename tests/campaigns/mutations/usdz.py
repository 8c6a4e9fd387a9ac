# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile USDZ: the scene in it changed, binary or as text, in an archive that is as it should be. No bpy."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from typing import Final

from tests import odd_models
from tests.campaigns.mutations.basics import (
    FLOATS,
    INTEGERS,
    NAMES,
    Chance,
    Kind,
    Traps,
    flip_bits,
    overwrite,
    replace_words,
)
from tests.campaigns.mutations.pictures import resized

SCENES: Final = (".usdc", ".usda", ".usd")
HEAD: Final = 88
"""Bytes of a binary scene before its content: a mark, the version, and where the table of contents is."""
COUNTS: Final = ("[3]", "[3, 3, 3]", "[2]", "[0]", "[-3]", "[500000]", "[2147483647]", "[]", "[1, 1, 1]")
CORNERS: Final = (
    "[0, 1, 2]",
    "[0, 1, 99]",
    "[-1, 0, 1]",
    "[2147483647, 0, 1]",
    "[0, 0, 0]",
    "[]",
    "[0, 1]",
    "[0, 1, 2, 0]",
)
POINTS: Final = (
    "[(0, 0, 0), (1, 0, 0), (0, 1, 0)]",
    "[(nan, 0, 0), (inf, 0, 0), (0, -inf, 0)]",
    "[(0, 0, 0), (1e38, 0, 0), (0, 1e38, 0)]",
    "[]",
    "[(0, 0, 0)]",
)
EXTRAS: Final = (
    'uniform token subdivisionScheme = "catmullClark"\n int[] cornerIndices = [7]\n float[] cornerSharpnesses = [nan]',
    'int[] holeIndices = [-5, 99999]\n uniform token orientation = "leftHanded"',
    "int[] creaseIndices = [0, 99]\n int[] creaseLengths = [99]\n float[] creaseSharpnesses = [1]",
    'normal3f[] normals = [(0, 0, 0)] (\n interpolation = "faceVarying"\n)',
    'color3f[] primvars:displayColor = [(9, 9, 9)] (\n interpolation = "vertex"\n)',
    "point3f[] points.timeSamples = { 0: [(0, 0, 0)], 1: [(nan, 0, 0), (1, 1, 1)], 1e300: [] }",
    "int[] primvars:skel:jointIndices = [99, -1, 5]\n float[] primvars:skel:jointWeights = [nan, inf, 1]",
    "matrix4d xformOp:transform = ((nan,0,0,0),(0,1,0,0),(0,0,1,0),(0,0,0,0))\n"
    ' uniform token[] xformOpOrder = ["xformOp:transform"]',
    'double3 xformOp:scale = (0, inf, 1e300)\n uniform token[] xformOpOrder = ["xformOp:scale", "xformOp:scale"]',
    "float3[] extent = [(inf, inf, inf), (-inf, -inf, -inf)]",
)


def _unpack(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _scene(change: Callable[[Chance, bytes], bytes]) -> Callable[[Chance, bytes, Traps], bytes]:
    """Make a mutation of a file out of one of the scene in it."""

    def make(chance: Chance, data: bytes, _traps: Traps) -> bytes:
        files = _unpack(data)
        for name in files:
            if name.endswith(SCENES):
                files[name] = change(chance, files[name])
        return odd_models.usdz(files)

    return make


def _contents(scene: bytes) -> int:
    """Return where the table of contents of a binary scene begins."""
    return int(min(struct.unpack_from("<Q", scene, 16)[0], len(scene)))


def _bits(chance: Chance, scene: bytes) -> bytes:
    return flip_bits(chance, scene, HEAD, _contents(scene), most=200)


def _words(chance: Chance, scene: bytes) -> bytes:
    words = [struct.pack("<f", value) for value in FLOATS]
    words += [struct.pack("<I", value & 0xFFFFFFFF) for value in INTEGERS]
    words += [struct.pack("<Q", value & (2**64 - 1)) for value in INTEGERS]
    return replace_words(chance, scene, HEAD, _contents(scene), words, most=30)


def _table(chance: Chance, scene: bytes) -> bytes:
    """Where the parts of the scene are, and how long they are."""
    words = [struct.pack("<Q", value & (2**64 - 1)) for value in (*INTEGERS, len(scene), len(scene) - 1, HEAD)]
    return replace_words(chance, scene, _contents(scene), len(scene), words, most=3)


def _head(chance: Chance, scene: bytes) -> bytes:
    return overwrite(chance, scene, 0, HEAD)


def _cut(chance: Chance, scene: bytes) -> bytes:
    return scene[: chance.randrange(HEAD, len(scene))]


def _text(chance: Chance, _data: bytes, _traps: Traps) -> bytes:
    """A scene as text, whose arrays do not fit together."""
    scene = odd_models.usd_text(
        counts=chance.choice(COUNTS), indices=chance.choice(CORNERS), points=chance.choice(POINTS)
    )
    for extra in chance.sample(EXTRAS, k=chance.randint(0, 3)):
        scene = scene.replace("        rel material", f"        {extra}\n        rel material", 1)
    return odd_models.usdz({"model.usda": scene})


def _names(chance: Chance, _data: bytes, _traps: Traps) -> bytes:
    """Texts that are names in Blender."""
    name = chance.choice(NAMES).replace("\\", "\\\\").replace('"', "").replace("\n", "\\n").replace("\0", "")
    custom = f'        custom string userProperties:name = "{name}"\n'
    scene = odd_models.usd_text().replace("        rel material", f"{custom}        rel material", 1)
    scene = scene.replace('"Triangle"', f'"{"T" * chance.choice((1, 300, 60_000))}"')
    return odd_models.usdz({f"{name.replace('/', '_')[:60]}model.usda": scene, "\u202etextures/a.png": b"\x89PNG"})


def _nesting(chance: Chance, _data: bytes, _traps: Traps) -> bytes:
    """Things below themselves, below thousands of others, and a reference that leads back."""
    depth = chance.choice((50, 1000))
    deep = "".join(f'def Xform "N{number}" {{\n' for number in range(depth)) + "}\n" * depth
    crowd = "".join(f'def Sphere "S{number}" {{\n}}\n' for number in range(chance.choice((200, 2500))))
    again = 'def Xform "Again" (\n references = @./model.usda@\n) {\n}\n'
    circle = 'def Xform "Again" (\n instanceable = true\n references = </Root>\n) {\n}\n'
    return odd_models.usdz({"model.usda": odd_models.usd_text(more=chance.choice((deep, crowd, again, circle)))})


def _foreign(chance: Chance, _data: bytes, traps: Traps) -> bytes:
    """A texture, or a part of the scene, that is a file of this computer."""
    path = traps.path(chance)
    part = f'def Xform "Part" (\n {chance.choice(("references", "payload"))} = @{path}@\n) {{\n}}\n'
    more = odd_models.usd_look(path) if chance.random() < 0.7 else part
    return odd_models.usdz({"model.usda": odd_models.usd_text(more=more)})


def _picture(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    files = _unpack(data)
    return odd_models.usdz(
        {name: resized(chance, part) if name.endswith(".png") else part for name, part in files.items()}
    )


def _directory(chance: Chance, data: bytes, _traps: Traps) -> bytes:
    """Sizes, places and names in the directory of the archive."""
    begin = data.rindex(b"PK\1\2")
    words = [struct.pack("<I", value & 0xFFFFFFFF) for value in (*INTEGERS, len(data), begin)]
    return replace_words(chance, data, begin, len(data), words, most=2)


KINDS: Final = (
    Kind("bits of the scene", _scene(_bits)),
    Kind("numbers of the scene", _scene(_words)),
    Kind("table of contents", _scene(_table)),
    Kind("head of the scene", _scene(_head)),
    Kind("a scene that is cut", _scene(_cut)),
    Kind("arrays that do not fit", _text),
    Kind("names", _names),
    Kind("a tree that is none", _nesting),
    Kind("a file of this computer", _foreign),
    Kind("sizes of a picture", _picture),
    Kind("directory of the archive", _directory),
)
