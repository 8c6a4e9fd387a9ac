# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models have a picture: found out by a worker, told in small portions."""

from __future__ import annotations

import queue
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from core.tasks import previews
from core.tasks.records import PreviewsFound


def test_the_pictures_that_are_there_are_told_of_a_few_at_a_time(tmp_path: Path) -> None:
    models = [(f"task {number}", str(tmp_path / str(number) / "model.blend")) for number in range(50)]
    with_picture = models[::2]
    for _, blend in with_picture:
        Path(blend).parent.mkdir()
        Path(previews.picture_of(blend)).write_bytes(b"a picture")
    context: Any = SimpleNamespace(mailbox=queue.SimpleQueue())
    previews.find(context, models)
    events = []
    while not context.mailbox.empty():
        events.append(context.mailbox.get())
    assert all(isinstance(event, PreviewsFound) and len(event.pictures) <= 20 for event in events)
    told = [picture for event in events for picture in event.pictures]
    assert told == [(local_id, previews.picture_of(blend)) for local_id, blend in with_picture]
