# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that are broken or mean harm, made by hand, so that no test needs a sample from elsewhere. No bpy.

Each is one triangle at heart, as in `tiny_models`.
"""

from __future__ import annotations

import array
import base64
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from tests import tiny_models

TEXTURE_COORDINATES = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
COMPONENT_FLOAT = tiny_models.COMPONENT_FLOAT
COMPONENT_UNSIGNED_INT = 5125
USD_ALIGNMENT = 64
"""Bytes at whose multiples the data of an entry begin in a USDZ."""
ZIP_HEADER = 30
EXTRA_HEADER = 4
PADDING_ID = 0x1986
"""What pixar's own tool calls the field that fills up."""


def pack_glb(document: object, binary: bytes) -> bytes:
    """Return a GLB of any JSON and any data; both get the padding that the format wants."""
    text = tiny_models.padded(json.dumps(document).encode(), b" ")
    chunks = tiny_models.chunk(tiny_models.CHUNK_JSON, text)
    chunks += tiny_models.chunk(tiny_models.CHUNK_BINARY, tiny_models.padded(binary, b"\0"))
    return tiny_models.GLB_MAGIC + struct.pack("<II", tiny_models.GLB_VERSION, 12 + len(chunks)) + chunks


def triangle(points: tuple[tuple[float, ...], ...] = tiny_models.VERTICES) -> tuple[dict[str, Any], bytes]:
    """Return the JSON and the data of a GLB with one triangle."""
    positions = b"".join(struct.pack("<3f", *point) for point in points)
    indices = struct.pack("<3H", 0, 1, 2)
    binary = tiny_models.padded(positions + indices, b"\0")
    return dict(tiny_models.gltf_json("Triangle", len(positions), len(indices), len(binary))), binary


def glb_with(points: tuple[tuple[float, ...], ...] = tiny_models.VERTICES, **changes: Any) -> bytes:
    """Return a GLB of a triangle, with some keys of its JSON replaced."""
    document, binary = triangle(points)
    return pack_glb({**document, **changes}, binary)


