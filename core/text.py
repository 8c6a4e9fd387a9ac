# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text from outside made safe to keep and to show. No bpy here."""

from __future__ import annotations

import re

_PRIVATE = re.compile(r"\b(?:https?://|data:[\w.+-]+/)\S+|\b(?:sk|mt)-[\w-]{8,}", re.IGNORECASE)
"""An address (it may be signed), a picture, or a key of the service."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_KILO = 1024
_MAX_NAME_BYTES = 60
"""A few are left for `.001`."""


def clean_text(value: object, *, limit: int = 4000) -> str:
    """Return `value` as text that Blender can store, or "" when it is not a string.

    Lone surrogates are legal in JSON but end Blender with a crash when stored in a custom property, and NUL cuts a
    string there. At most `limit` characters are kept.
    """
    if not isinstance(value, str):
        return ""
    without_surrogates = value[:limit].encode("utf-8", "replace").decode("utf-8")
    return without_surrogates.replace("\0", "").strip()


def one_line(value: object, *, limit: int = 300) -> str:
    """Return `value` as one line of at most `limit` characters, for a sentence or a name."""
    words = " ".join(clean_text(value).split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def public_words(value: object, *, limit: int = 300) -> str:
    """Return somebody else's words as one line without addresses and keys, for a sentence that may be saved."""
    return one_line(_PRIVATE.sub("…", one_line(value, limit=4000)), limit=limit)


def spreadsheet_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def bytes_text(count: int) -> str:
    """Return a number of bytes in words, as Blender counts them: a kilobyte has 1024 bytes."""
    if count < _KILO:
        return f"{count} bytes"
    size = float(count)
    for unit in ("KB", "MB"):
        size /= _KILO
        # Rounded, it would be a thousand of this unit, or more.
        if round(size) < _KILO:
            return f"{size:.0f} {unit}"
    return f"{size / _KILO:.1f} GB"


def data_name(title: str) -> str:
    """Return what a collection or an object is called after a task: Blender 4.x cuts names at 63 bytes."""
    name = one_line(title).encode("utf-8")[:_MAX_NAME_BYTES].decode("utf-8", "ignore").strip()
    return name or "TokenLab 3D"
