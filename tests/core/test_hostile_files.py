# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the campaign of hostile files makes, and how it judges: good files, or no judge, would prove nothing."""

from __future__ import annotations

import argparse
import random
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import odd_models
from tests.campaigns import hostile_inputs
from tests.campaigns.hostile_inputs import KINDS, SHARES, Input, choose
from tests.campaigns.hostile_page import OUTCOMES, Result, write_page
from tests.campaigns.mutations import basics, fbx, glb, points
from tests.campaigns.mutations.basics import ANY, Kind, Traps
from tests.campaigns.mutations.fbx import Node, Reader, Value

TRAPS = Traps(private="/home/somebody/private.png", outside="/home/somebody")
KEPT = "It is kept on disk, and nothing is charged again. Try again."


def small_fbx(version: int) -> bytes:
    """A few nodes of the kinds that mutations look for."""
    array = Value(b"d", b"")
    array.set_numbers([0.0, 1.0, 2.0])
    link = Node(b"C", [Value(b"S", b"OO"), Value(b"L", bytes(8)), Value(b"L", b"\1" + bytes(7))])
    nodes = [
        Node(b"Objects", [], [Node(b"Vertices", [array]), Node(b"FileName", [Value(b"S", b"a.png")])], is_list=True),
        Node(b"Connections", [], [link, link], is_list=True),
    ]
    head = b"Kaydara FBX Binary  \0\x1a\0" + struct.pack("<I", version)
    return fbx.write(head, version, nodes, b"the end")


SLOW = ("a bomb", "very many files")
SCENE = b"PXR-USDC" + bytes(8) + struct.pack("<Q", 500) + bytes(range(256)) * 3
"""A binary scene as far as mutations look: a mark, and where the table of contents is."""
GOOD: Mapping[str, bytes] = {
    "GLB": odd_models.textured_glb(odd_models.png(4, 4)),
    "FBX": small_fbx(7400),
    "OBJ": odd_models.obj_with_material("map_Kd a.png"),
    "USDZ": odd_models.usdz({"model.usdc": SCENE, "a.png": odd_models.png(4, 4)}),
    "ZIP": odd_models.textured_glb(odd_models.png(4, 4)),
    "STL": points.stl(),
    "PLY": points.ply(),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in SHARES for kind in (*KINDS[name], *ANY)],
    ids=lambda value: str(value)[:40],
)
def test_every_kind_makes_another_file_and_the_same_one_for_the_same_seed(name: str, kind: Kind) -> None:
    count = 1 if kind.name in SLOW else 6
    made = [kind.make(random.Random(seed), GOOD[name], TRAPS) for seed in range(count)]  # noqa: S311
    assert made[0] == kind.make(random.Random(0), GOOD[name], TRAPS)  # noqa: S311
    assert any(data != GOOD[name] for data in made)


@pytest.mark.parametrize("version", [7400, 7500])
def test_an_fbx_that_is_read_and_written_is_the_same(version: int) -> None:
    data = small_fbx(version)
    reader = Reader(data)
    nodes = reader.nodes()
    assert [node.name for node in nodes] == [b"Objects", b"Connections"]
    assert nodes[0].children[0].values[0].numbers() == [0.0, 1.0, 2.0]
    assert fbx.write(data[: fbx.HEAD], version, nodes, data[reader.place :]) == data


def test_a_glb_that_is_split_and_packed_is_the_same() -> None:
    assert odd_models.pack_glb(*glb.split(GOOD["GLB"])) == GOOD["GLB"]


def test_the_files_of_a_run_are_of_all_formats_and_kinds_and_the_same_for_the_same_seed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hostile_inputs, "ensure_models", lambda: tmp_path)
    plan = choose(300, 1, tmp_path)
    assert plan == choose(300, 1, tmp_path)
    assert [(item.format, item.kind) for item in plan] != [
        (item.format, item.kind) for item in choose(300, 2, tmp_path)
    ]
    assert len({item.name for item in plan}) == 300
    for name, share in SHARES.items():
        of_format = [item for item in plan if item.format == name]
        assert abs(len(of_format) - 3 * share) <= 3
        assert {item.kind for item in of_format} >= set(KINDS[name])


def test_a_piece_that_is_overwritten_lies_within_its_bounds() -> None:
    for seed in range(200):
        chance, data = random.Random(seed), bytes(range(100))  # noqa: S311
        for changed in (basics.overwrite(chance, data, 40, 60), basics.flip_bits(chance, data, 40, 60)):
            assert (changed[:40], changed[60:], len(changed)) == (data[:40], data[60:], 100)


# ------------------------------------------------------------------------------
# The judge


def judged(number: int = 0, **found: Any) -> Result:
    item = Input(number, "GLB", KINDS["GLB"][0], None, 1)
    told = {"state": "READY", "error": "", "result": "original.glb", "appended": 0.0, **found}
    return Result.of(item, told, [], has_picture=True)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        ({"state": "IMPORTED"}, "imported"),
        ({"result": "", "error": f"The delivered GLB file is cut short. {KEPT}"}, "refused before Blender"),
        ({"error": f"Blender could not read the delivered GLB file. {KEPT}"}, "refused by the importer"),
        ({"error": f"Blender's importer crashed on the delivered file. {KEPT}"}, "crashed the second Blender"),
        ({"error": f"Preparing the model took longer than 60 seconds and was given up. {KEPT}"}, "timed out"),
        ({"error": f"Preparing the model took more than 3 GB of memory and was given up. {KEPT}"}, "out of memory"),
    ],
)
def test_an_end_is_told_by_what_is_said(found: dict[str, Any], outcome: str) -> None:
    result = judged(**found)
    assert (result.outcome, result.violations) == (outcome, [])
    assert result.reached_importer is (outcome != OUTCOMES[0])


@pytest.mark.parametrize("error", ["", "Failed.", f"Traceback. {KEPT}", f"See http://x. {KEPT}", "It is kept on disk."])
def test_what_is_no_sentence_for_a_user_is_a_violation(error: str) -> None:
    assert "no sentence" in judged(error=error).violations[0]


def test_a_page_keeps_the_figures_of_other_blenders(tmp_path: Path) -> None:
    page, options = tmp_path / "hostile.md", argparse.Namespace(rounds=2, seed=1)
    results = [judged(0, state="IMPORTED"), judged(1, error=f"Blender could not read it. {KEPT}")]
    write_page(page, results, "5.2.3 LTS", options, 10.0, 0)
    whole = page.read_text()
    write_page(page, results[:1], "4.2.23 LTS", options, 20.0, 1)
    both = page.read_text()
    assert "| 5.2.3 LTS | 2 | 2 |" in both and "| 4.2.23 LTS | 1 | 1 |" in both
    assert "## Blender 5.2.3" in both and both.replace("\n| 4.2.23", "").count("\n") == whole.count("\n")
    write_page(page, results, "5.10.0", options, 10.0, 0)
    text = page.read_text()
    assert "## Blender 5.10.0" in text
    assert [line.split("|")[1].strip() for line in text.splitlines() if line.startswith(("| 5", "| 4"))] == [
        "5.10.0",
        "5.2.3 LTS",
        "4.2.23 LTS",
    ]
