# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One round of the campaign `kills`: a Blender that dies, others that go on, and the judgement. No bpy here.

Three witnesses are heard: the simulator (what was asked of the service and what it charges), the journal on disk (also
as it was at each death), and the last Blender (what is in its open file).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from tests.campaigns.kill_points import PREPARING, RANDOM, RESTART_POINTS, Kill
from tests.simulator.configuration import CREATE_PATH
from tests.simulator.process import SimulatorProcess

REPOSITORY: Final = Path(__file__).resolve().parents[2]
CHILD: Final = Path(__file__).with_name("kills_child.py")
MAX_DEATHS: Final = 4
"""Of the Blender that works, and of up to three that go on."""
RESTART_KILL_CHANCE: Final = 0.35
PREPARING_CHANCE: Final = 0.35
"""How many rounds have their models prepared by a second Blender, beside those that are to die there."""
SETTLE_SECONDS: Final = 25.0
"""How long a process may wait for its tasks to rest."""
PROCESS_SECONDS: Final = 90.0
CONVERTER_SECONDS: Final = 15.0
"""How long a second Blender may take to notice that the first is gone."""
TOO_MANY_REQUESTS: Final = 429
ON_ITS_WAY_SECONDS: Final = 0.5
"""How long a request may be in the network after its sender died; another Blender takes longer to start."""


@dataclass(frozen=True, slots=True)
class Service:
    """How fast the simulator is and what goes wrong there. Nothing that leaves an answer unclear: kills do that."""

    name: str
    seconds: float
    delay: float = 0.0
    faults: tuple[str, ...] = ()
    span: float = 0.9
    """Seconds within which a random moment lies."""


SERVICES: Final = (
    Service("fast", 0.1),
    Service("fast", 0.1),
    Service("late answers", 0.3, delay=0.25, span=2.0),
    Service("slow downloads", 0.1, faults=("asset-slow",), span=3.0),
    Service("troubles", 0.2, faults=("asset-403-once", "asset-reset-at-half:1", "poll-500-once"), span=2.0),
    Service("busy at first", 0.1, faults=("create-429:1",), span=2.0),
)
FAILING: Final = Service("failing tasks", 0.2, faults=("task-fails",))


@dataclass(slots=True)
class Result:
    """What came of one round."""

    point: str
    service: str = ""
    killed: bool = False
    """The first Blender died where it should."""
    deaths: int = 0
    resumed: int = 0
    """Blenders that went on after a death, the last one included."""
    creates: int = 0
    uncertain: int = 0
    uncertain_unsent: int = 0
    """Of these, those that the service never heard of."""
    leftovers: int = 0
    """Temporary files of dead processes that are still there in the end."""
    violations: list[str] = field(default_factory=list)
    details: str = ""
    """For whoever looks into a violation; may hold paths."""


