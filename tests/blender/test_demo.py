# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make demo`: what the stranger gets. A fresh Blender opens the file, and the picture shows the model."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest

from tests.blender.support import RESIDENT, ROOT, run_script
from tests.blender.test_whole_way import direct_import, png
from tests.simulator.models import ensure_models
from tests.simulator.process import SimulatorProcess

SERVED = {"glb": "robot.glb", "fbx": "robot.fbx", "obj": "robot_obj.zip", "usdz": "robot.usdz"}


def run_demo(output: Path, *arguments: object) -> None:
    quick = ("--samples", 1, "--seconds", 1)
    run_script(ROOT / "tests" / "demo" / "__main__.py", "--output-dir", output, *quick, *arguments, environment={})


def describe(blend: Path) -> dict[str, Any]:
    done = run_script(RESIDENT, "describe", blend, environment={})
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    found: dict[str, Any] = json.loads(line.removeprefix("FOUND "))
    return found


def pixels(picture: Path) -> Any:
    image = bpy.data.images.load(str(picture))
    values = np.empty(image.size[0] * image.size[1] * 4, dtype=np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return values


@pytest.fixture
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, list[list[int]]]]:
    """Vertices and image sizes of what the simulator serves, by a direct import."""
    import zipfile  # noqa: PLC0415

    path = ensure_models() / SERVED[request.param]
    if path.suffix == ".zip":
        zipfile.ZipFile(path).extractall(tmp_path / "served")
        path = next((tmp_path / "served").rglob("*.obj"))
    vertices, _, _ = direct_import(path)
    yield vertices, sorted(list(image.size) for image in bpy.data.images if image.source == "FILE")


@pytest.mark.parametrize(("wanted", "served"), [(item, item) for item in SERVED], indirect=["served"])
def test_the_demo_leaves_a_file_with_the_model_and_a_picture_of_it(
    wanted: str, served: tuple[int, list[list[int]]], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    run_demo(output, "--format", wanted)
    (blend,), (picture,) = output.glob("*.blend"), output.glob("*.png")
    found = describe(blend)
    assert found["states"] == ["IMPORTED"]
    (collection,) = found["collections"]
    assert collection["task_id"] == found["task_ids"][0]
    assert (collection["vertices"], found["images"]) == served
    hidden = tmp_path / "hidden.png"
    run_script(RESIDENT, "render_without_the_model", blend, hidden, environment={})
    difference = np.abs(pixels(picture) - pixels(hidden))
    assert (difference > 0.1).mean() > 0.02, "the model covers a part of the picture"


def test_the_demo_takes_a_picture(tmp_path: Path) -> None:
    output = tmp_path / "out"
    run_demo(output, "--image", png(tmp_path / "red.png"))
    (blend,) = output.glob("*-from-image.blend")
    assert describe(blend)["states"] == ["IMPORTED"]


def test_the_demo_names_a_picture_that_is_not_there(tmp_path: Path) -> None:
    script = ROOT / "tests" / "demo" / "__main__.py"
    done = run_script(script, "--image", tmp_path / "gone.png", environment={}, check=False)
    assert done.returncode == 2
    assert "there is no picture" in done.stderr


def test_a_task_that_was_paid_for_is_kept_whatever_becomes_of_the_demo(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.configure(faults=["asset-html"])
    output = tmp_path / "out"
    done = run_script(
        ROOT / "tests" / "demo" / "__main__.py",
        *("--live", "--output-dir", output),
        environment={"TOKENLAB_API_BASE": simulator.url, "TOKENLAB_API_KEY": simulator.key},
        check=False,
    )
    assert done.returncode == 1 and str(output / "data") in done.stderr, done.stderr
    (created,) = simulator.creates()
    with contextlib.closing(sqlite3.connect(output / "data" / "journal.sqlite3")) as journal:
        assert created["id"] in "".join(journal.iterdump())