def textured(image: Mapping[str, object], picture: bytes = b"") -> tuple[dict[str, Any], bytes]:
    """Return the JSON and the data of a GLB whose triangle has a texture.

    :param image: its entry in the JSON; without a `uri` it is `picture`, behind the other data.
    """
    document, binary = triangle()
    coordinates = b"".join(struct.pack("<2f", *pair) for pair in TEXTURE_COORDINATES)
    views = document["bufferViews"]
    for data in (coordinates, picture):
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(data)})
        binary = tiny_models.padded(binary + data, b"\0")
    if not picture:
        views.pop()
    document["accessors"].append({"bufferView": 2, "componentType": COMPONENT_FLOAT, "count": 3, "type": "VEC2"})
    primitive = document["meshes"][0]["primitives"][0]
    primitive["attributes"]["TEXCOORD_0"], primitive["material"] = 2, 0
    document["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    document["textures"] = [{"source": 0}]
    document["images"] = [dict(image) if "uri" in image else {**image, "bufferView": 3}]
    document["buffers"] = [{"byteLength": len(binary)}]
    return document, binary


def textured_glb(picture: bytes) -> bytes:
    """Return a GLB whose triangle has this picture on it, which it calls a PNG."""
    return pack_glb(*textured({"mimeType": "image/png"}, picture))


def gltf_naming(uri: str) -> bytes:
    """Return a glTF whose texture is the file at `uri`; its data are in the file itself."""
    document, binary = textured({"uri": uri})
    data = "data:application/octet-stream;base64," + base64.b64encode(binary).decode("ascii")
    document["buffers"] = [{"byteLength": len(binary), "uri": data}]
    return json.dumps(document).encode()


def png(width: int, height: int) -> bytes:
    """Return a black picture of one bit for each pixel: a hundred kilobytes may be gigabytes once they are shown."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def grey_png(rows: Sequence[bytes]) -> bytes:
    """Return a picture of these rows of grey pixels, which stand in the file as they are."""
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), level=0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# ------------------------------------------------------------------------------
# Large ones


def grid_obj(side: int) -> str:
    """Return an OBJ of so many squares in both directions; it has about twice the square of that in lines."""
    points = (f"v {column} {row} {(column * row) % 7}\n" for row in range(side + 1) for column in range(side + 1))
    corners = (row * (side + 1) + column + 1 for row in range(side) for column in range(side))
    faces = (f"f {first} {first + 1} {first + side + 2} {first + side + 1}\n" for first in corners)
    return "o Grid\n" + "".join(points) + "".join(faces)


def grid_glb(side: int) -> bytes:
    """Return the same as a GLB, of triangles."""
    numbers = range(side + 1)
    positions = array.array("f", (value for row in numbers for column in numbers for value in (column, row, 0.0)))
    indices = array.array("I")
    for first in (row * (side + 1) + column for row in range(side) for column in range(side)):
        indices.extend((first, first + 1, first + side + 1, first + 1, first + side + 2, first + side + 1))
    parts = positions.tobytes(), indices.tobytes()
    document, _binary = triangle()
    document["accessors"][0].update(count=(side + 1) ** 2, max=[side, side, 0.0])
    document["accessors"][1].update(count=len(indices), componentType=COMPONENT_UNSIGNED_INT)
    document["bufferViews"][0]["byteLength"] = document["bufferViews"][1]["byteOffset"] = len(parts[0])
    document["bufferViews"][1]["byteLength"] = len(parts[1])
    document["buffers"] = [{"byteLength": len(parts[0]) + len(parts[1])}]
    return pack_glb(document, b"".join(parts))


# ------------------------------------------------------------------------------
# Archives


def zipped(files: Mapping[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            # Without the time of day, so that the same files make the same archive.
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return buffer.getvalue()


def obj_with_material(line: str) -> bytes:
    """Return an archive with an OBJ whose material has this line in it."""
    coordinates = "".join(f"vt {u} {v}\n" for u, v in TEXTURE_COORDINATES)
    points = "".join(f"v {x} {y} {z}\n" for x, y, z in tiny_models.VERTICES)
    model = f"mtllib model.mtl\no Triangle\n{points}{coordinates}usemtl Red\nf 1/1 2/2 3/3\n"
    return zipped({"model.obj": model, "model.mtl": f"newmtl Red\nKd 1 0 0\n{line}\n"})


def usdz(files: Mapping[str, bytes | str]) -> bytes:
    """Return a USDZ: an archive without compression whose data begin where the format wants them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            used = buffer.tell() + ZIP_HEADER + len(name.encode()) + EXTRA_HEADER
            padding = -used % USD_ALIGNMENT
            entry.extra = struct.pack("<HH", PADDING_ID, padding) + bytes(padding)
            archive.writestr(entry, data)
    return buffer.getvalue()


def usd_text(
    *,
    counts: str = "[3]",
    indices: str = "[0, 1, 2]",
    points: str = "[(0, 0, 0), (1, 0, 0), (0, 1, 0)]",
    more: str = "",
) -> str:
    """Return a USD scene with one mesh.

    :param more: what else stands in it.
    """
    return f"""#usda 1.0
(
    defaultPrim = "Root"
)
def Xform "Root"
{{
    def Mesh "Triangle" (
        prepend apiSchemas = ["MaterialBindingAPI"]
    )
    {{
        point3f[] points = {points}
        int[] faceVertexCounts = {counts}
        int[] faceVertexIndices = {indices}
        texCoord2f[] primvars:st = [(0, 0), (1, 0), (0, 1)] (
            interpolation = "vertex"
        )
        rel material:binding = </Root/Look>
    }}
{more}
}}
"""


def usd_look(texture: str) -> str:
    """Return a material whose colour is a texture."""
    return f"""
    def Material "Look"
    {{
        token outputs:surface.connect = </Root/Look/Surface.outputs:surface>
        def Shader "Surface"
        {{
            uniform token info:id = "UsdPreviewSurface"
            color3f inputs:diffuseColor.connect = </Root/Look/Texture.outputs:rgb>
            token outputs:surface
        }}
        def Shader "Texture"
        {{
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @{texture}@
            float2 inputs:st.connect = </Root/Look/Place.outputs:result>
            color3f outputs:rgb
        }}
        def Shader "Place"
        {{
            uniform token info:id = "UsdPrimvarReader_float2"
            string inputs:varname = "st"
            float2 outputs:result
        }}
    }}
"""
