# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be said on the command line. No bpy is needed here."""

from __future__ import annotations

import argparse
import math
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from ...service.contract import DEFAULT_MODEL, FORMATS, MAX_SEED, QUALITIES
from ...tasks.placement import Facing

PROGRAM: Final = "blender --command tokenlab_3d"
SUFFIXES: Final = (".blend", ".glb", ".fbx", ".obj", ".usdz")
GENERATE_SECONDS: Final = 3600.0
_SIZES: Final = ("AS_DELIVERED", "HEIGHT")


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; it ends a wrong usage with exit status 2."""
    main = argparse.ArgumentParser(prog=PROGRAM, description="Generate 3D models from text and images.")
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_generate(commands)
    _add_batch(commands)
    _add_resume(commands)
    _add_list(commands)
    _add_models(commands)
    _add_billing(commands)
    return main


def _add_generate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("generate", help="generate one model", description="Generate one model and wait.")
    command.add_argument("prompt", nargs="?", default="", help="what the model should be")
    command.add_argument("--image", metavar="FILE", default="", help="picture to generate from")
    command.add_argument("--image-url", metavar="URL", default="", help="public https address of a picture")
    command.add_argument("--seed", type=_seed, help=f"0 to {MAX_SEED}; the same seed gives a similar result")
    command.add_argument(
        "--output", metavar="FILE", type=_output, help=f"where to write the model: {', '.join(SUFFIXES)}"
    )
    command.add_argument("--overwrite", action="store_true", help="replace an output file that is there")
    command.add_argument(
        "--confirm-duplicate", action="store_true", help="send it although the same was sent within ten minutes"
    )
    _add_options(command)
    _add_limits(command, seconds=GENERATE_SECONDS)
    _add_common(command)


def _add_batch(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "batch",
        help="generate a model for each row of a file",
        description="Generate a model for each row of a file. The same command again goes on where it was, and sends "
        "nothing twice.",
    )
    command.add_argument("file", type=Path, help="CSV with a header, or JSON Lines")
    command.add_argument("--output-dir", metavar="FOLDER", type=Path, required=True, help="where the models go")
    command.add_argument("--suffix", choices=SUFFIXES, default=".glb", help="of models whose row names none")
    command.add_argument("--results", metavar="FILE", type=Path, help="default: results.csv in the output folder")
    command.add_argument("--concurrency", metavar="N", type=_count, help="how many run at the service at once")
    command.add_argument("--overwrite", action="store_true", help="replace files of others that are there")
    command.add_argument("--retry-failed", action="store_true", help="send rows anew that failed and were not charged")
    _add_options(command)
    _add_limits(command, seconds=math.inf)
    _add_common(command)


def _add_resume(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "resume",
        help="finish what was interrupted",
        description="Wait for the tasks that are unfinished, and write the outputs that a command was asked for.",
    )
    command.add_argument("--overwrite", action="store_true", help="replace files that were made since")
    _add_limits(command, seconds=GENERATE_SECONDS, has_budget=False)
    _add_common(command)


def _add_list(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("list", help="list the tasks", description="List the tasks of this computer.")
    command.add_argument("--unfinished", action="store_true", help="only those that still want something")
    _add_common(command)


def _add_models(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("models", help="list the models", description="List the service's models.")
    _add_common(command)


def _add_billing(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "billing", help="say what tasks may have cost", description="Say what the tasks of this computer may have cost."
    )
    command.add_argument("--by", choices=("day", "month", "project", "model"), default="day", help="one line for each")
    command.add_argument("--output", metavar="FILE", type=Path, help="write all tasks into this CSV file")
    command.add_argument(
        "--usage", metavar="FILE", type=Path, help="take exact prices over from a usage file of the dashboard"
    )
    _add_common(command)


def _add_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("options of the model")
    group.add_argument("--model", default=None, help=f"default: {DEFAULT_MODEL}")
    group.add_argument(
        "--format", type=str.upper, choices=("AUTO", *FORMATS), help="to ask for; default: that of the output"
    )
    group.add_argument("--quality", type=str.upper, choices=("AUTO", *QUALITIES))
    group.add_argument("--style", default=None)
    group.add_argument("--size", type=str.upper, choices=_SIZES)
    group.add_argument("--height", type=_height, help="in Blender's units")
    group.add_argument("--facing", type=str.upper, choices=[facing.value for facing in Facing])


def _add_limits(command: argparse.ArgumentParser, *, seconds: float, has_budget: bool = True) -> None:
    command.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, default=seconds, help="stop waiting then; the tasks go on"
    )
    if has_budget:
        command.add_argument("--budget", metavar="USD", type=_dollars, help="send nothing that could go beyond it")


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print the result as JSON")
    command.add_argument("--quiet", action="store_true", help="show no progress")


# ------------------------------------------------------------------------------
# Kinds of values


def _output(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"“{path.name}” does not end in {', '.join(SUFFIXES)}")
    return path.absolute()


def _seed(text: str) -> int:
    return _whole_number(text, 0, MAX_SEED)


def _count(text: str) -> int:
    return _whole_number(text, 1, 200)  # As the preference has it.


def _whole_number(text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"“{text}” is no whole number from {least} to {most}")
    return int(text)


def _height(text: str) -> float:
    return _positive(text, "height")


def _seconds(text: str) -> float:
    return _positive(text, "time in seconds")


def _positive(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not number >= 0:
        raise argparse.ArgumentTypeError(f"“{text}” is no {what}")
    return number


def _dollars(text: str) -> Decimal:
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"“{text}” is no amount") from error
    if not (amount.is_finite() and amount >= 0):
        raise argparse.ArgumentTypeError(f"“{text}” is no amount")
    return amount
