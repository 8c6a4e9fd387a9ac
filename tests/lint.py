# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check style and types: `python -m tests.lint`. No bpy: what imports it is checked against stubs.

ruff judges everything. mypy runs twice, because a module has one name in a run and the code has two lives: `core`
as the core tests import it, and the whole extension as a package, as Blender imports it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.tiers import Outcome, problem

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = "tokenlab_3d"
PACKAGE_ROOMS = ("__init__.py", "core", "operators", "panels")
TYPECHECK_FOLDER = Path("build") / "typecheck"
TIME_LIMIT = 300.0


def main() -> int:
    total = Outcome()
    total.add(check("ruff check", ["ruff", "check", "."]))
    total.add(check("ruff format", ["ruff", "format", "--check", "."]))
    total.add(check("mypy, file by file", ["mypy", *files_without_package()]))
    total.add(check_package())
    for sentence in total.problems:
        print(f"Failed: {sentence}")
    print(total, flush=True)
    return 1 if total.failed else 0


def check_package() -> Outcome:
    """Check the extension under the name of a package, which the clone's folder does not have."""
    package = REPOSITORY / TYPECHECK_FOLDER / PACKAGE
    copy_package(package)
    command = ["mypy", "--cache-dir", str(TYPECHECK_FOLDER / "cache"), "-p", PACKAGE]
    # The reader wants the path of the file that was copied, not of the copy.
    shown = {f"{(TYPECHECK_FOLDER / PACKAGE).as_posix()}/": ""}
    return check("mypy, as the package", command, {"MYPYPATH": str(package.parent)}, shown)


def copy_package(package: Path) -> None:
    """Copy, because Windows lets few people make links. The time stamps keep mypy's cache valid."""
    if package.exists():
        shutil.rmtree(package)
    for room in PACKAGE_ROOMS:
        source = REPOSITORY / room
        if source.is_dir():
            shutil.copytree(source, package / room, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            package.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, package / room)


def check(
    name: str, tool: Sequence[str], environment: Mapping[str, str] | None = None, shown: Mapping[str, str] | None = None
) -> Outcome:
    """Run one tool of this environment; it passes or fails as a whole."""
    done = subprocess.run(
        [sys.executable, "-m", *tool],
        cwd=REPOSITORY,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    text = done.stdout.strip()
    for written, wanted in (shown or {}).items():
        text = text.replace(written, wanted)
    print(f"== {name}\n{text}", flush=True)
    return Outcome(passed=1) if done.returncode == 0 else problem(f"{name} found something, see above.")


def files_without_package() -> list[str]:
    """Name what is checked outside the package. By file: mypy descends into no folder that starts with a dot."""
    blender = REPOSITORY / "core" / "blender"
    files = [file for folder in ("core", "tests", ".ci") for file in sorted((REPOSITORY / folder).rglob("*.py"))]
    return [str(file.relative_to(REPOSITORY)) for file in files if blender not in file.parents]


if __name__ == "__main__":
    sys.exit(main())
