# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kill Blender at every step of a task, many times: `python -m tests.campaigns.kills --rounds N`. No bpy here.

Each round works with a real Blender (the bpy module) and the built zip against a simulator, kills it with SIGKILL, and
opens the last saved file again until all is settled. What must hold afterwards is in `kills_round`. The table goes to
docs/durability.md; the last line is `N passed, N failed, N skipped`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests import tiny_models
from tests.build import build_zip
from tests.campaigns.kill_points import DRIVE_POINTS, RANDOM
from tests.campaigns.kills_round import CHILD, REPOSITORY, Result, Round
from tests.simulator.process import SimulatorProcess
from tests.tiers import PRIVATE_VARIABLES, Outcome, skip

WORKERS = 2
RANDOM_SHARE = 0.3
MODEL_BYTES = 700 * 1024
"""Three pieces of a download, so that there is a middle."""
INSTALL_SECONDS = 120.0
COLUMNS = ("killed at", "rounds", "killed", "deaths", "resumed", "creates", "uncertain", "leftovers", "violations")


class Campaign:
    """All rounds of a run, done by two threads with a simulator each."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.seed: int = options.seed
        self.rounds = list(enumerate(choose_points(options.rounds, options.seed)))
        self.folder = folder
        self.results: list[Result] = []
        self.until = time.monotonic() + 60.0 * options.minutes
        self._lock = threading.Lock()
        self._next = iter(self.rounds)

    def run(self) -> None:
        threads = [threading.Thread(target=self._work) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self) -> None:
        with SimulatorProcess(assets=self.folder / "assets") as simulator:
            while time.monotonic() < self.until:
                with self._lock:
                    number, point = next(self._next, (-1, ""))
                if number < 0:
                    return
                self._round(number, point, simulator)

    def _round(self, number: int, point: str, simulator: SimulatorProcess) -> None:
        started = time.monotonic()
        folder = self.folder / f"round-{number}"
        one = Round(number, self.seed, point, DRIVE_POINTS.get(point, 1), folder)
        try:
            result = one.run(self.folder / "profile", simulator)
        except Exception as error:
            # A judge that stumbles must not end the campaign, nor count as a round that passed.
            result = one.result
            result.violations.append("the round could not be judged")
            result.details += f"{type(error).__name__}: {error}"
        shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            self.results.append(result)
            ending = "; ".join(result.violations) or "ok"
            taken = f"{time.monotonic() - started:.1f} s"
            print(f"{number} {point} ({result.service}, {result.deaths} deaths, {taken}): {ending}", flush=True)
            if result.violations:
                print(result.details, flush=True)


def choose_points(rounds: int, seed: int) -> list[str]:
    """Every named point in turn, with random moments among them, in an order of the seed's."""
    named = itertools.cycle(DRIVE_POINTS)
    points = [RANDOM if item < rounds * RANDOM_SHARE else next(named) for item in range(rounds)]
    random.Random(seed).shuffle(points)  # noqa: S311  # no secret
    return points


def write_model(folder: Path) -> None:
    """Write the one model that the simulator delivers: a triangle with a lot of nothing behind it."""
    folder.mkdir()
    positions = b"".join(struct.pack("<3f", *vertex) for vertex in tiny_models.VERTICES)
    indices = struct.pack("<3H", 0, 1, 2)
    binary = tiny_models.padded(positions + indices, b"\x00") + bytes(MODEL_BYTES)
    text = json.dumps(tiny_models.gltf_json("Triangle", len(positions), len(indices), len(binary))).encode()
    chunks = tiny_models.chunk(tiny_models.CHUNK_JSON, tiny_models.padded(text, b" "))
    chunks += tiny_models.chunk(tiny_models.CHUNK_BINARY, binary)
    header = tiny_models.GLB_MAGIC + struct.pack("<II", tiny_models.GLB_VERSION, 12 + len(chunks))
    (folder / "triangle.glb").write_bytes(header + chunks)


