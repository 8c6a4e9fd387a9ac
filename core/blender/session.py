# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one session of this Blender: the engine, and what its events have to do with the open file. bpy is allowed here.

Authority over a task's record is with the engine (memory and journal). Authority over whether a task's model is in this
file is here, in memory, because Blender rewinds scene properties on undo (bpy_facts C.5). The scene's custom properties
and the sidebar's list are written from both and never read back, except when a file is loaded.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import bpy

from ..service import stand_in
from ..service.address import Connection
from ..service.contract import AUTO, GenerationRequest
from ..service.errors import Duplicate, TokenLabError
from ..tasks import previews, refused_key
from ..tasks.engine import STOP_SECONDS, Engine
from ..tasks.placement import Placement
from ..tasks.records import (
    ConnectionTested,
    DiagnosticsSaved,
    Event,
    JournalFailed,
    JournalLoaded,
    JournalRebuilt,
    LedgerReport,
    LibraryReport,
    ModelsLoaded,
    OthersSeen,
    PreviewMade,
    PreviewsFound,
    ServiceSeen,
    ServiceState,
    TaskChanged,
)
from ..tasks.spending import Spending
from ..tasks.task import Task, TaskState, adopted_prompt
from . import (
    assets,
    books,
    budget,
    diagnostics,
    importing,
    input_picture,
    models,
    placeholder_watch,
    preferences,
    status_bar,
    store,
    task_list,
    thumbnails,
)
from .imports import Imports
from .listeners import Listeners
from .open_file import OpenFile
from .pictures import Picture
from .placeholder_watch import PlaceholderWatch
from .properties import form, session_list

logger = logging.getLogger(__name__)


