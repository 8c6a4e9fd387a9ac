# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulator refuses in a create request, and which file a task gets."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.configuration import CREATE_PATH
from tests.simulator.pictures import MAX_PICTURE_BYTES
from tests.simulator.plain_client import MODEL, PROMPT, PlainClient
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import glb

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
JPEG = b"\xff\xd8\xff\xe0" + bytes(16)
WEBP = b"RIFF\x10\x00\x00\x00WEBP" + bytes(16)
PICTURE_URL = "https://example.com/chair.png"


@pytest.fixture
def client(simulator: SimulatorProcess) -> PlainClient:
    return PlainClient(simulator)


def plain(data: bytes) -> str:
    return base64.b64encode(data).decode()


def data_url(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{plain(data)}"


# ---- refusals


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": "  "}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"prompt": "x" * 1025}, "prompt"),
        ({"seed": "7"}, "seed"),
        ({"seed": True}, "seed"),
        ({"format": "GLB"}, "format"),
        ({"quality": "best"}, "quality"),
        ({"image": "%%%"}, "image"),
        ({"image": plain(b"plain text")}, "image"),
        ({"image": data_url(PNG, "image/jpeg")}, "image"),
        ({"image_url": "ftp://example.com/a.png"}, "image_url"),
        ({"image_url": "data:image/png;base64,AAAA"}, "image_url"),
        ({"image_url": "http://localhost/a.png"}, "image_url"),
        ({"image_url": "http://192.168.1.5/a.png"}, "image_url"),
        ({"image_url": "https://user:secret@example.com/a.png"}, "image_url"),
        ({"image_url": PICTURE_URL + "#part"}, "image_url"),
        ({"image_url": PICTURE_URL, "image": plain(PNG)}, "image_url"),
    ],
)
def test_a_wrong_field_is_a_400_that_names_it_and_makes_no_task(
    simulator: SimulatorProcess, client: PlainClient, fields: dict[str, Any], param: str
) -> None:
    reply = client.create(**fields)
    body = reply.json()
    assert (reply.status_code, body["error"]["param"]) == (400, param)
    assert body["validation_errors"][0]["field"] == param
    assert simulator.creates() == []


def test_a_prompt_that_is_too_long_comes_back_with_the_limit(client: PlainClient) -> None:
    assert client.create(prompt="x" * 1025).json()["error"]["prompt_max_characters"] == 1024
    assert client.create(prompt="x" * 1024).status_code == 200


@pytest.mark.parametrize("written", ["Tripo-H3.1", "tripoh3.1", "tripo-h3.2"])
def test_an_almost_right_model_id_gets_a_proposal(client: PlainClient, written: str) -> None:
    reply = client.create(model=written)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["did_you_mean"]) == (400, "model_not_found", MODEL)


def test_a_model_id_like_no_other_gets_no_proposal(client: PlainClient) -> None:
    error = client.create(model="hunyuan3d-something").json()["error"]
    assert error["code"] == "model_not_found"
    assert "did_you_mean" not in error


def test_a_picture_for_a_text_model_is_refused_with_what_it_does(client: PlainClient) -> None:
    reply = client.create(model="tripo-p1.0", image=plain(PNG))
    assert (reply.status_code, reply.json()["error"]["supported_operations"]) == (400, ["text-to-3d"])


def test_only_a_prompt_for_an_image_model_is_refused_with_what_it_does(client: PlainClient) -> None:
    reply = client.create(model="seed3d-2.0")
    assert (reply.status_code, reply.json()["error"]["supported_operations"]) == (400, ["image-to-3d"])


@pytest.mark.parametrize(
    ("model", "fields", "param"),
    [
        (MODEL, {"negative_prompt": "x"}, "negative_prompt"),
        ("tripo-p1.0", {"quality": "high"}, "quality"),
        ("tripo-p1.0", {"format": "usdz"}, "format"),
        ("hyper3d-gen2", {"format": "glb"}, "format"),
    ],
)
def test_what_a_model_does_not_list_is_refused_with_what_it_lists(
    client: PlainClient, model: str, fields: dict[str, Any], param: str
) -> None:
    error = client.create(model=model, **fields).json()["error"]
    assert (error["code"], error["param"]) == ("unsupported_parameter", param)
    assert "prompt" in error["supported_parameters"]
    assert error["recommended_request"]["model"] == model


def test_a_model_of_another_endpoint_is_refused(client: PlainClient) -> None:
    reply = client.create(model="marble-1.1")
    assert (reply.status_code, reply.json()["error"]["request_endpoint"]) == (400, "/v1/worlds/generations")


def test_an_unknown_delivery_policy_is_refused(client: PlainClient) -> None:
    for policy, status in (("fast", 400), ("official", 200)):
        headers = {**client.headers, "X-TokenLab-Delivery-Policy": policy}
        reply = client.call("POST", CREATE_PATH, json={"model": MODEL, "prompt": PROMPT}, headers=headers)
        assert reply.status_code == status


