# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the second Blender does, and when: one conversion fails with a sentence, and the next one works."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.processes import mark
from core.tasks.converter import (
    Command,
    ConversionFailed,
    Converter,
    ConverterStopped,
    ConverterUnavailable,
    Limits,
    Prepared,
)
from core.tasks.converter_process import Child
from tests.ended_process import elsewhere, of_ended
from tests.loopback import wait_for

FAKE = Path(__file__).parent / "scripts" / "fake_converter.py"
SHORT = Limits(start=2.0, convert=2.0, preview=2.0, idle=60.0, memory=200 * 1024**2)
ENDINGS = ("exits", "crashes", "is killed")


class Stage:
    """A converter whose child behaves as a file says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.behaviour = folder / "behaviour"
        self.behave("well")
        self.scratch = folder / "scratch"
        self.converter = Converter(self.scratch, SHORT)
        self.command = Command((sys.executable, str(FAKE), str(self.behaviour), "--"), "5.2.3")
        self.source = folder / "original.glb"
        self.source.write_bytes(b"glTF")
        self.blend = folder / "model.blend"

    def behave(self, how: str) -> None:
        self.behaviour.write_text(how)

    def convert(self) -> tuple[str, object]:
        made: list[Prepared] = []

        def take(prepared: Prepared) -> None:
            made.append(prepared)
            self.blend.write_bytes((prepared.folder / "model.blend").read_bytes())

        order = {"source": str(self.source), "blend": "model.blend", "format": "GLB"}
        self.converter.convert(self.command, order, take)
        return made[0].version, made[0].answer["facts"]

    def preview(self) -> bool:
        pictures: list[bool] = []

        def take(prepared: Prepared) -> None:
            pictures.append((prepared.folder / "preview.png").is_file())

        order = {"source": str(self.source), "blend": "model.blend", "picture": "preview.png"}
        return self.converter.preview(self.command, order, take) and pictures == [True]

    @property
    def pids(self) -> list[int]:
        file = self.behaviour.with_suffix(".pids")
        return [int(line) for line in file.read_text().split()] if file.is_file() else []

    def check_nothing_is_left(self) -> None:
        self.converter.stop()
        assert list(self.scratch.glob("*")) == []
        for pid in self.pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        assert not [thread for thread in threading.enumerate() if thread.name == "tokenlab-converter"]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.check_nothing_is_left()


def test_one_child_prepares_one_model_after_the_other(stage: Stage) -> None:
    assert stage.convert() == ("5.2.3", {"triangles": 12})
    assert stage.blend.read_bytes() == b"BLENDER-v502glTF"
    assert stage.preview()
    assert stage.convert() == ("5.2.3", {"triangles": 12})
    assert len(stage.pids) == 1


def test_a_child_that_was_warmed_up_is_the_one_that_works(stage: Stage) -> None:
    stage.converter.warm_up(stage.command)
    stage.converter.warm_up(stage.command)
    stage.convert()
    assert len(stage.pids) == 1


@pytest.mark.parametrize(
    "way",
    [
        *ENDINGS,
        "hangs",
        "takes memory",
        "says it is out of memory",
        "says nonsense",
        "says no word",
        "never stops talking",
    ],
)
def test_a_child_that_fails_while_it_works_costs_one_conversion(stage: Stage, way: str) -> None:
    stage.behave(f"working {way}")
    with pytest.raises(ConversionFailed) as caught:
        stage.convert()
    sentence = str(caught.value)
    assert "kept on disk" in sentence and "nothing is charged again" in sentence and "ry again" in sentence
    expected = {
        "hangs": "longer than 2 seconds",
        **dict.fromkeys(("takes memory", "says it is out of memory"), "GB of memory"),
    }
    expected.update(dict.fromkeys(ENDINGS, "crashed"))
    assert expected.get(way, "did not answer as it should") in sentence
    assert stage.source.read_bytes() == b"glTF"
    stage.behave("well")
    assert stage.convert()[0] == "5.2.3"


def test_a_child_serves_as_many_models_as_there_are(stage: Stage) -> None:
    for _ in range(600):
        stage.convert()
    assert len(stage.pids) == 1


def test_the_limit_that_was_passed_is_the_one_that_is_named(stage: Stage) -> None:
    stage.converter = Converter(stage.scratch, replace(SHORT, start=1.0, convert=50.0))
    stage.behave("begun hangs")
    with pytest.raises(ConversionFailed, match="longer than 1 seconds"):
        stage.convert()


@pytest.mark.parametrize("way", ["writes broken lines", "writes rubbish"])
def test_rubbish_that_is_not_meant_for_us_is_passed_over(stage: Stage, way: str) -> None:
    stage.behave(f"working {way}")
    if way == "writes broken lines":
        with pytest.raises(ConversionFailed, match="did not answer as it should"):
            stage.convert()
    else:
        assert stage.convert()[0] == "5.2.3"


@pytest.mark.parametrize("way", ENDINGS)
@pytest.mark.parametrize("moment", ["ready", "begun"])
def test_a_child_that_ends_before_it_begins_is_replaced_once(stage: Stage, way: str, moment: str) -> None:
    stage.behave(f"{moment} {way}")
    with pytest.raises(ConversionFailed, match="crashed"):
        stage.convert()
    assert len(stage.pids) == 2
    stage.behave("well")
    assert stage.convert()[0] == "5.2.3"


def test_a_warm_child_that_was_killed_meanwhile_is_replaced_without_anybody_noticing(stage: Stage) -> None:
    stage.convert()
    os.kill(stage.pids[0], 9)
    assert stage.convert()[0] == "5.2.3"
    assert len(stage.pids) == 2


@pytest.mark.parametrize("way", [*ENDINGS, "hangs", "says nonsense", "takes memory"])
def test_without_a_child_that_gets_ready_there_is_no_converter(stage: Stage, way: str) -> None:
    stage.behave(f"start {way}")
    for _ in range(2):
        assert not stage.converter.is_broken
        with pytest.raises(ConverterUnavailable):
            stage.convert()
    assert stage.converter.is_broken
    with pytest.raises(ConverterUnavailable):
        stage.convert()
    assert len(stage.pids) == 2, "no further try for now"


def broken_stage(stage: Stage) -> list[float]:
    """Have two starts fail; return the time of the converter's clock, which only the test moves."""
    now = [1000.0]
    stage.converter = Converter(stage.scratch, SHORT, clock=lambda: now[0])
    stage.behave("start exits")
    for _ in range(2):
        with pytest.raises(ConverterUnavailable):
            stage.convert()
    assert stage.converter.is_broken
    return now


