# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hostile files a campaign delivers: so many of each format and kind, the same ones for the same seed. No bpy."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.campaigns.mutations import archives, fbx, glb, obj, points, usdz
from tests.campaigns.mutations.basics import ANY, Kind, Traps
from tests.simulator.models import ensure_models

SHARES: Final = {"GLB": 32, "FBX": 24, "OBJ": 17, "USDZ": 12, "ZIP": 9, "STL": 3, "PLY": 3}
"""Of a hundred files, how many are of each format."""
KINDS: Final[dict[str, Sequence[Kind]]] = {
    "GLB": glb.KINDS,
    "FBX": fbx.KINDS,
    "OBJ": obj.KINDS,
    "USDZ": usdz.KINDS,
    "ZIP": archives.KINDS,
    "STL": points.STL_KINDS,
    "PLY": points.PLY_KINDS,
}
GENERAL_EVERY: Final = 6
"""Each so many files are changed anywhere: most of these are refused before Blender sees them."""
OBJ_ARCHIVES: Final = ("robot_obj.zip", "chair.zip", "fuze.zip")


@dataclass(frozen=True)
class Input:
    """One hostile file."""

    number: int
    format: str
    kind: Kind
    base: Path | None
    """The good file that it is made of; None for a format that is made from nothing."""
    seed: int

    @property
    def name(self) -> str:
        suffix = {"OBJ": "zip"}.get(self.format, self.format.lower())
        return f"hostile-{self.number:05}.{suffix}"

    def make(self, traps: Traps) -> bytes:
        """Return its bytes."""
        chance = random.Random(f"{self.seed} {self.number} {self.format} {self.kind.name}")  # noqa: S311  # no secret
        return self.kind.make(chance, self.base.read_bytes() if self.base else _made(self.format), traps)


def choose(count: int, seed: int, samples: Path) -> list[Input]:
    """Return so many inputs in an order of the seed's.

    :param samples: a folder with good files of other makers, used if it is there.
    """
    chance = random.Random(seed)  # noqa: S311  # no secret
    bases, plan = find_bases(samples), []
    formats = list(itertools.islice(_formats(), count))
    kinds = {name: _kinds(name) for name in SHARES}
    files = {name: itertools.cycle(bases[name]) for name in SHARES}
    for name in formats:
        plan.append((name, next(kinds[name]), next(files[name])))
    chance.shuffle(plan)
    return [Input(number, name, kind, base, seed) for number, (name, kind, base) in enumerate(plan)]


def _formats() -> Iterator[str]:
    """Give the formats according to their shares, evenly, for ever."""
    given = dict.fromkeys(SHARES, 0)
    while True:
        name = min(SHARES, key=lambda name: (given[name] + 1) / SHARES[name])
        given[name] += 1
        yield name


def _kinds(name: str) -> Iterator[Kind]:
    """Give the kinds of a format in turn, with general ones among them, for ever."""
    own, general = itertools.cycle(KINDS[name]), itertools.cycle(ANY)
    for number in itertools.count(1):
        yield next(general) if number % GENERAL_EVERY == 0 else next(own)


def find_bases(samples: Path) -> dict[str, list[Path | None]]:
    """Return the good files that are at hand, by format."""
    found: dict[str, list[Path | None]] = {name: [] for name in SHARES}
    folders = [ensure_models(), *([samples] if samples.is_dir() else [])]
    for path in sorted(path for folder in folders for path in folder.iterdir()):
        if path.name in OBJ_ARCHIVES:
            found["OBJ"].append(path)
        elif path.suffix[1:].upper() in ("GLB", "FBX", "OBJ", "USDZ"):
            found[path.suffix[1:].upper()].append(path)
    found["ZIP"] = found["GLB"][-2:]
    return {name: files or [None] for name, files in found.items()}


def _made(name: str) -> bytes:
    return {"STL": points.stl, "PLY": points.ply}[name]()
