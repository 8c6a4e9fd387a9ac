# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who works on a task, and whether they still do; and which folders are on a network. No bpy here."""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path
from typing import Final

from ..processes import host, is_running

LEASE_SECONDS: Final = 30.0
"""How long a task stays with a Blender that is not heard of any more."""

_NETWORK_FILE_SYSTEMS: Final = ("nfs", "cifs", "smb", "9p", "afs", "sshfs", "fuse.sshfs", "glusterfs", "ceph", "lustre")


def new_owner() -> str:
    """Return a name for this session: host, process, and something that no other session has."""
    return f"{host()}/{os.getpid()}/{uuid.uuid4()}"


def has_ended(owner: str, until: float, now: float) -> bool:
    """Whether a task may be taken over from `owner`, whose lease ends at `until` (unix seconds).

    A lease that ends much later than any could is of a clock that was set back since; a little later is one that was
    renewed meanwhile, or by a machine whose clock is fast. A process of this machine that is gone needs no waiting for.
    """
    if not owner or until < now or until > now + 2 * LEASE_SECONDS:
        return True
    return _process_here(owner) is not None and not is_alive_here(owner)


def is_alive_here(owner: str) -> bool:
    """Whether `owner` is a process of this machine that still runs, as far as can be told."""
    process = _process_here(owner)
    # Another session of this very process has ended: there is one at a time.
    return process is not None and process != os.getpid() and is_running(process)


def _process_here(owner: str) -> int | None:
    """Return the process number of an owner on this machine, or None."""
    machine, _, rest = owner.partition("/")
    process = rest.partition("/")[0]
    return int(process) if machine == host() and process.isdecimal() else None


def is_on_network(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether `folder` is on a network drive, as far as the system tells; False where it does not."""
    path = os.path.realpath(folder)
    if sys.platform == "win32":
        return path.startswith("\\\\")
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    # Each line: device, mount point (a space is written \040), kind, and more.
    found = [(point.replace("\\040", " "), kind) for _, point, kind, *_ in map(str.split, lines)]
    inside = [(point, kind) for point, kind in found if path == point or path.startswith(point.rstrip("/") + "/")]
    kind = max(inside, key=lambda item: len(item[0]), default=("", ""))[1]
    return kind.startswith(_NETWORK_FILE_SYSTEMS)
