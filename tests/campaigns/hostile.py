# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have the service deliver hundreds of hostile files: `python -m tests.campaigns.hostile --rounds N`. No bpy here.

Each goes the whole way: it is fetched, told by its bytes, checked, unpacked, prepared by a second Blender and appended
in a Blender that lives through all of them (`hostile_session`). Around its folder lies a tree of canaries in which
nothing may change. The table goes to docs/hostile.md; the last line is `N passed, N failed, N skipped`.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests import odd_models, second_blenders
from tests.build import build_zip
from tests.campaigns.hostile_inputs import Input, choose
from tests.campaigns.hostile_page import Result, write_page
from tests.campaigns.mutations.basics import Traps
from tests.simulator.process import SimulatorProcess
from tests.tiers import PRIVATE_VARIABLES, Outcome, skip

REPOSITORY = Path(__file__).resolve().parents[2]
SESSION = Path(__file__).with_name("hostile_session.py")
SAMPLES = REPOSITORY.parent / "shared" / "samples" / "valid"
"""Good files of other makers, where a machine has them."""
LIMITS = {"convert": 60.0, "preview": 30.0, "memory": 3 * 1024**3}
"""Of the second Blender; smaller than a user's, since nobody here means well."""
ANSWER_SECONDS = 600.0
MARKER = b"PRIV"
"""What a private file is full of, and a prepared model must not hold."""
CHANGING = ("data/journal", "data/scratch", "data/models.json", "tmp/", "profile/", "assets/", "session.log")
"""What the extension and Blender keep changing, whatever is delivered; looked at in other ways, or our own."""
LEAST_SHARE = 1 / 3
"""Of the files that have to get as far as Blender's importer."""


class Surroundings:
    """A folder tree with canaries, in the middle of which a data folder lies."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data, self.assets, self.home = root / "data", root / "assets", root / "home"
        self.traps = Traps(private=str(root / "private.png"), outside=str(root / "outside"))
        for folder in (self.data / "library", self.assets, self.home / ".ssh", root / "outside", root / "tmp"):
            folder.mkdir(parents=True)
        # The session saves its file there.
        (root / "tmp" / "saved.blend").touch()
        row = MARKER * 16
        for path in (root / "private.txt", self.home / ".bashrc", self.home / ".ssh" / "id_rsa"):
            path.write_bytes(row * 4)
        Path(self.traps.private).write_bytes(odd_models.grey_png([row] * 8))
        for folder in (root, root / "outside", self.data, self.data / "library", root / "tmp", self.home):
            (folder / "canary.txt").write_text("alive")

    def environment(self) -> dict[str, str]:
        """Where everything of a Blender is that has a place of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        places = {
            "HOME": self.home,
            "TMPDIR": self.root / "tmp",
            "BLENDER_USER_RESOURCES": self.root / "profile",
            "TOKENLAB_DATA_DIR": self.data,
            "PYTHONPATH": REPOSITORY,
        }
        return {**kept, **{name: str(place) for name, place in places.items()}}

    def listing(self) -> dict[str, tuple[int, int]]:
        """Return size and time of everything, but for what the extension and Blender themselves keep changing."""
        found = {}
        for path in self.root.rglob("*"):
            name = path.relative_to(self.root).as_posix()
            if not name.startswith(CHANGING):
                status = path.lstat()
                found[name] = (0, 0) if path.is_dir() else (status.st_size, status.st_mtime_ns)
        return {**found, **{f"tmp/{path.name}": (0, 0) for path in (self.root / "tmp").iterdir()}}

    def folder_of(self, local_id: str) -> Path | None:
        return next(iter((self.data / "library").glob(f"*/*-{local_id[:8]}")), None)