class Round:
    """One data folder, one .blend, one service."""

    def __init__(self, number: int, seed: int, point: str, highest: int, folder: Path) -> None:
        self.random = random.Random(f"{seed}/{number}")  # noqa: S311  # no secret
        self.result = Result(point)
        self.folder = folder
        self.data = folder / "data"
        self.blend = folder / "file.blend"
        self.first = Kill("" if point == RANDOM else point, self.random.randint(1, max(1, highest)))
        self.prompts = [f"round {number} thing {item}" for item in range(self.random.choice((1, 1, 2)))]
        services: tuple[Service, ...] = (*SERVICES, FAILING) if point == RANDOM else SERVICES
        if point == "download: resumed":
            services = tuple(service for service in SERVICES if "asset-reset-at-half:1" in service.faults)
        self.service = self.random.choice(services)
        self.result.service = self.service.name
        self.prepares = point.startswith(PREPARING) or self.random.random() < PREPARING_CHANCE
        self.cut_off: dict[str, float] = {}
        """Prompts whose row said SUBMITTING when a process died, and when: they alone may be uncertain."""

    def run(self, profile: Path, simulator: SimulatorProcess) -> Result:
        self.folder.mkdir(parents=True)
        simulator.reset()
        service = self.service
        simulator.configure(seconds=service.seconds, delay=service.delay, faults=list(service.faults))
        moment = self.random.uniform(0.0, service.span) if self.result.point == RANDOM else None
        self.result.killed = self._process("drive", self.first, moment, profile, simulator)
        for _ in range(MAX_DEATHS):
            self.result.resumed += 1
            kill, moment = self._next_kill()
            if not self._process("settle", kill, moment, profile, simulator):
                break
        self._judge(simulator)
        return self.result

    def _next_kill(self) -> tuple[Kill, float | None]:
        if self.result.resumed == MAX_DEATHS or self.random.random() > RESTART_KILL_CHANCE:
            return Kill(), None
        if self.random.random() < 0.5:
            return Kill(), self.random.uniform(0.0, 1.0)
        point = self.random.choice(sorted(RESTART_POINTS))
        return Kill(point, self.random.randint(1, RESTART_POINTS[point])), None

    def _process(self, mode: str, kill: Kill, moment: float | None, profile: Path, simulator: SimulatorProcess) -> bool:
        """Run one Blender; return whether it was killed."""
        (self.folder / "report.json").unlink(missing_ok=True)
        plan = {
            "seed": self.random.randrange(2**32),
            "blend": str(self.blend),
            "asked": str(self.folder / "asked.txt"),
            "report": str(self.folder / "report.json"),
            "prompts": self.prompts,
            "point": kill.point,
            "count": kill.count,
            "limit": SETTLE_SECONDS,
            "prepares": self.prepares,
        }
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "BLENDER_USER_RESOURCES": str(profile),
            "TOKENLAB_DATA_DIR": str(self.data),
            "TOKENLAB_API_BASE": simulator.url,
            "TOKENLAB_API_KEY": simulator.key,
        }
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
            status = _run([sys.executable, str(CHILD), mode, json.dumps(plan)], environment, moment, log)
            log.seek(0)
            text = log.read()
        if status in (None, -9):
            if status is None:
                self._blame("a process did not end in time", text)
            self.result.deaths += 1
            now = time.time()
            self.cut_off = {row["prompt"]: now for row in self._rows() if row["state"] == "SUBMITTING"} | self.cut_off
            return True
        if status != 0:
            self._blame(f"a process ended with status {status}", text)
        elif "Traceback" in text:
            self._blame("something was logged with a traceback", text)
        return False

    def _rows(self) -> list[dict[str, Any]]:
        """The journal as it lies on the disk, read from a copy: opening it would already mend it."""
        journal = self.data / "journal.sqlite3"
        if not journal.is_file():
            return []
        with tempfile.TemporaryDirectory() as folder:
            for suffix in ("", "-wal"):
                source = Path(f"{journal}{suffix}")
                if source.is_file():
                    shutil.copy2(source, folder)
            connection = sqlite3.connect(Path(folder) / journal.name)
            try:
                if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                    self._blame("the journal is damaged")
                if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'tasks'").fetchone() == (0,):
                    return []
                return [json.loads(record) for (record,) in connection.execute("SELECT record FROM tasks")]
            except (sqlite3.Error, ValueError) as error:
                self._blame("the journal cannot be read", str(error))
                return []
            finally:
                connection.close()

    def _blame(self, sentence: str, details: str = "") -> None:
        self.result.violations.append(sentence)
        self.result.details += f"{sentence}\n{details[-3000:]}\n"

    # The judgement

    def _judge(self, simulator: SimulatorProcess) -> None:
        asked_file = self.folder / "asked.txt"
        asked = asked_file.read_text(encoding="utf-8").split("\n")[:-1] if asked_file.is_file() else []
        service, rows = simulator.journal(), {row["prompt"]: row for row in self._rows()}
        self._judge_creates(asked, service)
        self._judge_tasks(rows, service["tasks"])
        self._judge_files(rows)
        self._judge_report(rows)

    def _judge_creates(self, asked: list[str], service: dict[str, Any]) -> None:
        tasks = Counter(task["prompt"] for task in service["tasks"])
        self.result.creates = tasks.total()
        posts = [
            (entry["body"]["prompt"], entry["time"])
            for entry in service["requests"]
            if entry["method"] == "POST"
            and entry["path"] == CREATE_PATH
            and isinstance(entry["body"], dict)
            and entry["status"] != TOO_MANY_REQUESTS
        ]
        for prompt, count in (Counter(prompt for prompt, _ in posts) | tasks).items():
            if count > asked.count(prompt):
                self._blame(f"{count} creates for {asked.count(prompt)} submits")
        for prompt, sent in posts:
            if sent > self.cut_off.get(prompt, sent) + ON_ITS_WAY_SECONDS:
                self._blame("a sending that was cut off was sent again by itself")

    def _judge_tasks(self, rows: dict[str, dict[str, Any]], tasks: list[dict[str, Any]]) -> None:
        """No task of the service without a row that names it or calls itself uncertain; and no false alarm."""
        for task in tasks:
            row = rows.get(task["prompt"], {"state": "nothing", "task_id": ""})
            if row["task_id"] != task["id"] and row["state"] != "UNCERTAIN":
                self._blame(f"a task of the service is lost: the journal says {row['state']}")
        known = {task["id"] for task in tasks}
        created = {task["prompt"] for task in tasks}
        for prompt, row in rows.items():
            if row["task_id"] and row["task_id"] not in known:
                self._blame("the journal names a task that the service does not have")
            if row["state"] == "UNCERTAIN":
                self.result.uncertain += 1
                self.result.uncertain_unsent += prompt not in created
                if prompt not in self.cut_off:
                    self._blame("a task is uncertain although no sending was cut off")
            elif prompt in self.cut_off and row["task_id"] == "":
                self._blame(f"a sending was cut off, and the task says {row['state']}")

    def _judge_files(self, rows: dict[str, dict[str, Any]]) -> None:
        self._judge_converters()
        files = [path for path in self.data.rglob("*") if path.is_file()]
        half = [path for path in files if path.suffix in (".part", ".download")]
        self.result.leftovers = len(half)
        if half:
            self._blame("a temporary file of a killed process was left", "\n".join(path.name for path in half))
        if any("damaged" in path.name for path in files):
            self._blame("a journal was put aside as damaged")
        for path in files:
            if path.name == "task.json":
                try:
                    json.loads(path.read_bytes())
                except ValueError:
                    self._blame("a task.json is half-written")
        model = (self.folder.parent / "assets" / "triangle.glb").read_bytes()
        for row in rows.values():
            if row["state"] == "READY":
                path = Path(row["result_path"])
                if not row["result_path"] or not path.is_file():
                    self._blame("a task is ready without its file", row["error"])
                elif path.read_bytes() != model:
                    self._blame("a model on disk is not what was delivered")

    def _judge_converters(self) -> None:
        """The second Blenders of killed ones end by themselves and take their files with them."""
        until, scratch = time.monotonic() + CONVERTER_SECONDS, self.data / "scratch"
        while scratch.is_dir() and any(scratch.iterdir()):
            if time.monotonic() > until:
                self._blame("a converter of a killed process goes on, or left its files")
                return
            time.sleep(0.05)

    def _judge_report(self, rows: dict[str, dict[str, Any]]) -> None:
        file = self.folder / "report.json"
        if not file.is_file():
            self._blame("the last process gave no report")
            return
        report = json.loads(file.read_bytes())
        if not report["settled"]:
            self._blame("the tasks did not come to rest in time", json.dumps(report))
        if report["strangers"]:
            self._blame("a model belongs to no task of the list", json.dumps(report))
        shown = {task["title"]: task for task in report["tasks"]}
        for prompt, row in rows.items():
            if prompt not in shown and not (row["state"] == "READY" and row["delivered"]):
                self._blame(f"a task in state {row['state']} is not in the list", json.dumps(report))
        for prompt, task in shown.items():
            self._judge_shown(task, rows.get(prompt), report)

    def _judge_shown(self, task: dict[str, Any], row: dict[str, Any] | None, report: dict[str, Any]) -> None:
        seen = {"IMPORTED": "READY"}.get(task["state"], task["state"])
        if row is None or row["state"] != seen or row["task_id"] != task["task_id"]:
            self._blame("list and journal tell different things", json.dumps([row, report]))
        if task["models"] > 1:
            self._blame(f"a model is {task['models']} times in the file", json.dumps(report))
        if (task["state"] == "IMPORTED") > task["models"]:
            self._blame("a task says IMPORTED, and no model is there", json.dumps(report))
        if task["models"] and not task["meshes"]:
            self._blame("an imported model is empty", json.dumps(report))
        if task["wanted"] == "AWAITED" and task["state"] == "READY" and task["is_of_this_file"]:
            self._blame("a model that is ready was not imported", json.dumps(report))


def _run(command: list[str], environment: dict[str, str], moment: float | None, log: IO[str]) -> int | None:
    """Run a process, kill it `moment` seconds after it is ready; return its status, or None when it had no end."""
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        errors="replace",
    )
    is_late = False
    if moment is not None and process.stdout is not None:
        for line in process.stdout:
            if line.startswith("ready"):
                break
    try:
        output, _ = process.communicate(timeout=PROCESS_SECONDS if moment is None else moment)
    except subprocess.TimeoutExpired:
        is_late = moment is None
        process.kill()
        output, _ = process.communicate()
    log.write(output)
    return None if is_late else process.returncode
