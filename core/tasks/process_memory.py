# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much memory another process has, and how much it may have. No bpy here; may wait, so workers only."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

_LEAST: Final = 2 * 1024**3
"""Enough for a model of two million triangles in any format but the old FBX importer's (bpy_facts E)."""
_UNKNOWN: Final = 8 * 1024**3
"""What a machine is taken to have that does not tell."""
_ASK_SECONDS: Final = 5.0


def allowance() -> int:
    """Return the bytes that a conversion may take: half of what this machine has, but at least 2 GB."""
    return max(_LEAST, _total() // 2)


def _total() -> int:
    if sys.platform == "win32":
        return _total_on_windows()
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return _UNKNOWN


def resident_bytes(process: int, platform: str = sys.platform) -> int | None:
    """Return how much memory the process with this number takes now, or None when nobody tells."""
    if platform == "win32":
        return _resident_on_windows(process)
    if platform == "linux":
        return _resident_from_proc(Path(f"/proc/{process}/statm"))
    return _resident_from_ps(process)


def _resident_from_proc(statm: Path) -> int | None:
    try:
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def _resident_from_ps(process: int) -> int | None:
    """Ask the one program that every Unix has; macOS has no /proc."""
    try:
        done = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(process)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=False,
        )
        return int(done.stdout) * 1024
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


if sys.platform == "win32":

    class _Counters(ctypes.Structure):
        """PROCESS_MEMORY_COUNTERS of the Windows API."""

        _fields_ = (
            ("size", ctypes.c_uint32),
            ("page_faults", ctypes.c_uint32),
            ("peak_working_set", ctypes.c_size_t),
            ("working_set", ctypes.c_size_t),
            ("rest", ctypes.c_size_t * 6),
        )

    class _Status(ctypes.Structure):
        """MEMORYSTATUSEX of the Windows API."""

        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            ("total", ctypes.c_uint64),
            ("rest", ctypes.c_uint64 * 6),
        )

    def _total_on_windows() -> int:
        status = _Status(length=ctypes.sizeof(_Status))
        return int(status.total) if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else _UNKNOWN

    def _resident_on_windows(process: int) -> int | None:
        kernel = ctypes.windll.kernel32
        kernel.OpenProcess.restype = ctypes.c_void_p
        query_limited_information = 0x1000
        handle = ctypes.c_void_p(kernel.OpenProcess(query_limited_information, False, process))
        if not handle:
            return None
        try:
            counters = _Counters(size=ctypes.sizeof(_Counters))
            has_worked = kernel.K32GetProcessMemoryInfo(handle, ctypes.byref(counters), counters.size)
            return int(counters.working_set) if has_worked else None
        finally:
            kernel.CloseHandle(handle)
else:

    def _total_on_windows() -> int:
        return _UNKNOWN

    def _resident_on_windows(_process: int) -> int | None:
        return None
