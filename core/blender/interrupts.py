# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ctrl C while a script or a command waits. No bpy is needed here.

Blender keeps SIGINT for itself, and says nothing of it to Python. The first one is therefore noted, and acted on where
nothing is half done; a second one acts at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_requested = [False]
"""Whether an interrupt was noted; a list, since a signal handler changes it."""
_depth = [0]


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """Note interrupts as long as this lasts, for `check`; afterwards all is as it was. May be nested.

    Python takes signals on its main thread alone: elsewhere nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread() or _depth[0]:
        yield
        return
    restore = _take_over()
    _depth[0], _requested[0] = 1, False
    try:
        yield
    finally:
        _depth[0] = 0
        restore()


def check() -> None:
    """Act on an interrupt that was noted.

    :raises KeyboardInterrupt: when there was one.
    """
    if _requested[0]:
        _requested[0] = False
        raise KeyboardInterrupt


def _note(_number: int, _frame: FrameType | None) -> None:
    if _requested[0]:
        raise KeyboardInterrupt
    _requested[0] = True


def _take_over() -> Callable[[], object]:
    """Take SIGINT over and return what gives it back."""
    # Blender's own handler is not Python's, so that Python can neither name it nor put it back.
    get, put = _python_function("PyOS_getsig", ctypes.c_void_p), _python_function("PyOS_setsig", ctypes.c_void_p)
    address = get(int(signal.SIGINT))
    before = signal.signal(signal.SIGINT, _note)

    def restore() -> None:
        if before is not None:
            signal.signal(signal.SIGINT, before)
        put(int(signal.SIGINT), ctypes.c_void_p(address))

    return restore


def _python_function(name: str, result: Any) -> Any:
    function = getattr(ctypes.pythonapi, name)
    function.restype = result
    function.argtypes = [ctypes.c_int] if name == "PyOS_getsig" else [ctypes.c_int, ctypes.c_void_p]
    return function
