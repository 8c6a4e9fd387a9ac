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
from typing import Any

from tests.simulator.process import SimulatorProcess

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = "{folder}"
"""In an argument: the folder of this run."""
NOBODY = "http://127.0.0.1:9"
_SECONDS = 600

Run = dict[str, Any]


def run_child(
    version: str,
    script: Path,
    arguments: list[str],
    simulator: SimulatorProcess | None = None,
    profile: Path | None = None,
) -> Run:
    """Run a script with the Blender of that version, and return the JSON that it prints last.

    :param simulator: the service; without one nobody answers.
    :param profile: Blender's folder, where several runs are to have the same one.
    """
    with tempfile.TemporaryDirectory(prefix="tokenlab-bench-", ignore_cleanup_errors=True) as folder:
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONDONTWRITEBYTECODE": "",  # Blender's own Python looks at no such variable
            "BLENDER_USER_RESOURCES": str(profile or Path(folder, "blender")),
            "TOKENLAB_DATA_DIR": str(Path(folder, "data")),
            "TOKENLAB_API_BASE": simulator.url if simulator else NOBODY,
            "TOKENLAB_API_KEY": simulator.key if simulator else "a key that nobody is given",
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
