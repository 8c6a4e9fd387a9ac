# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether another process of this machine still runs, and whether it has left something behind. No bpy here.

Folders may be on a network drive: a process number means something on its own machine alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
from pathlib import Path


def is_running(number: int) -> bool:
    """Whether a process with this number runs here; True where that cannot be asked without harm."""
    if sys.platform == "win32":  # os.kill would end the process there.
        return True
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def host() -> str:
    """Return what all processes have in common that can be asked about by number.

    Not the name alone: many machines have the same one, and each Flatpak or container counts its processes anew.
    """
    parts = [platform.node().replace("/", "")]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def mark() -> str:
    """Return what the names of temporary files of this process bear, so that `is_left_behind` knows them."""
    return f"{_machine()}-{os.getpid()}-"


def is_left_behind(rest_of_name: str) -> bool:
    """Whether a name that goes on with a mark was given by a process of this machine that is gone."""
    machine, _, rest = rest_of_name.partition("-")
    number = rest.partition("-")[0]
    return machine == _machine() and number.isdecimal() and not is_running(int(number))


def _machine() -> str:
    return hashlib.sha256(host().encode()).hexdigest()[:8]
