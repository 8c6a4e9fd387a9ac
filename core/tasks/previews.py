# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prepared models that still need a picture: made one at a time, while no model waits. No bpy here.

A picture takes longer than the preparation of most models, and nobody waits for it.
"""

from __future__ import annotations


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
