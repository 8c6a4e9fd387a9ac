# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of docs/scripting.md, for the tests that run them. No bpy."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.blender.support import ROOT

PAGE = ROOT / "docs" / "scripting.md"
_BLOCK = re.compile(r"(<!-- without a window -->\n)?```python\n(.*?)```", re.DOTALL)
_COMMAND = re.compile(r"^    blender (?:--online-mode )?--command tokenlab_3d (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """A block of Python."""

    code: str
    is_for_background: bool
    """It waits, which a window does not allow."""

    @property
    def name(self) -> str:
        """Its most telling line, for the list of tests."""
        lines = [line for line in self.code.splitlines() if "tokenlab." in line and "import" not in line]
        return (lines or self.code.splitlines())[0].strip()[:50]


def examples() -> list[Example]:
    """Every block of Python of the page, in its order."""
    return [Example(code, bool(mark)) for mark, code in _BLOCK.findall(PAGE.read_text(encoding="utf-8"))]


def commands() -> list[str]:
    """What follows the name of the command in every command of the page."""
    return _COMMAND.findall(PAGE.read_text(encoding="utf-8"))


def batch_file() -> str:
    """The batch file of the page."""
    (text,) = re.findall(r"```csv\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(text)
