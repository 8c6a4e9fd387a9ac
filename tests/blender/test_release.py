# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is published: the same commit gives the same bits, whatever lies around, and a repository that Blender reads."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.build import PACKAGE_FILES, PACKAGE_FOLDERS, REPOSITORY, BuildError, zip_names
from tests.release import release, repository


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository of its own with what the zip is made of, committed."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in (*PACKAGE_FILES, "CHANGELOG.md"):
        shutil.copy2(REPOSITORY / name, folder / name)
    for name in PACKAGE_FOLDERS:
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "All", "--date", "2026-01-02T03:04:05Z")
    return folder


def test_the_same_commit_gives_the_same_bits_whatever_lies_in_the_working_tree(clone: Path, tmp_path: Path) -> None:
    first = release(tmp_path / "one", source=clone).read_bytes()
    (clone / "core" / "notes.py").write_text("# mine", encoding="utf-8")
    (clone / "__init__.py").write_text("broken", encoding="utf-8")
    os.chmod(clone / "core" / "text.py", 0o700)
    second = release(tmp_path / "two", source=clone)
    assert second.read_bytes() == first
    digest = second.with_name(f"{second.name}.sha256").read_text(encoding="ascii").split()[0]
    assert digest == hashlib.sha256(first).hexdigest()
    with zipfile.ZipFile(second) as archive:
        names = [item.filename for item in archive.infolist()]
        assert names == sorted(names)
        assert {item.external_attr >> 16 for item in archive.infolist()} == {0o644}
        assert len({item.date_time for item in archive.infolist()}) == 1


def test_a_version_that_the_change_log_does_not_have_is_not_published(clone: Path, tmp_path: Path) -> None:
    text = (clone / "CHANGELOG.md").read_text(encoding="utf-8")
    (clone / "CHANGELOG.md").write_text(text.replace("## [0", "## [9", 1), encoding="utf-8")
    git(clone, "commit", "-q", "-a", "-m", "Other")
    with pytest.raises(BuildError, match="the change log 9"):
        release(tmp_path / "out", source=clone)
    assert release(tmp_path / "out", "HEAD~1", source=clone).is_file()


def test_a_commit_that_is_not_there_is_said(clone: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="git archive failed"):
        release(tmp_path / "out", "no-such-commit", source=clone)


def test_the_repository_has_an_index_that_names_the_zip_and_its_hash(clone: Path, tmp_path: Path) -> None:
    archive = release(tmp_path / "out", source=clone)
    index = json.loads(repository(archive, tmp_path / "repository").read_text(encoding="utf-8"))
    (entry,) = index["data"]
    assert entry["id"] == "tokenlab_3d" and entry["archive_url"] == f"./{archive.name}"
    assert entry["archive_hash"] == f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"
    assert zip_names(tmp_path / "repository" / archive.name)


def test_the_ends_of_the_lines_are_those_of_the_commit_whatever_git_is_told(clone: Path, tmp_path: Path) -> None:
    first = release(tmp_path / "one", source=clone).read_bytes()
    git(clone, "config", "core.autocrlf", "true")
    assert release(tmp_path / "two", source=clone).read_bytes() == first


def test_the_repository_offers_the_newest_release_alone(clone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    archive = release(tmp_path / "release", source=clone)
    shutil.copy2(archive, folder / "tokenlab_3d-0.0.1.zip")
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    index = json.loads(repository(archive, folder).read_text(encoding="utf-8"))
    assert [item["archive_url"] for item in index["data"]] == [f"./{archive.name}"]
    assert sorted(path.name for path in folder.glob("*.zip")) == [archive.name]
    assert (folder / "notes.txt").is_file()
