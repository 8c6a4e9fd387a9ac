# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test runner and the zip builder tell the truth, above all when something goes wrong. No bpy."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import __main__ as runner
from tests import matrix, recording, tiers
from tests.build import PACKAGE_FILES, PACKAGE_FOLDERS, BuildError, check_content, stage

REPOSITORY = Path(__file__).resolve().parent.parent.parent
NEEDED = ("blender_manifest.toml", "__init__.py")

CRASH = "import os, signal\ndef test_good(): pass\ndef test_bad(): os.kill(os.getpid(), signal.SIGKILL)\n"
CRASH_AT_EXIT = "import atexit, os\ndef test_good(): atexit.register(os._exit, 139)\n"
HANG_AT_EXIT = "import atexit, time\ndef test_good(): atexit.register(time.sleep, 60)\n"
MIXTURE = """
import pytest
def test_good(): pass
def test_bad(): assert False
def test_skipped(): pytest.skip("no reason at all")
@pytest.mark.xfail(reason="known", strict=True)
def test_known(): assert False
@pytest.fixture
def broken():
    yield
    assert False
def test_tear_down(broken): pass
"""


def run(code: str, folder: Path) -> tiers.Outcome:
    """Run this code as a tier of its own, the way run_tier() does."""
    file, record = folder / "test_planted.py", folder / "record"
    file.write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.recording", "--record", str(record), str(file)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        ending = tiers.wait(process, record, time.monotonic() + 30)
    finally:
        tiers.kill(process)
    return tiers.judge(recording.read(record), ending, "The tier")


def test_each_kind_of_outcome_is_counted(tmp_path: Path) -> None:
    outcome = run(MIXTURE, tmp_path)
    assert str(outcome) == "1 passed, 2 failed, 2 skipped"
    assert outcome.skip_reasons == {"no reason at all": 1, "expected to fail: known": 1}
    assert outcome.problems == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_a_crash_is_a_failure_that_names_its_test(tmp_path: Path) -> None:
    outcome = run(CRASH, tmp_path)
    assert str(outcome) == "1 passed, 1 failed, 0 skipped"
    assert outcome.problems[0].startswith("The tier crashed with signal SIGKILL in ")
    assert outcome.problems[0].endswith("test_bad.")


def test_a_crash_after_the_last_test_is_a_failure(tmp_path: Path) -> None:
    outcome = run(CRASH_AT_EXIT, tmp_path)
    assert str(outcome) == "1 passed, 1 failed, 0 skipped"
    assert outcome.problems == ["The tier ended with status 139."]


def test_a_process_that_does_not_exit_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "EXIT_LIMIT", 0.5)
    outcome = run(HANG_AT_EXIT, tmp_path)
    assert str(outcome) == "1 passed, 1 failed, 0 skipped"
    assert "did not exit" in outcome.problems[0]


@pytest.mark.parametrize("code", ["", "import pytest\ndef test_a(): pytest.skip('x')\n"])
def test_a_tier_without_a_test_that_ran_is_a_failure(code: str, tmp_path: Path) -> None:
    outcome = run(code, tmp_path)
    assert (outcome.passed, outcome.failed) == (0, 1)
    assert outcome.problems == ["The tier ran no test."]


def test_a_module_that_cannot_be_imported_is_one_failure(tmp_path: Path) -> None:
    assert str(run("import no_such_module\n", tmp_path)) == "0 passed, 1 failed, 0 skipped"


def test_no_key_or_address_of_the_real_service_reaches_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENLAB_API_KEY", "a real key")
    monkeypatch.setenv("SOMETHING_ELSE", "kept")
    environment = tiers.clean_environment()
    assert "TOKENLAB_API_KEY" not in environment
    assert environment["SOMETHING_ELSE"] == "kept"


def test_a_zip_with_what_users_need_is_accepted() -> None:
    check_content([*NEEDED, "LICENSE", "core/tasks/engine.py", "panels/__init__.py"])


@pytest.mark.parametrize(
    "name",
    [
        "tests/build.py",
        "docs/how_it_works.md",
        "README.md",
        "Makefile",
        "pyproject.toml",
        "core/__pycache__/text.cpython-311.pyc",
        "core/notes.txt",
        "core/.hidden.py",
        ".venvs/bpy-5.2/pyvenv.cfg",
        "leftover.py",
    ],
)
def test_a_zip_with_anything_else_is_refused(name: str) -> None:
    with pytest.raises(BuildError, match="must not be in the zip"):
        check_content([*NEEDED, name])


def test_what_lies_beside_the_sources_stays_out_of_the_zip(tmp_path: Path) -> None:
    for name in (*PACKAGE_FILES, "make.log"):
        (tmp_path / name).touch()
    for name in (*PACKAGE_FOLDERS, "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.py").touch()
    stage(tmp_path, tmp_path / "staged")
    assert {item.name for item in (tmp_path / "staged").iterdir()} == PACKAGE_FILES | PACKAGE_FOLDERS
    assert (tmp_path / "staged" / "core" / "one.py").is_file()


@pytest.mark.parametrize("name", NEEDED)
def test_a_zip_that_lacks_what_blender_needs_is_refused(name: str) -> None:
    with pytest.raises(BuildError, match=f"lacks {name}"):
        check_content(set(NEEDED) - {name})


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretend that this machine cannot run these tiers, and that every other one passes."""

    def cannot_run(*unable: str) -> None:
        passing = tiers.Outcome(passed=1)
        monkeypatch.setattr(runner, "why_not", lambda tier: "something is missing." if tier in unable else "")
        monkeypatch.setattr(runner, "run_tier", lambda *_: passing)

    return cannot_run


def test_a_machine_without_a_window_passes_with_a_skip(machine: Callable[..., None]) -> None:
    machine("gui")
    outcome = runner.run_here(None, [])
    assert str(outcome) == "2 passed, 0 failed, 1 skipped"
    assert list(outcome.skip_reasons) == ["The gui tier did not run: something is missing."]


def test_a_machine_without_blender_fails(machine: Callable[..., None]) -> None:
    machine("blender", "gui")
    assert str(runner.run_here(None, [])) == "1 passed, 1 failed, 1 skipped"


def test_asking_for_the_window_where_there_is_none_fails(machine: Callable[..., None]) -> None:
    machine("gui")
    assert str(runner.run_here(["gui"], [])) == "0 passed, 1 failed, 0 skipped"
    assert str(runner.run_here(["gui"], [], if_possible=True)) == "0 passed, 0 failed, 1 skipped"


def test_a_blender_version_without_environment_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "environment", lambda _version: None)
    outcome = runner.run_version("4.2", ["core"], [])
    assert outcome.problems == ["Blender 4.2 was not tested: its environment could not be made."]


LOG = """
4.2 something else: 9 passed, 9 failed, 9 skipped
The core tier on Blender 4.2: 2 passed, 0 failed, 1 skipped (3 s)
The blender tier on Blender 4.2: 3 passed, 1 failed, 0 skipped (4 s)

Skipped 1 x: there are no samples here
5 passed, 1 failed, 1 skipped
"""


def test_the_table_of_the_matrix_says_what_the_logs_say() -> None:
    row = matrix.read("4.2", LOG)
    assert row.line == "| 4.2 | core, blender | 5 | 1 | 1 | Skipped 1 x: there are no samples here |"


def test_a_blender_of_the_matrix_that_says_nothing_has_failed() -> None:
    assert str(matrix.read("4.2", "Segmentation fault").total) == "0 passed, 1 failed, 0 skipped"
