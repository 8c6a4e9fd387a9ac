# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find or make the virtual environment for one Blender version, and print the path of its Python.

    python3 .ci/environment.py [--bpy newest|4.2|4.5|5.0|5.1|5.2]

Standard library only, Python 3.9 and later, no bpy in this process. The path is the last line of stdout; everything
else goes to stderr. A finished environment carries a stamp, so the second call takes no time. What is missing on the
machine is installed when that is possible without asking (root on Debian and Ubuntu), else named in one sentence.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ENVIRONMENTS = REPOSITORY / ".venvs"
STAMP = "tokenlab-stamp"
WINDOWS = os.name == "nt"

# Blender's Python module exists for one Python version each.
PYTHON_OF_BLENDER = {"4.2": "3.11", "4.5": "3.11", "5.0": "3.11", "5.1": "3.13", "5.2": "3.13"}
NEWEST_FIRST = ("5.2", "5.0")
"""For `newest`: the newest Blender of each Python."""
GROUP_OF_BLENDER = {"5.2": "dev", "5.0": "dev"}
"""The tools for lint go where `newest` leads; the other environments only run tests."""
BUNDLED = {
    # What Blender 4.2 itself ships (build_files/build_environment/cmake/versions.cmake): pip alone would choose the
    # newest, and nobody would notice what works only there.
    "4.2": ("requests==2.27.1", "urllib3==1.26.8"),
}
SYSTEM_LIBRARIES = (
    "libx11-6 libxrender1 libxxf86vm1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libxext6 libgl1 libgomp1"
)
"""Debian's names for what the bpy module links to."""

PIP_MINIMUM = "pip>=25.1"  # the first with --group
PROBE_LIMIT = 30.0
FIRST_USE_LIMIT = 300.0
"""A cold disk, or a virus scanner that looks at each new file."""
INSTALL_LIMIT = 1800.0
NO_NETWORK = re.compile(r"connection broken|NewConnectionError|ConnectTimeout|ReadTimeout|NameResolutionError")
MISSING_LIBRARY = re.compile(r"(lib\S+\.so\S*): cannot open shared object file")


class MissingError(Exception):
    """Something is missing that this script cannot get; the text is the one sentence for the user."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Find or make the environment for one Blender version.")
    parser.add_argument("--bpy", default="newest", choices=("newest", *PYTHON_OF_BLENDER), help="the Blender version")
    wanted: str = parser.parse_args().bpy
    try:
        print(newest() if wanted == "newest" else environment(wanted))
    except MissingError as missing:
        say(str(missing))
        return 1
    return 0


def newest() -> Path:
    """Return the Python of the newest Blender that this machine's Pythons allow."""
    for blender in NEWEST_FIRST:
        if is_finished(blender) or find_python(PYTHON_OF_BLENDER[blender]):
            return environment(blender)
    return environment(first_installable())


def environment(blender: str) -> Path:
    """Return the Python of this Blender's environment; make what is missing of it."""
    python = python_of(blender)
    if not is_finished(blender):
        if not (python.exists() and stamp_file(blender).exists()):
            create(blender)
        fill(blender)
    return python


def folder_of(blender: str) -> Path:
    return ENVIRONMENTS / f"bpy-{blender}"


def python_of(blender: str) -> Path:
    return folder_of(blender) / ("Scripts/python.exe" if WINDOWS else "bin/python")


def stamp_file(blender: str) -> Path:
    return folder_of(blender) / STAMP


def is_finished(blender: str) -> bool:
    file = stamp_file(blender)
    return python_of(blender).exists() and file.exists() and file.read_text(encoding="utf-8") == stamp(blender)


def stamp(blender: str) -> str:
    """Return what the environment's content depends on."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    # By hand: tomllib came with Python 3.11. The table ends where the next one begins.
    found = re.search(r"^\[dependency-groups\]$.*?(?=^\[)", text, re.MULTILINE | re.DOTALL)
    groups = found.group() if found else ""
    return hashlib.sha256(repr((groups, requirements(blender))).encode()).hexdigest()


def requirements(blender: str) -> list[str]:
    return [f"bpy=={blender}.*", *BUNDLED.get(blender, ()), "--group", GROUP_OF_BLENDER.get(blender, "test")]


# Making an environment


def create(blender: str) -> None:
    """Make an empty environment. One without a stamp was given up half-way, and is thrown away."""
    version = PYTHON_OF_BLENDER[blender]
    python = find_python(version)
    if python is None:
        install_or_tell(f"Python {version}", [f"python{version}", f"python{version}-venv"], python_command(version))
        python = find_python(version)
    if python is None:
        raise MissingError(f"Python {version} was installed, but does not run.")
    if run([python, "-c", "import ensurepip, venv"]).returncode != 0:
        install_or_tell(f"The venv module of Python {version}", [f"python{version}-venv"])
    say(f"Making {folder_of(blender)} with {python}.")
    done = run([python, "-m", "venv", "--clear", str(folder_of(blender))], FIRST_USE_LIMIT)
    if done.returncode != 0:
        raise MissingError(f"{python} could not make a virtual environment:\n{done.stdout}")


def fill(blender: str) -> None:
    """Install Blender's module and the tools; the stamp comes last, when all of it works."""
    stamp_file(blender).unlink(missing_ok=True)
    say(f"Installing bpy {blender} and the test tools; the first time about 400 MB are downloaded.")
    pip(blender, [PIP_MINIMUM])
    pip(blender, requirements(blender))
    check_bpy(blender)
    stamp_file(blender).write_text(stamp(blender), encoding="utf-8")


