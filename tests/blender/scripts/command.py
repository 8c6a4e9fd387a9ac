# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does what `blender --command tokenlab_3d` does, where Blender is a Python module: `command.py ZIP ARGUMENT...`.

TOKENLAB_TEST_FAST makes the polls quick.
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
        new_session(tokenlab)
    return int(tokenlab.run_command(arguments))


if __name__ == "__main__":
    sys.exit(main())
