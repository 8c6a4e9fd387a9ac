# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads that were cut: they go on where they ended, and only with the same file."""

from __future__ import annotations

import os
import re
from collections import namedtuple
from collections.abc import Iterator
from functools import partial as partially
from pathlib import Path

import pytest

from core.files import partial
from core.service import transfer
from core.service.errors import ServiceError, Unclear
from core.service.transfer import Expired, TooLarge
from core.service.transport import Transport
from tests.loopback import Caller, LoopbackServer

PIECE = 64 * 1024
"""In which bodies are read: what a cut leaves of one is fetched again."""
DATA = os.urandom(12 * PIECE)
OTHER = os.urandom(12 * PIECE)
WHOLE = len(DATA)
HALF = WHOLE // 2
ETAG = '"one"'
DATE = "Sat, 21 Nov 2026 10:00:00 GMT"
Usage = namedtuple("Usage", "total used free")

download = partially(transfer.download, is_local=True)


def ignore(_done: int, _total: int | None) -> None:
    """Nobody watches."""


@pytest.fixture(autouse=True)
def pieces_of_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.service.transport._LARGEST_CHUNK", PIECE)


@pytest.fixture
def transport() -> Iterator[Transport]:
    transport = Transport("tokenlab-test/1", read_seconds=20.0)
    yield transport
    transport.stop()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "generation" / "model.glb"


class Host:
    """Serves one file; counts what of it was sent, and can be changed between two requests."""

    def __init__(self) -> None:
        self.data = DATA
        self.etag = ETAG
        self.modified = DATE
        self.cut_at: int | None = None
        self.knows_ranges = True
        self.status = ""
        self.content_range = ""
        self.names_validator_in_parts = True
        self.asked: list[tuple[str, str]] = []
        """Of each request, `Range` and `If-Range`."""
        self.sent: list[int] = []
        """Of each answer, the bytes of the body."""

    def __call__(self, caller: Caller) -> None:
        request = caller.read_request().decode()
        wanted, condition = header(request, "Range"), header(request, "If-Range")
        self.asked.append((wanted, condition))
        status, first = "200 OK", 0
        if self.status:
            status = self.status
        elif wanted and self.knows_ranges and condition in (self.etag, self.modified):
            status, first = "206 Partial Content", int(wanted.removeprefix("bytes=").removesuffix("-"))
        body = b"" if self.status else self.data[first : self.cut_at]
        self.sent.append(len(body))
        length = len(self.data) - first if not self.status else 0
        head = f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n"
        if first:
            whole = len(self.data)
            head += f"Content-Range: {self.content_range or f'bytes {first}-{whole - 1}/{whole}'}\r\n"
        if not first or self.names_validator_in_parts:
            head += f"ETag: {self.etag}\r\n" if self.etag else ""
            head += f"Last-Modified: {self.modified}\r\n" if self.modified else ""
        caller.send(f"{head}\r\n".encode() + body)


def header(request: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*?)\r$", request, re.MULTILINE | re.IGNORECASE)
    return found.group(1) if found else ""


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def server(host: Host) -> Iterator[LoopbackServer]:
    with LoopbackServer(host) as server:
        yield server


def cut_at_half(transport: Transport, host: Host, url: str, target: Path) -> None:
    host.cut_at = HALF
    with pytest.raises(Unclear):
        download(transport, url, target, ignore)
    host.cut_at = None


@pytest.mark.parametrize(("etag", "modified"), [(ETAG, DATE), (ETAG, ""), ("", DATE), ('W/"weak"', DATE)])
def test_a_cut_download_goes_on_where_it_ended(
    transport: Transport, host: Host, server: LoopbackServer, target: Path, etag: str, modified: str
) -> None:
    host.etag, host.modified = etag, modified
    cut_at_half(transport, host, server.url, target)
    seen: list[int] = []
    result = download(transport, server.url, target, lambda done, _total: seen.append(done))
    assert target.read_bytes() == DATA
    assert result.size == len(DATA)
    assert host.sent == [HALF, len(DATA) - HALF]
    assert host.asked[1] == (f"bytes={HALF}-", etag if etag == ETAG else modified)
    assert seen[0] > HALF
    assert os.listdir(target.parent) == ["model.glb"]


def test_a_download_goes_on_after_several_cuts(
    transport: Transport, host: Host, server: LoopbackServer, target: Path
) -> None:
    for cut in (2 * PIECE, 5 * PIECE, 11 * PIECE):
        host.cut_at = cut
        with pytest.raises(Unclear):
            download(transport, server.url, target, ignore)
    host.cut_at = None
    download(transport, server.url, target, ignore)
    assert target.read_bytes() == DATA
    assert sum(host.sent) == WHOLE


