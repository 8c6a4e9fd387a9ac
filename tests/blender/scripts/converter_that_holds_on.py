# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second Blender whose importer never returns and lets no other Python run, as a loop in C can.

Its first argument is the script of the real one; the rest is the same. A file `held` beside the model says that it has
begun with that.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def main() -> None:
    spec = importlib.util.spec_from_file_location("conversion_script", sys.argv[1])
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    real = importlib.import_module

    def spoilt(name: str) -> ModuleType:
        module = real(name)
        vars(module)["importers"].import_file = hold_on
        return module

    script.importlib.import_module = spoilt
    script.main()


def hold_on(path: Path, *_arguments: object, **_options: object) -> None:
    sleep = ctypes.PyDLL(None).sleep
    path.with_name("held").touch()
    # Called through PyDLL, a function keeps Python to itself.
    sleep(600)


if __name__ == "__main__":
    main()
