# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps keys and signed addresses out of the log. No bpy here.

A filter on a logger does not see what is logged below it, so each logger of ours gets it. Those of urllib3 that write
down addresses get it too: they tell them at their most talkative level, and warn with them of odd headers.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import re
import threading
from collections.abc import Iterator
from typing import Final

_GAP: Final = "…"
_PATTERNS: Final = (
    # What follows the header's name, quoted or not, with or without the scheme.
    (re.compile(r"(authorization['\"]?\s*[:=]\s*['\"]?)[^'\"\r\n,}]+", re.IGNORECASE), rf"\1{_GAP}"),
    (re.compile(r"(\bbearer\s+)[^\s'\",}]+", re.IGNORECASE), rf"\1{_GAP}"),
    (re.compile(r"\b(?:sk|mt)-[\w-]{8,}"), _GAP),
    # The signature of an address is in its query; user names and passwords are before its host.
    (re.compile(r"(https?://)[^\s/@'\"]+@", re.IGNORECASE), rf"\1{_GAP}@"),
    (re.compile(r"((?:https?:/)?/[^\s?'\"<>]*\?)[^\s'\"<>]+", re.IGNORECASE), rf"\1{_GAP}"),
)
_OTHERS: Final = ("urllib3.connection", "urllib3.connectionpool", "urllib3.util.retry")
_SHORTEST: Final = 8
"""Characters of a key; a shorter one would blot out ordinary words."""

_lock = threading.Lock()
_forms: set[str] = set()
"""Every spelling of every key that was used."""


def remember(key: str) -> None:
    """Take notice of a key that must not be told."""
    if len(key) < _SHORTEST:
        return
    with _lock:
        _forms.update(spellings(key))


def spellings(key: str) -> set[str]:
    """Return how a key can look: as it is, and within base64, which depends on what stands before it."""
    found = {key}
    for shift in range(3):
        data = bytes(shift) + key.encode("utf-8", "replace")
        data = data[: len(data) // 3 * 3]
        # The first characters also hold what stood before.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(data).decode("ascii")[4 if shift else 0 :])
    return {form for form in found if len(form) >= _SHORTEST}


def redact(text: str) -> str:
    """Return `text` without keys, authorization headers and the queries of addresses."""
    with _lock:
        forms = sorted(_forms, key=len, reverse=True)
    for form in forms:
        text = text.replace(form, _GAP)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class _Thread(threading.local):
    is_silent = False


_thread = _Thread()


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Have urllib3 write down nothing on this thread: of an address whose path is private too."""
    _thread.is_silent = True
    try:
        yield
    finally:
        _thread.is_silent = False


class _Filter(logging.Filter):
    """Lets every record pass, without what is secret in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _thread.is_silent and record.name in _OTHERS:
            return False
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            return True  # Words and arguments do not fit: logging says so by itself.
        record.msg, record.args = redact(message), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            # A formatter takes this text, and one that makes its own finds no exception to make it of.
            record.exc_text, record.exc_info = redact(record.exc_text), None
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


_filter = _Filter()


def install(package: str) -> None:
    """Have every logger of `package` redacted; to be called when its modules are imported. May be called twice."""
    for name in [package, *_OTHERS]:
        logging.getLogger(name).addFilter(_filter)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.startswith(f"{package}.") and isinstance(logger, logging.Logger):
            logger.addFilter(_filter)


def uninstall() -> None:
    """Take the filter away again, and forget the keys."""
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.removeFilter(_filter)
    with _lock:
        _forms.clear()
