# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloads against plain `requests`: `python -m tests.bench.download`. No bpy. Not for Windows (peak memory).

One server process on loopback; each download is in a process of its own, ours and the plain one in turn.
"""

from __future__ import annotations

import contextlib
import filecmp
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.bench.report import Figure, table, write_section

REPOSITORY = Path(__file__).resolve().parents[2]
MEGABYTE = 1_000_000
SIZE = 300 * MEGABYTE
REPEATS = 7
RATIO_GOAL = 0.9
MEMORY_GOAL_MB = 40
ETAG = '"the-one-version"'
PLAIN_CHUNK = 1024 * 1024


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "model.glb"
        with source.open("wb") as file:
            for _ in range(SIZE // MEGABYTE):
                file.write(os.urandom(MEGABYTE))
        with served(source) as (url, sent):
            runs: dict[str, list[dict[str, float]]] = {"plain": [], "ours": []}
            for _ in range(REPEATS):
                for way, results in runs.items():
                    results.append(run_child(way, url, folder))
            sent.clear()
            run_child("ours", f"{url}/cut", folder, keep=True)
            run_child("ours", f"{url}/cut", folder, keep=True)
            is_same = filecmp.cmp(source, folder / "new" / "file", shallow=False)
            cut = list(sent)
    return report(runs, cut, is_same=is_same)


def report(runs: dict[str, list[dict[str, float]]], cut: list[int], *, is_same: bool) -> int:
    rows, rates = [], {}
    for way, label in (("plain", "`requests`, streamed"), ("ours", "our transfer")):
        rates[way] = statistics.median(SIZE / MEGABYTE / run["seconds"] for run in runs[way])
        slowest = min(SIZE / MEGABYTE / run["seconds"] for run in runs[way])
        fastest = max(SIZE / MEGABYTE / run["seconds"] for run in runs[way])
        memory = max(run["memory_mb"] for run in runs[way])
        rows.append([label, f"{rates[way]:.0f}", f"{slowest:.0f} to {fastest:.0f}", f"{memory:.1f}"])
    ratio, memory = rates["ours"] / rates["plain"], max(run["memory_mb"] for run in runs["ours"])
    again = sum(cut) - SIZE
    lines = [
        f"{SIZE // MEGABYTE} MB from a server on this machine into a file, flushed to the disk in both cases;",
        f"{REPEATS} downloads each, in turn, each in a process of its own. Memory is the peak above what the process",
        "had before the download, the most of all repeats.",
        "",
        *table(("download", "MB/s, median", "MB/s, all", "extra memory, MB"), rows),
        "",
        f"Ratio of the medians: {ratio:.2f} (goal: at least {RATIO_GOAL}). "
        f"Extra memory: {memory:.1f} MB (goal: below {MEMORY_GOAL_MB}).",
        "",
        f"Cut after half: the server sent {' and '.join(f'{count:,}' for count in cut)} bytes of {SIZE:,}; so "
        f"{again:,} bytes went over the wire twice. The file is {'the same' if is_same else 'NOT the same'}.",
    ]
    is_resumed = is_same and len(cut) == 2 and again < MEGABYTE
    figures = [
        Figure(
            f"Rate of a download of {SIZE // MEGABYTE} MB",
            f"{rates['ours']:.0f} MB/s",
            f"{rates['plain']:.0f} MB/s",
            f"{ratio:.2f}",
            f"at least {RATIO_GOAL}",
            is_met=ratio >= RATIO_GOAL,
        ),
        Figure(
            "Memory of that download",
            f"{memory:.1f} MB",
            f"{max(run['memory_mb'] for run in runs['plain']):.1f} MB",
            goal=f"below {MEMORY_GOAL_MB} MB",
            is_met=memory < MEMORY_GOAL_MB,
        ),
        Figure(
            "Sent twice after a cut in the middle", f"{again:,} bytes", goal=f"below {MEGABYTE:,}", is_met=is_resumed
        ),
    ]
    write_section("download", "Downloads", lines, figures)
    print("\n".join(lines))
    return 0 if all(figure.is_met for figure in figures) else 1


# ---- one download, in a process of its own


def run_child(way: str, url: str, folder: Path, *, keep: bool = False) -> dict[str, float]:
    target = folder / "new"
    command = [sys.executable, "-m", "tests.bench.download", way, url, str(target)]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    if not keep:
        for file in target.iterdir():
            file.unlink()
    result: dict[str, float] = json.loads(done.stdout)
    return result


def download_once(way: str, url: str, folder: Path) -> None:
    import resource  # noqa: PLC0415  # not on Windows

    from core.service import transfer  # noqa: PLC0415  # the server's process needs none of it
    from core.service.errors import ServiceError  # noqa: PLC0415
    from core.service.transport import Transport  # noqa: PLC0415

    folder.mkdir(exist_ok=True)
    transport = Transport("tokenlab-bench/1")
    before = peak_kilobytes(resource)
    started = time.perf_counter()
    if way == "plain":
        plainly(url, folder / "file")
    else:
        with contextlib.suppress(ServiceError):  # the cut
            transfer.download(transport, url, folder / "file", lambda _done, _total: None, is_local=True)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "memory_mb": (peak_kilobytes(resource) - before) / 1000}))
    transport.stop()


def peak_kilobytes(resource: object) -> int:
    usage = resource.getrusage(resource.RUSAGE_SELF)  # type: ignore[attr-defined]  # Windows has no such module
    return int(usage.ru_maxrss)


def plainly(url: str, target: Path) -> None:
    import requests  # noqa: PLC0415  # the server's process needs none of it

    with requests.get(url, stream=True, timeout=30) as response, target.open("wb") as file:
        for chunk in response.iter_content(PLAIN_CHUNK):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


# ---- the server


class Handler(BaseHTTPRequestHandler):
    """Serves one file; the first request for /cut ends in the middle."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *details: object, source: Path, is_cut: threading.Event) -> None:
        self.source, self.is_cut = source, is_cut
        super().__init__(*details)  # type: ignore[arg-type]  # passed on as they are

    def do_GET(self) -> None:
        first, last = 0, SIZE
        wanted = self.headers.get("Range", "")
        if wanted and self.headers.get("If-Range") == ETAG:
            first = int(wanted.removeprefix("bytes=").removesuffix("-"))
        elif self.path == "/cut" and not self.is_cut.is_set():
            self.is_cut.set()
            last = SIZE // 2
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(SIZE - first))
        self.send_header("ETag", ETAG)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{SIZE - 1}/{SIZE}")
        self.end_headers()
        with self.source.open("rb") as file:
            self.connection.sendfile(file, first, last - first)
        self.close_connection = True
        print(last - first, flush=True)

    def log_message(self, *_details: object) -> None:
        """Say nothing."""


def serve(source: Path) -> None:
    handler = functools.partial(Handler, source=source, is_cut=threading.Event())
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


@contextlib.contextmanager
def served(source: Path) -> Iterator[tuple[str, list[int]]]:
    """Yield the address and, of each answer so far, the bytes sent."""
    command = [sys.executable, "-m", "tests.bench.download", "serve", str(source)]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    sent: list[int] = []
    assert process.stdin and process.stdout
    port = int(process.stdout.readline())
    lines = process.stdout

    def count() -> None:
        for line in lines:
            sent.append(int(line))

    threading.Thread(target=count, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{port}", sent
    finally:
        process.stdin.close()
        process.wait(10)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main())
    if sys.argv[1] == "serve":
        serve(Path(sys.argv[2]))
    else:
        download_once(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
