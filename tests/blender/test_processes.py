# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens when Blender ends: nothing is lost by a kill, and nothing of ours keeps it from ending."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.blender.support import MODULE, RESIDENT, run_script
from tests.simulator.process import SimulatorProcess

KILLED = -9


def folders(tmp_path: Path, simulator: SimulatorProcess) -> dict[str, str]:
    return {
        "BLENDER_USER_RESOURCES": str(tmp_path / "blender"),
        "TOKENLAB_DATA_DIR": str(tmp_path / "data"),
        "TOKENLAB_API_BASE": simulator.url,
        "TOKENLAB_API_KEY": simulator.key,
    }


def test_a_start_of_blender_loads_nothing_that_is_used_seldom(
    simulator: SimulatorProcess, extension_zip: Path, tmp_path: Path
) -> None:
    done = run_script(RESIDENT, "say_what_is_loaded", extension_zip, environment=folders(tmp_path, simulator))
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("LOADED ")]
    loaded = set(line.split()[1:])
    assert f"{MODULE}.core.blender.session" in loaded
    assert not {"numpy", "argparse", "requests", "urllib3"} & loaded
    seldom = ("conversion", "model_facts", "preview", "command_line.commands", "command_line.batches")
    assert not {f"{MODULE}.core.blender.{name}" for name in seldom} & loaded


def test_a_task_whose_blender_was_killed_is_resumed_when_its_file_is_opened(
    simulator: SimulatorProcess, extension_zip: Path, tmp_path: Path
) -> None:
    simulator.configure(seconds=3.0)
    environment, blend = folders(tmp_path, simulator), tmp_path / "file.blend"
    killed = run_script(RESIDENT, "submit_save_and_die", extension_zip, blend, environment=environment, check=False)
    assert killed.returncode == KILLED, killed.stderr
    assert blend.is_file()
    opened = run_script(RESIDENT, "open_and_wait", extension_zip, blend, environment=environment)
    assert "states ['IMPORTED']" in opened.stdout
    assert "collections 1" in opened.stdout
    assert int(re.findall(r"vertices (\d+)", opened.stdout)[0]) > 0
    assert len(simulator.creates()) == 1
    assert len([item for item in simulator.journal()["requests"] if item["method"] == "POST"]) == 1


def test_the_same_file_opened_without_the_journal_resumes_too(
    simulator: SimulatorProcess, extension_zip: Path, tmp_path: Path
) -> None:
    simulator.configure(seconds=2.0)
    environment, blend = folders(tmp_path, simulator), tmp_path / "file.blend"
    run_script(RESIDENT, "submit_save_and_die", extension_zip, blend, environment=environment, check=False)
    environment["TOKENLAB_DATA_DIR"] = str(tmp_path / "another computer")
    opened = run_script(RESIDENT, "open_and_wait", extension_zip, blend, environment=environment)
    assert "states ['IMPORTED']" in opened.stdout
    assert len(simulator.creates()) == 1


def test_two_blenders_with_the_same_file_make_and_fetch_one_model_and_each_gets_it(
    simulator: SimulatorProcess, extension_zip: Path, tmp_path: Path
) -> None:
    simulator.configure(seconds=6.0)
    blend = tmp_path / "file.blend"
    environment = folders(tmp_path, simulator)
    run_script(RESIDENT, "submit_save_and_die", extension_zip, blend, environment=environment, check=False)
    with ThreadPoolExecutor(2) as pool:
        opened = list(
            pool.map(
                lambda profile: run_script(
                    RESIDENT,
                    "open_and_wait",
                    extension_zip,
                    blend,
                    environment={**environment, "BLENDER_USER_RESOURCES": str(tmp_path / profile)},
                ),
                ("first", "second"),
            )
        )
    for one in opened:
        assert "states ['IMPORTED']" in one.stdout
        assert "collections 1" in one.stdout
    assert len(simulator.creates()) == 1
    assert len(simulator.requests("assets")) == 1


@pytest.mark.parametrize("ending", ["end_idle", "end_after_a_task", "end_while_a_name_is_looked_up"])
def test_a_script_that_ends_with_the_extension_enabled_ends_well(
    simulator: SimulatorProcess, extension_zip: Path, tmp_path: Path, ending: str
) -> None:
    ended = run_script(RESIDENT, ending, extension_zip, environment=folders(tmp_path, simulator), limit=60.0)
    assert "ending" in ended.stdout


@pytest.mark.parametrize("hanging", ["create", "poll"])
def test_a_script_that_ends_while_a_server_never_answers_ends_well(
    simulator: SimulatorProcess, extension_zip: Path, tmp_path: Path, hanging: str
) -> None:
    simulator.configure(faults=[f"{hanging}-never-answers"])
    environment = folders(tmp_path, simulator)
    ended = run_script(RESIDENT, f"end_while_a_{hanging}_hangs", extension_zip, environment=environment, limit=60.0)
    assert "ending in " + {"create": "SUBMITTING", "poll": "PENDING"}[hanging] in ended.stdout