def install(package: Path, folder: Path) -> str:
    """Install the zip into the profile of all rounds; return Blender's version."""
    done = subprocess.run(
        [sys.executable, str(CHILD), "install", str(package)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "BLENDER_USER_RESOURCES": str(folder / "profile")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("Blender ")]
    if done.returncode != 0 or not lines:
        raise RuntimeError(f"the extension could not be installed:\n{done.stdout}\n{done.stderr}")
    return lines[-1]


def table(results: Sequence[Result]) -> str:
    """Return what came of the rounds, by the point of the first kill, as a Markdown table."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|---|{'--:|' * (len(COLUMNS) - 1)}"]
    points = [point for point in (RANDOM, *DRIVE_POINTS) if any(result.point == point for result in results)]
    lines += [_line(point, [result for result in results if result.point == point]) for point in points]
    lines.append(_line("**all**", results))
    return "\n".join(lines)


def _line(name: str, results: Sequence[Result]) -> str:
    numbers = (
        len(results),
        sum(result.killed for result in results),
        sum(result.deaths for result in results),
        sum(result.resumed for result in results),
        sum(result.creates for result in results),
        sum(result.uncertain for result in results),
        sum(result.leftovers for result in results),
        sum(len(result.violations) for result in results),
    )
    return f"| {name} | {' | '.join(map(str, numbers))} |"


def document(results: Sequence[Result], options: argparse.Namespace, blender: str, seconds: float) -> str:
    """Return docs/durability.md."""
    violations = Counter(sentence for result in results for sentence in result.violations)
    unsent = sum(result.uncertain_unsent for result in results)
    services = Counter(result.service for result in results)
    found = [f"- {count} times: {sentence}." for sentence, count in violations.most_common()] or ["None."]
    command = f"make campaign CAMPAIGN=kills N={options.rounds}"
    return "\n".join(
        (
            "# Durability",
            "",
            "Written by the run; not by hand. A Blender (the bpy module) with the built zip is driven against the",
            "simulator through submit, poll, download, conversion by a second Blender, import, save, undo and redo,",
            "and killed with SIGKILL at a named step or at a random moment. Another one opens the last saved file with",
            "the same data folder, and may be killed too, up to three times, until one comes to rest.",
            "",
            f"{len(results)} of {options.rounds} rounds, {time.strftime('%Y-%m-%d', time.gmtime())}, {blender}, "
            f"{sys.platform}, {seconds:.0f} s. To repeat it: `{command}` (the same order and the same kill points with",
            f'`python -m tests.campaigns.kills --rounds {options.rounds} --seed {options.seed}`; "killed" falls short',
            "of rounds where the work was over before the named step or the moment came).",
            "",
            "Checked in each round: creates that nobody asked for; tasks of the service that the journal neither knows",
            "by id nor calls UNCERTAIN; UNCERTAIN only where the journal said SUBMITTING at a death; a model twice in",
            "a file; half-written files (journal, model, task.json, .blend); a second Blender that goes on, or left",
            "its temporary files; every task at rest within the time limit.",
            "",
            table(results),
            "",
            "- *deaths*: processes killed, restarts included. *resumed*: processes that went on after",
            "  that, or after an orderly end.",
            f"- *uncertain*: tasks that are UNCERTAIN in the end; {unsent} of these never reached the service, which",
            "  nobody but the service can tell.",
            "- *leftovers*: temporary files (`.part`, `.download`) of killed processes that are there in the end.",
            f"- Kinds of service: {', '.join(f'{name} {count}' for name, count in services.most_common())}.",
            "",
            "## Violations",
            "",
            *found,
            "",
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.kills", description="Kill Blender many times.")
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="begin no more rounds after so long")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "docs" / "durability.md")
    options = parser.parse_args()
    if sys.platform == "win32":
        print("Windows has no SIGKILL, so no Blender was killed here.")
        print(skip("no SIGKILL"))
        return 0
    for name in PRIVATE_VARIABLES:
        os.environ.pop(name, None)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tokenlab-kills-", ignore_cleanup_errors=True) as text:
        folder = Path(text)
        write_model(folder / "assets")
        blender = install(build_zip(folder / "dist"), folder)
        campaign = Campaign(options, folder)
        campaign.run()
    results = campaign.results
    failed = sum(bool(result.violations) for result in results)
    outcome = Outcome(passed=len(results) - failed, failed=failed)
    if len(results) < options.rounds:
        outcome.add(skip("the time was over"))
        outcome.skipped = options.rounds - len(results)
    options.output.write_text(document(results, options, blender, time.monotonic() - started), encoding="utf-8")
    print(table(results))
    print(outcome, flush=True)
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
