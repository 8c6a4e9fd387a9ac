# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diagnostics file out of Blender, and the page of the preferences that it is asked for on."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import Drawn, draw
from tests.blender.support import new_session, pump
from tests.simulator.process import SimulatorProcess

KEY_PAGE = "https://tokenlab.sh/dashboard/api?tab=keys"


@pytest.fixture
def page(extension: ModuleType, preferences: Any) -> Any:
    """A function that draws the page of the preferences."""

    def run() -> Drawn:
        return draw(extension.core.blender.preferences.TOKENLAB_AP_preferences, bl_rna=preferences.bl_rna)

    return run


def save(**arguments: Any) -> str:
    assert bpy.ops.tokenlab.save_diagnostics(**arguments) == {"FINISHED"}
    status: str = bpy.context.window_manager.tokenlab.diagnostics_status
    assert status.startswith("Saved ")
    return status


def text(folder: Path) -> str:
    (path,) = folder.glob("diagnostics-*.txt")
    return path.read_text(encoding="utf-8")


# ---- the file


def test_one_click_writes_versions_settings_and_tasks_without_key_prompt_or_address(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any, tmp_path: Path
) -> None:
    preferences.max_concurrent_tasks = 3
    task = extension.generate("my secret dragon")
    task.wait(timeout=60)
    save()
    told = text(tmp_path / "data")
    for expected in (
        *(bpy.app.version_string, "Window: No", "GLB", "API Key: Set in the preferences", "Concurrent Tasks: 3"),
        *("Service: 127.0.0.1 by http, port ", "Data Folder Chosen: Set by the environment variable TOKENLAB_DATA_DIR"),
        *(task.local_id, task.task_id, "Tasks READY: 1", "In the List as IMPORTED: 1"),
    ):
        assert expected in told
    for private in (simulator.key, "dragon", "://", str(Path.home())):
        assert private not in told


def test_prompts_are_in_it_only_when_ticked(
    extension: ModuleType, simulator: SimulatorProcess, page: Any, tmp_path: Path
) -> None:
    extension.generate("my secret dragon").wait(timeout=60)
    save(filepath=str(tmp_path / "without.txt"))
    save(filepath=str(tmp_path / "with.txt"), include_prompts=True)
    assert "dragon" not in (tmp_path / "without.txt").read_text(encoding="utf-8")
    assert "my secret dragon" in (tmp_path / "with.txt").read_text(encoding="utf-8")
    assert page().operators["tokenlab.save_diagnostics"]["include_prompts"] is False
    bpy.context.window_manager.tokenlab.include_prompts = True
    assert page().operators["tokenlab.save_diagnostics"]["include_prompts"] is True
    bpy.context.window_manager.tokenlab.include_prompts = False


def test_the_environment_and_an_address_with_a_password_are_told_of_without_what_they_hold(
    extension: ModuleType, session: Any, preferences: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOKENLAB_API_KEY", "a key of another kind")
    monkeypatch.setenv("HTTPS_PROXY", "http://name:hush@proxy.example.com")
    preferences.base_url = "https://name:hush@api.example.com:444/hush?hush"
    save()
    told = text(tmp_path / "data")
    assert "API Key: Set by the environment variable TOKENLAB_API_KEY" in told
    assert "Service: api.example.com by https, port 444" in told and "Environment: HTTPS_PROXY" in told
    assert "hush" not in told and "a key of another kind" not in told


def test_it_is_written_with_a_journal_that_is_no_database(
    extension: ModuleType, session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "journal.sqlite3").mkdir()
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(broken))
    session = new_session(extension)
    pump(extension, lambda: session.engine.journal_problem)
    save()
    told = text(broken)
    assert "Journal: No File" in told and "Journal Cannot Be Used: The task journal" in told


def test_a_place_that_cannot_be_written_to_is_said(extension: ModuleType, session: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RuntimeError, match="could not be saved"):
        bpy.ops.tokenlab.save_diagnostics(filepath=str(tmp_path / "file" / "report.txt"))


def test_the_main_thread_imports_no_requests_for_it(
    extension: ModuleType, session: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delitem(sys.modules, "requests", raising=False)
    save()
    assert "requests: Not Loaded" in text(tmp_path / "data")
    assert "requests" not in sys.modules


def test_in_a_window_the_folder_opens_when_the_file_is_there(
    extension: ModuleType, session: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[Path] = []
    diagnostics = extension.core.blender.diagnostics
    monkeypatch.setattr(diagnostics, "_is_watched", lambda: True)
    monkeypatch.setattr(diagnostics, "_open", opened.append)
    session.diagnostics.save(None, include_prompts=False)
    assert session.diagnostics.saved is None, "nothing is waited for"
    pump(extension, lambda: session.diagnostics.saved)
    assert opened == [tmp_path / "data"]


# ---- the page


def test_the_page_says_where_to_get_a_key_and_tests_it(
    extension: ModuleType, simulator: SimulatorProcess, preferences: Any, page: Any
) -> None:
    assert page().operators["wm.url_open"] == {"url": KEY_PAGE}
    assert "Test Connection" in page().buttons
    preferences.api_key = ""
    assert "No API key is set" in page().text
    preferences.api_key = simulator.key
    assert bpy.ops.tokenlab.test_connection() == {"FINISHED"}
    assert "accepts the API key" in page().text


@pytest.mark.parametrize(
    ("name", "variable"),
    [("api_key", "TOKENLAB_API_KEY"), ("base_url", "TOKENLAB_API_BASE"), ("data_directory", "TOKENLAB_DATA_DIR")],
)
def test_a_preference_that_the_environment_wins_over_says_so_and_cannot_be_changed(
    extension: ModuleType, page: Any, monkeypatch: pytest.MonkeyPatch, name: str, variable: str
) -> None:
    monkeypatch.delenv(variable, raising=False)
    assert name not in page().disabled and variable not in page().text
    monkeypatch.setenv(variable, "https://api.example.com")
    assert name in page().disabled and f"Set by the environment variable {variable}" in page().text


def test_every_preference_is_on_the_page_once(extension: ModuleType, preferences: Any, page: Any) -> None:
    names = [name for name in preferences.bl_rna.properties.keys() if name not in ("rna_type", "bl_idname")]  # noqa: SIM118
    drawn = page().properties
    assert sorted(name for name in drawn if name in names) == sorted(names)


def test_the_page_says_what_is_sent_stored_and_never_stored(extension: ModuleType, page: Any) -> None:
    drawn = page()
    for title in ("Account", "Importing", "Library", "Advanced", "Diagnostics", "Privacy"):
        assert title in drawn.texts
    for name in ("Sent", "Stored", "Never Stored"):
        assert name in drawn.texts
