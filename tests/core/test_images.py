# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures: what is sent of the source picture, what is refused before that, and how large a texture is."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import pytest

from core.files import images
from core.files.images import PictureError, data_url, image_type, picture_size, read_picture

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
JPEG = b"\xff\xd8\xff\xe0" + bytes(20)
WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(20)
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
    path.write_bytes(PNG[:20])
    assert len(read_picture(path)) == 20


def jpeg(*segments: bytes) -> bytes:
    """A JPEG with these segments, each given with its kind."""
    parts = [b"\xff" + part[:1] + struct.pack(">H", len(part) + 1) + part[1:] for part in segments]
    return b"\xff\xd8" + b"".join(parts)


def webp(kind: bytes, data: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(data) + 12) + b"WEBP" + kind + struct.pack("<I", len(data)) + data


FRAME = b"\x08" + struct.pack(">HH", 600, 800) + b"\x03"
SIZED = {
    "png": PNG[:8] + struct.pack(">I4sII", 13, b"IHDR", 800, 600) + b"\1\0\0\0\0",
    "jpeg": jpeg(b"\xe0JFIF", b"\xc4" + bytes(30), b"\xc0" + FRAME),
    "progressive jpeg behind long data": jpeg(b"\xe1" + bytes(60_000), b"\xc2" + FRAME),
    "jpeg with marks that have no length": b"\xff\xd8\xff\xff\x01" + jpeg(b"\xc1" + FRAME)[2:],
    "webp with losses": webp(b"VP8 ", bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 800 | 1 << 14, 600)),
    "webp without losses": webp(b"VP8L", b"\x2f" + struct.pack("<I", 799 | 599 << 14)),
    "large webp": webp(b"VP8X", bytes(4) + (799).to_bytes(3, "little") + (599).to_bytes(3, "little")),
}


@pytest.mark.parametrize("name", SIZED)
def test_the_size_of_a_picture_is_told_by_its_head(name: str) -> None:
    assert picture_size(SIZED[name]) == (800, 600)


@pytest.mark.parametrize("name", SIZED)
def test_of_a_head_that_is_cut_nothing_is_told(name: str) -> None:
    for length in range(0, len(SIZED[name]) - 6, 7):
        assert picture_size(SIZED[name][:length]) in (None, (1, 1))


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\xff\xd8\xff", jpeg(b"\xda" + bytes(9)), b"\xff\xd8" + b"\xff" * 99]
)
def test_of_anything_else_no_size_is_told(data: bytes) -> None:
    assert picture_size(data) is None
