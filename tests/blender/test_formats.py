# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each format through Blender's own operators: what it brings, and what is said where this build cannot read it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.support import ROOT, run_script, vertex_count
from tests.tiny_models import FBX_TEXT, MTL_TEXT, OBJ_TEXT, glb, ply, ply_text, png, stl, stl_text, textured

SCRIPTS = ROOT / "tests" / "blender" / "scripts"
DRACO = "KHR_draco_mesh_compression"
KINDS = ("objects", "meshes", "materials", "images", "collections")


def import_file(extension: ModuleType, path: Path, format_name: str) -> Any:
    """Import a file into the scene and return its collection."""
    importers = extension.core.blender.importers
    model_format = extension.core.files.formats.ModelFormat[format_name]
    return importers.import_file(path, model_format, bpy.context.scene, "Model")


def refusal(extension: ModuleType, path: Path, format_name: str) -> str:
    """Import a file that is refused; return the sentence."""
    importers = extension.core.blender.importers
    before, known = [len(getattr(bpy.data, kind)) for kind in KINDS], importers.snapshot()
    with pytest.raises(importers.ImportFailed) as caught:
        import_file(extension, path, format_name)
    importers.remove_new(known)
    assert [len(getattr(bpy.data, kind)) for kind in KINDS] == before
    sentence = str(caught.value)
    assert "It is kept on disk, and nothing is charged again." in sentence and sentence.endswith(".")
    return sentence


def written(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize(
    ("data", "format_name"),
    [
        (glb(), "GLB"),
        (stl(), "STL"),
        (stl_text(), "STL"),
        (ply(), "PLY"),
        (ply_text(), "PLY"),
        (OBJ_TEXT.encode(), "OBJ"),
    ],
    ids=["GLB", "STL", "text STL", "PLY", "text PLY", "OBJ"],
)
def test_a_file_is_imported_whatever_it_is_called(
    extension: ModuleType, tmp_path: Path, data: bytes, format_name: str
) -> None:
    collection = import_file(extension, written(tmp_path / "model.download", data), format_name)
    assert vertex_count(collection.all_objects) == 3


def test_text_fbx_is_imported_where_the_new_importer_is_and_explained_where_not(
    extension: ModuleType, tmp_path: Path
) -> None:
    path = written(tmp_path / "model.fbx", FBX_TEXT)
    if bpy.app.version >= (4, 5):
        assert vertex_count(import_file(extension, path, "FBX").all_objects) == 3
    else:
        sentence = refusal(extension, path, "FBX")
        assert "is written as text, which this build of Blender cannot read" in sentence and "Show File" in sentence


def test_a_model_compressed_with_draco_is_read_where_this_build_can_and_explained_where_not(
    extension: ModuleType, tmp_path: Path
) -> None:
    def compress(document: dict[str, Any]) -> None:
        document["extensionsUsed"] = document["extensionsRequired"] = [DRACO]
        (primitive,) = document["meshes"][0]["primitives"]
        primitive["extensions"] = {DRACO: {"bufferView": 0, "attributes": {"POSITION": 0}}}

    if import_module("io_scene_gltf2").is_draco_available():
        path = tmp_path / "compressed.glb"
        run_script(SCRIPTS / "export_draco.py", path, environment={}, check=False)
        assert DRACO.encode() in path.read_bytes()
        (cube,) = import_file(extension, path, "GLB").all_objects
        assert tuple(cube.dimensions) == pytest.approx((2.0, 2.0, 2.0), abs=0.01)
    else:
        sentence = refusal(extension, written(tmp_path / "model.glb", glb(change=compress)), "GLB")
        assert sentence.startswith("This model is compressed with Draco, which this build of Blender cannot read.")
        assert "Show File" in sentence


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("EXT_meshopt_compression", "is compressed with meshopt"),
        ("VENDOR_magic", "needs the glTF extension VENDOR_magic"),
    ],
)
def test_what_a_model_needs_and_this_build_has_not_is_named(
    extension: ModuleType, tmp_path: Path, name: str, what: str
) -> None:
    def need(document: dict[str, Any]) -> None:
        document["extensionsUsed"] = document["extensionsRequired"] = [name]
        compressed = {"buffer": 0, "byteLength": 36, "byteStride": 12, "count": 3, "mode": "ATTRIBUTES"}
        document["bufferViews"][0]["extensions"] = {name: compressed} if "meshopt" in name else {}

    sentence = refusal(extension, written(tmp_path / "model.glb", glb(change=need)), "GLB")
    assert sentence.startswith(f"This model {what}, which this build of Blender cannot read.")
    assert "Show File" in sentence


