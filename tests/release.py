# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build what is published: `python -m tests.release [--commit REV] [--repository]`. No bpy.

The same commit gives the same zip, bit by bit, on every machine: its files come out of git, and names, order, times and
modes are fixed. They are stored and not compressed, because the libraries that compress do not agree on the bits.
With `--repository` the zip is put into a static extension repository, with Blender's own index.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

from tests.build import REPOSITORY, BuildError, blender_extension, build_zip

DIST = REPOSITORY / "dist"
_MODE = 0o644 << 16
_UNIX = 3
_GIT_SECONDS = 60.0
_AS_COMMITTED = ("-c", "core.autocrlf=false", "-c", "core.eol=lf")
"""Git for Windows would otherwise change the ends of the lines."""


def release(output_dir: Path, commit: str = "HEAD", source: Path = REPOSITORY) -> Path:
    """Build the zip of a commit; return its path. A file with its SHA-256 is written beside it.

    :raises BuildError: when the commit's version and change log do not agree, or it cannot be built.
    """
    output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output_dir) as folder:
        tree = Path(folder, "tree")
        _check_out(source, commit, tree)
        version = _version(tree)
        built = build_zip(Path(folder, "built"), tree)
        target = output_dir / f"tokenlab_3d-{version}.zip"
        target.write_bytes(_normal(built, _time_of(source, commit)))
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    target.with_name(f"{target.name}.sha256").write_text(f"{digest}  {target.name}\n", encoding="ascii")
    return target


def _check_out(source: Path, commit: str, target: Path) -> None:
    """Write the files of a commit, whatever lies around in the working tree."""
    with tarfile.open(fileobj=io.BytesIO(_git(source, "archive", "--format=tar", commit))) as archive:
        archive.extractall(target, filter="data")


def _version(tree: Path) -> str:
    """Return the manifest's version, which is the newest one of the change log."""
    version = str(tomllib.loads((tree / "blender_manifest.toml").read_text(encoding="utf-8"))["version"])
    changes = (tree / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", changes, re.MULTILINE)
    if newest is None or newest.group(1) != version:
        said = newest.group(1) if newest else "nothing"
        raise BuildError(f"The manifest says {version}, the change log {said}. Nothing was built.")
    return version


def _time_of(source: Path, commit: str) -> tuple[int, int, int, int, int, int]:
    """Return when the commit was made, in UTC."""
    seconds = int(_git(source, "log", "-1", "--format=%ct", commit))
    moment = time.gmtime(seconds)
    return moment.tm_year, moment.tm_mon, moment.tm_mday, moment.tm_hour, moment.tm_min, moment.tm_sec


def _normal(built: Path, moment: tuple[int, int, int, int, int, int]) -> bytes:
    """Return the zip with everything fixed that depends on the machine."""
    output = io.BytesIO()
    with zipfile.ZipFile(built) as source, zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as target:
        for name in sorted(name for name in source.namelist() if not name.endswith("/")):
            item = zipfile.ZipInfo(name, moment)
            item.create_system, item.external_attr = _UNIX, _MODE
            target.writestr(item, source.read(name))
    return output.getvalue()


def _git(source: Path, *arguments: str) -> bytes:
    done = subprocess.run(
        ["git", *_AS_COMMITTED, "-C", str(source), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_GIT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def repository(archive: Path, folder: Path) -> Path:
    """Make a static extension repository with this zip; return its index, whose address users add."""
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in folder.glob("tokenlab_3d-*.zip"):
        # Blender's index would name each, in any order, and Blender take the last.
        earlier.unlink()
    shutil.copy2(archive, folder / archive.name)
    blender_extension("server-generate", "--repo-dir", str(folder), "--html")
    return folder / "index.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.release", description="Build what is published.")
    parser.add_argument("--commit", default="HEAD")
    parser.add_argument("--repository", action="store_true", help="make a static extension repository too")
    parser.add_argument("--output-dir", type=Path, default=DIST / "release")
    arguments = parser.parse_args()
    try:
        archive = release(arguments.output_dir, arguments.commit)
        print(archive.with_name(f"{archive.name}.sha256").read_text(encoding="ascii").strip())
        if arguments.repository:
            print(repository(archive, arguments.output_dir.with_name("repository")))
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
