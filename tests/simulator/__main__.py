# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.simulator`: run the service on loopback until told to stop. bpy is not allowed here."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from .configuration import CAPTURES_VARIABLE, DEFAULT_KEY, Configuration
from .contract import ENVIRONMENT_NAME, Contract, find_document
from .faults import UnknownFaultError, check_names
from .models import ModelsError, ensure_models
from .server import Server
from .service import Service


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        check_names(options.fault)
    except UnknownFaultError as problem:
        parser.error(str(problem))
    if options.assets is not None and not options.assets.is_dir():
        parser.error(f"--assets: {options.assets} is not a directory")
    try:
        assets = options.assets or ensure_models()
    except ModelsError as problem:
        parser.error(str(problem))
    document = find_document()
    if document is not None and not document.is_file():
        parser.error(f"{ENVIRONMENT_NAME}: {document} is not a file")
    configuration = Configuration(assets=assets, seconds=options.seconds, faults=tuple(options.fault))
    with tempfile.TemporaryDirectory(prefix="tokenlab-simulator-") as scratch:
        captures = os.environ.get(CAPTURES_VARIABLE, "")
        service = Service(options.key, configuration, _contract(document), Path(scratch), captures=captures)
        return asyncio.run(_serve(service, options.port, options.until_stdin_closes))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the API host; 0 takes a free one")
    parser.add_argument("--assets", type=Path, help="serve the files of this directory as results")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a task takes")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[:COUNT]", help="may be repeated")
    parser.add_argument("--key", default=DEFAULT_KEY, help="the API key that is accepted")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when the parent process is gone")
    return parser


def _contract(document: Path | None) -> Contract:
    if document is None:
        sys.stderr.write(f"No OpenAPI document ({ENVIRONMENT_NAME}): answers are not checked against the contract.\n")
    return Contract.load(document)


async def _serve(service: Service, port: int, until_stdin_closes: bool) -> int:
    server = Server(service)
    try:
        await server.start(port)
    except OSError as problem:
        await server.stop()
        sys.stderr.write(f"Cannot listen on port {port}: {problem}\n")
        return 1
    stop = asyncio.Event()
    _stop_on_signals(stop)
    if until_stdin_closes:
        _stop_when_stdin_closes(stop)
    sys.stdout.write(service.base_url + "\n")
    sys.stdout.flush()
    await stop.wait()
    await server.stop()
    return 0


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not loop.add_signal_handler, which Windows does not have.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _stop_when_stdin_closes(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def wait_for_the_end() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_the_end, name="stdin", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
