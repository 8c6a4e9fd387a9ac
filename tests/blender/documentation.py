# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of README.md and docs/scripting.md, for the tests that run them. No bpy."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.blender.support import ROOT

SCRIPTING = ROOT / "docs" / "scripting.md"
PAGES = (ROOT / "README.md", SCRIPTING)
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
_COMMAND = re.compile(r"^    blender (?:--online-mode )?--command tokenlab_3d (.*)$", re.MULTILINE)
_WAITING = (".wait(", "run_command(")
"""What does nothing in a window."""


@dataclass(frozen=True)
class Example:
    """A block of Python."""

    code: str

    @property
    def is_for_background(self) -> bool:
        """Whether it waits, which a window does not allow."""
        return any(word in self.code for word in _WAITING)

    @property
    def name(self) -> str:
        """Its most telling line, for the list of tests."""
        lines = [line for line in self.code.splitlines() if "tokenlab." in line and "import" not in line]
        return (lines or self.code.splitlines())[0].strip()[:50]


def examples() -> list[Example]:
    """Every block of Python of the pages, in its order."""
    return [Example(code) for page in PAGES for code in _BLOCK.findall(page.read_text(encoding="utf-8"))]


def commands() -> list[str]:
    """What follows the name of the command in every command of the pages."""
    found = [words for page in PAGES for words in _COMMAND.findall(page.read_text(encoding="utf-8"))]
    return list(dict.fromkeys(found))


def batch_file() -> str:
    """The batch file of the page on scripting."""
    (text,) = re.findall(r"```csv\n(.*?)```", SCRIPTING.read_text(encoding="utf-8"), re.DOTALL)
    return str(text)
