# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The second Blender that prepares models: started ahead of need, asked, watched, ended. No bpy here.

What Blender's importers do to a hostile or broken file, they do there (architecture, section 5); what is done there is
in `core/blender/conversion`. It ends by itself when it has had nothing to do for a while, and when its standard input
closes, as that does when this process dies.

`convert` and `preview` wait, and `warm_up` starts a process: workers only. `stop` may be called by any thread.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..text import public_words
from .converter_process import Child, remove_leftovers
from .process_memory import allowance, resident_bytes

logger = logging.getLogger(__name__)

_WATCH_SECONDS: Final = 0.25
"""Between two looks at a child that works."""
_HEADROOM: Final = 1.5
"""The system gives a child so many times what it may take, and nothing beyond, which mostly ends in a crash. Who takes
more than he may is to be seen before that, or the sentence would speak of the file and not of the memory."""
_STARTS: Final = 2
"""After so many failed starts in a row models are imported without a second Blender, for a while."""
_REST_SECONDS: Final = 300.0
"""So long no further start is tried: a disk that was full, or a drive that was away, may be there again then."""
_SAFE: Final = "The file is kept on disk, and nothing is charged again."
_CRASHED: Final = (
    "Blender's importer crashed on the delivered file. That happened in a second Blender, so nothing of your work is "
    f"lost. {_SAFE} Try again, or generate in another format."
)
_NONSENSE: Final = f"The second Blender, which prepares models, did not answer as it should. {_SAFE} Try again."


@dataclass(frozen=True, slots=True)
class Command:
    """How a second Blender is started."""

    words: tuple[str, ...]
    version: str
    """Of the Blender that this is: `5.2.3`."""
    formats: frozenset[str] | None = None
    """`ModelFormat` names of what it is used for; None means everything."""

    def takes(self, model_format: str) -> bool:
        """Whether a model of this format is prepared."""
        return self.formats is None or model_format in self.formats


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much, in seconds and bytes. Tests use smaller ones."""

    start: float = 60.0
    convert: float = 300.0
    preview: float = 60.0
    idle: float = 120.0
    """How long a child waits for its next order before it ends."""
    memory: int = 0
    """Bytes; 0 means what this machine allows."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a second Blender has made, to be taken away before it gets its next order."""

    folder: Path
    """Where it has put what the order names."""
    version: str
    """Of that Blender."""
    answer: Mapping[str, Any]
    """What it says of the model."""


class ConversionFailed(Exception):
    """This one model could not be prepared. The text is a user's sentence."""


class ConverterUnavailable(Exception):
    """There is no second Blender to be had."""


class ConverterStopped(Exception):
    """Blender is about to quit, or the extension is being disabled."""


class _Ended(Exception):
    """The child ended before it had answered."""


