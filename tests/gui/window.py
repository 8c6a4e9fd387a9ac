# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender window on a virtual screen, driven by simulated mouse and keyboard events. No bpy in this process.

Blender comes from the folder that root.sh builds. agent.py runs inside it and executes what this file sends.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tests.tiers import PRIVATE_VARIABLES

HERE = Path(__file__).resolve().parent
SUITES = {"5.2": "sid", "4.3": "trixie"}
"""By Blender version, the Debian suite that has it; $BLENDER_WINDOW chooses."""
VERSION = os.environ.get("BLENDER_WINDOW") or "5.2"
ENDINGS = HERE.parents[1] / "out" / "gui" / VERSION
"""Where each test leaves a picture of how it ended."""
PICTURES = Path(os.environ.get("TOKENLAB_PICTURES") or ENDINGS)
"""Where the tests leave the pictures that they take on purpose; docs/images with `make pictures`."""
WIDTH, HEIGHT = 1600, 900
STEP = 10
"""Pixels between two looks for a button, so that each is met twice."""
BUILD_LIMIT = 900.0
START_LIMIT = 120.0
TOOL_LIMIT = 60.0
EVENT_LIMIT = 10.0
QUIT_LIMIT = 10.0
QUIT_LATER = "bpy.app.timers.register(lambda: bpy.ops.wm.quit_blender() and None, first_interval=0.05)"
SCREENSHOT = """
import sys
from PIL import ImageGrab
box = tuple(map(int, sys.argv[3:])) or None
ImageGrab.grab(bbox=box, xdisplay=sys.argv[1]).save(sys.argv[2], optimize=True)
"""

Point = tuple[int, int]


class WindowError(RuntimeError):
    """Blender went away, did not do what was asked in time, or has no such button."""


