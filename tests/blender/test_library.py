# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The library in Blender: the Asset Browser, the files of a task, how much room all that takes, and the clean-up."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import pytest

from tests.blender.fake_layout import Drawn, draw
from tests.blender.registered import StandIn
from tests.blender.support import new_session, pump
from tests.simulator.process import SimulatorProcess
from tests.tiny_models import glb


@pytest.fixture(autouse=True)
def asset_libraries(extension: ModuleType) -> Iterator[Any]:
    """The asset libraries of the preferences; those that a test adds go again."""
    libraries = bpy.context.preferences.filepaths.asset_libraries
    before = len(libraries)
    yield libraries
    while len(libraries) > before:
        libraries.remove(libraries[-1])


def drawn_preferences(extension: ModuleType, preferences: Any) -> Drawn:
    names = [name for name in preferences.bl_rna.properties.keys() if name not in ("rna_type", "bl_idname")]  # noqa: SIM118
    own = {name: getattr(preferences, name) for name in names}
    return draw(extension.core.blender.preferences.TOKENLAB_AP_preferences, bl_rna=preferences.bl_rna, **own)


def folder_of(task: Any) -> Path:
    folder: Path = task.result_path.parent
    return folder


@pytest.mark.parametrize(("said", "meant"), [("farm", "here/farm"), ("~/farm", "home/farm")])
def test_a_data_folder_is_written_down_whole_wherever_blender_was_started(
    extension: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, meant: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("TOKENLAB_DATA_DIR", said)
    assert extension.core.blender.preferences.data_directory() == tmp_path / meant


def test_a_script_that_changes_the_working_folder_takes_no_tasks_away(
    extension: ModuleType, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    monkeypatch.setenv("TOKENLAB_DATA_DIR", "a folder of this test alone")
    session = new_session(extension)
    extension.generate("a cube").wait(timeout=60)
    pump(extension, lambda: not session.engine.has_tasks)
    monkeypatch.chdir(tmp_path / "two")
    assert extension.core.blender.session.current() is session
    assert not list((tmp_path / "two").iterdir())
    new_session(extension).engine.stop()


# ---- the Asset Browser


def test_one_click_makes_the_library_an_asset_library_with_our_catalog(
    extension: ModuleType, session: Any, asset_libraries: Any, tmp_path: Path
) -> None:
    before = len(asset_libraries)
    assert bpy.ops.tokenlab.add_asset_library() == {"FINISHED"}
    library = asset_libraries[-1]
    assert len(asset_libraries) == before + 1
    assert Path(library.path) == tmp_path / "data" / "library"
    assert (library.name, library.import_method) == ("TokenLab 3D", "APPEND")
    catalogs = (tmp_path / "data" / "library" / "blender_assets.cats.txt").read_text()
    assert f"{extension.core.files.asset_catalog.CATALOG_ID}:TokenLab 3D:TokenLab 3D" in catalogs


def test_a_folder_that_is_an_asset_library_already_is_used_as_it_is(
    extension: ModuleType, session: Any, asset_libraries: Any, tmp_path: Path
) -> None:
    asset_libraries.new(name="Mine", directory=f"{tmp_path / 'data' / 'library'}/")
    asset_libraries[-1].import_method = "LINK"
    before = len(asset_libraries)
    for _ in range(2):
        assert bpy.ops.tokenlab.add_asset_library() == {"FINISHED"}
    assert (len(asset_libraries), asset_libraries[-1].name, asset_libraries[-1].import_method) == (
        before,
        "Mine",
        "LINK",
    )


def test_the_preferences_are_not_saved_unasked(extension: ModuleType, session: Any) -> None:
    folder = Path(bpy.utils.resource_path("USER")) / "config"
    before = sorted(folder.glob("*")) if folder.exists() else []
    bpy.ops.tokenlab.add_asset_library()
    assert (sorted(folder.glob("*")) if folder.exists() else []) == before


def test_a_catalog_file_that_cannot_be_read_is_left_alone_and_said(
    extension: ModuleType, session: Any, asset_libraries: Any, tmp_path: Path
) -> None:
    path = tmp_path / "data" / "library" / "blender_assets.cats.txt"
    path.parent.mkdir(parents=True)
    path.write_text("VERSION 99\n")
    assert bpy.ops.tokenlab.add_asset_library() == {"FINISHED"}
    assert "was left as it is" in bpy.context.window_manager.tokenlab.library_status
    assert path.read_text() == "VERSION 99\n"
    assert asset_libraries[-1].name == "TokenLab 3D"


def test_the_preferences_offer_it_until_it_is_done(extension: ModuleType, session: Any, preferences: Any) -> None:
    assert "tokenlab.add_asset_library" in drawn_preferences(extension, preferences).operators
    bpy.ops.tokenlab.add_asset_library()
    drawn = drawn_preferences(extension, preferences)
    assert "tokenlab.add_asset_library" not in drawn.operators
    assert "In the Asset Browser as “TokenLab 3D”" in drawn.text


# ---- room on the disk


@pytest.fixture
def two_models(extension: ModuleType, simulator: SimulatorProcess) -> tuple[Any, Any]:
    """Two tasks whose models were imported, and of which no worker has anything more to write."""
    first, second = extension.generate("a cube"), extension.generate("a vase")
    for task in (first, second):
        task.wait(timeout=60)
        pump(extension, lambda: '"facts"' in (folder_of(task) / "task.json").read_text(encoding="utf-8"))  # noqa: B023  # asked within the loop
    return first, second


def test_a_clean_up_removes_the_files_of_removed_tasks_and_no_others(
    extension: ModuleType, session: Any, two_models: tuple[Any, Any]
) -> None:
    kept, removed = two_models
    folders = [folder_of(task) for task in two_models]
    bpy.ops.tokenlab.remove_task(local_id=removed.local_id)
    assert [folder.is_dir() for folder in folders] == [True, True]
    assert bpy.ops.tokenlab.clean_up_library() == {"FINISHED"}
    assert [folder.is_dir() for folder in folders] == [True, False]
    assert "freed" in bpy.context.window_manager.tokenlab.library_status
    assert bpy.context.window_manager.tokenlab.library_use.startswith("1 model, ")
    assert kept.objects and len(bpy.data.collections) == 2, "what was imported stays in the file"
    assert bpy.ops.tokenlab.clean_up_library() == {"FINISHED"}
    assert "nothing to clean up" in bpy.context.window_manager.tokenlab.library_status


def test_where_there_is_a_window_the_size_is_kept_up_to_date(
    extension: ModuleType,
    simulator: SimulatorProcess,
    preferences: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extension.core.blender.assets, "_is_watched", lambda: True)
    session, shown = new_session(extension), bpy.context.window_manager.tokenlab
    pump(extension, lambda: shown.library_use == "0 models, 0 bytes")
    task = extension.generate("a cube")
    task.wait(timeout=60)
    pump(extension, lambda: shown.library_use.startswith("1 model, "))
    assert shown.library_use in drawn_preferences(extension, preferences).texts
    assert session.library.use.removable == 0
    bpy.ops.tokenlab.remove_task(local_id=task.local_id)
    pump(extension, lambda: session.library.use.removable == 1)
    assert session.library.use.removable_size > len(glb())


def test_a_catalog_that_was_deleted_with_the_library_comes_back(
    extension: ModuleType, session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bpy.ops.tokenlab.add_asset_library()
    library = tmp_path / "data" / "library"
    shutil.rmtree(library)
    monkeypatch.setattr(extension.core.blender.assets, "_is_watched", lambda: True)
    new_session(extension)
    pump(extension, (library / "blender_assets.cats.txt").is_file)


def test_while_the_library_is_looked_at_its_buttons_say_so(extension: ModuleType, session: Any) -> None:
    pump(extension, lambda: session.is_restored)
    session.library.measure()
    for name in ("add_asset_library", "clean_up_library"):
        with pytest.raises(RuntimeError, match="The library is being looked at"):
            getattr(bpy.ops.tokenlab, name)()
    pump(extension, lambda: not session.library.is_asking)
    assert bpy.ops.tokenlab.clean_up_library() == {"FINISHED"}


def test_a_clean_up_before_the_library_was_looked_at_has_not_finished(extension: ModuleType, session: Any) -> None:
    assert session.library.use is None
    reports: list[str] = []
    cls = extension.operators.library.TOKENLAB_OT_clean_up_library
    pressed = StandIn(cls, Drawn(), report=lambda _kind, sentence: reports.append(sentence))
    assert pressed._ask(bpy.context, None) == {"CANCELLED"}
    assert reports == ["The library is being looked at. Try again in a moment."]
    assert session.library.is_asking


def test_a_session_that_ends_while_it_asks_blocks_no_button(extension: ModuleType, session: Any) -> None:
    session.library.measure()
    new_session(extension)
    assert bpy.ops.tokenlab.clean_up_library() == {"FINISHED"}


# ---- the files of one task


def test_without_a_window_the_folder_of_a_task_is_named(extension: ModuleType, simulator: SimulatorProcess) -> None:
    with pytest.raises(RuntimeError, match="There is no task yet"):
        bpy.ops.tokenlab.open_folder()
    task = extension.generate("a cube")
    task.wait(timeout=60)
    with pytest.raises(RuntimeError, match="Without a window") as caught:
        bpy.ops.tokenlab.open_folder(local_id=task.local_id)
    assert str(folder_of(task)) in str(caught.value)
    with pytest.raises(RuntimeError, match="not in the list"):
        bpy.ops.tokenlab.open_folder(local_id="unknown")


def test_a_task_without_files_says_so(extension: ModuleType, simulator: SimulatorProcess) -> None:
    simulator.configure(faults=["never-completes"])
    task = extension.generate("a cube")
    with pytest.raises(RuntimeError, match="has no files on this computer"):
        bpy.ops.tokenlab.open_folder(local_id=task.local_id)


def test_the_folder_is_found_in_the_data_folder_that_was_in_use_before(
    extension: ModuleType, simulator: SimulatorProcess, session: Any, tmp_path: Path
) -> None:
    task = extension.generate("a cube")
    task.wait(timeout=60)
    record = session.engine.records.get(task.local_id)
    find = extension.core.blender.assets.folder_of_task
    assert find(record, tmp_path / "another") == folder_of(task)


def test_beside_an_error_about_a_file_there_is_a_button_that_shows_it(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    simulator.configure(faults=["asset-html"])
    task = extension.generate("a cube")
    with pytest.raises(extension.TokenLabError):
        task.wait(timeout=60)
    drawn = draw(extension.panels.details.TOKENLAB_PT_details)
    assert drawn.operators["tokenlab.open_folder"] == {"local_id": task.local_id}
    assert "Show File" in drawn.buttons and "Try Again" in drawn.buttons
    simulator.configure(faults=[])
    bpy.ops.tokenlab.resume()
    task.wait(timeout=60)
    assert "Show File" not in draw(extension.panels.details.TOKENLAB_PT_details).buttons


def test_a_library_that_was_deleted_by_hand_is_fetched_again_for_nothing(
    extension: ModuleType, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    task = extension.generate("a cube")
    task.wait(timeout=60)
    shutil.rmtree(tmp_path / "data" / "library")
    with pytest.raises(RuntimeError, match="not on this computer"):
        bpy.ops.tokenlab.import_model(local_id=task.local_id)
    assert bpy.ops.tokenlab.resume(local_id=task.local_id) == {"FINISHED"}
    pump(extension, lambda: task.result_path and task.result_path.is_file())
    assert bpy.ops.tokenlab.import_model(local_id=task.local_id) == {"FINISHED"}
    assert len(simulator.creates()) == 1
