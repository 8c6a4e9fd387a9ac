# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service said of its models, in memory and on disk, so that it is known without the network. No bpy here.

For workers only: reading and writing the file waits for the disk. There is no key in it, and nothing else that is
private. A file that cannot be read is no file.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..files import library
from ..service.catalogue import Catalogue, Detail, ModelInfo, as_item, is_fresh, parse_model
from ..service.contract import is_finite
from ..service.errors import Unclear
from ..service.stand_in import INFO, StandIn, is_model

if TYPE_CHECKING:
    from ..service.client import Client
    from .pacing import Budget

logger = logging.getLogger(__name__)

FILE_NAME: Final = "models.json"
_VERSION: Final = 1
_MAX_BYTES: Final = 8 * 1024 * 1024
"""A catalogue of a hundred models has less than 100 KB."""
_END_OF_TIME: Final = 32_503_680_000.0
"""The year 3000."""


class ModelCache:
    """One catalogue for each service address; the file holds the one that was fetched last."""

    def __init__(self, path: Path, on_changed: Callable[[Catalogue], None]) -> None:
        """Read nothing yet.

        :param on_changed: called on a worker with each newly fetched catalogue.
        """
        self._path = path
        self._on_changed = on_changed
        self._lock = threading.Lock()
        self._known: dict[str, Catalogue] = {}

    def known(self, base_url: str) -> Catalogue:
        """Return what is known of a service's models, from the disk when it is asked for first."""
        with self._lock:
            return self._get(base_url)

    def get(self, client: Client | StandIn, base_url: str, model_id: str, budget: Budget) -> ModelInfo | None:
        """Return what a model takes, asking unless that is known and fresh; None when nothing is known of it.

        The stand-in's is not the service's, and neither kept nor asked for.

        :param budget: one request of it is spent when the service has to be asked.
        :raises Refused, Busy, Unreachable, Stopped: as the client does.
        """
        if is_model(model_id):
            return INFO
        detail = self.known(base_url).details.get(model_id)
        if detail is not None and is_fresh(detail.fetched_at, time.time()):
            return detail.info
        budget.spend()
        try:
            return self.ask(client, base_url, model_id)
        except Unclear:
            return self.known(base_url).find(model_id)

    def ask(self, client: Client | StandIn, base_url: str, model_id: str) -> ModelInfo:
        """Ask what a model takes, and keep the answer.

        :raises ServiceError: as the client does.
        """
        info = client.model(model_id)
        detail = Detail(info=info, fetched_at=time.time())
        self._change(base_url, lambda known: replace(known, details={**known.details, model_id: detail}))
        return info

    def refresh(self, client: Client, base_url: str) -> None:
        """Fetch the list of models, and forget the details of those that are gone for long.

        :raises ServiceError: as the client does.
        """
        listed, now = tuple(client.models()), time.time()
        names = {model.id for model in listed}

        def renewed(known: Catalogue) -> Catalogue:
            kept = {
                name: detail
                for name, detail in known.details.items()
                if name in names or is_fresh(detail.fetched_at, now)
            }
            return replace(known, fetched_at=now, listed=listed, details=kept)

        self._change(base_url, renewed)

    def _get(self, base_url: str) -> Catalogue:
        if base_url not in self._known:
            library.remove_leftovers(self._path.parent)
            found = _read(self._path)
            self._known[base_url] = found if found.base_url == base_url else Catalogue(base_url=base_url)
        return self._known[base_url]

    def _change(self, base_url: str, change: Callable[[Catalogue], Catalogue]) -> None:
        with self._lock:
            catalogue = self._known[base_url] = change(self._get(base_url))
            # Under the lock, so that the file is not older than the memory.
            try:
                library.write_atomically(self._path, _as_text(catalogue))
            except OSError as error:
                logger.warning("The list of models was not kept on disk: %s", error.strerror)
        self._on_changed(catalogue)


def _as_text(catalogue: Catalogue) -> bytes:
    record = {
        "version": _VERSION,
        "base_url": catalogue.base_url,
        "fetched_at": catalogue.fetched_at,
        "models": [as_item(model) for model in catalogue.listed],
        "details": [
            {"id": name, "fetched_at": detail.fetched_at, "model": as_item(detail.info)}
            for name, detail in catalogue.details.items()
        ],
    }
    return json.dumps(record, indent=1).encode("ascii")


def _read(path: Path) -> Catalogue:
    """Return what the file holds; an empty catalogue when there is none, or none that can be read."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return Catalogue()
        record = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return Catalogue()
    if not isinstance(record, Mapping) or record.get("version") != _VERSION:
        return Catalogue()
    base_url = record.get("base_url")
    return Catalogue(
        base_url=base_url if isinstance(base_url, str) else "",
        fetched_at=_seconds(record),
        listed=tuple(model for item in _items(record, "models") if (model := parse_model(item))),
        details={
            str(item.get("id")): Detail(info=info, fetched_at=_seconds(item))
            for item in _items(record, "details")
            if isinstance(item, Mapping) and (info := parse_model(item.get("model")))
        },
    )


def _items(record: Mapping[str, object], key: str) -> list[object]:
    items = record.get(key)
    return items if isinstance(items, list) else []


def _seconds(record: Mapping[str, object]) -> float:
    value = record.get("fetched_at")
    return float(value) if is_finite(value) and 0 <= value < _END_OF_TIME else 0.0
