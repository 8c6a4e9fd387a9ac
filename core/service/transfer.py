# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Download a result: streamed, under a temporary name, renamed when it is whole. No bpy here; workers only."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urljoin, urlsplit

from ..files.partial import Partial, Version, source_of
from . import errors
from .address import is_loopback
from .client import translated
from .errors import Refused, ServiceError
from .transport import ExchangeBroken, Stream, Transport

MAX_BYTES = 2 * 1024**3
"""Largest result that is taken."""
_MAX_REDIRECTS = 5
_EXPIRED = (400, 401, 403, 404, 410)
"""What an asset host answers when a signed URL is no longer valid (API notes 3.4); S3 says 400 ExpiredToken."""
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


class Expired(ServiceError):
    """The URL is no longer valid: one fresh status call may give a new one."""


class TooLarge(ServiceError):
    """The result is larger than we take, or than the disk has room for."""


class _OtherFile(ExchangeBroken):
    """The host does not go on with the file that was begun."""


@dataclass(frozen=True, slots=True)
class _Way:
    """The way to a host of files."""

    transport: Transport
    is_local: bool
    """Plain HTTP to this machine is fine."""
    is_online: bool
    """Other machines may be asked."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that arrived whole."""

    path: Path
    size: int
    """Bytes."""


Progress = Callable[[int, int | None], None]
"""Called with the bytes so far and the bytes in all, if the host said."""


def download(  # noqa: PLR0913  # all but what is downloaded, and where to, by name
    transport: Transport,
    url: str,
    target: Path,
    progress: Progress,
    *,
    is_local: bool = False,
    is_online: bool = True,
) -> Download:
    """Fetch `url` into the file `target`, which appears whole or not at all. No key is sent.

    What an earlier try has left is gone on with, if the host still has the same file. The folder is for this one
    download: what a killed process left half-written there is removed.

    :param is_local: the service itself is on this machine, so that its files may be fetched over plain HTTP from there.
    :param is_online: Blender allows online access.
    :raises Expired: when a fresh URL is needed.
    :raises ServiceError: for everything else that can go wrong.
    """
    way, partial = _Way(transport, is_local, is_online), Partial(target)
    with _disk_problems():
        partial.find()
    with translated("The host of the model", "download"):
        begun = partial.version
        if begun is not None and _is_same_source(begun, url):
            with contextlib.suppress(_OtherFile):
                return _fetch(way, url, partial, progress, begun)
        partial.discard()
        return _fetch(way, url, partial, progress, None)


def _is_same_source(begun: Version, url: str) -> bool:
    """Whether `url` may be asked to go on: a date alone does not tell files of two addresses apart."""
    return bool(begun.etag) or begun.source == source_of(url)


def _fetch(way: _Way, url: str, partial: Partial, progress: Progress, begun: Version | None) -> Download:
    # The last byte is asked for again where all are there: the answer tells whether it is still the same file.
    at = min(partial.size, (begun.length or 1) - 1) if begun else 0
    headers = {"Range": f"bytes={at}-", "If-Range": begun.etag or begun.modified} if begun and at else {}
    with _opened(way, url, headers) as stream:
        version = _version(stream.headers, url)
        if stream.status == 206 and begun is not None and at:
            version = _continued(stream.headers, begun, version, at)
        elif stream.status == 416 and at:
            raise _OtherFile
        else:
            # Also to a question for the rest: the host knows no ranges, or has another file now.
            _check_status(stream)
            at = 0
        return _store(stream, partial, version, at, progress)


def _version(headers: Mapping[str, str], url: str) -> Version:
    """Return what the answer says of the file. Offsets in an encoded body are not those of the file."""
    etag, is_plain = headers.get("ETag", "").strip(), "Content-Encoding" not in headers
    return Version(
        source=source_of(url),
        length=_content_length(headers),
        # A weak one stays the same while bytes change (RFC 9110, 13.1.5).
        etag=etag if etag.startswith('"') and is_plain else "",
        modified=headers.get("Last-Modified", "").strip() if is_plain else "",
    )