def missing_window() -> str:
    """Build the folder with Blender if it is missing; say in a sentence why this machine has no window, or nothing."""
    if VERSION not in SUITES:
        return f"there is no window of Blender {VERSION} to be had, only of {' and '.join(SUITES)}."
    if sys.platform != "linux":
        return "the window is built from Debian's packages, and this is not Linux."
    done = subprocess.run(
        ["bash", str(HERE / "root.sh"), SUITES[VERSION]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_LIMIT,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout.strip().splitlines()[-1]


class Window:
    """One Blender with one window, in a profile of its own. A context manager.

    Coordinates are Blender's: pixels, from the lower left corner of the window.
    """

    def __init__(self, extension_zip: Path, environment: Mapping[str, str]) -> None:
        # Below /tmp, which Blender's folder shares; and short, because the path of a unix socket must be.
        self.folder = Path(tempfile.mkdtemp(prefix="tokenlab-gui-", dir="/tmp"))
        self.log = self.folder / "blender.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._zip = Path(shutil.copy(extension_zip, self.folder))
        self._installed = extension_zip.with_suffix(f".{VERSION}.installed")
        """A profile that has this zip, made by the first window."""
        self._environment = self._clean_environment(environment)
        self._stream: IO[str] | None = None

    def __enter__(self) -> Window:
        try:
            self._start_screen()
            self._install_extension()
            self._start_blender()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Blender's main thread

    def run(self, code: str) -> Any:
        """Run the code in Blender; return the value of its last expression, which JSON must be able to hold."""
        if self._stream is None:
            raise WindowError("Blender is not running")
        self._stream.write(json.dumps({"code": code}) + "\n")
        self._stream.flush()
        line = self._stream.readline()
        if not line:
            raise WindowError(f"Blender went away:\n{self.log_text()[-4000:]}")
        reply = json.loads(line)
        if "error" in reply:
            raise WindowError(reply["error"])
        return reply["value"]

    def wait(self, expression: str, limit: float = EVENT_LIMIT) -> Any:
        """Wait until the expression is true in Blender; return its value."""
        deadline = time.monotonic() + limit
        while True:
            value = self.run(expression)
            if value:
                return value
            if time.monotonic() > deadline:
                raise WindowError(f"after {limit:.0f} s this was still false: {expression}")
            time.sleep(0.02)

    def settle(self, turns: int = 3) -> None:
        """Let Blender handle its events and draw."""
        for _ in range(turns):
            self.run("None")

    # Mouse and keyboard

    def click(self, button: str | Point) -> None:
        """Click a button, named by a part of what it runs or sets, such as "tokenlab.generate" or "tokenlab.prompt"."""
        x, y = self._place(button)
        self.run(f"move({x}, {y})")
        self.settle()
        self.run(f"tap('LEFTMOUSE', {x}, {y})")
        self.settle()

    def fill(self, field: str | Point, text: str) -> None:
        """Replace the text of a field, and confirm with the enter key."""
        x, y = self._place(field)
        self.click((x, y))
        self.run(f"tap('LEFTMOUSE', {x}, {y})")  # the second click of a double click, as users do it
        self.settle()
        self.run(f"tap('A', {x}, {y}, ctrl=True)")
        self.run(f"type_text({text!r}, {x}, {y})")
        self.run(f"tap('RET', {x}, {y})")
        self.settle()

    def key(self, key: str, **modifiers: bool) -> None:
        """Press a key (Blender's name of it) with the pointer in the middle of the 3D Viewport."""
        x, y = self.run("a = viewport(); [a.x + a.width // 2, a.y + a.height // 2]")
        self.run(f"move({x}, {y})")
        self.settle()
        self.run(f"tap({key!r}, {x}, {y}, **{modifiers!r})")
        self.settle()

    def open_sidebar(self, tab: str) -> None:
        """Open the 3D Viewport's sidebar on this tab."""
        self.run("viewport().spaces.active.show_region_ui = True")
        # The tabs exist once the region has been drawn.
        self.wait("sidebar().width > 50")
        self.settle()
        self.run(f"sidebar().active_panel_category = {tab!r}; viewport().tag_redraw()")
        self.settle()

    def scroll(self) -> None:
        """Turn the wheel over the sidebar, down to its end."""
        x, y = self.run("r = sidebar(); [r.x + r.width // 2, r.y + r.height // 2]")
        self.run(f"move({x}, {y})")
        for _ in range(30):
            self.run(f"tap('WHEELDOWNMOUSE', {x}, {y})")
        self.settle(5)

    def buttons(self, wanted: str = "") -> dict[str, Point]:
        """Find the sidebar's buttons: what each runs or sets, and where it is.

        Blender tells nobody where its buttons are, so the pointer goes down the sidebar and asks at each step.

        :param wanted: a part of what a button runs or sets: nothing below that one is looked for.
        """
        x, y, width, height = self.run("r = sidebar(); [r.x, r.y, r.width, r.height]")
        column = int(x + width * 0.6)
        rows = self.run(f"scan({column}, {y + height - STEP}, {y}, {STEP}, {wanted!r})")
        return {name: (column, sum(found) // len(found)) for name, found in rows.items()}

    def _place(self, button: str | Point) -> Point:
        if not isinstance(button, str):
            return button
        found = self.buttons(button)
        places = [place for name, place in found.items() if button in name]
        if not places:
            raise WindowError(f"no button {button!r} among {sorted(found)}")
        return places[0]

    # Looking

    def blender(self, *arguments: str) -> str:
        """Run a second Blender, without a window, in the same profile; return what it printed."""
        return self._tool("blender", *arguments)

    def picture(self, file: Path) -> Path:
        """Save what the screen shows of the sidebar."""
        x, y, width, height = self.run("r = sidebar(); [r.x, r.y, r.width, r.height]")
        return self.screenshot(file, (x, HEIGHT - y - height, x + width, HEIGHT - y))

    def screenshot(self, file: Path, box: tuple[int, int, int, int] | None = None) -> Path:
        """Save what the screen shows; Blender's own screenshot is black on a virtual screen.

        :param box: left, top, right and bottom of a part, in pixels from the upper left corner.
        """
        taken = self.folder / "screenshot.png"
        self._tool("python3", "-c", SCREENSHOT, self._environment["DISPLAY"], str(taken), *map(str, box or ()))
        file.parent.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(taken, file))

    def log_text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    # Processes

    def close(self) -> None:
        """Quit Blender as a user does, then end whatever is left. May be called again."""
        if self._stream is not None:
            self._quit()
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(QUIT_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def quit(self) -> int:
        """Quit Blender as a user does; return its exit status."""
        self.run(QUIT_LATER)
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        return self._processes[-1].wait(QUIT_LIMIT)

    def _quit(self) -> None:
        try:
            self.quit()
        except (OSError, WindowError, subprocess.TimeoutExpired) as error:
            # It crashed or hangs; the test has failed by other means, and close() ends it.
            print(f"Blender did not quit: {error}", file=sys.stderr)

    def _start_screen(self) -> None:
        read_end, write_end = os.pipe()
        size = f"{WIDTH}x{HEIGHT}x24"
        command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", size, "-nolisten", "tcp", "-noreset"]
        self._start(command, self.folder / "screen.log", pass_fds=(write_end,))
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise WindowError(f"no virtual screen:\n{(self.folder / 'screen.log').read_text()}")
        self._environment["DISPLAY"] = f":{number}"

    def _install_extension(self) -> None:
        if self._installed.is_dir():
            shutil.copytree(self._installed, self.folder / "user", dirs_exist_ok=True)
            return
        command = ["--command", "extension", "install-file", "--repo", "user_default", "--enable", str(self._zip)]
        output = self.blender(*command)
        # Its exit status is 0 in any case, and it sometimes says nothing though it has worked.
        if not list(self.folder.glob("user/extensions/user_default/*/blender_manifest.toml")):
            raise WindowError(f"Blender did not install the zip:\n{output}")
        shutil.copytree(self.folder / "user", self._installed)

    def _start_blender(self) -> None:
        shutil.copy(HERE / "agent.py", self.folder)
        geometry = ["--window-geometry", "0", "0", str(WIDTH), str(HEIGHT)]
        options = ["-noaudio", "--no-window-focus", "--gpu-backend", "opengl", "--enable-event-simulate", *geometry]
        self._start(["blender", *options, "--python", str(self.folder / "agent.py")], self.log)
        self._connect()
        self.wait("drawn[0] > 0", START_LIMIT)

    def _connect(self) -> None:
        deadline = time.monotonic() + START_LIMIT
        connection = socket.socket(socket.AF_UNIX)
        while True:
            try:
                connection.connect(self._environment["TOKENLAB_GUI_SOCKET"])
            except OSError as error:
                if self._processes[-1].poll() is not None or time.monotonic() > deadline:
                    raise WindowError(f"Blender did not start:\n{self.log_text()}") from error
                time.sleep(0.05)
            else:
                break
        with connection:  # the stream keeps the connection open
            self._stream = connection.makefile("rw", encoding="utf-8")

    def _start(self, command: list[str], log: Path, pass_fds: tuple[int, ...] = ()) -> None:
        with log.open("wb") as output:
            process = subprocess.Popen(
                [launcher(), SUITES[VERSION], *command],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=pass_fds,
            )
        self._processes.append(process)

    def _tool(self, *command: str) -> str:
        """Run a program of Blender's folder on the same screen; return its output."""
        return subprocess.run(
            [launcher(), SUITES[VERSION], *command],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TOOL_LIMIT,
            check=True,
        ).stdout

    def _clean_environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Make a home of its own; nothing of the user's, above all no key, gets in."""
        unwanted = ("DISPLAY", "WAYLAND_DISPLAY", *PRIVATE_VARIABLES)
        clean = {name: value for name, value in os.environ.items() if name not in unwanted}
        for name in ("user", "tmp"):
            (self.folder / name).mkdir()
        return {
            **clean,
            "HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "BLENDER_USER_RESOURCES": str(self.folder / "user"),
            "TOKENLAB_DATA_DIR": str(self.folder / "data"),
            "TOKENLAB_GUI_SOCKET": str(self.folder / "socket"),
            **more,
        }


def launcher() -> str:
    """Return the path of the program that root.sh leaves beside the folder it builds."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return str(Path(cache) / "blender-gui" / "blender-run")
