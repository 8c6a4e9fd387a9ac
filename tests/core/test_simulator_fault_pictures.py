# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture that the simulator has for image URLs, and every fault of its host; a test knows what was forgotten."""

from __future__ import annotations

import pytest
import requests

from tests.simulator.faults import FAULTS
from tests.simulator.picture_host import PICTURE
from tests.simulator.plain_client import PlainClient
from tests.simulator.process import SimulatorProcess

# How long a request is given that is never answered.
SHORT = 0.3
ONE_BYTE = {"Range": "bytes=0-0"}


@pytest.fixture
def client(simulator: SimulatorProcess) -> PlainClient:
    return PlainClient(simulator)


def look(simulator: SimulatorProcess, client: PlainClient, **options: object) -> requests.Response:
    return client.download(simulator.picture_url, headers=ONE_BYTE, **options)


def test_the_picture_is_served_whole_or_in_part_and_may_be_in_a_create(
    simulator: SimulatorProcess, client: PlainClient
) -> None:
    url = simulator.picture_url
    assert client.download(url).content == PICTURE
    part = look(simulator, client)
    assert (part.status_code, part.content, part.headers["Content-Type"]) == (206, PICTURE[:1], "image/png")
    assert part.headers["Content-Range"] == f"bytes 0-0/{len(PICTURE)}"
    client.create_task(image_url=url)
    assert simulator.creates()[0]["request"]["image_url"] == url
    assert client.create(image_url=url.replace("picture.png", "other.png")).status_code == 400


# Status, type, and how the body begins.
ANSWERS: dict[str, tuple[int, str, bytes]] = {
    "picture-404": (404, "text/plain", b""),
    "picture-410": (410, "text/plain", b""),
    "picture-403": (403, "text/plain", b""),
    "picture-500": (500, "text/plain", b""),
    "picture-html": (200, "text/html", b"<!DOCTYPE html>"),
    "picture-json": (200, "application/json", b"{"),
    "picture-model": (200, "model/gltf-binary", b"glTF"),
    "picture-gif": (200, "image/gif", b"GIF89a"),
    "picture-untyped": (206, "application/octet-stream", PICTURE[:1]),
    "picture-ignores-range": (200, "application/octet-stream", PICTURE),
    "picture-slow": (206, "image/png", PICTURE[:1]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_host_answers_as_the_fault_says(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    status, kind, begins = ANSWERS[name]
    simulator.configure(faults=[name])
    reply = look(simulator, client)
    assert (reply.status_code, reply.headers["Content-Type"].partition(";")[0]) == (status, kind)
    assert reply.content.startswith(begins)
    assert (len(reply.content) > 8_000_000) == (name == "picture-ignores-range")


# Where the picture is to be found.
REDIRECTS = {
    "picture-redirect": "?redirected=1",
    "picture-redirect-loop": "/pictures/picture.png",
    "picture-redirect-forbidden": "ftp://192.0.2.1/a.png",
}


@pytest.mark.parametrize("name", REDIRECTS)
def test_the_host_sends_on(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    simulator.configure(faults=[name])
    reply = look(simulator, client)
    assert (reply.status_code, reply.headers["Location"]) == (302, REDIRECTS[name])
    if name == "picture-redirect":
        assert client.download(f"{simulator.picture_url}?redirected=1").content == PICTURE


SILENT = {
    "picture-never-answers": requests.exceptions.ReadTimeout,
    "picture-reset": requests.exceptions.ConnectionError,
}


@pytest.mark.parametrize("name", SILENT)
def test_the_host_gives_no_answer(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    simulator.configure(faults=[name])
    with pytest.raises(SILENT[name]):
        look(simulator, client, timeout=SHORT)


def test_every_fault_has_a_test() -> None:
    assert {*ANSWERS, *REDIRECTS, *SILENT} == {name for name in FAULTS if name.startswith("picture-")}
