# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of the second Blender that prepares models: its process, its folder, its words. No bpy here.

Both sides speak in lines of JSON. What Blender itself prints stands between them, so only lines that begin with `MARK`
count, and only up to a length.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

from ..processes import is_left_behind, mark

logger = logging.getLogger(__name__)

_FOLDER: Final = "converter-"
"""How the names of the folders begin that hold what is temporary; the mark of our process follows."""
MARK: Final = '{"tokenlab": '
"""How each line of the child begins that is meant for us."""
_MAX_LINE: Final = 64 * 1024
_MAX_MESSAGES: Final = 1000
"""More than that after one order is no conversation; it is cut off."""
_LEFTOVER_SECONDS: Final = 86_400.0
"""After that time nobody uses a folder any more."""
_END_SECONDS: Final = 5.0
"""How long the end of a killed process may take."""

_PRIVATE: Final = "TOKENLAB_"
"""How the names of the environment variables begin that are no business of a converter: the key is among them."""


class Child:
    """A running converter. `messages` gives what it says, and None at its end."""

    def __init__(self, words: tuple[str, ...], settings: Mapping[str, object], scratch: Path) -> None:
        """Start it.

        :param words: the command line, without our own settings.
        :param settings: what the child needs to know from the start.
        :param scratch: folder for the folder of its temporary files, which go with it.
        :raises OSError: when it cannot be started.
        """
        self.folder = scratch / f"{_FOLDER}{mark()}{uuid.uuid4()}"
        """Where it works; gone when it is."""
        self.folder.mkdir(parents=True)
        self.messages: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._heard = 0
        """Messages since the last order."""
        try:
            self._process = subprocess.Popen(
                [*words, json.dumps({**settings, "folder": str(self.folder)})],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # On Windows a console window would open; elsewhere Ctrl C in a terminal is not meant for this process.
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                start_new_session=True,
            )
        except OSError:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._reader = threading.Thread(target=self._read, name="tokenlab-converter", daemon=True)
        self._reader.start()

    @property
    def number(self) -> int:
        """The process number."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.poll()

    def ask(self, order: Mapping[str, object]) -> None:
        """Send an order; a child that has ended does not get it, and says so by its end."""
        if self._process.stdin is None:
            return
        self._heard = 0
        try:
            self._process.stdin.write(json.dumps(order).encode("ascii") + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            logger.debug("The converter took no order: %s", type(error).__name__)

    def kill(self) -> None:
        """End the process now; may be called twice and by any thread."""
        self._process.kill()

    def end(self) -> None:
        """Kill the process if it runs, wait for it, and remove its folder."""
        self.kill()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            logger.warning("A converter did not end in time")
        self._reader.join(_END_SECONDS)
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except OSError as error:
                logger.debug("The converter's input was closed with bytes in it: %s", type(error).__name__)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        """No key of ours, and a folder of its own for whatever a killed Blender leaves behind."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_PRIVATE)}
        return {**kept, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self.folder))}

    def _read(self) -> None:
        """Pass on what the child says, on a thread of its own, until it ends."""
        with self._process.stdout or open(os.devnull, "rb") as stream:
            for line in _lines(stream):
                if not line.startswith(MARK.encode("ascii")):
                    continue
                self._heard += 1
                if self._heard > _MAX_MESSAGES:
                    self.kill()
                    break
                self.messages.put(_parse(line))
        self._process.wait()
        self.messages.put(None)


def remove_leftovers(scratch: Path) -> None:
    """Remove what children have left whose Blender is gone, and those that nobody can use any more."""
    try:
        folders = [path for path in scratch.iterdir() if path.name.startswith(_FOLDER)]
    except OSError:
        return
    for folder in folders:
        # Blenders on other machines cannot be asked, and on Windows none can.
        if is_left_behind(folder.name.removeprefix(_FOLDER)) or _age(folder) > _LEFTOVER_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _lines(stream: IO[bytes]) -> Any:
    """Yield the lines of a stream; longer ones than anybody of us writes come in pieces that mean nothing."""
    while line := stream.readline(_MAX_LINE):
        yield line


def _parse(line: bytes) -> Mapping[str, Any]:
    """Return what a line says; an empty message when that is nothing."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
