# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays the second Blender, and misbehaves at the stage and in the way that the file in its first argument names.

Stages: `start` (before it is ready), `ready` (before the first order), `begun` (when it has an order), `working` (when
it has said so), `saved` (when the model is written, with half of something beside it), `saved preview` (the same with a
picture). Ways: see `WAYS`. Writes its process number into the file `<behaviour>.pids`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    behaviour = Path(sys.argv[1])
    settings = json.loads(sys.argv[-1])
    with behaviour.with_suffix(".pids").open("a") as pids:
        pids.write(f"{os.getpid()}\n")
    Path("left-behind.tmp").write_text("as a killed Blender leaves it")
    stage, way = stage_and_way(behaviour.read_text())

    def reached(name: str) -> None:
        if name == stage:
            WAYS[way]()

    print("color_management | Using OCIO=/usr/share/config.ocio", flush=True)
    reached("start")
    say("ready", version="5.2.3", idle=settings["idle"])
    reached("ready")
    for line in sys.stdin:
        order = json.loads(line)
        reached("begun")
        say("begun")
        print("Fra:1 Mem:11.78M | Saved: somewhere", flush=True)
        reached("working")
        Path(order["blend"]).write_bytes(b"BLENDER-v502" + Path(order["source"]).read_bytes())
        Path(order["blend"] + "@").write_bytes(b"half of what Blender renames when it is whole")
        if order["do"] == "preview":
            Path(order["picture"]).write_bytes(b"\x89PNG")
            reached("saved preview")
            say("previewed")
        else:
            reached("saved")
            say("converted", facts={"triangles": 12})
        Path(order["blend"] + "@").unlink()


def stage_and_way(behaviour: str) -> tuple[str, str]:
    stage = next((stage for stage in STAGES if behaviour.startswith(f"{stage} ")), "")
    return stage, behaviour[len(stage) :].strip()


def say(word: str, **details: Any) -> None:
    print(json.dumps({"tokenlab": word, **details}), flush=True)


def end_by(number: int) -> None:
    os.kill(os.getpid(), number)


def hang() -> None:
    time.sleep(600.0)


def take_memory() -> None:
    hoard = b"\1" * (300 * 1024**2)
    hang()
    print(len(hoard))


def talk() -> None:
    while True:
        print('{"tokenlab": "begun"}', flush=True)


def write_rubbish() -> None:
    sys.stdout.buffer.write(b"\xff\x00{}\n" * 1000 + b"x" * 1_000_000 + b"\n")
    sys.stdout.flush()


STAGES = ("start", "ready", "begun", "working", "saved preview", "saved")
WAYS: dict[str, Callable[[], object]] = {
    "exits": lambda: os._exit(0),
    "crashes": lambda: end_by(signal.SIGSEGV),
    "is killed": lambda: end_by(signal.SIGKILL),
    "hangs": hang,
    "takes memory": take_memory,
    "says it is out of memory": lambda: say("out of memory"),
    "says nonsense": lambda: say("hello"),
    "says no word": lambda: print('{"tokenlab": ["converted"]}', flush=True),
    "writes broken lines": lambda: print('{"tokenlab": "conver', flush=True),
    "never stops talking": talk,
    "refuses": lambda: say(
        "refused", sentence="The delivered file holds no geometry. Try again.", detail="Traceback …"
    ),
    "refuses without a word": lambda: say("refused", sentence=None),
    "writes rubbish": write_rubbish,
}


if __name__ == "__main__":
    main()
