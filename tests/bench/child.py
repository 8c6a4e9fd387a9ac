# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One measured run in a Blender of its own, with a profile of its own. No bpy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.simulator.process import SimulatorProcess

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = "{folder}"
"""In an argument: the folder of this run."""
_SECONDS = 600

Run = dict[str, float]


def run_child(version: str, script: Path, arguments: list[str], simulator: SimulatorProcess) -> Run:
    """Run a script with the Blender of that version, and return the JSON that it prints last."""
    with tempfile.TemporaryDirectory(prefix="tokenlab-bench-", ignore_cleanup_errors=True) as folder:
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "BLENDER_USER_RESOURCES": str(Path(folder, "blender")),
            "TOKENLAB_DATA_DIR": str(Path(folder, "data")),
            "TOKENLAB_API_BASE": simulator.url,
            "TOKENLAB_API_KEY": simulator.key,
        }
        done = subprocess.run(
            [_python(version), str(script), *(argument.replace(FOLDER, folder) for argument in arguments)],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"the run failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    run: Run = json.loads(next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{")))
    return run


def _python(version: str) -> str:
    """Return the Python of a Blender's environment."""
    command = [sys.executable, str(REPOSITORY / ".ci" / "environment.py"), "--bpy", version]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1]
