# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Download a result: streamed, under a temporary name, renamed when it is whole. No bpy here; workers only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from . import errors
from .address import is_loopback
from .client import translated
from .errors import Refused, ServiceError
from .transport import ExchangeBroken, Stream, Transport

MAX_BYTES = 2 * 1024**3
"""Largest result that is taken."""
_MAX_REDIRECTS = 5
_PART = ".part"
"""How the name of a file ends that is not yet whole, as in `library.write_atomically`."""
_EXPIRED = (401, 403, 404, 410)
"""What an asset host answers when a signed URL is no longer valid (API notes 3.4)."""


class Expired(ServiceError):
    """The URL is no longer valid: one fresh status call may give a new one."""


class TooLarge(ServiceError):
    """The result is larger than we take, or than the disk has room for."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that arrived whole."""

    path: Path
    size: int
    """Bytes."""
    sha256: str


Progress = Callable[[int, int | None], None]
"""Called with the bytes so far and the bytes in all, if the host said."""


def download(transport: Transport, url: str, target: Path, progress: Progress) -> Download:
    """Fetch `url` into the file `target`, which appears whole or not at all. No key is sent.

    The folder is for this one download: what a killed process left half-written there is removed first.

    :raises Expired: when a fresh URL is needed.
    :raises ServiceError: for everything else that can go wrong.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target.parent)
    except OSError as error:
        raise _disk_problem(error) from error
    with translated("The host of the model", "download"), _opened(transport, url) as stream:
        return _store(stream, target, progress)


@contextlib.contextmanager
def _opened(transport: Transport, url: str) -> Iterator[Stream]:
    """Follow redirects by hand, so that each hop is checked."""
    for _ in range(_MAX_REDIRECTS + 1):
        _check_scheme(url)
        with transport.stream(url) as stream:
            location = stream.headers.get("Location", "")
            if 300 <= stream.status < 400 and location:
                url = _joined(url, location)
                continue
            _check_status(stream)
            yield stream
            return
    raise Refused("The host of the model sends from one address to the next. The model is safe at the service.")


def _joined(url: str, location: str) -> str:
    """Return where a redirect leads; "" when it is no URL at all."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _check_scheme(url: str) -> None:
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme != "https" and not (scheme == "http" and is_loopback(url)):
        raise Refused(
            "The service gave an address for the model that is not secure, so it was not opened. "
            "The model is safe at the service. Try again later."
        )


def _check_status(stream: Stream) -> None:
    if stream.status in _EXPIRED:
        raise Expired(
            "The address of the model is no longer valid. The model is safe at the service. Try again for a new one.",
            status=stream.status,
        )
    if stream.status != 200:
        raise errors.no_answer("download", status=stream.status)


def _remove_leftovers(folder: Path) -> None:
    for leftover in folder.glob(f".*{_PART}"):
        # On Windows a file that is still open stays.
        with contextlib.suppress(OSError):
            leftover.unlink()


def _store(stream: Stream, target: Path, progress: Progress) -> Download:
    total = _content_length(stream.headers)
    if total is not None and total > MAX_BYTES:
        raise _too_large(total)
    try:
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=_PART, dir=target.parent)
    except OSError as error:
        raise _disk_problem(error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            digest, size = hashlib.sha256(), 0
            for chunk in stream.chunks:
                size += len(chunk)
                if size > MAX_BYTES:
                    raise _too_large(size)
                digest.update(chunk)
                file.write(chunk)
                progress(size, total)
            if total is not None and size != total:
                raise ExchangeBroken("the file is shorter than announced")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise _disk_problem(error) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return Download(target, size, digest.hexdigest())


def _content_length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and "Content-Encoding" not in headers else None


def _too_large(size: int) -> TooLarge:
    return TooLarge(
        f"The model has {size / 1e9:.1f} GB, more than the {MAX_BYTES / 1e9:.1f} GB that are taken. "
        "It is safe at the service. Fetch it from the dashboard."
    )


def _disk_problem(error: OSError) -> ServiceError:
    reason = error.strerror or "the disk refused"
    return TooLarge(
        f"The model could not be written to the data folder ({reason}). It is safe at the service. "
        "Make room or choose another folder, then try again."
    )