def test_a_converter_that_could_not_be_started_is_tried_again_after_some_minutes(stage: Stage) -> None:
    now = broken_stage(stage)
    now[0] += 301.0
    assert not stage.converter.is_broken
    with pytest.raises(ConverterUnavailable):
        stage.convert()
    assert stage.converter.is_broken and len(stage.pids) == 3, "one more try is enough to believe it"
    now[0] += 301.0
    stage.behave("well")
    assert stage.convert()[0] == "5.2.3"
    assert not stage.converter.is_broken


def test_a_converter_that_could_not_be_started_is_tried_again_at_once_when_the_user_wants_it(stage: Stage) -> None:
    broken_stage(stage)
    stage.behave("well")
    stage.converter.trust_again()
    assert stage.convert()[0] == "5.2.3"


def test_a_program_that_does_not_exist_is_no_converter(stage: Stage) -> None:
    command = Command((str(stage.folder / "no such blender"), "--"), "5.2.3")
    stage.converter.warm_up(command)
    with pytest.raises(ConverterUnavailable):
        stage.converter.convert(command, {}, lambda prepared: None)
    assert stage.converter.is_broken


def test_what_the_child_refuses_is_said_in_its_words_without_addresses(stage: Stage) -> None:
    stage.behave("working refuses")
    with pytest.raises(ConversionFailed, match=r"^The delivered file holds no geometry\. Try again\.$"):
        stage.convert()


