# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the user hears of a journal that was damaged: tasks of other files are not in the new one."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import bpy

from tests.blender.support import new_session, pump


def test_that_a_damaged_journal_was_begun_anew_is_to_be_read_in_the_panel(
    extension: ModuleType, session: Any, tmp_path: Path
) -> None:
    session.engine.stop()
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    for path in folder.glob("journal.sqlite3-*"):
        path.unlink()
    (folder / "journal.sqlite3").write_bytes(b"not a database" * 100)
    current = new_session(extension)
    pump(extension, lambda: current.is_restored)
    assert "was damaged and was begun anew" in bpy.context.window_manager.tokenlab.notice
    # Blender opens its startup file first, and then the one that was clicked on.
    current.restore()
    pump(extension, lambda: current.is_restored)
    assert "was damaged and was begun anew" in bpy.context.window_manager.tokenlab.notice
