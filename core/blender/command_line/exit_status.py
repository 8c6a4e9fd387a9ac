# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a command says by its exit status. No bpy is needed here."""

from __future__ import annotations

import enum

from ...service.errors import TokenLabError


class ExitStatus(enum.IntEnum):
    """How a command ended."""

    SUCCESS = 0
    FAILED = 1
    """The service refused or failed a task, or its model could not be imported or written."""
    WRONG_USAGE = 2
    """Nothing was sent."""
    NOT_NOW = 3
    """Not possible at present: no key, online access off, a limit, or it still runs, and `resume` goes on with it."""
    UNCERTAIN = 4
    """The service may have accepted, and charge, a task that it gave no clear answer for."""
    INTERRUPTED = 130
    """By Ctrl C. `resume` finishes what was sent."""


class CommandError(TokenLabError):
    """A command cannot be carried out. The text is a user's sentence."""

    def __init__(self, sentence: str, status: ExitStatus = ExitStatus.NOT_NOW) -> None:
        super().__init__(sentence)
        self.status = status
