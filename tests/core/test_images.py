# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source picture: what is sent of it, and what is refused before anything is sent."""

from __future__ import annotations

import base64
import io
import random
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from core.files import images
from core.files.images import PictureError, data_url, image_type, may_begin, picture_size, read_picture
from core.files.picture_header import read_size
from tests.tiny_pictures import jpeg, lossless_webp, lossy_webp, png, riff, segment, webp

PNG, JPEG, WEBP = png(), jpeg(), webp()
KINDS = [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")]


@pytest.mark.parametrize(("data", "mime"), KINDS)
def test_the_data_url_states_the_true_type_and_carries_every_byte(data: bytes, mime: str) -> None:
    head, _, body = data_url(data).partition(",")
    assert head == f"data:{mime};base64"
    assert base64.b64decode(body, validate=True) == data


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"RIFF\x10\x00\x00\x00WAVE", b"<svg/>", b"\x89PNG"])
def test_other_data_is_no_picture(data: bytes) -> None:
    assert image_type(data) is None
    with pytest.raises(PictureError, match="Nothing was sent or charged"):
        data_url(data)


@pytest.mark.parametrize(("data", "_mime"), KINDS)
def test_a_picture_is_read_whatever_its_name(tmp_path: Path, data: bytes, _mime: str) -> None:
    path = tmp_path / "picture.txt"
    path.write_bytes(data)
    assert read_picture(path) == data


def test_a_missing_picture_a_folder_and_another_kind_of_file_are_refused_with_a_sentence(tmp_path: Path) -> None:
    other = tmp_path / "notes.png"
    other.write_text("no picture")
    for path in (tmp_path / "missing.png", tmp_path, other, Path("nul\0.png")):
        with pytest.raises(PictureError) as caught:
            read_picture(path)
        sentence = str(caught.value)
        assert "Nothing was sent or charged." in sentence
        assert sentence.endswith("Choose another picture.")
        assert str(tmp_path) not in sentence


def test_a_picture_over_the_limit_is_refused_without_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "MAX_BYTES", 20)
    path = tmp_path / "large.png"
    path.write_bytes(PNG)
    with pytest.raises(PictureError, match=r"large\.png has .* Nothing was sent or charged\. Make it smaller"):
        read_picture(path)
    monkeypatch.setattr(images, "MAX_BYTES", len(PNG))
    assert read_picture(path) == PNG


@pytest.mark.parametrize("data", [PNG, JPEG, WEBP])
def test_the_beginning_of_a_picture_may_be_one_byte_long(data: bytes) -> None:
    assert all(may_begin(data[:count]) for count in range(20))
    assert not may_begin(b"<")
    assert not may_begin(b"\x89PDF")


# ---- how many pixels it has