class Session:
    """Everything that lives from the enabling of the extension to its disabling."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Start nothing yet. `wake` makes the tick run while there is something to do."""
        settings = preferences.settings()
        self._wake = wake
        self._data_directory = settings.data_directory
        self.engine = Engine(settings, user_agent=f"TokenLab3D-Blender/{bpy.app.version_string.split()[0]}")
        self.imports = Imports(self.engine, self._show_import)
        self.max_concurrent_tasks: int | None = None
        """What a command wants instead of the preference."""
        self.connection_test: ConnectionTested | None = None
        self._tested: Connection | None = None
        """What the latest connection test is about."""
        self._service: ServiceSeen | None = None
        self._rebuilt = ""
        self.has_read_journal = False
        """What was sent before this session, and by other Blenders, is known."""
        self.spending = Spending()
        self.library = assets.Library(self.engine, wake)
        self.books = books.Books(self.engine, wake)
        self.diagnostics = diagnostics.Diagnostics(self, wake)
        self._handlers: dict[type, Callable[[Any], None]] = {
            TaskChanged: self._task_changed,
            JournalLoaded: self._journal_loaded,
            OthersSeen: self._others_seen,
            JournalFailed: self._journal_failed,
            JournalRebuilt: self._journal_rebuilt,
            ConnectionTested: self._connection_tested,
            ServiceSeen: self._service_seen,
            ModelsLoaded: self._models_loaded,
            PreviewMade: self._preview_made,
            PreviewsFound: self._previews_found,
            LibraryReport: self.library.take,
            DiagnosticsSaved: self.diagnostics.take,
            LedgerReport: self.books.take,
        }
        # An earlier session may have spoken with another one.
        session_list().service_state = session_list().connection_status = ""
        self.models = models.Models(self.engine, wake)
        self.status_bar = status_bar.StatusBar(self.engine.records)
        self.placeholders = PlaceholderWatch(self.engine.records, self.imports.is_imported, wake)
        self.file = OpenFile(self.engine, self.imports, self.placeholders)
        self.listeners = Listeners(self.engine.records, self.imports.seen)

    @property
    def is_outdated(self) -> bool:
        """Whether another data folder was chosen, and nothing is going on in the old one."""
        return not self.engine.has_tasks and preferences.data_directory() != self._data_directory

    def refresh_settings(self) -> None:
        """Have the engine work with what the preferences say now; the data folder stays until the next start."""
        settings = replace(preferences.settings(), data_directory=self._data_directory)
        if self.max_concurrent_tasks is not None:
            settings = replace(settings, max_concurrent_tasks=self.max_concurrent_tasks)
        before, self.engine.settings = self.engine.settings.connection, settings
        if before != settings.connection:
            session_list().connection_status = ""  # It was about another key or address.
        if refused_key.may_know_more(before, settings.connection, self._service):
            self.ask_again()
        if self._service is not None and self._service.connection != settings.connection:
            self._service = None
            session_list().service_state = ""

    def ask_again(self) -> None:
        """Have the service asked once more about tasks of which it would tell nothing, as when the key was wrong."""
        for local_id in refused_key.ask_again(self.engine):
            self.placeholders.add(local_id)

    # The open file

    def restore(self) -> None:
        """Have the journal read for the file that is open now; what is unfinished goes on then."""
        self.refresh_settings()
        self.file.begin()
        self._wake()

    @property
    def is_restored(self) -> bool:
        """Whether the journal was read since the file was opened."""
        return self.file.is_restored

    def file_saved(self) -> None:
        """Note which models are on disk now, and for the ledger where tasks of a file without a name belong."""
        self.file.note_delivered()
        for task in self.engine.records.without_project():
            if bpy.data.filepath and store.find_scene(task.scene_id) is not None:
                self.engine.records.change(task.local_id, project=bpy.data.filepath)
        self._wake()

    def after_undo_or_redo(self) -> None:
        """Put tasks back as they are: history takes back an import, never a task, and starts nothing."""
        self.imports.after_history()
        self.file.mirror()
        self._wake()  # A deleted scene may be there again, with a model that it waits for.

    # What the user asks for

    def generate(
        self,
        request: GenerationRequest,
        scene: bpy.types.Scene,
        *,
        picture: Picture,
        placement: Placement,
        confirm_duplicate: bool,
        **purpose: str,
    ) -> Task:
        """Send a request for `scene`; returns at once.

        :param purpose: `output_path`, `batch` and `batch_row` of the task.
        :raises Duplicate: when the same was asked for a short while ago, and that is not confirmed.
        :raises TokenLabError: when nothing can be sent now.
        """
        is_sent = not stand_in.is_model(request.model)
        sentence = (preferences.problem() if is_sent else "") or self.engine.journal_problem
        if sentence:
            if self.engine.journal_problem:
                self.engine.load_journal()  # Perhaps it can be used again, for the next time.
                self._wake()
            raise TokenLabError(sentence)
        if scene.library is not None:
            raise TokenLabError(
                "The scene is linked from another file. Nothing was sent. Open that file, or use another."
            )
        self.refresh_settings()
        earlier = None if confirm_duplicate else self.engine.recent_duplicate(request, picture.key)
        if earlier is not None:
            raise Duplicate(time.time() - earlier.created_at)
        task = self.engine.submit(
            request,
            store.scene_id(scene),
            placement=placement,
            picture_path=picture.path,
            picture_key=picture.key,
            project=bpy.data.filepath,
            **purpose,
        )
        self.spending.generated(task, budget.price_of(request.model))
        if budget.has_month_limit():
            self.engine.load_journal()  # What other Blenders send counts as well.
        self.imports.wait_for(task.local_id)
        self.file.mirror_entry(task)
        self.file.show_tasks()
        task_list.select(task.local_id)
        self.placeholders.add(task.local_id)
        self._wake()
        return task

    def submit_again(self, local_id: str) -> bool:
        """Send an uncertain task once more, at the risk of paying twice."""
        self._check_owner(local_id)
        self.refresh_settings()
        has_begun = self.engine.submit_again(local_id)
        self._count(local_id)
        return self._go_on(local_id, has_begun)

    def attach(self, local_id: str, task_id: str, scene: bpy.types.Scene) -> bool:
        """Go on with an uncertain task, or with one that is not in the list, under the service's id of it.

        :raises TokenLabError: when a task in the list has that id already.
        """
        self.refresh_settings()
        self._check_is_new(task_id)
        if local_id:
            self._check_owner(local_id)
            return self._go_on(local_id, self.engine.attach(local_id, task_id))
        request = GenerationRequest(prompt=adopted_prompt(task_id), format=AUTO)
        task = self.engine.adopt_task_id(task_id, request, store.scene_id(scene))
        self.imports.wait_for(task.local_id)
        self.file.mirror()
        self.placeholders.add(task.local_id)
        task_list.select(task.local_id)
        self._wake()
        return True

    def _check_is_new(self, task_id: str) -> None:
        if stand_in.is_task_id(task_id):
            raise TokenLabError(
                "This ID belongs to a trial model, of which the service knows nothing. Nothing was changed. "
                "Look for another ID in the dashboard."
            )
        for task in self.engine.records.all():
            is_listed = store.find_scene(task.scene_id) is not None or task_list.is_open_elsewhere(task)
            if task.task_id == task_id and is_listed:
                raise TokenLabError(
                    f"This ID belongs to a task that is in the list already: {task.title}. Nothing was changed. "
                    "Use that one, or look for another ID in the dashboard."
                )

    def _check_owner(self, local_id: str) -> None:
        if self.engine.is_followed(local_id):
            raise TokenLabError(
                "Another Blender is working on this task. Its model arrives here too. Use that Blender, or close it."
            )

    def resume(self, local_id: str) -> bool:
        """Go on with a task that was given up, that failed to arrive, or that was never sent."""
        self._check_owner(local_id)
        self.engine.trust_converter()
        has_begun = self.engine.resume(local_id)
        self._count(local_id)
        return self._go_on(local_id, has_begun)

    def _count(self, local_id: str) -> None:
        """Have a task that is to be sent count towards the limits of this session, whenever it was generated."""
        task = self.engine.records.get(local_id)
        if task is not None and task.state is TaskState.QUEUED:
            self.spending.generated(task, budget.price_of(task.request.model))

    def _go_on(self, local_id: str, has_begun: bool) -> bool:
        """Have the model come by itself of a task that the user wants to go on, whatever the file thought of it."""
        if has_begun:
            if local_id not in importing.imported_collections():
                self.imports.wait_for(local_id)
            self.placeholders.add(local_id)
        self._wake()
        return has_begun

    def stop_waiting(self, local_id: str) -> bool:
        """Ask no more about a task; it goes on at the service."""
        self._check_owner(local_id)
        has_stopped = self.engine.stop_waiting(local_id)
        self._wake()
        return has_stopped

    def test_connection(self) -> None:
        """Have the key tested at the service; `connection_test` tells what came of it."""
        self.refresh_settings()
        self.connection_test, self._tested = None, self.engine.settings.connection
        session_list().connection_status = f"Asking {self.engine.settings.connection.host}…"
        self.engine.test_connection()
        self._wake()

    def import_now(self, local_id: str, scene: bpy.types.Scene | None = None, *, is_clicked: bool = False) -> str:
        """Import a task's model, or have it prepared for that (`Imports.import_now`).

        :raises TokenLabError: when that cannot be.
        """
        self.refresh_settings()
        try:
            return self.imports.import_now(local_id, scene, is_clicked=is_clicked)
        finally:
            self._wake()

    def remove(self, local_id: str) -> bool:
        """Take a task off the list, out of its scene too."""
        self._check_owner(local_id)
        return self.remove_all([local_id]) == 1

    def remove_all(self, local_ids: Sequence[str]) -> int:
        """Take tasks off the list, out of their scenes too; return how many there were."""
        count = 0
        for local_id in local_ids:
            task = self.engine.records.get(local_id)
            if task is None or self.engine.is_followed(local_id) or not self.engine.remove(local_id):
                continue
            scene = store.find_scene(task.scene_id)
            if scene is not None:
                store.remove_entry(scene, local_id)
            self.imports.drop(local_id)
            count += 1
        self.file.show_tasks()
        self.placeholders.look()
        return count

    def listen(self, local_id: str, callback: Callable[[], object]) -> None:
        """Have a function called whenever a task changes (`Listeners.add`)."""
        self.listeners.add(local_id, callback)
        self._wake()

    # What the tick asks for

    def keep_up_models(self) -> None:
        """Have the service asked what is not known of its models and of those that visible forms have chosen."""
        scenes = {window.scene for window in bpy.context.window_manager.windows} or {bpy.context.scene}
        self.models.keep_up(sorted({models.chosen(form(scene)) for scene in scenes}))

    def handle(self, event: Event) -> None:
        """Write down what a worker has brought."""
        if handler := self._handlers.get(type(event)):
            handler(event)

    def _task_changed(self, event: TaskChanged) -> None:
        self.library.notice(event.task)
        self.spending.note(event.task)
        self.books.note([event.task])
        self.status_bar.note(event.task)
        task = self.engine.records.get(event.task.local_id)
        if task is not None:
            self.file.mirror_entry(task)
            self.file.show_task(task)
            self.placeholders.note(task)

    def _journal_loaded(self, event: JournalLoaded) -> None:
        self.has_read_journal = True
        session_list().notice = self._rebuilt  # Often by this very reading, and true for the whole session.
        self.spending.take(row.task for row in event.rows)
        self.books.note(row.task for row in event.rows)
        self.file.take(event.rows)
        thumbnails.look_for(self.engine)
        self.library.keep_up()

    def _others_seen(self, event: OthersSeen) -> None:
        self.file.take_others(event.rows)
        if any(row.is_ours and row.task.blend_path for row in event.rows):
            thumbnails.look_for(self.engine)

    def _journal_failed(self, event: JournalFailed) -> None:
        session_list().notice = event.sentence
        if not self.is_restored:
            self.file.take(())

    def _journal_rebuilt(self, event: JournalRebuilt) -> None:
        session_list().notice = self._rebuilt = event.sentence

    def _connection_tested(self, event: ConnectionTested) -> None:
        self.connection_test = event
        if self.engine.settings.connection == self._tested:
            session_list().connection_status = event.sentence
        task_list.tag_redraw()

    def _service_seen(self, event: ServiceSeen) -> None:
        self._service = event
        session_list().service_state = event.state.value
        if event.state is ServiceState.KEY_REFUSED:
            session_list().connection_status = ""  # The key was accepted then, and is not any more.
        task_list.tag_redraw()

    def _models_loaded(self, event: ModelsLoaded) -> None:
        self.models.take(event)
        task_list.tag_redraw()

    def _preview_made(self, event: PreviewMade) -> None:
        task = self.engine.records.get(event.local_id) if event.is_there else None
        if task is not None and task.blend_path:
            self._previews_found(PreviewsFound(((task.local_id, previews.picture_of(task.blend_path)),)))

    def _previews_found(self, event: PreviewsFound) -> None:
        thumbnails.take(event.pictures)
        task_list.tag_redraw()

    def _show_import(self, task: Task) -> None:
        """A model has come into the file, or does not come by itself any more."""
        if self.imports.is_imported(task.local_id):
            self.status_bar.imported(task)
        self.file.mirror_entry(task)
        self.file.show_tasks()
        self.placeholders.look()