class Converter:
    """At most one child at a time, which does one thing at a time."""

    def __init__(
        self,
        scratch: Path,
        limits: Limits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[..., Child] = Child,
    ) -> None:
        """Start nothing yet.

        :param scratch: folder for the temporary files of children; need not exist.
        """
        self._scratch = scratch
        self._limits = limits or Limits()
        self._memory = self._limits.memory or allowance()
        self._clock = clock
        self._start = start
        self._turn = threading.Lock()
        """Held by the worker that uses the child."""
        self._child: Child | None = None
        self._is_ready = False
        """The child has said that it waits for orders."""
        self._version = ""
        self._failed_starts = 0
        self._failed_at = 0.0
        """Clock time of the last of them."""
        self._stopped = False

    @property
    def is_broken(self) -> bool:
        """Whether it is of no use to ask for a second Blender now."""
        return self._failed_starts >= _STARTS and self._clock() < self._failed_at + _REST_SECONDS

    def trust_again(self) -> None:
        """Forget the starts that failed, because the user wants another try; any thread."""
        self._failed_starts = 0

    def warm_up(self, command: Command) -> None:
        """Have a child started, unless there is one; returns at once, and what goes wrong is said by `convert`."""
        if not self._turn.acquire(blocking=False):
            return
        try:
            self._started(command)
        except (ConverterUnavailable, ConverterStopped) as error:
            logger.debug("No converter was started ahead: %s", type(error).__name__)
        finally:
            self._turn.release()

    def convert(self, command: Command, order: Mapping[str, object], take: Callable[[Prepared], None]) -> None:
        """Have a model prepared.

        :param take: called when it is; what is not taken away then is lost.
        :raises ConversionFailed: when that model cannot be prepared.
        :raises ConverterUnavailable: when no second Blender can be started.
        :raises ConverterStopped: at the end of this Blender.
        :raises OSError: as `take` does.
        """
        with self._turn:
            child, answer = self._ask(command, {**order, "do": "convert"}, self._limits.convert)
            said = answer["tokenlab"]
            if said == "refused" and isinstance(answer.get("sentence"), str):
                logger.warning("A model could not be prepared: %s", public_words(answer.get("detail")))
                raise ConversionFailed(public_words(answer["sentence"], limit=600))
            if said != "converted":
                self._drop()
                raise ConversionFailed(_NONSENSE)
            take(Prepared(child.folder, self._version, answer))

    def preview(self, command: Command, order: Mapping[str, object], take: Callable[[Prepared], None]) -> bool:
        """Have a picture of a prepared model made; whether there is one now.

        :raises ConverterUnavailable, ConverterStopped, OSError: as `convert` does.
        """
        with self._turn:
            try:
                child, answer = self._ask(command, {**order, "do": "preview"}, self._limits.preview)
            except ConversionFailed as error:
                logger.warning("A preview was not made: %s", error)
                return False
            if answer["tokenlab"] != "previewed":
                return False
            take(Prepared(child.folder, self._version, answer))
            return True

    def stop(self) -> None:
        """End the child, whatever it does; nothing is converted any more. May be called twice."""
        self._stopped = True
        child = self._child
        if child is not None:
            child.end()

    # A worker that has the turn

    def _ask(self, command: Command, order: Mapping[str, object], seconds: float) -> tuple[Child, Mapping[str, Any]]:
        """Give an order; return who answered, and what. A child that ends before it begins is replaced once."""
        for _ in range(_STARTS):
            child = self._ready(command)
            child.ask(order)
            with self._failures():
                try:
                    self._hear(child, ("begun",), self._limits.start)
                except _Ended:
                    self._drop()
                    continue
                return child, self._hear(child, ("converted", "refused", "previewed", "not previewed"), seconds)
        raise ConversionFailed(_CRASHED)

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn whatever a child can do into a sentence, and trust that child no more."""
        try:
            yield
        except _Ended as error:
            logger.warning("The converter ended with status %s", self._child.status if self._child else "unknown")
            self._drop()
            raise ConversionFailed(_CRASHED) from error
        except TimeoutError as error:
            self._drop()
            sentence = f"Preparing the model took longer than {error.args[0]:.0f} seconds and was given up."
            raise ConversionFailed(f"{sentence} {_SAFE} Try again, or generate in another format.") from error
        except MemoryError as error:
            self._drop()
            sentence = f"Preparing the model took more than {self._memory / 1024**3:.0f} GB of memory and was given up."
            raise ConversionFailed(f"{sentence} {_SAFE} Try again, or generate with less detail.") from error
        except ValueError as error:
            self._drop()
            raise ConversionFailed(_NONSENSE) from error

    def _hear(self, child: Child, expected: tuple[str, ...], seconds: float) -> Mapping[str, Any]:
        """Return the child's next message, which has to be one of those that are `expected`.

        :raises _Ended: when it ends instead.
        :raises TimeoutError, MemoryError, ValueError: when it takes too long (the argument says how long) or too much,
            or talks nonsense.
        """
        until = self._clock() + seconds
        while True:
            self._check_goes_on()
            try:
                message = child.messages.get(timeout=_WATCH_SECONDS)
            except queue.Empty:
                if self._clock() > until:
                    raise TimeoutError(seconds) from None
                if (resident_bytes(child.number) or 0) > self._memory:
                    raise MemoryError from None
                continue
            if message is None:
                self._check_goes_on()
                raise _Ended
            if message.get("tokenlab") == "out of memory":
                raise MemoryError
            if message.get("tokenlab") not in expected:
                raise ValueError(message.get("tokenlab"))
            return message

    def _ready(self, command: Command) -> Child:
        """Return a child that waits for an order."""
        child = self._started(command)
        if self._is_ready:
            return child
        try:
            ready = self._hear(child, ("ready",), self._limits.start)
        except (_Ended, TimeoutError, MemoryError, ValueError) as error:
            logger.warning("A second Blender did not get ready (%s, status %s)", type(error).__name__, child.status)
            self._drop()
            self._note_failed_start()
            raise ConverterUnavailable from error
        self._is_ready, self._failed_starts, self._version = True, 0, str(ready.get("version", ""))
        return child

    def _started(self, command: Command) -> Child:
        """Return the child, having started one if there was none."""
        self._check_goes_on()
        if self._child is not None and self._child.is_alive:
            return self._child
        self._drop()
        if self.is_broken:
            raise ConverterUnavailable
        remove_leftovers(self._scratch)
        memory = int(self._memory * _HEADROOM)
        settings = {"memory": memory, "idle": self._limits.idle, "seconds": self._limits.convert}
        try:
            self._child = self._start(command.words, settings, self._scratch)
        except OSError as error:
            logger.warning("A second Blender could not be started: %s", error.strerror)
            self._note_failed_start()
            raise ConverterUnavailable from error
        # `stop` may have looked for a child just before.
        self._check_goes_on()
        return self._child

    def _note_failed_start(self) -> None:
        self._failed_at = self._clock()
        self._failed_starts += 1

    def _check_goes_on(self) -> None:
        if self._stopped:
            self._drop()
            raise ConverterStopped

    def _drop(self) -> None:
        """End the child, which cannot be trusted any more or has ended."""
        child, self._child, self._is_ready = self._child, None, False
        if child is not None:
            child.end()
