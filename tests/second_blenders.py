# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which second Blenders run on this machine, as the system sees it. No bpy. Windows does not tell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SCRIPT = "conversion_script.py"
PROC = Path("/proc")


def running(folder: Path) -> list[int]:
    """Return the process numbers of those whose temporary files lie below a folder."""
    return [number for number, words in _processes() if SCRIPT in words and str(folder) in words]


def is_running(number: int) -> bool:
    """Whether a process is there and has not ended: one that nobody has waited for counts as ended."""
    return any(number == found for found, _words in _processes())


def _processes() -> list[tuple[int, str]]:
    """Return every process and its command line; one that has ended has none any more."""
    if PROC.is_dir():
        numbers = [int(path.name) for path in PROC.iterdir() if path.name.isdecimal()]
        return [(number, words) for number in numbers if (words := _words(number))]
    lines = subprocess.run(["ps", "-A", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    found = [line.split(maxsplit=2) for line in lines.splitlines()]
    return [(int(number), words) for number, state, words in found if not state.startswith("Z")]


def _words(number: int) -> str:
    try:
        return os.fsdecode((PROC / str(number) / "cmdline").read_bytes()).replace("\0", " ")
    except OSError:
        return ""
