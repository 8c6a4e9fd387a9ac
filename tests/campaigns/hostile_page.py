# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a campaign of hostile files saw, and the page that says it. No bpy."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.campaigns.hostile_inputs import SHARES, Input

OUTCOMES: Final = (
    "refused before Blender",
    "refused by the importer",
    "crashed the second Blender",
    "timed out",
    "out of memory",
    "imported",
)
SENTENCES: Final = (
    ("importer crashed on the delivered file", OUTCOMES[2]),
    ("took longer than", OUTCOMES[3]),
    ("GB of memory and was given up", OUTCOMES[4]),
)
RUN: Final = re.compile(r"^\| (\d+\.\d+\.\d+[^|]*) \|", re.MULTILINE)
NO_PICTURE: Final = "of these without a picture"
DEATH: Final = "the session died"


@dataclass
class Result:
    """What became of one file."""

    item: Input
    outcome: str
    error: str
    appended: float
    """Seconds that the user's Blender was held up."""
    has_picture: bool
    violations: list[str]

    @classmethod
    def of(cls, item: Input, found: dict[str, Any], violations: list[str], *, has_picture: bool) -> Result:
        """Judge what a session says."""
        error = str(found["error"])
        outcome = _outcome(found)
        if outcome == "imported" and error:
            violations.append("a model was imported, and an error said")
        if outcome != "imported" and not _is_sentence(error):
            violations.append(f"that is no sentence: {error!r}")
        return cls(item, outcome, error, float(found["appended"]), has_picture, violations)

    @property
    def reached_importer(self) -> bool:
        """Whether Blender's importer saw the file."""
        return self.outcome in OUTCOMES[1:]


def _outcome(found: dict[str, Any]) -> str:
    if found["state"] == "IMPORTED":
        return "imported"
    if not found["result"]:
        return "refused before Blender"
    return next((outcome for part, outcome in SENTENCES if part in found["error"]), "refused by the importer")


def _is_sentence(text: str) -> bool:
    """Whether a user can be shown that: it says that the file is kept, what it costs, and what to do."""
    wanted = ("kept", "nothing is charged again")
    advice = ("ry again", "generate in another format")
    unwanted = ("Traceback", "http", "None", "did not answer as it should")
    return (
        all(part in text for part in wanted)
        and any(part in text for part in advice)
        and not any(part in text for part in unwanted)
    )


def write_page(
    path: Path, results: Sequence[Result], version: str, options: argparse.Namespace, seconds: float, deaths: int
) -> None:
    """Write what was seen; a run with an older Blender than the page's adds its figures to it alone."""
    text = path.read_text("utf-8") if path.is_file() else ""
    runs = {_number(match.group(1)): _line_at(text, match.start()) for match in RUN.finditer(text)}
    runs[_number(version)] = _run_line(results, version, seconds, deaths)
    names = sorted(runs, key=lambda name: [int(part) for part in name.split(".")], reverse=True)
    rows = [runs[name] for name in names]
    if names[0] == _number(version):
        text = document(results, version, options, rows)
    else:
        begin, end = text.index("| Blender |"), text.index("\n\n", text.index("| Blender |"))
        text = text[:begin] + "\n".join((*_run_head(), *rows)) + text[end:]
    path.write_text(text, "utf-8")


def _number(version: str) -> str:
    return version.partition(" ")[0]


def _line_at(text: str, place: int) -> str:
    return text[place : text.index("\n", place)]


def _run_head() -> tuple[str, str]:
    columns = (
        "Blender",
        "files",
        "got as far as its importer",
        *OUTCOMES,
        NO_PICTURE,
        DEATH,
        "violations",
        "longest append",
        "time",
    )
    return f"| {' | '.join(columns)} |", f"|---|{'--:|' * (len(columns) - 1)}"