_session: Session | None = None
_wake: Callable[[], None] | None = None


def start(wake: Callable[[], None]) -> None:
    """Allow a session, when the extension is enabled; it is made when it is first asked for."""
    global _wake  # noqa: PLW0603  # the one session of this Blender
    _wake = wake


def stop(timeout: float = STOP_SECONDS) -> None:
    """End the session's threads, when the extension is disabled or Blender quits. May be called twice."""
    global _session, _wake  # noqa: PLW0603
    if _session is not None:
        _session.engine.stop(timeout)
    store.forget_scenes()
    input_picture.forget()
    models.forget()
    placeholder_watch.forget()
    status_bar.forget()
    thumbnails.forget()
    _session = _wake = None


def current() -> Session:
    """Return the session; another one once the data folder was changed and the old one has nothing to do.

    :raises TokenLabError: when the extension is disabled.
    """
    global _session  # noqa: PLW0603
    if _wake is None:
        raise TokenLabError("TokenLab 3D is not enabled. Enable it in the preferences under Add-ons.")
    if _session is not None and _session.is_outdated:
        _session.engine.stop()
        _session = None
    if _session is None:
        _session = Session(_wake)
        _session.restore()
    return _session


def known_tasks() -> list[Task]:
    """Return the tasks of the session, oldest first; begins none, so it may be asked at every redraw."""
    return _session.engine.records.all() if _session is not None else []


def spending_words() -> str:
    """Return what may have been spent, as sentences, or ""; begins no session, so it may be asked at every redraw."""
    return budget.words(_session.spending) if _session is not None else ""


def ledger_words() -> str:
    """Return what the tasks of this month cost, as a sentence, or ""; begins no session either."""
    return _session.books.month_words if _session is not None else ""


def file_opened(*, is_new_file: bool) -> None:
    """Take up the tasks of the file that was just opened; a new one is without tasks, whatever the startup file has."""
    store.know_scenes(is_new_file=is_new_file)
    if _session is not None:
        _session.restore()
    elif is_to_begin():
        current()


def is_to_begin() -> bool:
    """Whether a session has a part in what happens in Blender: in the background only once a script asked for one.

    No timer runs there: while it renders it would hold all that is unfinished, and go on with none of it.
    """
    return _session is not None or not bpy.app.background


def is_enabled() -> bool:
    """Whether there may be a session."""
    return _wake is not None
