# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures of prepared models: which are there, and which are to be made, one at a time while no model waits.

A picture takes longer than the preparation of most models, and nobody waits for it. No bpy here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .records import PreviewsFound

if TYPE_CHECKING:
    from .job_context import JobContext

PREVIEW: Final = "preview.png"
"""Name of a model's picture, beside its .blend."""
_AT_ONCE: Final = 20
"""So many are told of in one event, which the main thread takes in less than a millisecond."""


class Previews:
    """By local id, in order. In memory only, on the main thread: what is not made is not missed."""

    def __init__(self) -> None:
        self._wanted: dict[str, None] = {}
        self._making = ""

    def __bool__(self) -> bool:
        """Whether any is wanted or being made."""
        return bool(self._wanted or self._making)

    @property
    def is_making(self) -> bool:
        """Whether the second Blender is at one right now."""
        return bool(self._making)

    def want(self, local_id: str) -> None:
        """Have a picture made of a model some time."""
        self._wanted[local_id] = None

    def begin(self) -> str:
        """Return the local id of the model whose turn it is, or "" when none is wanted or one is being made."""
        if self._making or not self._wanted:
            return ""
        self._making = next(iter(self._wanted))
        del self._wanted[self._making]
        return self._making

    def ended(self, local_id: str) -> None:
        """Take notice that one was made, or not."""
        if self._making == local_id:
            self._making = ""

    def clear(self) -> None:
        """Want none any more."""
        self._wanted.clear()


def picture_of(blend_path: str) -> str:
    """Return where the picture of a prepared model is, if it has one."""
    return str(Path(blend_path).with_name(PREVIEW))


def find(context: JobContext, models: Sequence[tuple[str, str]]) -> None:
    """Tell which models have a picture; workers only.

    :param models: local ids and paths of .blend files.
    """
    pictures = ((local_id, picture_of(blend)) for local_id, blend in models)
    there = [(local_id, path) for local_id, path in pictures if Path(path).is_file()]
    for first in range(0, len(there), _AT_ONCE):
        context.mailbox.put(PreviewsFound(tuple(there[first : first + _AT_ONCE])))
