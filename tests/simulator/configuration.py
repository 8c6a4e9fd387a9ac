# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be set when the simulator starts and changed while it runs. bpy is not allowed here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_KEY = "sk-simulator-key-0123456789"
# Keys with one property each, so that tests can provoke the answers of API notes 5.2.
OTHER_WORKSPACE_KEY = "sk-simulator-other-workspace"
EXPIRED_KEY = "sk-simulator-expired"
RESTRICTED_KEY = "sk-simulator-restricted"
RESTRICTED_KEY_MODELS = ("tripo-p1.0",)
MANAGEMENT_TOKEN = "mt-simulator-token-0123456789"  # noqa: S105 - a made-up one

# Names a folder in which each request to the second host is kept, for the search for the key after a tier.
CAPTURES_VARIABLE = "TOKENLAB_CAPTURES"

CREATE_PATH = "/v1/3d/generations"
CONTROL_PREFIX = "/_simulator/"


@dataclass(frozen=True)
class Configuration:
    """The start-up values are kept, because a reset goes back to them."""

    assets: Path
    seconds: float = 3.0
    delay: float = 0.0
    faults: tuple[str, ...] = ()
