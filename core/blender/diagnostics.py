# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the diagnostics file tells of Blender and of this session, and when it was written. bpy is allowed here.

The rest, and the writing, is a worker's (`core/tasks/diagnostics`).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import bpy

from ..service.contract import DEFAULT_BASE_URL
from ..tasks import diagnostics
from ..tasks.diagnostics import Line, Section
from ..tasks.records import DiagnosticsSaved
from . import importers, models, preferences, task_list
from .properties import session_list

if TYPE_CHECKING:
    from .session import Session

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Environment variables that change how the service is reached; only whether they are set is told."""


class Diagnostics:
    """Has the file written, and remembers what came of it."""

    def __init__(self, session: Session, wake: Callable[[], None]) -> None:
        """Ask for nothing yet. `wake` makes the tick run, which brings the answer."""
        self._session = session
        self._wake = wake
        self.saved: DiagnosticsSaved | None = None
        """The last answer; None while there is none yet."""

    def save(self, path: Path | None, *, include_prompts: bool) -> None:
        """Have the file written to `path`, or into the data folder."""
        self.saved = None
        session_list().diagnostics_status = ""
        engine = self._session.engine
        job = partial(
            diagnostics.save,
            sections=tuple(_sections(self._session)),
            data_directory=engine.settings.data_directory,
            path=path,
            include_prompts=include_prompts,
        )
        engine.run(job, is_answered=True)
        self._wake()

    def take(self, saved: DiagnosticsSaved) -> None:
        """Say what came of it, and show the folder where there is a window."""
        self.saved = saved
        session_list().diagnostics_status = saved.sentence
        if saved.path and _is_watched():
            _open(Path(saved.path).parent)
        task_list.tag_redraw()


def _is_watched() -> bool:
    return not bpy.app.background


def _open(folder: Path) -> None:
    try:
        bpy.ops.wm.path_open(filepath=str(folder))
    except RuntimeError:
        # The sentence says where the file is.
        session_list().diagnostics_status += ". The system did not open the folder"


# ------------------------------------------------------------------------------
# What only the main thread can tell


def _sections(session: Session) -> Iterator[Section]:
    yield Section("Versions", tuple(_versions()))
    yield Section("Service", tuple(_service()))
    yield Section("Settings", tuple(_settings(session)))
    yield Section("Session", tuple(_session(session)))


def _versions() -> Iterator[Line]:
    yield "Blender", f"{bpy.app.version_string}, {_text(bpy.app.build_branch)} {_text(bpy.app.build_hash)}"
    yield "Window", not bpy.app.background
    yield "Import Formats", ", ".join(importers.readable_formats())


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _service() -> Iterator[Line]:
    yield "API Key", _whence("api_key", is_set=bool(preferences.get().api_key.strip()))
    address = preferences.base_url()
    yield "Service", _host(address)
    yield "Address", _whence("base_url", is_set=address != DEFAULT_BASE_URL)
    yield "Online Access", bool(bpy.app.online_access)
    yield "Decided by the Command Line", bool(bpy.app.online_access_override)
    yield "Nothing Can Be Sent", preferences.problem()
    yield "Seen Last", session_list().service_state
    yield "Last Connection Test", session_list().connection_status
    yield "Environment", ", ".join(name for name in _PROXIES if os.environ.get(name) or os.environ.get(name.lower()))
    system = bpy.context.preferences.system
    yield "Connection Limit of Blender", system.network_connection_limit
    yield "Time Limit of Blender", system.network_timeout
    known = models.shown()
    yield "Known Models", f"{len(known.catalogue.models)}, {len(known.catalogue.details)} with details"
    yield "Last Question for Models", known.error


def _host(address: str) -> str:
    """Return scheme, host and port of an address: user names and passwords may be before them, and more behind."""
    try:
        parts = urlsplit(address)
        port = f", port {parts.port}" if parts.port else ""
        return f"{parts.hostname} by {parts.scheme}{port}"
    except ValueError:
        return "Unreadable"


def _whence(name: str, *, is_set: bool) -> str:
    if preferences.environment_override(name):
        return f"Set by the environment variable {preferences.ENVIRONMENT[name]}"
    return "Set in the preferences" if is_set else "Not set"


def _settings(session: Session) -> Iterator[Line]:
    """Tell of the preferences what is no text: a text may be anything."""
    values = preferences.get()
    for item in values.bl_rna.properties:
        if item.type in ("BOOLEAN", "INT", "FLOAT", "ENUM"):
            yield item.name, getattr(values, item.identifier)
    folder = session.engine.settings.data_directory
    yield "Data Folder", folder
    yield "Data Folder Chosen", _whence("data_directory", is_set=values.is_property_set("data_directory"))
    yield "Second Blender for", _second_blender(session)


def _second_blender(session: Session) -> str:
    command = session.engine.settings.converter
    if command is None:
        return "Nothing"
    return "All Formats" if command.formats is None else ", ".join(sorted(command.formats))


def _session(session: Session) -> Iterator[Line]:
    shown = session_list()
    yield "Scenes", len(bpy.data.scenes)
    yield "File Was Saved", bool(bpy.data.filepath)
    yield "Journal Was Read", session.is_restored
    yield "Busy", session.engine.is_busy
    yield "Journal Cannot Be Used", session.engine.journal_problem
    yield "Notice", shown.notice
    yield "Tasks of Other Files", shown.tasks_elsewhere
    yield "Library", shown.library_use
    yield "Last Done with the Library", shown.library_status
    yield from Counter(f"In the List as {row.state}" for row in shown.tasks).items()
