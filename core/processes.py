# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether another process of this machine still runs. No bpy here."""

from __future__ import annotations

import os
import sys


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
