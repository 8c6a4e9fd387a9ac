# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests: `python -m tests [--tier TIER ...] [--bpy VERSION ...] [-- PYTEST ARGUMENTS]`. No bpy in here.

Each tier is a pytest process of its own, because Blender may crash or hang, also while it exits:

core     everything that needs no Blender
blender  the built zip, installed into a real Blender (the bpy module)
gui      the same zip in a real Blender window, driven by mouse and keyboard

Without --tier all three run, and the run fails unless the first two really ran. The last line is always
`N passed, N failed, N skipped`, and the exit status is 0 only when nothing failed.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import subprocess
import sys
from pathlib import Path

from tests.gui.window import missing_window
from tests.tiers import REPOSITORY, TIERS, Outcome, problem, run_tier, skip

BANNER = "!" * 100


def main() -> int:
    # As an exception, so that the pytest process and what it started end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    arguments, pytest_arguments = parse(sys.argv[1:])
    total = Outcome()
    if arguments.bpy:
        for version in arguments.bpy:
            total.add(run_version(version, arguments.tier or ["core", "blender"], pytest_arguments))
    else:
        total.add(run_here(arguments.tier, pytest_arguments, if_possible=arguments.if_possible))
    report(total)
    return 1 if total.failed else 0


def parse(words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    split = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(prog="python -m tests", description="Run the tests.")
    parser.add_argument("--tier", choices=TIERS, action="append", help="run this tier only; may be repeated")
    parser.add_argument("--if-possible", action="store_true", help="do not fail where there can be no window")
    parser.add_argument("--bpy", nargs="+", metavar="VERSION", help="run under these Blender versions, such as 4.2")
    return parser.parse_args(words[:split]), words[split + 1 :]


def run_here(tiers: list[str] | None, pytest_arguments: list[str], *, if_possible: bool = False) -> Outcome:
    """Run the tiers with the Python that runs this."""
    total = Outcome()
    for tier in tiers or TIERS:
        reason = why_not(tier)
        if not reason:
            total.add(run_tier(tier, Path(sys.executable), f"The {tier} tier", pytest_arguments))
            continue
        sentence = f"The {tier} tier did not run: {reason}"
        announce(sentence)
        # A machine may lack what a window needs. Whoever asks for that tier by name wants to know more than that.
        total.add(skip(sentence) if tier == "gui" and (if_possible or tiers is None) else problem(sentence))
    return total


def why_not(tier: str) -> str:
    """Say why this machine cannot run the tier; empty when it can."""
    if tier != "core" and importlib.util.find_spec("bpy") is None:
        return f"{sys.executable} has no bpy module; use the Python that .ci/environment.py prints."
    return missing_window() if tier == "gui" else ""


def run_version(version: str, tiers: list[str], pytest_arguments: list[str]) -> Outcome:
    """Run the tiers with the environment of this Blender version."""
    python = environment(version)
    if python is None:
        return problem(f"Blender {version} was not tested: its environment could not be made.")
    total = Outcome()
    for tier in tiers:
        total.add(run_tier(tier, python, f"The {tier} tier on Blender {version}", pytest_arguments))
    return total


def environment(version: str) -> Path | None:
    command = [sys.executable, str(REPOSITORY / ".ci" / "environment.py"), "--bpy", version]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    return Path(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def announce(sentence: str) -> None:
    print(f"{BANNER}\n{sentence}\n{BANNER}", flush=True)


def report(total: Outcome) -> None:
    print()
    for reason, times in sorted(total.skip_reasons.items()):
        print(f"Skipped {times} x: {reason}")
    for sentence in total.problems:
        print(f"Failed: {sentence}")
    print(total, flush=True)


if __name__ == "__main__":
    sys.exit(main())