EXIF = segment(0xE1, b"Exif\0\0" + jpeg(160, 120))
"""A camera's segment, with a small picture of its own."""
PROFILE = segment(0xE2, b"ICC_PROFILE\0" + bytes(60_000))
SIZED: dict[str, Callable[[int, int], bytes]] = {
    "PNG": png,
    "JPEG": jpeg,
    "JPEG of a camera": lambda width, height: jpeg(width, height, before=EXIF + PROFILE * 20),
    "JPEG with fill bytes": lambda width, height: jpeg(width, height, before=b"\xff\xff\xff" + EXIF[1:]),
    "JPEG with rubbish": lambda width, height: jpeg(width, height, before=EXIF + b"\0\xff\0rubbish"),
    "progressive JPEG": lambda width, height: jpeg(width, height).replace(b"\xff\xc0", b"\xff\xc2"),
    "WebP": webp,
    "lossy WebP": lossy_webp,
    "lossless WebP": lossless_webp,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cat.png"


@pytest.mark.parametrize("size", [(1, 1), (640, 480), (9000, 33), (5, 16_383)])
@pytest.mark.parametrize("make", SIZED.values(), ids=SIZED.keys())
def test_the_header_says_how_many_pixels_a_picture_has(
    path: Path, make: Callable[[int, int], bytes], size: tuple[int, int]
) -> None:
    path.write_bytes(make(*size))
    assert picture_size(path) == size
    assert read_picture(path) == path.read_bytes()


class Counting(io.FileIO):
    """Counts the bytes that are read."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size) or b""
        self.count += len(data)
        return data


def test_of_a_large_picture_no_more_is_read_than_its_header(path: Path) -> None:
    path.write_bytes(jpeg(800, 600, before=PROFILE * 100) + bytes(5_000_000))
    with Counting(path) as file:
        assert read_size(file, "image/jpeg") == (800, 600)
        assert file.count < 1000


def test_what_is_no_picture_has_no_pixels(path: Path) -> None:
    path.write_bytes(b"no picture")
    assert picture_size(path) is None
    with pytest.raises(PictureError, match="cannot be read"):
        picture_size(path.with_name("gone.png"))


@pytest.mark.parametrize("data", [png(0, 4), png(4, 0), jpeg(0, 4), jpeg(4, 0), lossy_webp(0, 4), lossy_webp(4, 0)])
def test_a_picture_without_pixels_is_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    for read in (picture_size, read_picture):
        with pytest.raises(PictureError, match=r"cat\.png has no pixels\. Nothing was sent or charged\."):
            read(path)


def changed(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def with_checksum(data: bytes) -> bytes:
    """A PNG whose header was changed, as if it had been written so."""
    return changed(data, 29, zlib.crc32(data[12:29]).to_bytes(4, "big"))


DAMAGED = {
    "PNG cut off": PNG[:30],
    "PNG whose checksum is wrong": changed(PNG, 16, b"\0\0\0\x09"),
    "PNG with another chunk first": changed(PNG, 12, b"CgBI"),
    "PNG of a kind that does not exist": with_checksum(changed(PNG, 24, b"\x08\x05")),
    "PNG with 16 bits and a palette": with_checksum(changed(PNG, 24, b"\x10\x03")),
    "PNG with too many pixels": with_checksum(changed(PNG, 16, b"\x80")),
    "JPEG cut off": JPEG[:9],
    "JPEG that ends before its size": b"\xff\xd8\xff\xd9",
    "JPEG without a size": b"\xff\xd8" + EXIF + b"\xff\xda\0\x08",
    "JPEG with a segment of no length": jpeg(4, 4, before=b"\xff\xe1\0\1"),
    "JPEG with a segment beyond its end": jpeg(4, 4, before=b"\xff\xe1\xff\xff"),
    "JPEG whose frame is too short": JPEG.replace(b"\xff\xc0\0\x0b", b"\xff\xc0\0\x0e"),
    "JPEG of rubbish": b"\xff\xd8\xff" + bytes(50_000),
    "WebP cut off": WEBP[:-1],
    "WebP shorter than announced": changed(WEBP, 4, b"\xff"),
    "WebP whose chunk is longer than the file": changed(WEBP, 16, b"\xff"),
    "WebP of an unknown kind": riff(b"ALPH", bytes(20)),
    "WebP without a start code": lossy_webp(4, 4).replace(b"\x9d\x01\x2a", b"\x9d\x01\x2b"),
    "WebP that begins in between": changed(lossy_webp(4, 4), 20, b"\x31"),
    "lossless WebP of another version": changed(lossless_webp(4, 4), 24, b"\xe0"),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_header_that_contradicts_itself_is_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    for read in (picture_size, read_picture):
        with pytest.raises(PictureError, match=r"cat\.png is damaged\. Nothing was sent or charged\."):
            read(path)


def test_whatever_the_header_says_there_is_a_size_or_a_sentence(path: Path) -> None:
    source = random.Random(4)  # noqa: S311  # the same pictures each time
    pictures = [make(300, 200) for make in SIZED.values()]
    for _ in range(3000):
        data = bytearray(source.choice(pictures))
        for _ in range(source.choice((1, 2, 8))):
            data[source.randrange(min(len(data), 60))] = source.randrange(256)
        path.write_bytes(data[: source.choice((len(data), len(data), source.randrange(60)))])
        try:
            size = picture_size(path)
        except PictureError:
            continue
        assert size is None or min(size) > 0
