# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that can go wrong with the service, one after the other: `python -m tests.campaigns.faults`. No bpy here.

The real engine, journal and transport talk to a simulator over loopback; only the clock jumps. What is expected was
written by hand (`fault_expectations`); the run adds what it saw, and both go to docs/faults.md. The last line is
`N passed, N failed, N skipped`.
"""

from __future__ import annotations

import datetime
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.service.address import Connection
from core.tasks.task import TaskState
from tests.campaigns.fault_expectations import EXPECTATIONS, RUNNING, Expected
from tests.engine_rig import Rig, WatchedTransport, creates_sent
from tests.simulator.faults import FAULTS
from tests.simulator.process import SimulatorProcess
from tests.tiers import Outcome
from tests.tiny_models import write_assets
from tests.tiny_pictures import png

REPORT = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
SIMULATED_SECONDS = 900.0
"""For so long a task is watched that does not come to rest."""
REAL_SECONDS = 30.0
SILENCE_SECONDS = 0.6
"""Longest silence where the service never answers; elsewhere it may take its time."""
PATIENT_SECONDS = 10.0
RUNNING_STATES = frozenset({TaskState.PENDING, TaskState.PROCESSING})


@dataclass(frozen=True)
class Seen:
    """What came of a variant."""

    state: str
    creates: int
    tasks: int
    sentence: str

    def agrees(self, expected: Expected) -> bool:
        """Whether that is what was expected."""
        same = (self.state, self.creates, self.tasks) == (expected.state, expected.creates, expected.tasks)
        if not expected.sentence:
            return same and not self.sentence
        return same and all(part in self.sentence for part in expected.sentence)


class Variant:
    """One task and what happens to it."""

    def __init__(self, expected: Expected, simulator: SimulatorProcess, folder: Path) -> None:
        self.expected = expected
        self.simulator = simulator
        self.folder = folder
        self.rig = Rig(folder / "data", simulator.url, simulator.key)
        never, drips = "never-answers" in expected.name, "drips" in expected.name
        self.rig.transport = WatchedTransport(
            "tokenlab-test/1",
            read_seconds=SILENCE_SECONDS if never else PATIENT_SECONDS,
            total_seconds=SILENCE_SECONDS if drips else 2 * PATIENT_SECONDS,
            piece_seconds=SILENCE_SECONDS if drips else 2 * PATIENT_SECONDS,
        )

    def run(self) -> Seen:
        name = self.expected.name
        self.simulator.reset()
        self.simulator.configure(seconds=0.0, faults=[name] if name.partition(":")[0] in FAULTS else [])
        try:
            prepare = SITUATIONS.get(name)
            local_id = prepare(self) if prepare else self.rig.submit(model="tripo-h3.1")
            self._run_to_rest(local_id)
            return self._seen(local_id)
        finally:
            self.rig.engine.stop()

    def _run_to_rest(self, local_id: str) -> None:
        rig = self.rig
        began, until = rig.now, time.monotonic() + REAL_SECONDS
        while rig.engine.is_busy and rig.now - began < SIMULATED_SECONDS and time.monotonic() < until:
            rig.turn()
            if rig.is_at_rest():
                rig.now += max(0.05, min(30.0, rig.engine.seconds_until_due()))
            else:
                time.sleep(0.002)
        rig.settle()
        rig.task(local_id)

    def _seen(self, local_id: str) -> Seen:
        task = self.rig.task(local_id)
        return Seen(
            RUNNING if task.state in RUNNING_STATES else task.state.value,
            creates_sent(self.simulator),
            len(self.simulator.creates()),
            task.error or task.note,
        )

    def connect_to(self, base_url: str) -> None:
        self.rig.engine.settings = replace(self.rig.engine.settings, connection=Connection(base_url, "sk-any"))

    def picture(self, data: bytes) -> dict[str, Any]:
        path = self.folder / "picture.png"
        path.write_bytes(data)
        return {"picture_path": str(path), "image_name": "picture.png"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _elsewhere(base_url: Callable[[Variant], str]) -> Callable[[Variant], str]:
    def prepare(variant: Variant) -> str:
        variant.connect_to(base_url(variant))
        return variant.rig.submit()

    return prepare


def _with_picture(variant: Variant) -> str:
    return variant.rig.submit(model="tripo-h3.1", **variant.picture(png()))


def _text_only(variant: Variant) -> str:
    return variant.rig.submit(model="tripo-p1.0", **variant.picture(png()))


def _with_image_url(variant: Variant) -> str:
    return variant.rig.submit(model="tripo-h3.1", image_url=variant.simulator.picture_url)


def _picture_gone(variant: Variant) -> str:
    picture = variant.picture(png())
    Path(picture["picture_path"]).unlink()
    return variant.rig.submit(**picture)


def _offline(variant: Variant) -> str:
    engine = variant.rig.engine
    engine.settings = replace(engine.settings, may_connect=False)
    return variant.rig.submit()


def _long_task(variant: Variant) -> str:
    variant.simulator.configure(seconds=1000.0)
    return variant.rig.submit()


def _key_revoked(variant: Variant) -> str:
    variant.simulator.configure(seconds=1000.0)
    local_id = variant.rig.submit()
    variant.rig.run_to(local_id, *RUNNING_STATES)
    variant.rig.use_key("sk-revoked")
    return local_id


SITUATIONS: dict[str, Callable[[Variant], str]] = {
    "image-not-data-url": _with_picture,
    "image-not-base64": _with_picture,
    "text-only-model": _text_only,
    "picture-only-model": lambda variant: variant.rig.submit(model="seed3d-1.0"),
    "prompt-too-long": lambda variant: variant.rig.submit("x" * 1025, model="tripo-h3.1"),
    "unknown-model": lambda variant: variant.rig.submit(model="tripo-h4"),
    "picture-gone": _picture_gone,
    "picture-is-text": lambda variant: variant.rig.submit(**variant.picture(b"not a picture")),
    "picture-damaged": lambda variant: variant.rig.submit(**variant.picture(png()[:20])),
    "picture-without-pixels": lambda variant: variant.rig.submit(**variant.picture(png(0, 0))),
    "image-url-with-a-password": lambda variant: variant.rig.submit(image_url="https://me:secret@example.com/a.png"),
    "image-url-of-a-text-only-model": lambda variant: variant.rig.submit(
        model="tripo-p1.0", image_url=variant.simulator.picture_url
    ),
    **{name: _with_image_url for name in FAULTS if name.startswith("picture-")},
    "wrong-format": lambda variant: variant.rig.submit(model="tripo-h3.1", format="FBX"),
    "nobody-listens": _elsewhere(lambda _variant: f"http://127.0.0.1:{_free_port()}"),
    "name-not-known": _elsewhere(lambda _variant: "https://service.invalid"),
    "no-encryption": _elsewhere(lambda variant: variant.simulator.url.replace("http:", "https:")),
    "offline": _offline,
    "key-revoked": _key_revoked,
    "record-expires": _long_task,
}
"""What is done instead of sending a prompt, for the variants that need more than a fault of the simulator."""


def describe(name: str) -> str:
    """Say in words what a variant is."""
    fault = FAULTS.get(name.partition(":")[0])
    if fault is None:
        return f"{name.replace('-', ' ').capitalize()}."
    return fault.description + (" Once." if ":" in name else "")


def write_report(results: Sequence[tuple[Expected, Seen]]) -> None:
    lines = [
        "# Faults",
        "",
        f"What is expected of each of {len(results)} things that can go wrong was written by hand before the first run",
        "(`tests/campaigns/fault_expectations.py`, which also names the two that were corrected after it); a run fills",
        "in what was seen. Creates are the requests that reached the service, tasks are what it made of them and",
        "may charge for. RUNNING stands for PENDING or PROCESSING, after a simulated quarter of an hour.",
        "",
        f"{datetime.date.today().isoformat()}. To repeat it: `make campaign CAMPAIGN=faults`. A fault alone:",
        "`make simulator ARGS='--fault create-402'`.",
        "",
        "| variant | what happens | expected: state, creates, tasks | to be read | seen | read | |",
        "|---|---|---|---|---|---|---|",
    ]
    for expected, seen in results:
        cells = (
            f"`{expected.name}`",
            describe(expected.name),
            f"{expected.state}, {expected.creates}, {expected.tasks}",
            " … ".join(expected.sentence),
            f"{seen.state}, {seen.creates}, {seen.tasks}",
            seen.sentence,
            "as expected" if seen.agrees(expected) else "**differs**",
        )
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    REPORT.write_text("\n".join(lines) + "\n", "utf-8")


def main() -> int:
    """Run the campaign; return the exit status."""
    results = []
    with tempfile.TemporaryDirectory(prefix="tokenlab-faults-") as name:
        root = Path(name)
        with SimulatorProcess(assets=write_assets(root / "assets")) as simulator:
            for number, expected in enumerate(EXPECTATIONS):
                folder = root / str(number)
                folder.mkdir()
                seen = Variant(expected, simulator, folder).run()
                results.append((expected, seen))
                print(f"{expected.name}: {'ok' if seen.agrees(expected) else f'differs: {seen}'}", flush=True)
    write_report(results)
    failed = sum(not seen.agrees(expected) for expected, seen in results)
    print(Outcome(passed=len(results) - failed, failed=failed, skipped=0))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
