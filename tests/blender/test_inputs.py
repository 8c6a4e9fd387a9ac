# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture to generate from: dropped, taken from the 3D View, pasted; and what the panel says of it."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import Drawn, draw
from tests.blender.test_main_thread import Watch
from tests.blender.test_models import form
from tests.tiny_pictures import png


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    (tmp_path / "cat.png").write_bytes(png(12, 7))
    return tmp_path / "cat.png"


def panel(extension: ModuleType) -> Drawn:
    return draw(extension.panels.sidebar.TOKENLAB_PT_generate)


# ---- dropped


def test_a_picture_that_is_dropped_on_a_3d_view_is_offered_to_us_and_nowhere_else(extension: ModuleType) -> None:
    handler = extension.operators.pictures.TOKENLAB_FH_image
    assert bpy.types.FileHandler.bl_rna_get_subclass_py("TOKENLAB_FH_image") is handler
    assert handler.bl_label == "TokenLab 3D: Use as Input"
    assert handler.bl_import_operator == "tokenlab.use_image_file"
    assert {".png", ".jpg", ".jpeg", ".webp", ".exr"} <= set(handler.bl_file_extensions.split(";"))
    in_areas = [
        handler.poll_drop(SimpleNamespace(space_data=space and SimpleNamespace(type=space)))
        for space in ("VIEW_3D", "IMAGE_EDITOR", "FILE_BROWSER", None)
    ]
    assert in_areas == [True, False, False, False]


def test_a_dropped_file_becomes_the_input(extension: ModuleType, cat: Path) -> None:
    assert bpy.ops.tokenlab.use_image_file("INVOKE_DEFAULT", filepath=str(cat)) == {"FINISHED"}
    assert (form().input_type, form().image_path) == ("IMAGE_FILE", str(cat))
    assert "cat.png, 12 x 7 px" in panel(extension).text


def test_of_several_dropped_files_the_first_is_used_and_that_is_said(
    extension: ModuleType, cat: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (cat.parent / "dog.jpg").write_bytes(b"\xff\xd8\xff")
    files = [{"name": "cat.png"}, {"name": "dog.jpg"}]
    bpy.ops.tokenlab.use_image_file(filepath=str(cat), directory=str(cat.parent), files=files)
    assert form().image_path == str(cat)
    assert "The input is cat.png, the first of 2: only one can be sent" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("name", "words"),
    [("gone.png", "gone.png is not there"), ("notes.txt", "notes.txt is no picture"), ("", "No file is given")],
)
def test_a_file_that_cannot_be_the_input_leaves_the_form_as_it_is(
    extension: ModuleType, cat: Path, name: str, words: str
) -> None:
    (cat.parent / "notes.txt").write_text("notes")
    form().image_path = str(cat)
    with pytest.raises(RuntimeError, match=rf"{words}.*Nothing was changed"):
        bpy.ops.tokenlab.use_image_file(filepath=str(cat.parent / name) if name else "")
    assert (form().input_type, form().image_path) == ("TEXT", str(cat))


def test_a_path_may_be_relative_to_the_blend_file(extension: ModuleType, cat: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(cat.parent / "pets.blend"))
    with warnings.catch_warnings(record=True) as said:  # Blender's word on a property that does not allow it.
        warnings.simplefilter("always")
        form().input_type, form().image_path = "IMAGE_FILE", "//cat.png"
        assert extension.core.blender.input_picture.describe(form()) == "cat.png, 12 x 7 px"
        form().image_path = ""
        assert bpy.ops.tokenlab.use_image_file(filepath="//cat.png") == {"FINISHED"}
        assert form().image_path == "//cat.png"
        bpy.ops.tokenlab.use_image_file(directory="//", files=[{"name": "cat.png"}])
        assert form().image_path == "//cat.png", "as text: Windows takes such a path for that of a server"
        bpy.ops.tokenlab.save_diagnostics(filepath="//diagnostics.txt")
        bpy.ops.tokenlab.export_ledger(filepath="//ledger.csv")
        with pytest.raises(RuntimeError, match="Nothing was"):
            bpy.ops.tokenlab.generate(image_path="//gone.png")
    assert [str(item.message) for item in said] == []
    assert (cat.parent / "ledger.csv").is_file() and (cat.parent / "diagnostics.txt").is_file()


# ---- from the 3D View and the clipboard


@pytest.mark.parametrize(
    ("name", "words"),
    [("use_viewport", "Without a window there is no 3D View"), ("paste_image", "reads no pictures from the clipboard")],
)
def test_what_takes_a_window_says_so_without_one(extension: ModuleType, name: str, words: str) -> None:
    operator = getattr(bpy.ops.tokenlab, name)
    assert not operator.poll()
    with pytest.raises(RuntimeError, match=words):
        operator()
    assert form().input_type == "TEXT"


