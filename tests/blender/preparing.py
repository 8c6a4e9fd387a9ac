# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Models that a second Blender prepares, for tests that look at what is then appended."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from core.files.scene_units import FACTORY


class Preparer:
    """One second Blender for as many models as a test wants."""

    def __init__(self, extension: ModuleType, folder: Path) -> None:
        self._converter: Any = extension.core.tasks.converter.Converter(folder / "scratch")
        self.answer: Mapping[str, Any] = {}
        """What it said of the last one."""
        self._command: Any = extension.core.blender.second_blender.command(is_wanted=True)

    def prepare(self, path: Path, model_format: Any, blend: Path, units: Mapping[str, float] = FACTORY) -> Path:
        """Return the .blend that was made of a file, for a scene with these units."""

        def take(prepared: Any) -> None:
            shutil.copy(prepared.folder / "model.blend", blend)
            self.answer = prepared.answer

        order = {"source": str(path), "format": model_format.name, "blend": "model.blend", "name": "a model"}
        self._converter.convert(
            self._command,
            {**order, "description": "", "tags": [], "catalogue": "", "units": dict(units)},
            take,
        )
        return blend

    def stop(self) -> None:
        self._converter.stop()