def test_a_picture_that_is_too_large_is_a_413(client: PlainClient) -> None:
    reply = client.create(image=plain(PNG + bytes(MAX_PICTURE_BYTES)))
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "payload_too_large")


def test_a_body_that_is_too_large_is_a_413(simulator: SimulatorProcess, client: PlainClient) -> None:
    reply = client.create(image=plain(PNG + bytes(MAX_PICTURE_BYTES + 8 * 1024 * 1024)))
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "payload_too_large")
    assert simulator.creates() == []


# ---- pictures


@pytest.mark.parametrize(("data", "media_type"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")])
def test_both_encodings_of_a_picture_are_taken_and_journalled_by_digest(
    simulator: SimulatorProcess, client: PlainClient, data: bytes, media_type: str
) -> None:
    client.create_task(image=plain(data))
    client.create_task(image=data_url(data, media_type))
    seen = [task["request"]["image"] for task in simulator.creates()]
    digest = hashlib.sha256(data).hexdigest()
    described = {"sha256": digest, "bytes": len(data), "type": media_type}
    assert seen == [{**described, "encoding": "base64"}, {**described, "encoding": "data-url"}]


def test_a_public_picture_address_is_taken_as_it_is(simulator: SimulatorProcess, client: PlainClient) -> None:
    client.create_task(image_url=PICTURE_URL)
    assert simulator.creates()[0]["request"]["image_url"] == PICTURE_URL


# ---- files


@pytest.fixture
def shelf(simulator: SimulatorProcess, tmp_path: Path) -> Path:
    for name in ("a.fbx", "b.glb", "c.usdz", "d_obj.zip", "monkey.glb"):
        (tmp_path / name).write_bytes(glb(name))
    simulator.configure(assets=tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "name"), [("glb", "b.glb"), ("fbx", "a.fbx"), ("obj", "d_obj.zip"), ("usdz", "c.usdz")]
)
def test_a_task_gets_a_file_of_its_format(client: PlainClient, shelf: Path, wanted: str, name: str) -> None:
    body = client.finished(format=wanted)
    assert body["model_url"] == body[f"{wanted}_url"]
    assert f"/{name}?" in body["model_url"]
    others = {"glb_url", "fbx_url", "obj_url", "usdz_url"} - {f"{wanted}_url"}
    assert not others & set(body)
    assert client.download(body["model_url"]).content == (shelf / name).read_bytes()


def test_without_a_format_a_task_gets_a_glb(client: PlainClient, shelf: Path) -> None:
    assert "/b.glb?" in client.finished()["glb_url"]


def test_a_file_named_in_the_prompt_wins(simulator: SimulatorProcess, client: PlainClient, shelf: Path) -> None:
    body = client.finished(prompt="please: Monkey.glb", format="fbx")
    assert "/monkey.glb?" in body["glb_url"]
    assert simulator.creates()[0]["asset"] == "monkey.glb"


def test_a_model_that_delivers_zips_wraps_the_glb(client: PlainClient, shelf: Path) -> None:
    body = client.finished(model="seed3d-2.0", image=plain(PNG))
    assert "glb_url" not in body
    with zipfile.ZipFile(io.BytesIO(client.download(body["model_url"]).content)) as archive:
        assert archive.namelist() == ["result/b.glb"]
        assert archive.read("result/b.glb") == glb("b.glb")


def test_the_asset_host_is_another_origin_and_journals_headers(
    simulator: SimulatorProcess, client: PlainClient
) -> None:
    address = client.finished()["model_url"]
    assert not address.startswith(simulator.url)
    client.download(address)
    # Not the usual one: the search after the tier finds that in whatever this host was sent.
    client.download(address, headers={"Authorization": "Bearer sk-another"})
    first, second = simulator.requests("assets")
    assert "Authorization" not in first["headers"]
    assert second["headers"]["Authorization"] == "Bearer sk-another"


def test_the_asset_host_serves_ranges_and_lengths(client: PlainClient, shelf: Path) -> None:
    address = client.finished()["model_url"]
    whole = client.download(address)
    data = (shelf / "b.glb").read_bytes()
    assert (whole.status_code, whole.headers["Content-Length"]) == (200, str(len(data)))
    assert whole.headers["Content-Type"] == "model/gltf-binary"
    part = client.download(address, headers={"Range": "bytes=5-"})
    assert (part.status_code, part.content) == (206, data[5:])


def test_an_address_without_its_signature_is_refused(simulator: SimulatorProcess, client: PlainClient) -> None:
    address = client.finished()["model_url"]
    assert client.download(address.partition("?")[0]).status_code == 403
    assert client.download(address + "x").status_code == 403
    assert [entry["status"] for entry in simulator.requests("assets")] == [403, 403]
