# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source picture: what is sent of it, and what is refused before anything is sent."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from core.files import images
from core.files.images import PictureError, data_url, image_type, read_picture

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
