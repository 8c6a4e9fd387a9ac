# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engine works with. No bpy here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..service.address import Connection
    from .converter import Command

DEFAULT_DOWNLOADS: Final = 4
"""Downloads at a time where Blender sets no limit of connections."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Taken anew by the main thread before each pump."""

    connection: Connection
    data_directory: Path
    may_connect: bool
    """There is a key, and Blender allows online access (or the service is on this machine)."""
    max_concurrent_tasks: int = 8
    max_downloads: int = DEFAULT_DOWNLOADS
    """Downloads at a time."""
    is_online: bool = True
    """Blender allows online access: other hosts than a service on this machine may be asked."""
    converter: Command | None = None
    """How models are prepared for the import by a second Blender; None where the first one imports them itself."""
