# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images out of Blender: what is sent is what the user sees, and the user's datablock stays as it is."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.simulator.process import SimulatorProcess
from tests.tiny_pictures import png

GREEN = (0.0, 1.0, 0.0, 1.0)
RED = (1.0, 0.0, 0.0, 1.0)
SIDE = 4


def painted(image: Any, color: tuple[float, ...]) -> Any:
    image.pixels = list(color) * (SIDE * SIDE)
    return image


def on_disk(folder: Path, suffix: str, file_format: str) -> Any:
    """A file image that was saved red and is now as on disk."""
    image = painted(bpy.data.images.new("Saved", SIDE, SIDE), RED)
    image.filepath_raw, image.file_format = str(folder / f"saved{suffix}"), file_format
    image.save()
    bpy.data.images.remove(image)
    return bpy.data.images.load(str(folder / f"saved{suffix}"))


def generated(_folder: Path) -> Any:
    return painted(bpy.data.images.new("Generated", SIDE, SIDE), GREEN)


def painted_over(folder: Path) -> Any:
    return painted(on_disk(folder, ".png", "PNG"), GREEN)


def packed(folder: Path) -> Any:
    image = painted(on_disk(folder, ".png", "PNG"), GREEN)
    image.pack()
    return image


def packed_and_painted_over(folder: Path) -> Any:
    image = on_disk(folder, ".png", "PNG")
    image.pack()
    return painted(image, GREEN)


def of_another_kind(folder: Path) -> Any:
    return painted(on_disk(folder, ".tga", "TARGA"), GREEN)


KINDS = [generated, painted_over, packed, packed_and_painted_over, of_another_kind]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_pixels_that_the_user_sees_are_the_ones_that_are_sent(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, kind: Any
) -> None:
    image = kind(tmp_path)
    before = (image.source, image.filepath, image.is_dirty, image.packed_file is not None, len(bpy.data.images))
    task = extension.generate("a vase", image=image)
    task.wait(timeout=60)
    assert simulator.creates()[0]["request"]["image"]["type"] == "image/png"
    sent = bpy.data.images.load(str(task.result_path.parent / "source.png"))
    assert (sent.size[0], sent.size[1]) == (SIDE, SIDE)
    assert [round(value, 2) for value in sent.pixels[:4]] == list(GREEN)
    bpy.data.images.remove(sent)
    image = bpy.data.images[image.name]
    assert (image.source, image.filepath, image.is_dirty, image.packed_file is not None) == before[:4]
    assert len([item for item in bpy.data.images if item.name.startswith("TokenLab")]) == 0
    assert list((tmp_path / "data" / "pictures").glob("*")) == [], "what was made on the way is gone"


def test_an_image_without_pixels_is_refused(extension: ModuleType, simulator: SimulatorProcess) -> None:
    image = bpy.data.images.new("Gone", 1, 1)
    image.source, image.filepath = "FILE", "//nowhere.exr"
    with pytest.raises(extension.TokenLabError, match=r"pixels of the image Gone.*Nothing was sent"):
        extension.generate("a vase", image=image)
    assert simulator.journal()["requests"] == []


def test_a_data_folder_that_takes_no_file_is_said_in_a_sentence(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "pictures").write_text("in the way")
    with pytest.raises(extension.TokenLabError, match="takes no file"):
        extension.generate("a vase", image=generated(tmp_path))
    assert simulator.journal()["requests"] == []


# ---- what has to be written anew


def sent_picture(task: Any) -> Any:
    return bpy.data.images.load(str(task.result_path.parent / "source.png"))


@pytest.mark.parametrize(("suffix", "kind"), [(".exr", "OPEN_EXR"), (".tif", "TIFF"), (".hdr", "HDR"), (".bmp", "BMP")])
def test_a_file_that_only_blender_reads_is_sent_as_png(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, suffix: str, kind: str
) -> None:
    bpy.data.images.remove(on_disk(tmp_path, suffix, kind))
    before = (tmp_path / f"saved{suffix}").read_bytes()
    task = extension.generate("a vase", image=tmp_path / f"saved{suffix}")
    task.wait(timeout=60)
    assert simulator.creates()[0]["request"]["image"]["type"] == "image/png"
    sent = sent_picture(task)
    red, green, blue = sent.pixels[:3]
    assert red > 0.9
    assert (round(green, 1), round(blue, 1)) == (0.0, 0.0)
    bpy.data.images.remove(sent)
    assert (tmp_path / f"saved{suffix}").read_bytes() == before
    assert len(bpy.data.images) == 0, "nothing of ours is left in the file"


def test_a_large_image_is_sent_smaller_and_stays_as_it_is(extension: ModuleType, simulator: SimulatorProcess) -> None:
    image = bpy.data.images.new("Wide", 3000, 30)
    task = extension.generate("a vase", image=image)
    task.wait(timeout=60)
    sent = sent_picture(task)
    assert tuple(sent.size) == (2048, 20)
    bpy.data.images.remove(sent)
    assert list(bpy.data.images["Wide"].size) == [3000, 30]


