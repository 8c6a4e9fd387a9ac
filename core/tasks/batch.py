# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of a batch file: what each asks for, and what tells it from the others. No bpy here.

A row is known by what it says, so that the same command finds its tasks in the journal again, wherever the row has
moved in the file. What becomes of the rows is in `batch_results`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..files.library import slug
from ..files.names import Names, UnsafeName, safe_path
from ..service.errors import TokenLabError
from ..text import clean_text

MAX_ROWS: Final = 10_000
_MAX_BYTES: Final = 64 * 1024 * 1024
_KEY_LENGTH: Final = 12
"""Characters of a row's key in a file name: two rows of ten thousand have the same ones once in millions of files."""
_NUMBERS: Final[Mapping[str, type]] = {"seed": int, "height": float}
_TEXTS: Final = ("prompt", "image", "image_url", "model", "format", "quality", "style", "size", "facing", "output")
FIELDS: Final = (*_TEXTS[:7], "seed", "height", *_TEXTS[7:])
"""What a row may say: the columns of a CSV file, the names in an object of JSON Lines."""


class BatchError(TokenLabError):
    """A batch file cannot be used. Nothing was sent."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(f"{what} Nothing was sent or charged. {advice}")


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One model to be made."""

    number: int
    """From 1, in the order of the file."""
    fields: Mapping[str, Any]
    """What the row says; what it leaves out is not there."""
    key: str
    """Tells it from all other rows, also from the ones that say the same."""
    output: str
    """Where its model goes, below the folder of the batch, with a suffix."""


def read_rows(path: Path, *, suffix: str) -> tuple[BatchRow, ...]:
    """Read a batch file: CSV or TSV with a header, or JSON Lines (`.jsonl`, `.ndjson`).

    :param suffix: of the output of rows that do not say one, such as `.glb`.
    :raises BatchError: when it cannot be read, or a row says what no row may say.
    """
    text = _read(path)
    is_json = path.suffix.lower() in (".jsonl", ".ndjson", ".json")
    said = list(_from_json(text) if is_json else _from_csv(text))
    if not said:
        raise BatchError(f"{path.name} has no rows.", "Write one row for each model.")
    if len(said) > MAX_ROWS:
        raise BatchError(f"{path.name} has {len(said):,} rows, more than {MAX_ROWS:,}.", "Split it.")
    return tuple(_rows(said, path.parent.absolute(), suffix))


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BatchError(f"{path.name} is too large for a batch file.", "Split it.")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or "the disk refused"
        raise BatchError(f"{path.name} cannot be read ({reason}).", "Look at its path.") from error
    except UnicodeDecodeError as error:
        raise BatchError(f"{path.name} is no text in UTF-8.", "Save it as UTF-8.") from error


def _from_csv(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line and the fields of each row."""
    header = next((line for line in text.splitlines() if line.strip(",;\t ")), "")
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    try:
        for line in reader:
            cells = _without_empty_end(line)
            if not cells:
                continue
            if not names:
                names = [cell.lower() for cell in cells]
                _check_names(names, reader.line_num)
                continue
            if len(cells) > len(names):
                raise BatchError(
                    f"Line {reader.line_num} has more cells than the header.", "Quote cells that hold a separator."
                )
            found = {name: cell for name, cell in zip(names, cells, strict=False) if cell}
            yield reader.line_num, {name: _number(name, cell, reader.line_num) for name, cell in found.items()}
    except csv.Error as error:
        raise BatchError(f"Line {reader.line_num} is no CSV ({error}).", "Correct it.") from error


def _without_empty_end(cells: list[str]) -> list[str]:
    """Return the cells up to the last one that says something: spreadsheets write columns that were emptied as well."""
    stripped = [cell.strip() for cell in cells]
    while stripped and not stripped[-1]:
        stripped.pop()
    return stripped


def _number(name: str, cell: str, line: int) -> Any:
    kind = _NUMBERS.get(name)
    if kind is None:
        return cell
    try:
        return kind(cell)
    except ValueError as error:
        raise BatchError(f"Line {line} has “{cell}” as {name}, which is no number.", "Correct it.") from error


def _from_json(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, words in enumerate(text.splitlines(), 1):
        if not words.strip():
            continue
        try:
            row = json.loads(words)
        except (ValueError, RecursionError) as error:
            raise BatchError(f"Line {line} is no JSON.", "Write one object on each line.") from error
        if not isinstance(row, dict):
            raise BatchError(f"Line {line} is no JSON object.", "Write one object on each line.")
        _check_names(list(row), line)
        for name, value in row.items():
            _check_type(name, value, line)
        yield line, {name: value for name, value in row.items() if value not in (None, "")}


def _check_names(names: list[str], line: int) -> None:
    unknown = [name for name in names if name not in FIELDS]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if unknown or twice:
        problem = "is unknown" if unknown else "is there twice"
        raise BatchError(f"“{(unknown or twice)[0]}” in line {line} {problem}.", f"Use {', '.join(FIELDS)}.")


def _check_type(name: str, value: object, line: int) -> None:
    wanted = {"seed": (int,), "height": (int, float)}.get(name, (str,))
    if value is not None and (isinstance(value, bool) or not isinstance(value, wanted)):
        kind = "a number" if name in _NUMBERS else "a text"
        raise BatchError(f"{name} in line {line} is not {kind}.", "Correct it.")


# ------------------------------------------------------------------------------
# What tells the rows apart


def _rows(said: list[tuple[int, dict[str, Any]]], folder: Path, suffix: str) -> Iterator[BatchRow]:
    seen: Counter[str] = Counter()
    names = Names()
    for number, (line, fields) in enumerate(said, 1):
        if not (fields.get("prompt") or fields.get("image") or fields.get("image_url")):
            raise BatchError(f"Line {line} has neither a prompt nor a picture.", "Write what its model should be.")
        # Before the path is made whole: the folder of the file may move.
        content = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]
        seen[content] += 1
        key = f"{content}-{seen[content]}"
        if fields.get("image"):
            fields["image"] = str(folder / fields["image"])
        yield BatchRow(number, fields, key, _output(fields, line, key, suffix, names))


def _output(fields: Mapping[str, Any], line: int, key: str, suffix: str, names: Names) -> str:
    """Return where the model of a row goes, which no other row's does.

    :raises BatchError: when that is outside the folder, or taken.
    """
    given = clean_text(fields.get("output"))
    name = given or f"{slug(str(fields.get('prompt') or Path(str(fields.get('image', ''))).stem))}-{_short(key)}"
    try:
        path = safe_path(name)
    except UnsafeName as error:
        raise BatchError(
            f"The output of line {line} leads out of the folder, or is no file name.", "Use a plain name."
        ) from error
    if not path.suffix or not given:
        path = path.with_name(f"{path.name}{suffix}")
    if not names.add(path):
        raise BatchError(f"The output {path} of line {line} is the output of another row as well.", "Rename one.")
    return str(path)


def _short(key: str) -> str:
    """Return what tells one row's file from those of others; never its place in the file, which changes."""
    content, _, copy = key.partition("-")
    return content[:_KEY_LENGTH] + (f"-{copy}" if copy != "1" else "")
