# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the service is, with which key, and which addresses may be spoken to. No bpy, no requests here."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from .. import redaction

MAX_IMAGE_URL: Final = 4000
"""Longest image URL in characters. Signed ones have up to about 2,000; the service names no limit (API notes 2.1)."""
_PRIVATE_NAMES: Final = ("localhost", "local", "internal", "lan", "home.arpa")
"""Ends of names that lead nowhere outside of one machine or network."""
_VERSION: Final = re.compile(r"(?<=[^:/])/+v1$")
_NO_URL: Final = re.compile(r"[\s\\\x00-\x1f\x7f]")
"""What no address holds; programs differ in what they make of it."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the service is, and with which key. Immutable: a worker keeps the one that it was given."""

    base_url: str
    api_key: str = field(repr=False)

    def __post_init__(self) -> None:
        redaction.remember(self.api_key)

    @property
    def host(self) -> str:
        """The service's host name, for sentences."""
        return urlsplit(self.base_url).hostname or "The service"

    def url(self, path: str) -> str:
        """Return the absolute URL of an API path."""
        return self.base_url.rstrip("/") + path

    def url_of_answer(self, url: str) -> str:
        """Return the absolute URL of one that the service gave, "" when it is none.

        The service does not know of the path behind which a gateway has it, and it names its own paths.
        """
        try:
            path = urlsplit(self.base_url).path.rstrip("/")
            is_own_path = url.startswith("/") and not url.startswith(("//", f"{path}/"))
            return urljoin(self.url("/"), path + url if is_own_path else url)
        except ValueError:
            return ""


def plain_base_url(text: str) -> str:
    """Return a service address as the paths of the API go behind it; many write it with the `/v1` that these have."""
    return _VERSION.sub("", text.strip().rstrip("/"))


def same_origin(url: str, base_url: str) -> bool:
    """Whether `url` may get the key: same scheme, host and port, and no credentials of its own (API notes 3.1)."""
    try:
        one, other = urlsplit(url), urlsplit(base_url)
        return (
            (one.scheme, one.hostname, one.port or _default_port(one.scheme))
            == (other.scheme, other.hostname, other.port or _default_port(other.scheme))
            and one.username is None
            and one.password is None
        )
    except ValueError:
        return False


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def is_loopback(url: str) -> bool:
    """Whether `url` leads to this machine, where plain HTTP and no online access are fine."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_acceptable_base_url(url: str) -> bool:
    """Whether a key may be sent to `url`: HTTPS, or HTTP on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)))


def is_sendable_key(key: str) -> bool:
    """Whether a header can hold the key; one that was copied masked, or over two lines, is none."""
    return key.isascii() and key.isprintable()


def is_public_address(text: str) -> bool:
    """Whether an IP address is one of the public internet.

    :raises ValueError: when it is no IP address.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = mapped or address
    return address.is_global and not address.is_multicast


def is_public(url: str) -> bool:
    """Whether `url` can lead to the public internet, as far as its host tells without the network."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    try:
        return is_public_address(host)
    except ValueError:
        return _is_public_name(host)


def _is_public_name(host: str) -> bool:
    try:
        # "127.1" and "0x7f000001" are addresses too, to whoever connects.
        return is_public_address(socket.inet_ntoa(socket.inet_aton(host)))
    except (OSError, ValueError):
        return "." in host and not f".{host}".endswith(tuple(f".{name}" for name in _PRIVATE_NAMES))


def objection_to_image_url(url: str, *, is_local: bool) -> str:
    """Return a user's sentence why the service cannot be given `url` as a picture, or "" (API notes 2.1).

    Needs no network.

    :param is_local: the service itself is on this machine, and can reach what this machine can.
    """
    what = _objection_to_shape(url)
    if not what and not is_local and not is_public(url):
        what = "leads to this computer or to a private network, where the service cannot fetch it"
    if not what:
        return ""
    return (
        f"The image URL {what}. Nothing was sent or charged. "
        "Enter the public https address of a picture, or choose an image file."
    )


def _objection_to_shape(url: str) -> str:
    if len(url) > MAX_IMAGE_URL:
        return f"has more than {MAX_IMAGE_URL} characters"
    parts = _parts(url)
    if parts is None:
        return "is not an address on the web"
    if parts.username is not None or parts.password is not None:
        return "holds a user name or a password, which the service does not take"
    if "#" in url:
        return "goes on after a #, which the service does not take"
    return ""


def _parts(url: str) -> SplitResult | None:
    """Return the parts of an http or https address with a host; None when it is none."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if is_whole and not _NO_URL.search(url) else None