def test_a_host_that_knows_no_ranges_sends_everything_again(
    transport: Transport, host: Host, server: LoopbackServer, target: Path
) -> None:
    cut_at_half(transport, host, server.url, target)
    host.knows_ranges = False
    download(transport, server.url, target, ignore)
    assert target.read_bytes() == DATA
    assert host.sent == [HALF, len(DATA)]


def test_a_file_that_changed_meanwhile_begins_anew(
    transport: Transport, host: Host, server: LoopbackServer, target: Path
) -> None:
    cut_at_half(transport, host, server.url, target)
    host.data, host.etag, host.modified = OTHER, '"two"', "Sat, 21 Nov 2026 11:00:00 GMT"
    download(transport, server.url, target, ignore)
    assert target.read_bytes() == OTHER


def test_a_rest_that_is_of_another_file_is_not_put_behind_the_beginning(
    transport: Transport, host: Host, server: LoopbackServer, target: Path
) -> None:
    for content_range in (
        f"bytes {HALF - 1}-{WHOLE - 1}/{WHOLE}",
        f"bytes {HALF}-{WHOLE - 1}/{WHOLE + 1}",
        f"bytes {HALF}-{WHOLE - 2}/{WHOLE}",
        f"bytes {HALF}-{WHOLE - 1}/*",
        "x",
    ):
        host.content_range = content_range
        cut_at_half(transport, host, server.url, target)
        download(transport, server.url, target, ignore)
        assert target.read_bytes() == DATA
        assert host.asked[-1] == ("", ""), "the last request is for the whole file"
        target.unlink()


def test_a_rest_under_another_tag_is_not_taken(
    transport: Transport, host: Host, server: LoopbackServer, target: Path
) -> None:
    cut_at_half(transport, host, server.url, target)
    tags = iter(['"two"'])

    def careless(caller: Caller) -> None:
        tag = next(tags, "")
        if tag:
            caller.read_request()
            rest = OTHER[HALF:]
            head = (
                f"HTTP/1.1 206 Partial Content\r\nContent-Length: {len(rest)}\r\nConnection: close\r\nETag: {tag}\r\n"
            )
            caller.send(f"{head}Content-Range: bytes {HALF}-{WHOLE - 1}/{WHOLE}\r\n\r\n".encode() + rest)
        else:
            host(caller)

    server._behaviour = careless
    download(transport, server.url, target, ignore)
    assert target.read_bytes() == DATA


def test_a_range_that_the_host_cannot_serve_begins_anew(
    transport: Transport, host: Host, server: LoopbackServer, target: Path
) -> None:
    cut_at_half(transport, host, server.url, target)
    host.status = "416 Range Not Satisfiable"
    with pytest.raises(Unclear):
        download(transport, server.url, target, ignore)
    assert [wanted for wanted, _ in host.asked[1:]] == [f"bytes={HALF}-", ""]
    host.status = ""
    download(transport, server.url, target, ignore)
    assert target.read_bytes() == DATA