def test_a_broken_file_is_not_blamed_on_an_extension_that_can_be_read(extension: ModuleType, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["extensionsUsed"] = document["extensionsRequired"] = ["KHR_mesh_quantization"]
        document["accessors"][1]["bufferView"] = 7

    sentence = refusal(extension, written(tmp_path / "model.glb", glb(change=change)), "GLB")
    assert sentence.startswith("Blender could not read the delivered GLB file.")


def test_a_build_without_an_importer_says_so(
    extension: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importers = extension.core.blender.importers
    usdz = extension.core.files.formats.ModelFormat.USDZ
    monkeypatch.setitem(importers._OPERATORS, usdz, (importers._Operator("wm", "usd_import_that_is_not_built_in"),))
    sentence = refusal(extension, written(tmp_path / "model.usdz", b"PK"), "USDZ")
    assert sentence.startswith("This build of Blender cannot read USDZ files.") and "Show File" in sentence


def test_a_model_of_no_size_is_not_called_imported(extension: ModuleType, tmp_path: Path) -> None:
    path = written(tmp_path / "model.obj", "v 1 2 3\n" * 3 + "f 1 2 3\n")
    assert "has all its points in one place" in refusal(extension, path, "OBJ")


# ---- textures


def test_an_obj_brings_its_material_and_its_texture(extension: ModuleType, tmp_path: Path) -> None:
    written(tmp_path / "triangle.mtl", MTL_TEXT + "map_Kd colors.png\n")
    written(tmp_path / "colors.png", png(4, 2))
    collection = import_file(extension, written(tmp_path / "triangle.obj", OBJ_TEXT), "OBJ")
    (item,) = collection.all_objects
    assert item.active_material.name == "Red"
    (image,) = bpy.data.images
    assert (image.size[:], image.packed_file is not None) == ((4, 2), True)


def test_a_gltf_brings_its_data_and_its_textures(extension: ModuleType, tmp_path: Path) -> None:
    data = glb(change=lambda document: textured(document, "colors.png"))
    json_size = int.from_bytes(data[12:16], "little")
    binary = data[20 + json_size + 8 :]
    text = data[20 : 20 + json_size].replace(
        b'"byteLength": %d}]' % len(binary), b'"byteLength": %d, "uri": "a.bin"}]' % len(binary)
    )
    assert b"a.bin" in text
    written(tmp_path / "a.bin", binary)
    written(tmp_path / "colors.png", png(4, 2))
    collection = import_file(extension, written(tmp_path / "model.gltf", text), "GLTF")
    assert vertex_count(collection.all_objects) == 3
    (image,) = bpy.data.images
    assert (image.size[:], image.packed_file is not None) == ((4, 2), True)


@pytest.mark.parametrize("format_name", ["OBJ", "GLB"])
def test_a_texture_that_is_missing_or_no_picture_does_not_keep_the_model_from_coming(
    extension: ModuleType, tmp_path: Path, format_name: str
) -> None:
    written(tmp_path / "no picture.png", "<html>")
    written(tmp_path / "triangle.mtl", MTL_TEXT + "map_Kd gone.png\nmap_Ks no picture.png\n")
    path = written(tmp_path / "triangle.obj", OBJ_TEXT)
    if format_name == "GLB":
        uris = ("gone.png", "no%20picture.png")
        path = written(tmp_path / "model.glb", glb(change=lambda document: textured(document, *uris)))
    collection = import_file(extension, path, format_name)
    assert vertex_count(collection.all_objects) == 3
    assert [(image.size[:], image.packed_file) for image in bpy.data.images] == [((0, 0), None)] * 2


def test_no_file_of_this_computer_gets_into_the_blend_that_the_model_did_not_bring(
    extension: ModuleType, tmp_path: Path
) -> None:
    """A .blend is published; a hostile material may name whatever lies on the disk of whoever imports it."""
    folder = tmp_path / "model"
    folder.mkdir()
    private = written(tmp_path / "private.png", png(3, 3))
    secret = written(tmp_path / "secret.txt", "a secret of this computer")
    maps = f"map_Kd {private.as_posix()}\nmap_Ks ../secret.txt\nmap_d ../private.png\nmap_Ns {secret.as_posix()}\n"
    written(folder / "triangle.mtl", MTL_TEXT + maps)
    import_file(extension, written(folder / "triangle.obj", OBJ_TEXT), "OBJ")
    assert len(bpy.data.images) > 0
    assert [image.packed_file for image in bpy.data.images] == [None] * len(bpy.data.images)
    blend = tmp_path / "published.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend), compress=False)
    assert b"a secret of this" not in blend.read_bytes() and png(3, 3) not in blend.read_bytes()


@pytest.mark.parametrize("uri", ["../secret.txt", "/etc/hostname", "%2e%2e/secret.txt", "file:///etc/hostname"])
def test_a_gltf_that_asks_for_files_outside_its_folder_is_not_opened(
    extension: ModuleType, tmp_path: Path, uri: str
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    written(tmp_path / "secret.txt", "a secret of this computer")
    path = written(folder / "model.glb", glb(change=lambda document: textured(document, uri)))
    assert "asks for files outside its own folder" in refusal(extension, path, "GLB")


def test_a_gltf_that_is_broken_says_what_is_wrong_with_it(extension: ModuleType, tmp_path: Path) -> None:
    """Its JSON may be too long to be looked into while Blender works."""
    path = written(tmp_path / "model.glb", glb().replace(b'"asset"', b'"title"'))
    assert refusal(extension, path, "GLB").startswith("The delivered GLB file is damaged")
