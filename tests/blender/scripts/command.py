# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does what `blender --command tokenlab_3d` does, where Blender is a Python module: `command.py ZIP ARGUMENT...`.

TOKENLAB_TEST_FAST makes the polls quick, TOKENLAB_TEST_OPEN names a .blend to open first.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import bpy

from tests.blender.support import MODULE, REPOSITORY, new_session


def main() -> int:
    package, *arguments = sys.argv[1:]
    if Path(os.environ["BLENDER_USER_RESOURCES"], "extensions", REPOSITORY, MODULE.rpartition(".")[2]).is_dir():
        bpy.ops.preferences.addon_enable(module=MODULE)
    else:
        bpy.ops.extensions.package_install_files(filepath=package, repo=REPOSITORY, enable_on_install=True)
    tokenlab: Any = importlib.import_module(MODULE)
    if os.environ.get("TOKENLAB_TEST_FAST"):
        session = new_session(tokenlab)
        session.engine.pacing = type(session.engine.pacing)(
            usual=0.2, slow=0.2, longest_back_off=1.0, billing=(0.2, 1.0)
        )
    if blend := os.environ.get("TOKENLAB_TEST_OPEN"):
        bpy.ops.wm.open_mainfile(filepath=blend)
    return int(tokenlab.run_command(arguments))


def end(status: int) -> None:
    """End with this exit status, also where Blender would not."""
    sys.stdout.flush()
    sys.stderr.flush()
    if bpy.app.version < (5, 0) and "io_scene_gltf2.blender.exp" in sys.modules:
        # After an export to glTF the bpy modules of 4.2 and 4.5 crash while they end, without any extension too.
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    end(main())