def test_a_refusal_without_a_sentence_is_nonsense(stage: Stage) -> None:
    stage.behave("working refuses without a word")
    with pytest.raises(ConversionFailed, match="did not answer as it should"):
        stage.convert()


@pytest.mark.parametrize("way", [*ENDINGS, "hangs", "says nonsense"])
def test_a_preview_that_fails_is_no_preview_and_nothing_else(stage: Stage, way: str) -> None:
    stage.convert()
    stage.behave(f"working {way}")
    os.kill(stage.pids[0], 9)
    assert not stage.preview()
    stage.behave("well")
    assert stage.preview()


@pytest.mark.parametrize("moment", ["start", "working"])
def test_stopping_ends_a_child_that_hangs_and_the_worker_that_waits_for_it(stage: Stage, moment: str) -> None:
    stage.behave(f"{moment} hangs")
    raised: list[BaseException] = []

    def work() -> None:
        try:
            stage.convert()
        except ConverterStopped as error:
            raised.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    wait_for(lambda: len(stage.pids) == 1)
    began = time.monotonic()
    stage.converter.stop()
    worker.join(5.0)
    assert not worker.is_alive()
    assert len(raised) == 1
    assert time.monotonic() - began < 5.0
    with pytest.raises(ConverterStopped):
        stage.convert()


@pytest.mark.parametrize("ask", ["warm up", "convert"])
def test_a_child_that_is_being_started_while_all_is_stopped_ends(stage: Stage, ask: str) -> None:
    started: list[Child] = []

    def start(*arguments: Any) -> Child:
        child = Child(*arguments)
        stage.converter.stop()
        started.append(child)
        return child

    stage.converter = Converter(stage.scratch, SHORT, start=start)
    if ask == "warm up":
        stage.converter.warm_up(stage.command)
    else:
        with pytest.raises(ConverterStopped):
            stage.convert()
    assert [child.is_alive for child in started] == [False]


def test_a_child_whose_parent_is_gone_ends(stage: Stage) -> None:
    stage.convert()
    child = stage.converter._child
    assert child is not None and child._process.stdin is not None
    child._process.stdin.close()
    wait_for(lambda: not child.is_alive)


def test_the_child_knows_no_key_and_keeps_its_temporary_files_to_itself(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENLAB_API_KEY", "sk-secret-of-a-test")
    stage.convert()
    environment = Path(f"/proc/{stage.pids[0]}/environ")
    if not environment.is_file():
        pytest.skip("This system does not tell a process's environment.")
    words = dict(item.partition("=")[::2] for item in environment.read_text().split("\0"))
    assert not [name for name in words if name.startswith("TOKENLAB_")]
    folder = Path(words["TMPDIR"])
    assert folder.parent == stage.scratch
    assert (folder / "left-behind.tmp").is_file()


def test_what_children_of_a_killed_blender_have_left_is_removed_and_nothing_else(stage: Stage) -> None:
    gone, living, foreign = of_ended(mark()), mark(), elsewhere(mark())
    ages = {
        f"converter-{gone}a": 10.0,
        f"converter-{living}a": 90_000.0,
        f"converter-{living}b": 10.0,
        f"converter-{foreign}a": 90_000.0,
        f"converter-{foreign}b": 10.0,
        "converter-of-somebody": 10.0,
        "something else": 90_000.0,
    }
    for name, age in ages.items():
        folder = stage.scratch / name
        folder.mkdir(parents=True)
        moment = time.time() - age
        os.utime(folder, (moment, moment))
    stage.convert()
    kept = {name for name in ages if (stage.scratch / name).exists()}
    assert kept == {f"converter-{living}b", f"converter-{foreign}b", "converter-of-somebody", "something else"}
    for name in kept:
        (stage.scratch / name).rmdir()
