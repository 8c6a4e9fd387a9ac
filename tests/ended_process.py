# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that has ended, for tests of what such processes leave behind. No bpy."""

from __future__ import annotations

import os
import subprocess
import sys


def ended_process() -> int:
    """Return the number of a process that ran a moment ago."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def of_ended(mark: str) -> str:
    """Return this process's mark as one of this machine that has ended would have it."""
    return mark.replace(f"-{os.getpid()}-", f"-{ended_process()}-")


def elsewhere(mark: str) -> str:
    """Return the mark that a process of another machine with an ended process's number has."""
    return f"0123abcd-{of_ended(mark).partition('-')[2]}"
