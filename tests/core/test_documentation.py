# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The books are true: the page on errors knows every sentence, links lead somewhere, and named commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted([*(REPOSITORY / "docs").glob("*.md"), REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md"])
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "core").rglob("*.py"))
READ = 5
"""The column of docs/faults.md with the sentence that was read."""


def rows(page: Path) -> list[list[str]]:
    """The cells of all tables of a page, without their heads."""
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def explained() -> dict[str, re.Pattern[str]]:
    """What docs/errors.md explains, with patterns that match it."""
    found = [cells[0] for cells in rows(REPOSITORY / "docs" / "errors.md") if cells[0] != "It says"]
    return {text: re.compile(".*".join(map(re.escape, text.split("…"))) + "$") for text in found}


def seen() -> list[str]:
    """What was read when everything went wrong."""
    lines = [cells for cells in rows(REPOSITORY / "docs" / "faults.md") if cells[0].startswith("`")]
    return sorted({cells[READ] for cells in lines if cells[READ]})


@pytest.mark.parametrize("sentence", seen())
def test_each_sentence_that_was_seen_is_explained(sentence: str) -> None:
    assert [text for text, pattern in explained().items() if pattern.match(sentence)]


@pytest.mark.parametrize("text", explained())
def test_each_explained_sentence_is_one_that_is_said(text: str) -> None:
    longest = max(text.split("…"), key=len).strip(" .,:“”()")
    is_seen = any(explained()[text].match(sentence) for sentence in seen())
    assert is_seen or longest in re.sub(r'"\s*\n\s*f?"', "", SOURCES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_and_picture_of_a_page_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    for target in targets:
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles], target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_make_command_that_a_page_names_is_there(page: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8")):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for campaign in re.findall(r"CAMPAIGN=([a-z]+)", page.read_text(encoding="utf-8")):
        assert (REPOSITORY / "tests" / "campaigns" / f"{campaign}.py").is_file(), campaign