class Blender:
    """The process that must survive."""

    def __init__(self, surroundings: Surroundings, plan: dict[str, Any]) -> None:
        self._log = (surroundings.root / "session.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, str(SESSION), json.dumps(plan)],
            cwd=REPOSITORY,
            env={**surroundings.environment(), **plan.get("environment", {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.version = str((self._answer() or {}).get("blender", ""))

    def get(self, name: str) -> dict[str, Any] | None:
        """Have it get a file; None when it did not survive that."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{name}\n")
            self._process.stdin.flush()
        except OSError:
            return None
        return self._answer()

    def _answer(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], ANSWER_SECONDS)[0]:
            return None
        line = self._process.stdout.readline()
        found: dict[str, Any] | None = json.loads(line) if line else None
        return found

    def end(self) -> int | None:
        """Let it end by itself, or kill it; return its status."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.close()
            return self._process.wait(60.0)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            return self._process.wait()
        finally:
            self._process.stdout.close()
            self._log.close()


class Campaign:
    """All files of a run."""

    def __init__(self, surroundings: Surroundings, inputs: Sequence[Input], plan: dict[str, Any], until: float) -> None:
        self.surroundings, self.inputs, self.plan, self.until = surroundings, inputs, plan, until
        self.results: list[Result] = []
        self.deaths = 0
        """Of the Blender that must survive."""
        self.blender = Blender(surroundings, plan)
        self.version = self.blender.version

    def run(self) -> None:
        for item in self.inputs:
            if time.monotonic() > self.until:
                break
            began = time.monotonic()
            result = self._deliver(item)
            self.results.append(result)
            said = "; ".join(result.violations) or "ok"
            taken = f"{time.monotonic() - began:.1f} s, append {result.appended:.2f} s"
            print(f"{item.name} {item.kind.name}: {result.outcome} ({taken}) {said} {result.error}", flush=True)
        self._end()

    def _deliver(self, item: Input) -> Result:
        data = item.make(self.surroundings.traps)
        (self.surroundings.assets / item.name).write_bytes(data)
        before = self.surroundings.listing()
        found = self.blender.get(item.name)
        if found is None:
            self.deaths += 1
            status = self.blender.end()
            self.blender = Blender(self.surroundings, self.plan)
            return Result(item, "", "", 0.0, False, [f"Blender did not survive (status {status})"])
        folder = self.surroundings.folder_of(found["local_id"])
        violations = [*found["problems"], *self._look_at(folder, data)]
        has_picture = folder is not None and (folder / "preview.png").is_file()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
            if not any(folder.parent.iterdir()):
                folder.parent.rmdir()
        after = self.surroundings.listing()
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        if changed:
            violations.append(f"outside its folder something has changed: {', '.join(changed[:5])}")
        (self.surroundings.assets / item.name).unlink()
        return Result.of(item, found, violations, has_picture=has_picture)

    def _look_at(self, folder: Path | None, data: bytes) -> list[str]:
        """Say what is wrong with a task's folder, and with what runs."""
        if folder is None:
            return ["the task has no folder"]
        files = [path for path in folder.rglob("*") if path.is_file()]
        originals = [path.read_bytes() for path in folder.glob("original.*") if ".whole" not in path.name]
        found = []
        if originals != [data]:
            found.append("the original is not what was delivered")
        if any(path.suffix == ".part" or path.name.endswith("@") for path in files if "unpacked" not in path.parts):
            found.append("a temporary file was left")
        if any(MARKER in path.read_bytes() for path in files if path.suffix == ".blend"):
            found.append("a private file is in the prepared model")
        if any(path.is_symlink() for path in folder.rglob("*")):
            found.append("a link was made")
        if len(list((self.surroundings.data / "scratch").glob("*"))) > 1:
            found.append("a folder of a second Blender was left")
        if len(second_blenders.running(self.surroundings.root)) > 1:
            found.append("a second Blender was left")
        return found

    def _end(self) -> None:
        """End the Blender; whatever is left then counts against the last file."""
        status = self.blender.end()
        left = [path.name for path in (self.surroundings.data / "scratch").glob("*")]
        running = second_blenders.running(self.surroundings.root)
        for problem, sentence in (
            (status, f"Blender ended with {status}"),
            (left, f"left: {left}"),
            (running, "left behind"),
        ):
            if problem and self.results:
                self.results[-1].violations.append(sentence)


def main() -> int:
    """Run the campaign; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.hostile", description="Deliver hostile files.")
    parser.add_argument("--rounds", type=int, default=300, help="how many files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only files whose number, format or kind has this in it")
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="begin no more files after so long")
    parser.add_argument("--keep", type=Path, help="write the files there, and deliver none")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "docs" / "hostile.md")
    options = parser.parse_args()
    if sys.platform == "win32":
        print("Windows does not tell which processes a file has left behind.")
        print(skip("no list of processes"))
        return 0
    for name in PRIVATE_VARIABLES:
        os.environ.pop(name, None)
    inputs = choose(options.rounds, options.seed, SAMPLES)
    inputs = [item for item in inputs if options.only in f"{item.name} {item.format} {item.kind.name}"]
    with tempfile.TemporaryDirectory(prefix="tokenlab-hostile-", ignore_cleanup_errors=True) as text:
        surroundings = Surroundings(Path(text).resolve() / "root")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            for item in inputs:
                (options.keep / item.name).write_bytes(item.make(surroundings.traps))
            return 0
        return run(surroundings, inputs, options)


def run(surroundings: Surroundings, inputs: Sequence[Input], options: argparse.Namespace) -> int:
    began = time.monotonic()
    package = build_zip(surroundings.root / "dist")
    Blender(surroundings, {"package": str(package)}).end()
    with SimulatorProcess(assets=surroundings.assets, seconds=0) as simulator:
        service = {"TOKENLAB_API_BASE": simulator.url, "TOKENLAB_API_KEY": simulator.key}
        plan = {"limits": LIMITS, "environment": service}
        campaign = Campaign(surroundings, inputs, plan, began + 60.0 * options.minutes)
        campaign.run()
    results = campaign.results
    failed = sum(bool(result.violations) for result in results)
    outcome = Outcome(passed=len(results) - failed, failed=failed)
    reached = sum(result.reached_importer for result in results)
    if len(results) < len(inputs):
        outcome.add(skip("the time was over"))
        outcome.skipped = len(inputs) - len(results)
    if not options.only:
        write_page(options.output, results, campaign.version, options, time.monotonic() - began, campaign.deaths)
        if reached < LEAST_SHARE * len(results):
            print(f"Only {reached} of {len(results)} files got as far as Blender's importer.")
            outcome.failed += 1
    print(outcome, flush=True)
    return int(outcome.failed > 0 or not results)


if __name__ == "__main__":
    sys.exit(main())
