# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts a second Blender and gives it an order, as Blender does; a test kills it then. No bpy here.

Its argument is JSON: `words` of the command, `scratch`, and `order`, or none. The child's process number is printed
when it has begun with the order; without one, when it waits for it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from core.tasks.converter_process import Child


def main() -> None:
    plan = json.loads(sys.argv[1])
    settings = {"memory": 4 * 1024**3, "idle": 600.0, "seconds": plan.get("seconds", 600.0)}
    child = Child(tuple(plan["words"]), settings, Path(plan["scratch"]))
    awaited = ["ready"]
    if plan["order"]:
        child.ask(plan["order"])
        awaited.append("begun")
    for word in awaited:
        message = child.messages.get(timeout=60.0)
        assert message is not None and message["tokenlab"] == word, message
    print(child.number, flush=True)
    time.sleep(600.0)


if __name__ == "__main__":
    main()
