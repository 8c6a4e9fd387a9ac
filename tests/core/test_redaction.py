# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log tells no key and no signed address, whatever is written into it."""

from __future__ import annotations

import base64
import io
import logging
import threading
from collections.abc import Iterator

import pytest

from core import redaction
from core.service.address import Connection

KEY = "sK_of/an+odd~kind-0123456789"
PACKAGE = "redaction_test_package"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a user's log file holds, of our loggers and of urllib3's."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    loggers = [logging.getLogger(name) for name in (PACKAGE, "urllib3.connection", "urllib3.connectionpool")]
    logging.getLogger(f"{PACKAGE}.core.tasks")
    redaction.install(PACKAGE)
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield stream
    for logger in loggers:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    redaction.uninstall()


@pytest.fixture
def logger(log: io.StringIO) -> logging.Logger:
    Connection("https://api.example.com", KEY)  # whoever can use a key has made one of these
    return logging.getLogger(f"{PACKAGE}.core.tasks")


def encoded(before: str) -> str:
    return base64.b64encode(f"{before}{KEY}".encode()).decode()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"the key is {KEY}.", KEY),
        (encoded(""), encoded("")[4:30]),
        (encoded("a"), encoded("a")[6:30]),
        (encoded("ab"), encoded("ab")[6:30]),
        ("Authorization: Bearer abc.def", "abc.def"),
        ("{'Authorization': 'Bearer abc.def', 'Accept': '*/*'}", "abc.def"),
        ("authorization=Basic QWxhZGRpbjpvcGVu", "QWxhZGRpbjpvcGVu"),
        ("another key: sk-0123456789abcdef", "0123456789abcdef"),
        ("https://cdn.example.com/3d/a.glb?signature=hush&expires=1", "hush"),
        ("https://name:hush@proxy.example.com/", "hush"),
    ],
)
def test_a_secret_is_in_no_line_of_the_log(log: io.StringIO, logger: logging.Logger, text: str, secret: str) -> None:
    assert secret in text
    logger.warning(text)
    logger.warning("it was %s", text)
    logger.warning("it was %(text)s", {"text": text})
    logger.warning("it was", stack_info=True)
    try:
        raise ValueError(text)
    except ValueError as error:
        logger.exception("It failed with %r", error)
        logger.debug("again", exc_info=error)
    written = log.getvalue()
    assert secret not in written
    assert "it was" in written
    assert written.count("ValueError") >= 3, "the rest of a traceback is there"


def test_the_addresses_that_urllib3_writes_down_are_without_their_queries(
    log: io.StringIO, logger: logging.Logger
) -> None:
    logging.getLogger("urllib3.connectionpool").debug(
        '%s://%s:%s "%s %s %s" %s %s', "https", "cdn.example.com", 443, "GET", "/a.glb?sig=hush", "HTTP/1.1", 200, 5
    )
    assert "hush" not in log.getvalue()
    assert '"GET /a.glb?… HTTP/1.1" 200 5' in log.getvalue()


def test_a_warning_of_urllib3_about_odd_headers_tells_no_signature(log: io.StringIO, logger: logging.Logger) -> None:
    for name in ("urllib3.connection", "urllib3.connectionpool"):
        words = "Failed to parse headers (url=%s): %s"
        logging.getLogger(name).warning(words, "https://cdn.example.com:443/a.glb?sig=hush", "odd")
    assert log.getvalue().count("Failed to parse headers") == 2
    assert "hush" not in log.getvalue()


def test_of_a_private_exchange_urllib3_writes_down_nothing_and_others_go_on(
    log: io.StringIO, logger: logging.Logger
) -> None:
    with redaction.silence():
        logging.getLogger("urllib3.connectionpool").warning("https://cdn.example.com/hush/a.glb")
        logger.warning("we go on")
        thread = threading.Thread(target=logging.getLogger("urllib3.connectionpool").warning, args=("so do others",))
        thread.start()
        thread.join()
    logging.getLogger("urllib3.connectionpool").warning("afterwards")
    assert "hush" not in log.getvalue()
    assert [words in log.getvalue() for words in ("we go on", "so do others", "afterwards")] == [True] * 3


def test_other_words_stay_as_they_are(log: io.StringIO, logger: logging.Logger) -> None:
    logger.warning("Is it 50%%? https://tokenlab.sh/dashboard/runs, 1/2 done in %.1f s", 1.5)
    assert log.getvalue() == "Is it 50%? https://tokenlab.sh/dashboard/runs, 1/2 done in 1.5 s\n"


def test_words_that_do_not_fit_their_arguments_are_no_error_of_the_filter(
    log: io.StringIO, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger.warning("%d", "no number")


def test_afterwards_nothing_of_the_filter_is_left(log: io.StringIO, logger: logging.Logger) -> None:
    redaction.uninstall()
    for name in (PACKAGE, logger.name, "urllib3.connection", "urllib3.connectionpool"):
        assert logging.getLogger(name).filters == []
    assert redaction.redact(KEY) == KEY
