# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and ending the simulator, on the command line and from tests."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.simulator.configuration import CREATE_PATH
from tests.simulator.models import STAMP, ModelsError, ensure_models
from tests.simulator.plain_client import PlainClient
from tests.simulator.process import REPOSITORY, SimulatorProcess
from tests.tiny_models import write_assets

COMMAND = [sys.executable, "-m", "tests.simulator"]
PATIENCE_SECONDS = 60


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    return write_assets(tmp_path / "assets")


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_first_line_is_the_address_alone(assets: Path) -> None:
    process = start("--assets", str(assets))
    try:
        line = first_line(process)
        assert line.startswith("http://127.0.0.1:")
        assert line.removeprefix("http://127.0.0.1:").strip().isdecimal()
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE_SECONDS)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals that ask")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_an_orderly_way(assets: Path, number: signal.Signals) -> None:
    process = start("--assets", str(assets))
    first_line(process)
    process.send_signal(number)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0


def test_it_ends_when_its_standard_input_is_closed(assets: Path) -> None:
    process = start("--assets", str(assets), "--until-stdin-closes")
    first_line(process)
    assert process.poll() is None
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0


def test_it_ends_although_somebody_still_waits_for_an_answer(assets: Path) -> None:
    with SimulatorProcess(assets=assets, faults=["never-answers"]) as simulator:
        waiting = http.client.HTTPConnection("127.0.0.1", simulator.port)
        waiting.request("POST", CREATE_PATH, body=b"{}")
        while not simulator.requests():
            time.sleep(0.01)
        assert simulator.stop() == 0
        waiting.close()


@pytest.mark.parametrize("wrong", [["--fault", "no-such-fault"], ["--fault", "create-500:x"], ["--assets", "nowhere"]])
def test_a_wrong_argument_is_explained(assets: Path, wrong: list[str]) -> None:
    done = subprocess.run(
        [*COMMAND, "--assets", str(assets), *wrong],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert wrong[1].partition(":")[0] in done.stderr


def test_a_contract_that_is_not_there_is_explained(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENLAB_OPENAPI", str(assets / "nowhere.json"))
    with pytest.raises(RuntimeError, match=r"TOKENLAB_OPENAPI: .*nowhere\.json is not a file"):
        SimulatorProcess(assets=assets).start()


def test_an_unknown_fault_is_answered_with_the_list(assets: Path) -> None:
    with pytest.raises(RuntimeError, match="create-never-answers"):
        SimulatorProcess(assets=assets, faults=["no-such-fault"]).start()


def test_it_can_be_killed_and_started_again_at_the_same_address(assets: Path) -> None:
    with SimulatorProcess(assets=assets) as first:
        task_id = PlainClient(first).create_task()
        port = first.port
        first.kill()
    with SimulatorProcess(assets=assets, port=port) as second:
        assert second.url == first.url
        assert PlainClient(second).status(task_id).status_code == 404


def test_the_start_up_configuration_comes_back_with_a_reset(assets: Path) -> None:
    with SimulatorProcess(assets=assets, faults=["create-402"], key="sk-another") as simulator:
        client = PlainClient(simulator)
        assert client.create().status_code == 402
        simulator.configure(faults=[])
        assert client.create().status_code == 200
        simulator.reset()
        assert client.create().status_code == 402


def test_a_taken_port_is_explained(assets: Path) -> None:
    with SimulatorProcess(assets=assets) as first, pytest.raises(RuntimeError, match="Cannot listen"):
        SimulatorProcess(assets=assets, port=first.port).start()


def test_models_that_are_there_are_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nfrom pathlib import Path\n(Path(sys.argv[1]) / 'robot.glb').write_bytes(b'1')\n")
    monkeypatch.setattr("tests.simulator.models.SCRIPT", script)
    models = ensure_models(tmp_path / "models")
    assert (models / "robot.glb").read_bytes() == b"1"
    (models / "robot.glb").write_bytes(b"2")
    assert (ensure_models(models) / "robot.glb").read_bytes() == b"2"
    script.write_text(script.read_text().replace("b'1'", "b'3'"))
    assert (ensure_models(models) / "robot.glb").read_bytes() == b"3"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models", "script.py"]


def test_models_that_cannot_be_made_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "script.py"
    script.write_text("raise ModuleNotFoundError(\"No module named 'bpy'\")\n")
    monkeypatch.setattr("tests.simulator.models.SCRIPT", script)
    with pytest.raises(ModelsError, match="has no bpy"):
        ensure_models(tmp_path / "models")
    assert not (tmp_path / "models" / STAMP).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]