def pip(blender: str, arguments: Sequence[str]) -> None:
    """Run pip quietly; its output is shown when it fails."""
    command = [str(python_of(blender)), "-m", "pip", "install", "--upgrade", "--no-input", "--progress-bar", "off"]
    done = run([*command, "--disable-pip-version-check", *arguments], INSTALL_LIMIT)
    if done.returncode == 0:
        return
    if NO_NETWORK.search(done.stdout):
        raise MissingError(f"pip cannot reach the package index; the environment of Blender {blender} is not ready.")
    say(done.stdout)
    if f"No matching distribution found for bpy=={blender}" in done.stdout:
        raise MissingError(f"There is no bpy {blender} module for this operating system or processor.")
    raise MissingError(f"pip failed, for the reason above; the environment of Blender {blender} is not ready.")


def check_bpy(blender: str) -> None:
    """Import bpy once, in a process of its own, and get the system libraries that it misses."""
    command = [str(python_of(blender)), "-c", "import bpy"]
    done = run(command, FIRST_USE_LIMIT)
    library = MISSING_LIBRARY.search(done.stdout)
    if library:
        install_or_tell(f"The system library {library.group(1)}, which Blender needs,", SYSTEM_LIBRARIES.split())
        done = run(command, FIRST_USE_LIMIT)
    if done.returncode != 0:
        raise MissingError(f"bpy {blender} is installed, but cannot be imported:\n{done.stdout}")


# Finding a Python


def find_python(version: str) -> str | None:
    """Return a Python of this version that really runs: a pyenv shim, for one, may exist and not run."""
    seen = set()
    for candidate in candidates(version):
        if candidate not in seen and is_python(candidate, version):
            return candidate
        seen.add(candidate)
    return None


def candidates(version: str) -> Iterator[str]:
    yield sys.executable
    for name in (f"python{version}", "python3", "python"):
        for folder in os.get_exec_path():
            found = shutil.which(name, path=folder)
            if found:
                yield found
    for root in pyenv_roots():
        for installed in sorted(root.glob(f"versions/{version}.*"), reverse=True):
            yield str(installed / ("python.exe" if WINDOWS else "bin/python"))
    # Each of these knows where Pythons are that are not on PATH.
    for finder in (["uv", "python", "find", version], ["py", f"-{version}", "-c", "import sys; print(sys.executable)"]):
        if shutil.which(finder[0]):
            done = subprocess.run(finder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            yield from done.stdout.split("\n")[:1]


def pyenv_roots() -> Iterator[Path]:
    if "PYENV_ROOT" in os.environ:
        yield Path(os.environ["PYENV_ROOT"])
    yield Path(os.path.expanduser("~")) / ".pyenv"
    # The shims may be on PATH where HOME is somebody else's, as in a clean CI shell.
    yield from (Path(folder).parent for folder in os.get_exec_path() if Path(folder).name == "shims")


def is_python(candidate: str, version: str) -> bool:
    if candidate == sys.executable:
        return version == f"{sys.version_info.major}.{sys.version_info.minor}"
    if not candidate:
        return False
    done = run([candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    return done.returncode == 0 and done.stdout.strip() == version


def first_installable() -> str:
    """With no usable Python at all: the Blender whose Python apt has, else the newest."""
    for blender in NEWEST_FIRST:
        if may_install() and apt_offers(f"python{PYTHON_OF_BLENDER[blender]}"):
            return blender
    return NEWEST_FIRST[0]


def python_command(version: str) -> str | None:
    """Return the command that installs a Python where apt does not, for the sentence to the user."""
    if WINDOWS:
        return f"winget install Python.Python.{version}"
    if sys.platform == "darwin":
        return f"brew install python@{version}"
    if shutil.which("apt-cache") and apt_knows(f"python{version}"):
        return None
    return f"uv python install {version} (uv itself: https://docs.astral.sh/uv)"


# Installing what the system lacks


def install_or_tell(what: str, packages: Sequence[str], other_command: str | None = None) -> None:
    """Install Debian packages when this is root's own machine; otherwise say what to type."""
    if may_install() and all(apt_offers(package) for package in packages):
        say(f"{what} is missing; installing {' '.join(packages)}.")
        done = run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], INSTALL_LIMIT)
        if done.returncode == 0:
            return
        say(done.stdout)
    if other_command is None and shutil.which("apt-get"):
        other_command = f"sudo apt-get install {' '.join(packages)}"
    hint = f"install it with: {other_command}" if other_command else f"Debian calls it {' '.join(packages)}"
    raise MissingError(f"{what} is missing; {hint}")


def may_install() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_offers(package: str) -> bool:
    """Ask apt for the package; refresh its lists once, because a fresh image has none."""
    if not apt_knows(package) and "updated" not in APT_STATE:
        APT_STATE.add("updated")
        run(["apt-get", "update", "-q"], INSTALL_LIMIT)
    return apt_knows(package)


def apt_knows(package: str) -> bool:
    done = run(["apt-cache", "show", "--no-all-versions", package])
    return done.returncode == 0 and f"Package: {package}\n" in done.stdout


APT_STATE: set[str] = set()
"""Holds "updated" once `apt-get update` ran in this process."""


# Small helpers


def run(command: Sequence[str], limit: float = PROBE_LIMIT) -> subprocess.CompletedProcess[str]:
    """Run a command quietly; one that cannot start, or does not end, has failed."""
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit,
            cwd=REPOSITORY,
            env=environ,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, stdout=str(error))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