def _run_line(results: Sequence[Result], version: str, seconds: float, deaths: int) -> str:
    cells = (
        version,
        len(results),
        sum(result.reached_importer for result in results),
        *_counts(results),
        deaths,
        sum(len(result.violations) for result in results),
        f"{max(result.appended for result in results):.2f} s",
        f"{seconds:.0f} s",
    )
    return f"| {' | '.join(map(str, cells))} |"


def _counts(results: Sequence[Result]) -> list[int]:
    counts = Counter(result.outcome for result in results)
    pictures = sum(result.outcome == "imported" and not result.has_picture for result in results)
    return [*(counts[outcome] for outcome in OUTCOMES), pictures]


def table(results: Sequence[Result]) -> str:
    """Return what came of the files, by format and kind, as a Markdown table."""
    columns = ("format", "what was changed", "files", *OUTCOMES, NO_PICTURE, "violations")
    lines = [f"| {' | '.join(columns)} |", f"|---|---|{'--:|' * (len(columns) - 2)}"]
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.item.format, result.item.kind.name), []).append(result)
    for name in SHARES:
        of_format = [result for result in results if result.item.format == name]
        for (_name, kind), found in sorted(item for item in groups.items() if item[0][0] == name):
            lines.append(_line(name, kind, found))
        if of_format:
            lines.append(_line(f"**{name}**", "**all**", of_format))
    return "\n".join(lines)


def _line(name: str, kind: str, results: Sequence[Result]) -> str:
    cells = (name, kind, len(results), *_counts(results), sum(len(result.violations) for result in results))
    return f"| {' | '.join(map(str, cells))} |"


def document(results: Sequence[Result], version: str, options: argparse.Namespace, runs: Sequence[str]) -> str:
    """Return docs/hostile.md."""
    violations = Counter(sentence for result in results for sentence in result.violations)
    bases = sorted({result.item.base.name for result in results if result.item.base})
    said = Counter(_short(result.error) for result in results if result.error)
    command = f"make campaign CAMPAIGN=hostile N={options.rounds}"
    return "\n".join(
        (
            "# Hostile files",
            "",
            "Written by the run; not by hand. Files that a service could deliver are made hostile, in ways that",
            "leave most of them whole enough to get as far as Blender's importer. Each is delivered by the simulator,",
            "told by its bytes, checked, unpacked, prepared by a second Blender, and appended in one Blender (the bpy",
            "module) with the built zip that lives through all of them. What arrives is looked at, undone, redone,",
            "saved, and cleared away; a picture is made of it as well.",
            "",
            f"{time.strftime('%Y-%m-%d', time.gmtime())}, {sys.platform}. To repeat it: `{command}`. A file alone:",
            f"`python -m tests.campaigns.hostile --rounds {options.rounds} --seed {options.seed} --only hostile-00007`",
            "(it has the same bytes each time, but for the places on this disk that it may name).",
            "",
            *_run_head(),
            *runs,
            "",
            "Checked for each file: the Blender lives; the task ends as a model or as a sentence that says what is",
            "kept, what it costs and what to do; what was imported has vertices, finite bounds and no mesh to repair,",
            "can be undone and redone, and leaves no data when it is removed; the original is as it was delivered; in",
            "a tree of canaries around the task's folder nothing is new, gone or changed; no private file is in the",
            "prepared model; no link, temporary file, folder or process is left.",
            "",
            f"## Blender {version}",
            "",
            table(results),
            "",
            f"Made of {', '.join(bases)}; STL, PLY and most archives from nothing.",
            "",
            "## What was said",
            "",
            *[f"- {count} times: {sentence}" for sentence, count in said.most_common()],
            "",
            "## Violations",
            "",
            *([f"- {count} times: {sentence}." for sentence, count in violations.most_common()] or ["None."]),
            "",
        )
    )


def _short(error: str) -> str:
    """Return the first sentence, without the numbers that differ."""
    return re.sub(r"\d[\d,]*(?: x \d+)?", "N", re.split(r"(?<=\.) ", error)[0])
