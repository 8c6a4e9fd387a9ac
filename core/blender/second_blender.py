# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a second Blender is started from this one, and what for. bpy is allowed here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import bpy

from ..files.formats import ModelFormat
from ..tasks.converter import Command

_SCRIPT: Final = Path(__file__).with_name("conversion_script.py")
_CRASHING: Final = frozenset({ModelFormat.USDZ.name, ModelFormat.PLY.name})
"""Formats that have files which crash Blender's own importer (bpy_facts D.5): never read by the user's Blender."""


def command(*, is_wanted: bool) -> Command:
    """Return how to start it.

    :param is_wanted: prepare every model, not only those that could crash the user's Blender. Without a window there is
        nobody whom an import would hold up.
    """
    is_for_all = is_wanted and not bpy.app.background
    return Command(
        words=(*_program(), str(_SCRIPT), "--"),
        version=".".join(str(part) for part in bpy.app.version),
        formats=None if is_for_all else _CRASHING,
    )


def is_read_there_only(model_format: str) -> bool:
    """Whether files of that format, a `ModelFormat` name, are never read by this Blender."""
    return model_format in _CRASHING


def _program() -> tuple[str, ...]:
    if not bpy.app.binary_path:
        return (sys.executable,)  # Blender is a Python module here.
    options = ("--background", "--factory-startup", "--offline-mode", "-noaudio", "--python-exit-code", "1")
    return (bpy.app.binary_path, *options, "--python")
