# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the service is, with which key, and which addresses may be spoken to. No bpy, no requests here."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .. import redaction


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
