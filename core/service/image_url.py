# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look whether there is a picture behind an image URL, before a request with it is sent. No bpy here; workers only.

The service fetches the picture itself, and says only later, perhaps, that it could not. So what is certain here (there
is nothing, or no picture) refuses; all else is a doubt, since the service may reach what this computer does not.
No key is sent, and no sentence holds the address: it may be a private one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urldefrag, urljoin

from ..files import images
from . import errors
from .address import is_loopback, objection_to_image_url
from .connections import NotPublic, TransportStopped
from .transport import ExchangeBroken, NotConnected, Reply, Transport

SECONDS: Final = 15.0
"""Longest time for all of it; the service itself takes 10 s for a fetch (API notes 2.1)."""
_MAX_REDIRECTS: Final = 3
"""As many as the service follows (API notes 2.1)."""

_TAKEN: Final = ("image/png", "image/jpeg", "image/jpg", "image/webp")
_OTHER_TYPES: Final = {
    "text/html": "a web page",
    "application/xhtml+xml": "a web page",
    "application/json": "a data file",
    "application/pdf": "a document",
    "application/zip": "an archive",
}
_OTHER_KINDS: Final = {"model": "a 3D model", "audio": "a sound", "video": "a video", "font": "a font"}
"""The same by the first half of a type. Not "text": hosts call so what they do not know."""
_OTHER_BEGINNINGS: Final = (
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"{", "a data file"),
    (b"[", "a data file"),
    (b"gltf", "a 3D model"),
    (b"kaydara fbx", "a 3D model"),
    (b"%pdf", "a document"),
    (b"pk\x03\x04", "an archive"),
)


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a picture may be looked for."""

    is_local: bool
    """The service is on this machine, so that it reaches what this machine does."""
    is_online: bool
    """Blender allows online access."""


def look(transport: Transport, url: str, reach: Reach) -> str:
    """Return what makes it doubtful that the service gets a picture from `url`, as a clause for a note, or "".

    :raises PictureError: when it certainly gets none.
    :raises Stopped: when the transport was stopped. Nothing of a request has left then.
    """
    objection = objection_to_image_url(url, is_local=reach.is_local)
    if objection:
        raise images.PictureError(objection)
    until = time.monotonic() + SECONDS
    for _ in range(_MAX_REDIRECTS + 1):
        if not (reach.is_online or is_loopback(url)):
            return "online access is off, so it was not looked at"
        found = _peek(transport, url, reach, until - time.monotonic())
        if isinstance(found, str):
            return found
        location = found.headers.get("Location", "")
        if not (300 <= found.status < 400 and location):
            return _judge(found)
        url = _joined(url, location)
        if objection_to_image_url(url, is_local=reach.is_local):
            return "it leads on to an address that the service does not open"
    return "its host sends from one address to the next"


def _joined(url: str, location: str) -> str:
    """Return where a redirect leads, without a place within the page; "" when it is no URL at all."""
    try:
        return urldefrag(urljoin(url, location)).url
    except ValueError:
        return ""


def _peek(transport: Transport, url: str, reach: Reach, seconds: float) -> Reply | str:
    """Return the beginning of the answer, or in words why there is none."""
    if seconds <= 0:
        return "its host did not answer in time"
    try:
        return transport.peek(url, seconds=seconds, is_public_only=not reach.is_local)
    except NotPublic:
        return "its host is in a private network, where the service may not get to"
    except NotConnected as error:
        return f"its host could not be reached ({error})"
    except ExchangeBroken:
        return "its host gave no clear answer in time"
    except TransportStopped:
        raise errors.stopped("create", sent=False) from None


def _judge(reply: Reply) -> str:
    """Return the doubt that an answer leaves, or "".

    :raises PictureError: when it is certainly no picture.
    """
    if reply.status in (404, 410):
        raise images.PictureError(
            "There is nothing at the image URL. Nothing was sent or charged. Check it, or choose an image file."
        )
    if reply.status in (401, 403):
        return "its host does not show it to everybody"
    if not 200 <= reply.status < 300:
        return f"its host answered with the status {reply.status}"
    head = b"" if "Content-Encoding" in reply.headers else reply.body
    if images.image_type(head):
        return ""
    kind = reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    other = _other_beginning(head)
    if not other and not (head and images.may_begin(head)):
        other = _OTHER_TYPES.get(kind) or _OTHER_KINDS.get(kind.partition("/")[0], "")
    if other:
        raise images.PictureError(
            f"There is {other} at the image URL, and no picture. Nothing was sent or charged. "
            "Enter the address of the picture itself, or choose an image file."
        )
    return _doubt(kind, head)


def _other_beginning(head: bytes) -> str:
    """Say what a file that begins like this is, when it is certainly no picture. One byte alone says nothing."""
    begins = head.lstrip().lower()
    return next((what for mark, what in _OTHER_BEGINNINGS if len(head) > 1 and begins.startswith(mark)), "")


def _doubt(kind: str, head: bytes) -> str:
    if kind in _TAKEN:
        return "" if images.may_begin(head) else "it does not begin like a PNG, JPEG or WebP picture"
    if kind.startswith("image/"):
        return "it is no PNG, JPEG or WebP picture"
    return "its host does not say that it is a picture"
