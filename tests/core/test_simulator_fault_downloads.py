# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault of the asset host does what its name says; a test knows whether one was forgotten."""

from __future__ import annotations

import contextlib
import http.client

import pytest
import requests

from tests.simulator.faults import FAULTS
from tests.simulator.plain_client import PlainClient
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import glb

# How long a request is given that is never answered.
SHORT = 0.3


@pytest.fixture
def client(simulator: SimulatorProcess) -> PlainClient:
    return PlainClient(simulator)


def address_of_a_result(simulator: SimulatorProcess, client: PlainClient) -> str:
    simulator.configure(seconds=0)
    return str(client.finished()["model_url"])


DOWNLOADS: dict[str, int] = {
    "asset-400": 400,
    "asset-403": 403,
    "asset-404": 404,
    "asset-410": 410,
    "asset-500": 500,
}


@pytest.mark.parametrize("name", DOWNLOADS)
def test_downloads_are_refused(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    simulator.configure(faults=[name])
    assert client.download(address_of_a_result(simulator, client)).status_code == DOWNLOADS[name]


def test_only_the_first_address_of_each_task_is_refused(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["asset-403-once"])
    for _ in range(2):
        first = client.finished()
        assert client.download(first["model_url"]).status_code == 403
        assert client.download(first["model_url"]).status_code == 403
        second = client.status(first["id"]).json()
        assert second["model_url"] != first["model_url"]
        assert client.download(second["model_url"]).content == glb()


def test_a_download_is_redirected_to_the_file(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["asset-redirect"])
    address = address_of_a_result(simulator, client)
    assert client.download(address).status_code == 302
    assert client.download(address, allow_redirects=True).content == glb()


def test_a_download_is_redirected_to_itself(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["asset-redirect-loop"])
    address = address_of_a_result(simulator, client)
    reply = client.download(address)
    assert (reply.status_code, address.endswith(reply.headers["Location"])) == (302, True)


BROKEN_DOWNLOADS = {"asset-truncated", "asset-reset-at-half"}


@pytest.mark.parametrize("name", BROKEN_DOWNLOADS)
def test_a_download_breaks_in_the_middle(simulator: SimulatorProcess, client: PlainClient, name: str) -> None:
    simulator.configure(faults=[name])
    reply = client.download(address_of_a_result(simulator, client), stream=True)
    assert reply.headers["Content-Length"] == str(len(glb()))
    received = b""
    # urllib3 1.26, which Blender 4.2 has, does not complain about a body that ends early.
    with contextlib.suppress(requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError):
        for piece in reply.iter_content(16):
            received += piece
    assert len(received) < len(glb())
    assert glb().startswith(received)
    assert len(received) < len(glb())


def test_a_download_ends_early_and_looks_complete(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["asset-wrong-length"])
    content = client.download(address_of_a_result(simulator, client)).content
    assert glb().startswith(content)
    assert 0 < len(content) < len(glb())


def test_a_download_is_a_page(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["asset-html"])
    reply = client.download(address_of_a_result(simulator, client))
    assert reply.status_code == 200
    assert reply.content.startswith(b"<!DOCTYPE html>")


def test_a_download_says_a_wrong_type(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["asset-wrong-content-type"])
    reply = client.download(address_of_a_result(simulator, client))
    assert (reply.headers["Content-Type"].partition(";")[0], reply.content) == ("text/plain", glb())


def test_a_slow_download_comes_in_pieces_and_whole(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["asset-slow"])
    address = address_of_a_result(simulator, client).removeprefix("http://")
    host, slash, path = address.partition("/")
    connection = http.client.HTTPConnection(host)
    connection.request("GET", slash + path)
    reply = connection.getresponse()
    first = reply.read1()
    assert 0 < len(first) < len(glb())
    assert first + reply.read() == glb()
    connection.close()


def test_a_download_is_never_answered(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["asset-never-answers"])
    address = address_of_a_result(simulator, client)
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.download(address, timeout=SHORT)
    assert simulator.requests("assets")[0]["status"] is None


def test_a_download_drips(simulator: SimulatorProcess, client: PlainClient) -> None:
    simulator.configure(faults=["asset-drips"])
    reply = client.download(address_of_a_result(simulator, client), stream=True)
    assert int(reply.headers["Content-Length"]) > len(glb())
    pieces = reply.iter_content(1)
    assert [next(pieces), next(pieces)] == [b"x", b"x"]
    reply.close()


TESTED_BY_NAME = {
    "asset-drips",
    "asset-403-once",
    "asset-redirect",
    "asset-redirect-loop",
    "asset-wrong-length",
    "asset-html",
    "asset-wrong-content-type",
    "asset-slow",
    "asset-never-answers",
}


def test_every_fault_of_the_asset_host_has_a_test() -> None:
    assert TESTED_BY_NAME | BROKEN_DOWNLOADS | set(DOWNLOADS) == {name for name in FAULTS if name.startswith("asset-")}
