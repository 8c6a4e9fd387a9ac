# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the second Blender is started with: it runs `conversion` without enabling the extension. bpy is allowed here.

A script and no module: Blender runs it by its path, so it knows no package. The folder of the extension becomes one
here, in this process alone, under a name that nobody else uses and without its `__init__`.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
from pathlib import Path

PACKAGE = "tokenlab_3d_converter"


def main() -> None:
    """Run the converter with the words after `--`."""
    spec = importlib.machinery.ModuleSpec(PACKAGE, None, is_package=True)
    spec.submodule_search_locations = [str(Path(__file__).resolve().parents[2])]
    sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    conversion = importlib.import_module(f"{PACKAGE}.core.blender.conversion")
    conversion.main(sys.argv[sys.argv.index("--") + 1 :])


if __name__ == "__main__":
    main()