def test_a_file_with_too_many_bytes_is_sent_smaller(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = bpy.data.images.new("Large", 2500, 50)
    image.filepath_raw, image.file_format = str(tmp_path / "large.png"), "PNG"
    image.save()
    bpy.data.images.remove(image)
    monkeypatch.setattr(extension.core.blender.pictures, "MAX_BYTES", 10)
    task = extension.generate("a vase", image=tmp_path / "large.png")
    task.wait(timeout=60)
    sent = sent_picture(task)
    assert tuple(sent.size) == (2048, 41)
    bpy.data.images.remove(sent)


def test_a_file_that_blender_cannot_read_is_refused(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "broken.exr").write_bytes(b"no picture")
    with pytest.raises(extension.TokenLabError, match=r"broken\.exr cannot be read.*Nothing was sent"):
        extension.generate("a vase", image=tmp_path / "broken.exr")
    assert simulator.journal()["requests"] == []
    assert len(bpy.data.images) == 0


def test_a_file_of_another_kind_than_its_name_says_is_sent_as_what_it_is(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    bpy.data.images.remove(on_disk(tmp_path, ".bmp", "BMP"))
    bpy.data.images.remove(on_disk(tmp_path, ".jpg", "JPEG"))
    (tmp_path / "saved.bmp").rename(tmp_path / "really-bmp.png")
    (tmp_path / "saved.jpg").rename(tmp_path / "really-jpeg.tga")
    for name in ("really-bmp.png", "really-jpeg.tga"):
        extension.generate("a vase", image=tmp_path / name, confirm_duplicate=True).wait(timeout=60)
    assert [task["request"]["image"]["type"] for task in simulator.creates()] == ["image/png", "image/jpeg"]


# ---- how many pixels there are


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "PNG"), (".jpg", "JPEG"), (".webp", "WEBP")])
@pytest.mark.parametrize("side", [1, 37])
def test_the_header_says_the_size_that_blender_sees(
    extension: ModuleType, tmp_path: Path, suffix: str, kind: str, side: int
) -> None:
    image = bpy.data.images.new("Sized", 3 * side, side)
    image.filepath_raw, image.file_format = str(tmp_path / f"sized{suffix}"), kind
    image.save()
    assert extension.core.files.images.picture_size(tmp_path / f"sized{suffix}") == (3 * side, side)


@pytest.fixture
def huge(tmp_path: Path) -> Path:
    """A picture of few bytes with a side that is longer than what is sent."""
    image = bpy.data.images.new("Huge", 6400, 20)
    image.filepath_raw, image.file_format = str(tmp_path / "huge.jpg"), "JPEG"
    image.save()
    bpy.data.images.remove(image)
    return tmp_path / "huge.jpg"


def test_a_file_with_too_many_pixels_is_sent_smaller(
    extension: ModuleType, simulator: SimulatorProcess, huge: Path
) -> None:
    before = huge.read_bytes()
    task = extension.generate("a vase", image=huge)
    task.wait(timeout=60)
    sent = sent_picture(task)
    assert tuple(sent.size) == (2048, 6)
    bpy.data.images.remove(sent)
    assert huge.read_bytes() == before
    assert len(bpy.data.images) == 0


def test_an_image_of_a_file_with_too_many_pixels_is_sent_smaller_and_stays_as_it_is(
    extension: ModuleType, simulator: SimulatorProcess, huge: Path
) -> None:
    image = bpy.data.images.load(str(huge))
    task = extension.generate("a vase", image=image)
    task.wait(timeout=60)
    sent = sent_picture(task)
    assert tuple(sent.size) == (2048, 6)
    bpy.data.images.remove(sent)
    image = bpy.data.images[image.name]
    assert (list(image.size), image.is_dirty, image.packed_file) == ([6400, 20], False, None)
    assert len(bpy.data.images) == 1


def test_a_picture_that_is_not_too_large_is_sent_as_it_is(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    image = bpy.data.images.new("Wide", 6000, 10)
    image.filepath_raw, image.file_format = str(tmp_path / "wide.jpg"), "JPEG"
    image.save()
    task = extension.generate("a vase", image=tmp_path / "wide.jpg")
    task.wait(timeout=60)
    assert (task.result_path.parent / "source.jpeg").read_bytes() == (tmp_path / "wide.jpg").read_bytes()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png(0, 5), r"cat\.png has no pixels"),
        (png(5, 5)[:25], r"cat\.png is damaged"),
        (png(30_000, 30_000), r"cat\.png has 900 million pixels, more than the 200 million"),
    ],
)
def test_a_picture_that_cannot_be_sent_is_refused_at_once_and_not_decoded(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path, data: bytes, words: str
) -> None:
    (tmp_path / "cat.png").write_bytes(data)
    with pytest.raises(extension.TokenLabError, match=rf"{words}.*Nothing was sent or charged\."):
        extension.generate("a vase", image=tmp_path / "cat.png")
    image = bpy.data.images.new("cat.png", 1, 1)
    image.source, image.filepath = "FILE", str(tmp_path / "cat.png")
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.tokenlab.generate(prompt="a vase", image="cat.png")
    assert simulator.journal()["requests"] == []
    assert extension.tasks() == []
