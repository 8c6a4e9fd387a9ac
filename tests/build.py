# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the extension's zip with Blender's own extension builder: `python -m tests.build`. No bpy.

The builder comes with the bpy wheel and runs without importing bpy. It does not know every rule, so the zip is
validated with Blender's list of tags, and its content is compared with what a user needs.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

REPOSITORY = Path(__file__).resolve().parent.parent
TIME_LIMIT = 120.0

PACKAGE_FILES = frozenset({"blender_manifest.toml", "__init__.py", "LICENSE"})
"""What lies at the top of the zip; the first two must be there."""
PACKAGE_FOLDERS = frozenset({"core", "operators", "panels"})
PACKAGE_SUFFIXES = frozenset({".py"})


class BuildError(RuntimeError):
    """The zip could not be built, or is not what a user should get."""


def build_zip(output_dir: Path, source_dir: Path = REPOSITORY) -> Path:
    """Build, validate and check the zip; return its path."""
    output_dir.mkdir(parents=True, exist_ok=True)
    # A folder of its own: the builder names the file after the manifest, and an older zip may lie in output_dir.
    with tempfile.TemporaryDirectory(dir=output_dir) as folder:
        staged = Path(folder, "source")
        stage(source_dir, staged)
        blender_extension("build", "--source-dir", str(staged), "--output-dir", folder)
        (built,) = Path(folder).glob("*.zip")
        validate(built)
        check_content(zip_names(built))
        return built.replace(output_dir / built.name)


def stage(source_dir: Path, target: Path) -> None:
    """Copy the sources alone: people keep logs, notes and pictures of their own beside them."""
    target.mkdir()
    for name in PACKAGE_FILES:
        shutil.copy2(source_dir / name, target / name)
    for name in PACKAGE_FOLDERS:
        shutil.copytree(source_dir / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))


def validate(archive: Path) -> None:
    """Let Blender judge the zip, including its tags, which it otherwise takes on trust."""
    tags = scripts_folder() / "modules" / "_bpy_internal" / "extensions" / "tags.py"
    blender_extension("validate", "--valid-tags", str(tags), str(archive))


def check_content(names: Iterable[str]) -> None:
    """Refuse a zip with a file that no user needs, or without one that Blender needs."""
    names = set(names)
    unwanted = sorted(name for name in names if not belongs_in_zip(name))
    if unwanted:
        raise BuildError(f"These files must not be in the zip: {', '.join(unwanted)}.")
    missing = sorted({"blender_manifest.toml", "__init__.py"} - names)
    if missing:
        raise BuildError(f"The zip lacks {', '.join(missing)}.")


def belongs_in_zip(name: str) -> bool:
    path = PurePosixPath(name)
    if any(part.startswith(".") or part == "__pycache__" for part in path.parts):
        return False
    if len(path.parts) == 1:
        return name in PACKAGE_FILES
    return path.parts[0] in PACKAGE_FOLDERS and path.suffix in PACKAGE_SUFFIXES


def zip_names(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        return [name for name in opened.namelist() if not name.endswith("/")]


def blender_extension(*arguments: str) -> None:
    """Run Blender's extension tool; its output becomes the error's text."""
    tool = scripts_folder() / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    # -I: the tool must see neither this repository nor the tests' packages.
    command = [sys.executable, "-I", str(tool), *arguments]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=TIME_LIMIT,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"Blender's extension tool refused to {arguments[0]}:\n{done.stdout.strip()}")


def scripts_folder() -> Path:
    """Find Blender's scripts in the bpy wheel, without importing bpy (that takes a second and needs X libraries)."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        raise BuildError(f"{sys.executable} has no bpy module: use the Python that .ci/environment.py prints.")
    found = sorted(Path(spec.origin).parent.glob("[0-9]*.[0-9]*/scripts"))
    if not found:
        raise BuildError(f"The bpy module beside {spec.origin} brings no Blender scripts.")
    return found[-1]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.build", description="Build the extension's zip.")
    parser.add_argument("--output-dir", type=Path, default=REPOSITORY / "dist")
    arguments = parser.parse_args()
    try:
        archive = build_zip(arguments.output_dir)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{archive} ({archive.stat().st_size} bytes, {len(zip_names(archive))} files)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
