# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a command has to say in the end. No bpy is needed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .exit_status import ExitStatus


@dataclass(frozen=True, slots=True)
class Answer:
    """How it ended, and the result."""

    status: ExitStatus
    lines: Sequence[str] = ()
    """The result for people."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The result for programs: what JSON can hold."""
    problem: str = ""
    """A user's sentence, or ""."""
