# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diagnostics file: what somebody who helps has to know of an installation, and nothing private. No bpy here.

What only Blender's main thread can tell comes along as `Section`s; a worker reads the rest, writes the file and answers
with exactly one `DiagnosticsSaved`. Into the file goes what is named here and nothing else, each text without
addresses, keys and the user's name; prompts and names of pictures only if the user said so.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import sqlite3
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .. import redaction
from ..files import library
from ..text import bytes_text, one_line, public_words
from .job_context import JobContext
from .journal_file import FILE_NAME, SCHEMA_VERSION
from .journal_view import JournalView, Seen, look
from .records import DiagnosticsSaved
from .task import Task

logger = logging.getLogger(__name__)

MOST_TASKS: Final = 50
_MANIFEST: Final = Path(__file__).parents[2] / "blender_manifest.toml"
_LONGEST: Final = 2000
"""Characters of one value."""
_ECHO: Final = 30
"""So much of a prompt in somebody's sentence is taken for the prompt, however it goes on."""
_ADDRESS: Final = re.compile(r"\b[a-z][a-z0-9+.-]*:(?://|%2f%2f)\S+|\bdata:[\w.+-]+/\S+", re.IGNORECASE)
_FAILED: Final = DiagnosticsSaved("", "The diagnostics could not be put together. Look at Blender's log.")

Line = tuple[str, object]
"""A name and what is to be told; nothing is told of None and "", and True is Yes."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the file."""

    title: str
    lines: tuple[Line, ...]


def save(
    context: JobContext, *, sections: Sequence[Section], data_directory: Path, path: Path | None, include_prompts: bool
) -> None:
    """Write the file, into the data folder if no `path` is given, and tell; workers only."""
    answer = _FAILED
    try:
        target = path or data_directory / time.strftime("diagnostics-%Y%m%d-%H%M%S.txt")
        found = report(
            sections, look(data_directory / FILE_NAME, most=MOST_TASKS), context.records.all(), include_prompts
        )
        try:
            library.write_atomically(target, found.encode("utf-8", "replace"))
            answer = DiagnosticsSaved(str(target), f"Saved {public(target)}")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            answer = DiagnosticsSaved("", f"The diagnostics could not be saved ({reason}). Choose another place.")
    finally:
        context.mailbox.put(answer)


def report(sections: Sequence[Section], journal: JournalView, known: Sequence[Task], include_prompts: bool) -> str:
    """Return the text of the file.

    :param known: the tasks in memory, oldest first; they stand in for rows that cannot be read.
    """
    seen = journal.newest or tuple(Seen(task, 0.0) for task in reversed(known[-MOST_TASKS:]))
    parts = [
        Section("Versions", (*_versions(), *_of(sections, "Versions"))),
        *(section for section in sections if section.title != "Versions"),
        Section("Journal", tuple(_journal(journal))),
        Section("Tasks in Memory", tuple(Counter(task.state.value for task in known).items())),
        *(Section(f"Task {number}", tuple(_task(item, include_prompts))) for number, item in enumerate(seen, start=1)),
    ]
    prompts = "with the prompts, as was asked for" if include_prompts else "no prompt"
    head = f"TokenLab 3D Diagnostics, {_time(time.time())}\nNo key, no address of a file, {prompts}.\n"
    text = "\n".join([head, *(_text(part) for part in parts)])
    # The last line of defence: each value has been through `public_words` by now.
    return redaction.redact(_nameless(_ADDRESS.sub("…", text)))


def _of(sections: Sequence[Section], title: str) -> Iterator[Line]:
    for section in sections:
        if section.title == title:
            yield from section.lines


def _versions() -> Iterator[Line]:
    yield "TokenLab 3D", _own_version()
    yield "Python", platform.python_version()
    yield "System", platform.platform()
    yield "SQLite", sqlite3.sqlite_version
    # Nobody imports it for this: that is a worker's, when there is something to ask the service.
    requests = sys.modules.get("requests")
    yield "requests", getattr(requests, "__version__", "Unknown") if requests else "Not Loaded"


