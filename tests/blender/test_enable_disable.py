# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Enabling and disabling leaves nothing behind, and Blender's own checks of extensions are content."""

from __future__ import annotations

import logging
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import addon_utils
import bpy
import pytest

from tests.blender.support import MODULE, pump
from tests.build import validate
from tests.simulator.process import SimulatorProcess

FAMILIES = ("Operator", "Panel", "Menu", "UIList", "PropertyGroup", "AddonPreferences", "FileHandler")


@pytest.fixture
def by_environment(simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and address from the environment, since disabling an extension takes its preferences away."""
    monkeypatch.setenv("TOKENLAB_API_KEY", simulator.key)
    monkeypatch.setenv("TOKENLAB_API_BASE", simulator.url)


def disable() -> None:
    bpy.ops.preferences.addon_disable(module=MODULE)


def enable() -> None:
    bpy.ops.preferences.addon_enable(module=MODULE)


def remains() -> dict[str, Any]:
    """Everything of ours that Blender or Python knows."""
    lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    handlers: dict[str, list[Callable[..., object]]] = {
        name: value for name, value in lists.items() if isinstance(value, list)
    }
    return {
        "handlers": [
            name for name, functions in handlers.items() for f in functions if f.__module__.startswith(MODULE)
        ],
        "threads": [thread.name for thread in threading.enumerate() if thread.name.startswith("tokenlab")],
        "classes": [
            cls.__name__
            for family in FAMILIES
            for cls in getattr(bpy.types, family).__subclasses__()
            if cls.__module__.startswith(MODULE) and cls.is_registered
        ],
        "properties": [
            owner.__name__ for owner in (bpy.types.Scene, bpy.types.WindowManager) if hasattr(owner, "tokenlab")
        ],
        "operators": [name for name in dir(bpy.ops) if name == "tokenlab" and dir(bpy.ops.tokenlab)],
        "menu entries": [
            menu.__name__
            for menu in (bpy.types.VIEW3D_MT_add, bpy.types.VIEW3D_MT_object)
            for draw in menu._dyn_ui_initialize()
            if draw.__module__.startswith(MODULE)
        ],
    }


def test_after_a_command_it_is_disabled_and_enabled_as_before_and_every_logger_is_redacted(
    extension: ModuleType, by_environment: None
) -> None:
    # What a command needs is loaded by the first one.
    assert extension.run_command(["list"]) == 0
    loggers = [item for name, item in logging.root.manager.loggerDict.items() if name.startswith(f"{MODULE}.")]
    assert [item.name for item in loggers if isinstance(item, logging.Logger) and not item.filters] == []
    assert any(f"{MODULE}.core.blender.command_line." in str(getattr(item, "name", "")) for item in loggers)
    disable()
    enable()
    assert bpy.context.preferences.addons.get(MODULE) is not None
    assert callable(extension.core.blender.command_line.run)


def registered_timers(extension: ModuleType) -> list[str]:
    blender = extension.core.blender
    timers = {"tick": blender.tick.tick, "begin": blender.handlers._begin}
    return [name for name, function in timers.items() if bpy.app.timers.is_registered(function)]


def test_enable_disable_enable_disable_leaves_nothing_behind(
    extension: ModuleType, simulator: SimulatorProcess, by_environment: None
) -> None:
    simulator.configure(faults=["never-completes"])
    task = extension.generate("a cube")
    pump(extension, lambda: task.task_id)
    with_everything = remains()
    assert all(with_everything.values()), "the check sees what there is to see"
    for _ in range(2):
        disable()
        assert {what: found for what, found in remains().items() if found} == {}
        assert registered_timers(extension) == []
        enable()
        again = remains()
        assert {what: again[what] for what in again if what != "threads"} == {
            what: with_everything[what] for what in with_everything if what != "threads"
        }


def test_a_task_goes_on_after_the_extension_was_disabled_and_enabled(
    extension: ModuleType, simulator: SimulatorProcess, by_environment: None
) -> None:
    simulator.configure(seconds=0.5)
    task = extension.generate("a cube")
    pump(extension, lambda: task.task_id)
    disable()
    enable()
    (resumed,) = extension.resume_all()
    assert resumed.local_id == task.local_id
    assert resumed.wait(timeout=60)
    assert len(simulator.creates()) == 1


def test_the_tick_is_registered_while_there_is_work_and_only_then(
    extension: ModuleType, simulator: SimulatorProcess
) -> None:
    tick = extension.core.blender.tick
    extension.resume_all()
    tick.stop()
    task = extension.generate("a cube")
    assert bpy.app.timers.is_registered(tick.tick)
    assert isinstance(tick.tick(), float)
    task.wait(timeout=60)
    assert tick.tick() is None
    tick.stop()


def test_the_tick_survives_an_error_of_its_own(
    extension: ModuleType, simulator: SimulatorProcess, monkeypatch: Any
) -> None:
    session = extension.core.blender.session.current()
    task = extension.generate("a cube")
    with monkeypatch.context() as patch:
        patch.setattr(session.imports, "next", lambda: 1 / 0)
        assert isinstance(extension.core.blender.tick.tick(), float)
    assert task.wait(timeout=60)


def test_blender_reports_no_policy_violation(
    extension: ModuleType, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    extension.generate("a cube").wait(timeout=60)
    addon_utils._extensions_warnings_get._is_first = True  # what `extension list` prints, asked for anew
    assert addon_utils._extensions_warnings_get().get(MODULE, []) == []
    with monkeypatch.context() as planted:
        planted.syspath_prepend(str(Path(extension.__file__).parent))
        addon_utils._extensions_warnings_get._is_first = True
        assert "Policy violation" in str(addon_utils._extensions_warnings_get().get(MODULE)), "the check can fail"
    addon_utils._extensions_warnings_get._is_first = True


def test_the_zip_is_accepted_by_blenders_own_tool_and_holds_only_the_extension(extension_zip: Path) -> None:
    validate(extension_zip)
    with zipfile.ZipFile(extension_zip) as package:
        names = package.namelist()
    top = {name.split("/")[0] for name in names}
    assert top == {"__init__.py", "blender_manifest.toml", "core", "operators", "panels", "LICENSE"}
    assert not [name for name in names if "__pycache__" in name or "test" in name.lower()]


def test_every_operator_and_panel_has_a_tooltip_in_blenders_style(extension: ModuleType) -> None:
    operators = [getattr(bpy.ops.tokenlab, name).get_rna_type() for name in dir(bpy.ops.tokenlab)]
    assert len(operators) >= 6
    for operator in operators:
        described = [operator.description, *(item.description for item in operator.properties[1:])]
        for text in described:
            assert text and text[0].isupper() and not text.endswith("."), (operator.identifier, text)
        words = [word for word in operator.name.split() if word not in ("for", "to", "of", "a", "the")]
        assert all(word[0].isupper() or word[0].isdigit() for word in words), operator.name


def test_every_logger_is_redacted_while_the_extension_is_enabled(extension: ModuleType) -> None:
    def filters() -> list[int]:
        known = logging.root.manager.loggerDict.items()
        return [len(item.filters) for name, item in known if name.startswith(MODULE) and hasattr(item, "filters")]

    assert len(filters()) > 5
    assert set(filters()) == {1}
    disable()
    assert set(filters()) == {0}
    enable()
    assert set(filters()) == {1}