def _continued(headers: Mapping[str, str], begun: Version, answered: Version, at: int) -> Version:
    """Return the version of the whole file, when a 206 is the rest of what was begun.

    :raises _OtherFile: when it is something else, whatever `If-Range` asked for.
    """
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    first, last, length = (int(number) for number in found.groups()) if found else (-1, -1, -1)
    is_the_rest = (first, last, length) == (at, length - 1, begun.length)
    # A 206 names the validator that it was asked by (RFC 9110, 15.3.7.1); who leaves it out is believed only where
    # the address is the same.
    is_same_file = answered.etag == begun.etag if answered.etag else answered.source == begun.source
    if not (is_the_rest and is_same_file) or "Content-Encoding" in headers:
        raise _OtherFile
    return Version(answered.source, begun.length, begun.etag, begun.modified)


@contextlib.contextmanager
def _opened(way: _Way, url: str, headers: Mapping[str, str]) -> Iterator[Stream]:
    """Follow redirects by hand, so that each hop is checked."""
    for _ in range(_MAX_REDIRECTS + 1):
        _check_address(url, way)
        with way.transport.stream(url, headers) as stream:
            location = stream.headers.get("Location", "")
            if 300 <= stream.status < 400 and location:
                url = _joined(url, location)
                continue
            yield stream
            return
    raise Refused("The host of the model sends from one address to the next. The model is safe at the service.")


def _joined(url: str, location: str) -> str:
    """Return where a redirect leads; "" when it is no URL at all."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _check_address(url: str, way: _Way) -> None:
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme != "https" and not (scheme == "http" and way.is_local and is_loopback(url)):
        raise Refused(
            "The service gave an address for the model that is not secure, so it was not opened. "
            "The model is safe at the service. Try again later."
        )
    if not (way.is_online or is_loopback(url)):
        raise Refused(
            "Online access is off in Blender, so the model was not fetched from another machine. "
            "It is safe at the service. Allow it in the preferences under System, then try again."
        )


def _check_status(stream: Stream) -> None:
    if stream.status in _EXPIRED:
        raise Expired(
            "The address of the model is no longer valid. The model is safe at the service. Try again for a new one.",
            status=stream.status,
        )
    if stream.status != 200:
        raise errors.no_answer("download", status=stream.status)


def _store(stream: Stream, partial: Partial, version: Version, at: int, progress: Progress) -> Download:
    try:
        if version.length is not None and version.length > MAX_BYTES:
            raise _too_large(version.length)
        with _disk_problems(), partial.open(version, at=at) as file:
            try:
                _receive(stream, partial, file, progress)
            except (OSError, _OtherFile):
                raise
            except BaseException:
                partial.checkpoint(file)
                raise
            partial.finish(file)
    except BaseException as error:
        # A full disk needs the room more than we need the beginning.
        if isinstance(error, TooLarge) or not version.is_resumable:
            partial.discard()
        raise
    return Download(partial.target, partial.size)


def _receive(stream: Stream, partial: Partial, file: BinaryIO, progress: Progress) -> None:
    total = partial.version.length if partial.version else None
    for chunk in stream.chunks:
        size = partial.size + len(chunk)
        if size > MAX_BYTES:
            raise _too_large(size)
        if total is not None and size > total:
            raise _OtherFile
        file.write(chunk)
        partial.written(file, len(chunk))
        progress(size, total)
    if total is not None and partial.size != total:
        raise ExchangeBroken("the file is shorter than announced")


def _content_length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and "Content-Encoding" not in headers else None


def _too_large(size: int) -> TooLarge:
    return TooLarge(
        f"The model has {size / 1e9:.1f} GB, more than the {MAX_BYTES / 1e9:.1f} GB that are taken. "
        "It is safe at the service. Fetch it from the dashboard."
    )


@contextlib.contextmanager
def _disk_problems() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _disk_problem(error) from error


def _disk_problem(error: OSError) -> TooLarge:
    reason = error.strerror or "the disk refused"
    return TooLarge(
        f"The model could not be written to the data folder ({reason}). It is safe at the service. "
        "Make room or choose another folder, then try again."
    )