def _own_version() -> str:
    try:
        return str(tomllib.loads(_MANIFEST.read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        return "Unknown"


def _journal(journal: JournalView) -> Iterator[Line]:
    yield "Journal", journal.kind
    yield "Size", bytes_text(journal.size)
    yield "Damaged Ones Put Aside", journal.put_aside
    yield "Problem", journal.problem
    yield "Schema Version", None if journal.schema_version is None else f"{journal.schema_version} of {SCHEMA_VERSION}"
    yield "Transactions", journal.mode.upper()
    yield "Unreadable Rows", journal.unreadable
    for state, count in journal.counts.items():
        yield f"Tasks {state}", count


def _task(seen: Seen, include_prompts: bool) -> Iterator[Line]:
    """Tell of one task what helps to find it at the service, and to find out what went wrong with it."""
    task, request = seen.task, seen.task.request
    yield "State", f"{task.state.value}, revision {task.revision}{', removed' if task.removed else ''}"
    yield "Progress", task.progress
    for name, at in (
        ("Created", task.created_at),
        ("Sent", task.submitted_at),
        ("Settled", task.settled_at),
        ("In the Journal", seen.updated_at),
    ):
        yield name, _time(at)
    yield "Local ID", task.local_id
    yield "Task ID", task.task_id
    yield "Request ID", task.request_id
    yield "Billing ID", task.billing_transaction_id
    yield "Model", request.model
    yield "Format", request.format
    yield "Quality", request.quality
    yield "Seed", request.seed
    yield "Delivery Tier", request.delivery_policy
    yield "Price When Sent", " to ".join(filter(None, (task.min_price, task.max_price)))
    yield "Trial without the Service", task.is_stand_in or None
    yield "Picture", {"image": "File or Image", "image_url": "URL"}.get(request.picture_field)
    yield "Prompt", f"{len(request.prompt)} characters"
    if include_prompts:
        yield "Text of the Prompt", request.prompt
        yield "Style", request.style
        yield "Picture's Name", request.image_name
    else:
        yield "Style", "Given" if request.style else ""
    yield "Placement", f"{task.placement.size.value}, {task.placement.facing.value}"
    for name, text in (("Error", task.error), ("Note", task.note)):
        yield name, text if include_prompts else without_prompt(text, task)
    yield "Files at the Service", ", ".join(sorted(task.asset_urls))
    yield "Delivered Format", task.result_format
    yield "File Is Here", os.path.isfile(task.result_path) if task.result_path else None
    yield "Prepared by", task.blend_version
    yield "In a Saved File", task.delivered
    if task.facts:
        yield "Triangles", task.facts.triangles


def _text(part: Section) -> str:
    lines = [part.title]
    for name, value in part.lines:
        said = _said(value)
        if said:
            lines.append(f"  {name}: {said}")
    return "\n".join([*lines, ""])


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return "" if value is None else public(value)


def _time(at: float | None) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at)) if at else ""
    except (ValueError, OverflowError, OSError, TypeError):
        return "Unreadable"  # A damaged row may hold any number.


# ------------------------------------------------------------------------------
# What is nobody's business


def public(value: object) -> str:
    """Return a value as one line without addresses, keys and the name of the user."""
    text = _ADDRESS.sub("…", one_line(str(value), limit=_LONGEST))
    return redaction.redact(_nameless(public_words(text, limit=_LONGEST)))


def without_prompt(text: str, task: Task) -> str:
    """Return a sentence without what the user wrote, which the service may have quoted in it."""
    request = task.request
    for private in (request.prompt, one_line(request.prompt, limit=_LONGEST), request.style, request.image_name):
        if len(private) > 1:
            text = text.replace(private, "…")
        if len(private) > _ECHO and private[:_ECHO] in text:
            text = f"{text.partition(private[:_ECHO])[0]}…"
    return text


def _nameless(text: str) -> str:
    """Return `text` with ~ for the user's folder, and for the user's name wherever else it is in a path."""
    home = str(Path.home())
    flags = re.IGNORECASE if sys.platform in ("win32", "darwin") else 0
    for folder in {home, os.path.realpath(home), home.replace("\\", "/")}:
        if Path(folder).name:
            text = re.sub(rf"{re.escape(folder)}(?![\w.-])", "~", text, flags=flags)
    names = {Path(home).name, *(os.environ.get(name, "") for name in ("USER", "USERNAME", "LOGNAME"))}
    for name in filter(None, names):
        text = re.sub(rf"(?<=[/\\]){re.escape(name)}(?=[/\\])", "~", text, flags=flags)
    return text
