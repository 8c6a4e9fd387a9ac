# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest files that Blender imports, written by hand, so that no test needs a sample from elsewhere. No bpy.

Each holds one triangle, named "Triangle" where the format has names.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

VERTICES = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))

GLB_MAGIC = b"glTF"
GLB_VERSION = 2
CHUNK_JSON = b"JSON"
CHUNK_BINARY = b"BIN\x00"
ARRAY_BUFFER = 34962
ELEMENT_ARRAY_BUFFER = 34963
COMPONENT_UNSIGNED_SHORT = 5123
COMPONENT_FLOAT = 5126

OBJ_TEXT = "mtllib triangle.mtl\no Triangle\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl Red\nf 1 2 3\n"
MTL_TEXT = "newmtl Red\nKd 1 0 0\n"


def glb(name: str = "Triangle", change: Callable[[dict[str, Any]], object] | None = None) -> bytes:
    """Return a binary glTF 2.0 with one mesh; `change` may do anything to its description."""
    positions = b"".join(struct.pack("<3f", *vertex) for vertex in VERTICES)
    indices = struct.pack("<3H", 0, 1, 2)
    binary = padded(positions + indices, b"\x00")
    document = gltf_json(name, len(positions), len(indices), len(binary))
    if change is not None:
        change(document)
    text = json.dumps(document).encode()
    chunks = chunk(CHUNK_JSON, padded(text, b" ")) + chunk(CHUNK_BINARY, binary)
    header_size = 12
    return GLB_MAGIC + struct.pack("<II", GLB_VERSION, header_size + len(chunks)) + chunks


def gltf_json(name: str, positions: int, indices: int, binary: int) -> dict[str, Any]:
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": name}],
        "meshes": [{"name": name, "primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": COMPONENT_FLOAT,
                "count": len(VERTICES),
                "type": "VEC3",
                "min": [0.0, 0.0, 0.0],
                "max": [1.0, 1.0, 0.0],
            },
            {"bufferView": 1, "componentType": COMPONENT_UNSIGNED_SHORT, "count": 3, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": positions, "target": ARRAY_BUFFER},
            {"buffer": 0, "byteOffset": positions, "byteLength": indices, "target": ELEMENT_ARRAY_BUFFER},
        ],
        "buffers": [{"byteLength": binary}],
    }


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + kind + data


def padded(data: bytes, filler: bytes) -> bytes:
    """Fill up to a multiple of four, as the format wants."""
    return data + filler * (-len(data) % 4)


def textured(document: dict[str, Any], *uris: str) -> None:
    """Give the mesh of a glTF document a material with textures that lie in files."""
    document["images"] = [{"uri": uri} for uri in uris]
    document["textures"] = [{"source": index} for index in range(len(uris))]
    slots = ("baseColorTexture", "metallicRoughnessTexture")
    textures = {slot: {"index": index} for slot, index in zip(slots, range(len(uris)), strict=False)}
    document["materials"] = [{"name": "Painted", "pbrMetallicRoughness": textures}]
    document["meshes"][0]["primitives"][0]["material"] = 0


def png(width: int = 1, height: int = 1) -> bytes:
    """Return a red picture."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\xff\0\0" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")


FBX_TEXT = """; FBX 7.4.0 project file
FBXHeaderExtension:  {
	FBXHeaderVersion: 1003
	FBXVersion: 7400
}
Objects:  {
	Geometry: 1, "Geometry::Triangle", "Mesh" {
		Vertices: *9 {
			a: 0,0,0,1,0,0,0,1,0
		}
		PolygonVertexIndex: *3 {
			a: 0,1,-3
		}
	}
	Model: 2, "Model::Triangle", "Mesh" {
		Version: 232
	}
}
Connections:  {
	C: "OO",2,0
	C: "OO",1,2
}
"""


def stl() -> bytes:
    """Return a binary STL."""
    corners = b"".join(struct.pack("<3f", *vertex) for vertex in VERTICES)
    return b"solid in name only".ljust(80) + struct.pack("<I", 1) + struct.pack("<3f", 0, 0, 1) + corners + bytes(2)


def stl_text() -> bytes:
    """Return an STL written as text."""
    corners = "".join(f"    vertex {x} {y} {z}\n" for x, y, z in VERTICES)
    return f"solid Triangle\n  facet normal 0 0 1\n   outer loop\n{corners}   endloop\n  endfacet\nendsolid\n".encode()


PLY_HEADER = """ply
format {0} 1.0
comment one triangle
element vertex {1}
property float x
property float y
property float z
element face 1
property list uchar int vertex_indices
end_header
"""


def ply(count: int = len(VERTICES)) -> bytes:
    """Return a binary PLY whose header promises so many vertices."""
    body = b"".join(struct.pack("<3f", *vertex) for vertex in VERTICES) + struct.pack("<B3i", 3, 0, 1, 2)
    return PLY_HEADER.format("binary_little_endian", count).encode() + body


def ply_text(count: int = len(VERTICES)) -> bytes:
    """Return the same written as text."""
    body = "".join(f"{x} {y} {z}\n" for x, y, z in VERTICES) + "3 0 1 2\n"
    return PLY_HEADER.format("ascii", count).encode() + body.encode()


def obj_zip() -> bytes:
    """Return a zip with a Wavefront OBJ and its material, as services deliver that format."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("triangle.obj", OBJ_TEXT)
        archive.writestr("triangle.mtl", MTL_TEXT)
    return buffer.getvalue()


def write_assets(folder: Path) -> Path:
    """Write one file for each format into the folder, for the simulator to serve; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "triangle.glb").write_bytes(glb())
    (folder / "triangle.zip").write_bytes(obj_zip())
    return folder
