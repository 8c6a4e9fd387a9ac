# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the benchmarks, each in a process of its own: `python -m tests.bench [NAME ...]`. No bpy here.

All of them together also write the table at the top of docs/performance.md.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.bench.report import forget, write_table

HERE = Path(__file__).resolve().parent
BENCHES = ("main_thread", "polling", "start_up", "draw_cost", "download", "importing", "headless")
"""In the order of the page."""


def main() -> int:
    names = sys.argv[1:] or BENCHES
    failed = []
    forget(names)
    for name in names:
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], cwd=HERE.parents[1], check=False)
        if done.returncode:
            failed.append(name)
    if not sys.argv[1:]:
        write_table(BENCHES)
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
