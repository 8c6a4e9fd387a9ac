# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Textures that are larger than can be shown, of any kind: seen before they are decoded, or in a second Blender."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests import odd_models
from tests.blender.preparing import Preparer
from tests.blender.test_formats import import_file, refusal, written
from tests.tiny_pictures import tga

WIDTH, HEIGHT = 20_000, 8
"""A side that is too long, and few pixels."""
TOO_LARGE = f"has a texture of {WIDTH} x {HEIGHT} pixels, more than can be shown"
KINDS = ("BMP", "IRIS", "PNG", "JPEG", "JPEG2000", "TARGA", "TARGA_RAW", "CINEON", "DPX", "OPEN_EXR", "HDR", "TIFF")


def picture(kind: str, width: int, height: int, folder: Path) -> bytes:
    """Have Blender write a picture of some kind; return what is in the file."""
    image = bpy.data.images.new("Picture", width, height)
    settings = bpy.context.scene.render.image_settings
    settings.file_format = kind
    image.save_render(str(folder / "written"))
    bpy.data.images.remove(image)
    (path,) = folder.glob("written*")
    return path.read_bytes()


@pytest.mark.parametrize("kind", (*KINDS, "WEBP", "AVIF"))
def test_a_picture_of_any_kind_says_how_large_blender_finds_it(
    extension: ModuleType, tmp_path: Path, kind: str
) -> None:
    known = {item.identifier for item in bpy.types.ImageFormatSettings.bl_rna.properties["file_format"].enum_items}
    if kind not in known:
        pytest.skip("This Blender does not know that kind.")
    data = picture(kind, 64, 48, tmp_path)
    assert import_module(f"{extension.__name__}.core.files.texture_header").texture_size(data) == (64, 48)


def hidden_jpeg(folder: Path) -> bytes:
    """A JPEG that does not say how large it is where anybody would look for that; Blender finds it all the same."""
    data = picture("JPEG", WIDTH, HEIGHT, folder)
    end = 4 + int.from_bytes(data[4:6], "big")
    return data[:end] + bytes(6000) + data[end:]


def test_a_texture_that_is_too_large_is_refused_although_it_is_no_png(extension: ModuleType, tmp_path: Path) -> None:
    path = written(tmp_path / "model.glb", odd_models.textured_glb(tga(WIDTH, HEIGHT)))
    assert TOO_LARGE in refusal(extension, path, "GLB")


def test_what_does_not_say_how_large_it_is_is_left_out_of_the_users_blender_unread(
    extension: ModuleType, tmp_path: Path
) -> None:
    path = written(tmp_path / "model.glb", odd_models.textured_glb(hidden_jpeg(tmp_path)))
    import_file(extension, path, "GLB")
    (image,) = bpy.data.images
    assert image.packed_file is None and not image.has_data


@pytest.fixture
def preparer(extension: ModuleType, tmp_path: Path) -> Iterator[Preparer]:
    made = Preparer(extension, tmp_path / "preparer")
    yield made
    made.stop()


def test_what_does_not_say_how_large_it_is_is_measured_in_the_second_blender(
    extension: ModuleType, preparer: Preparer, tmp_path: Path
) -> None:
    path = written(tmp_path / "model.glb", odd_models.textured_glb(hidden_jpeg(tmp_path)))
    failed = extension.core.tasks.converter.ConversionFailed
    model_format: Any = extension.core.files.formats.ModelFormat.GLB
    with pytest.raises(failed, match=TOO_LARGE):
        preparer.prepare(path, model_format, tmp_path / "model.blend")


def test_a_texture_that_is_no_png_comes_with_the_model(extension: ModuleType, tmp_path: Path) -> None:
    path = written(tmp_path / "model.glb", odd_models.textured_glb(tga(64, 48)))
    import_file(extension, path, "GLB")
    (image,) = bpy.data.images
    assert image.packed_file is not None and image.size[:] == (64, 48)