def test_a_new_picture_takes_the_place_of_the_one_before_unless_that_is_used_elsewhere(extension: ModuleType) -> None:
    inputs = extension.core.blender.input_picture

    def use(name: str) -> Any:
        image = bpy.data.images.new("Made", 4, 4)
        inputs.use_new_image(form(), image, name)
        return image

    mine = form().image = bpy.data.images.new("Mine", 4, 4)
    use("View")
    assert (form().input_type, form().image.name) == ("IMAGE_DATABLOCK", "View")
    assert mine.name == "Mine", "the user's own image stays"
    use("View")
    assert [image.name for image in bpy.data.images] == ["Mine", "View"]
    other = bpy.data.scenes.new("Other")
    other.tokenlab.image = form().image
    use("View")
    assert form().image.name == "View.001"
    assert other.tokenlab.image.name == "View"


# ---- what the panel says


def test_the_panel_says_what_of_a_picture_is_sent(extension: ModuleType, cat: Path) -> None:
    (cat.parent / "wide.png").write_bytes(png(8000, 20))
    (cat.parent / "cut.png").write_bytes(png(5, 5)[:20])
    (cat.parent / "cat.exr").write_bytes(b"v/1\x01")
    form().input_type = "IMAGE_FILE"
    said = {}
    for name in ("cat.png", "wide.png", "cut.png", "cat.exr", "gone.png"):
        form().image_path = str(cat.parent / name)
        said[name] = extension.core.blender.input_picture.describe(form())
    assert said == {
        "cat.png": "cat.png, 12 x 7 px",
        "wide.png": "wide.png, 8000 x 20 px, sent as 2048 x 5",
        "cut.png": "cut.png is damaged",
        "cat.exr": "cat.exr, sent as PNG",
        "gone.png": "gone.png is not there",
    }
    form().input_type, form().image = "IMAGE_DATABLOCK", bpy.data.images.new("Painted", 4096, 2)
    assert "4096 x 2 px, sent as 2048 x 1" in panel(extension).text
    form().input_type, form().image_url = "IMAGE_URL", "https://pictures.example.com/cat.png?signature=1"
    assert "The service fetches it from pictures.example.com." in panel(extension).text
    form().image_url = "ftp://example.com/cat.png"
    assert "The image URL is not an address on the web." in panel(extension).text


@pytest.mark.parametrize(
    ("kind", "suffix", "side", "words"),
    [
        ("TIFF", "tif", 4096, "4096 x 64 px, sent as 2048 x 32"),
        ("OPEN_EXR", "exr", 4096, "4096 x 64 px, sent as 2048 x 32"),
        ("PNG", "png", 6016, "6016 x 94 px, sent as 2048 x 32"),
        ("PNG", "png", 4096, "4096 x 64 px"),
        ("JPEG", "jpg", 4096, "4096 x 64 px"),
        ("WEBP", "webp", 4096, "4096 x 64 px"),
    ],
)
def test_of_an_image_that_is_written_anew_the_size_is_said_that_is_sent(
    extension: ModuleType, session: Any, tmp_path: Path, kind: Any, suffix: str, side: int, words: str
) -> None:
    path = tmp_path / f"wide.{suffix}"
    made = bpy.data.images.new("Made", side, side // 64)
    made.filepath_raw, made.file_format = str(path), kind
    made.save()
    form().input_type, form().image = "IMAGE_DATABLOCK", bpy.data.images.load(str(path))
    assert tuple(form().image.size) == (side, side // 64)
    _ = form().image.pixels[0]  # Only what is in memory is known.
    assert extension.core.blender.input_picture.describe(form()) == words
    sent = extension.core.blender.pictures.from_datablock(form().image, tmp_path / "pictures").path
    size = extension.core.files.images.picture_size(Path(sent))
    assert words.endswith(f"{size[0]} x {size[1]}") or words == f"{size[0]} x {size[1]} px"


def test_two_files_with_the_same_relative_path_have_a_picture_each(extension: ModuleType, tmp_path: Path) -> None:
    said = []
    for name, size in (("one", 5), ("two", 9)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ref.png").write_bytes(png(size, size))
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / name / "pets.blend"))
        form().input_type, form().image_path = "IMAGE_FILE", "//ref.png"
        bpy.ops.wm.save_mainfile()
    for name in ("one", "two"):
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / name / "pets.blend"))
        said.append(extension.core.blender.input_picture.describe(form()))
    assert said == ["ref.png, 5 x 5 px", "ref.png, 9 x 9 px"]


def test_drawing_a_picture_reads_no_file_and_loads_no_image(extension: ModuleType, cat: Path, watch: Watch) -> None:
    form().image_path, form().image = str(cat), bpy.data.images.load(str(cat))
    for kind in ("IMAGE_FILE", "IMAGE_DATABLOCK", "IMAGE_URL", "TEXT"):
        form().input_type = kind
        panel(extension)  # Once, for what Python itself loads late.
        with watch.watching():
            panel(extension)
        assert watch.seen == [], kind
    assert not form().image.has_data


def test_every_way_to_choose_an_input_is_in_the_add_menu(extension: ModuleType) -> None:
    menu = draw(extension.panels.menus.TOKENLAB_MT_add)
    assert {f"tokenlab.{name}" for name in ("use_prompt", "use_image_file", "use_viewport", "paste_image")} <= set(
        menu.operators
    )