def test_a_whole_file_that_was_not_renamed_is_asked_for_its_last_byte_only(
    transport: Transport, host: Host, server: LoopbackServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Ends the download where a kill would, with a note on the disk."""

    def die(self: partial.Partial, file: object) -> None:
        raise Killed

    monkeypatch.setattr(partial, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(partial.Partial, "finish", die)
    with pytest.raises(Killed):
        download(transport, server.url, target, ignore)
    monkeypatch.undo()
    download(transport, server.url, target, ignore)
    assert target.read_bytes() == DATA
    assert host.sent == [len(DATA), 1]


def test_what_a_killed_process_had_noted_is_gone_on_with_by_the_next(
    transport: Transport, host: Host, server: LoopbackServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "CHECKPOINT_SECONDS", 0.0)
    kept: list[bytes] = []

    def killed(done: int, _total: int | None) -> None:
        if not kept and done > HALF:
            kept.extend(file.read_bytes() for file in sorted(target.parent.iterdir()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(transport, server.url, target, killed)
    # As at the moment of the kill: nothing that an orderly end wrote.
    names = sorted(os.listdir(target.parent))
    for name, content in zip(names, kept, strict=True):
        (target.parent / name).write_bytes(content)
    (target.parent / names[-1]).write_bytes(kept[-1] + bytes(1000))  # not yet noted, perhaps never on the disk
    done = len(kept[-1])
    download(transport, server.url, target, ignore)
    assert target.read_bytes() == DATA
    assert host.sent[1] <= len(DATA) - HALF
    assert host.sent[1] >= len(DATA) - done


# ---- addresses


def test_a_fresh_address_goes_on_when_length_and_tag_agree(
    transport: Transport, host: Host, server: LoopbackServer, target: Path
) -> None:
    cut_at_half(transport, host, f"{server.url}/a?signature=1", target)
    host.status = "403 Forbidden"
    with pytest.raises(Expired):
        download(transport, f"{server.url}/a?signature=1", target, ignore)
    host.status = ""
    download(transport, f"{server.url}/a?signature=2", target, ignore)
    assert target.read_bytes() == DATA
    assert host.sent == [HALF, 0, len(DATA) - HALF]


def test_a_fresh_address_begins_anew_when_there_is_only_a_date(
    transport: Transport, host: Host, server: LoopbackServer, target: Path
) -> None:
    host.etag = ""
    cut_at_half(transport, host, f"{server.url}/a?signature=1", target)
    download(transport, f"{server.url}/a?signature=2", target, ignore)
    assert target.read_bytes() == DATA
    assert host.asked[1] == ("", "")


def test_a_fresh_address_begins_anew_when_the_rest_names_no_tag(
    transport: Transport, host: Host, server: LoopbackServer, target: Path
) -> None:
    cut_at_half(transport, host, f"{server.url}/a?signature=1", target)
    host.names_validator_in_parts = False
    download(transport, f"{server.url}/a?signature=2", target, ignore)
    assert target.read_bytes() == DATA
    assert host.asked[-1] == ("", "")


def test_no_address_is_written_beside_the_file(
    transport: Transport, host: Host, server: LoopbackServer, target: Path
) -> None:
    cut_at_half(transport, host, f"{server.url}/a?signature=hush", target)
    left = {file.name: file.read_bytes() for file in target.parent.iterdir()}
    assert set(left) == {".model.glb.part", ".model.glb.note.part"}
    assert not any(b"signature" in content or b"127.0.0.1" in content for content in left.values())


# ---- what is left


def test_without_a_sign_of_its_version_nothing_is_kept(
    transport: Transport, host: Host, server: LoopbackServer, target: Path
) -> None:
    host.etag = host.modified = ""
    cut_at_half(transport, host, server.url, target)
    assert os.listdir(target.parent) == []


@pytest.mark.parametrize(
    "note", [b"", b"{", b"[]", b"null", b'{"size": 5}', b'{"size": "5", "source": "", "length": 9}', b"[" * 100_000]
)
def test_a_note_that_says_nothing_begins_anew(
    transport: Transport, host: Host, server: LoopbackServer, target: Path, note: bytes
) -> None:
    cut_at_half(transport, host, server.url, target)
    (target.parent / ".model.glb.note.part").write_bytes(note)
    download(transport, server.url, target, ignore)
    assert target.read_bytes() == DATA
    assert host.asked[1] == ("", "")


def test_a_file_shorter_than_its_note_begins_anew(
    transport: Transport, host: Host, server: LoopbackServer, target: Path
) -> None:
    cut_at_half(transport, host, server.url, target)
    os.truncate(target.parent / ".model.glb.part", HALF - 1)
    download(transport, server.url, target, ignore)
    assert target.read_bytes() == DATA
    assert host.asked[1] == ("", "")


# ---- room on the disk


def disk_with(monkeypatch: pytest.MonkeyPatch, *free: int) -> None:
    """Let each look at the disk find so much room, the last ones the last."""
    left = list(free)

    def usage(_path: Path) -> Usage:
        return Usage(10**12, 0, left.pop(0) if len(left) > 1 else left[0])

    monkeypatch.setattr("core.files.partial.shutil.disk_usage", usage)


def test_a_model_that_has_no_room_is_not_begun(
    transport: Transport, host: Host, server: LoopbackServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk_with(monkeypatch, partial.SPARE_BYTES + len(DATA) - 1)
    with pytest.raises(TooLarge, match=r"too little room.*safe at the service\. Make room") as caught:
        download(transport, server.url, target, ignore)
    assert isinstance(caught.value, ServiceError)
    assert os.listdir(target.parent) == []
    disk_with(monkeypatch, partial.SPARE_BYTES + len(DATA))
    download(transport, server.url, target, ignore)


def test_a_disk_that_fills_meanwhile_ends_the_download_and_gives_its_room_back(
    transport: Transport, host: Host, server: LoopbackServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partial, "CHECKPOINT_SECONDS", 0.0)
    disk_with(monkeypatch, 10**12, 10**12, 1000)
    with pytest.raises(TooLarge, match="too little room"):
        download(transport, server.url, target, ignore)
    assert os.listdir(target.parent) == []
