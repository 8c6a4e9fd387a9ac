# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can go wrong with the service, by name (`--fault NAME`). bpy is not allowed here.

Importing the modules below fills the registry.
"""

from __future__ import annotations

from . import assets, creating, general, pictures, status
from .registry import FAULTS, ActiveFaults, Moment, Stage, UnknownFaultError, check_names

__all__ = [
    "FAULTS",
    "ActiveFaults",
    "Moment",
    "Stage",
    "UnknownFaultError",
    "assets",
    "check_names",
    "creating",
    "general",
    "pictures",
    "status",
]
