# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the house, as functions that read source and return violations, one sentence each. No bpy.

tests/core/test_layers.py applies them to this repository, and to small trees with planted violations.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOMS = (
    ("core",),
    ("core", "files"),
    ("core", "service"),
    ("core", "tasks"),
    ("core", "blender"),
    ("operators",),
    ("panels",),
    (),
)
"""From the ground up; the last is the extension's own __init__.py. A room may import from those before it."""
BLENDER_ROOMS = frozenset({("core", "blender"), ("operators",), ("panels",), ()})
BLENDER_MODULES = frozenset(
    (
        "bpy",
        "bpy_extras",
        "bpy_types",
        "_bpy",
        "bl_ext",
        "bl_ui",
        "bl_operators",
        "addon_utils",
        "aud",
        "blf",
        "bmesh",
        "cycles",
        "freestyle",
        "gpu",
        "gpu_extras",
        "idprop",
        "imbuf",
        "mathutils",
        "nodeitems_utils",
        "rna_prop_ui",
    )
)
OWN_PACKAGES = frozenset({"core", "operators", "panels", "tokenlab_3d", "tests"})
SLOW_MODULES = frozenset({"requests", "urllib3"})
"""Importing these takes long, so only workers do, through the one room that needs them."""
SLOW_ROOM = ("core", "service")
MAX_LINES = 500
HEADER = (
    "# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
)
IMPORT_LIMIT = 60.0


@dataclass(frozen=True)
class Module:
    """A Python file of the extension."""

    name: str
    """Its path below the root, for the reader."""
    package: tuple[str, ...]
    """The package that its relative imports start from."""
    tree: ast.Module

    @property
    def room(self) -> tuple[str, ...]:
        return room_of(self.package)


# What there is


def package_files(root: Path) -> list[Path]:
    """List what goes into the zip."""
    files = [root / "__init__.py", *(root / "core").rglob("*.py")]
    files += [*(root / "operators").rglob("*.py"), *(root / "panels").rglob("*.py")]
    return sorted(file for file in files if file.exists())


def all_python_files(root: Path) -> list[Path]:
    return sorted([*package_files(root), *(root / "tests").rglob("*.py"), *(root / ".ci").rglob("*.py")])


def all_scripts(root: Path) -> list[Path]:
    others = [root / "Makefile", root / ".ci" / "run", root / "pyproject.toml", *(root / "tests").rglob("*.sh")]
    return [*all_python_files(root), *(file for file in others if file.exists())]


def modules(root: Path) -> list[Module]:
    return [read_module(file, root) for file in package_files(root)]


def read_module(file: Path, root: Path) -> Module:
    relative = file.relative_to(root)
    return Module(relative.as_posix(), relative.parent.parts, parse(file))


def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def room_of(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the room that a package or module is in: the longest one that its path starts with."""
    return max((room for room in ROOMS if tuple(parts[: len(room)]) == room), key=len)


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Name the top-level packages that are imported absolutely, wherever in the code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


# The rules


def unknown_rooms(root: Path) -> list[str]:
    known = {room[1] for room in ROOMS if room[:1] == ("core",) and len(room) > 1}
    packages = {file.relative_to(root / "core").parts[0] for file in (root / "core").rglob("*/*.py")}
    return [f"core/{name} is a room without a place in the order" for name in sorted(packages - known)]


def upward_imports(root: Path) -> list[str]:
    """Find relative imports that point up, sideways, or out of the extension."""
    found = []
    for module in modules(root):
        for target in relative_targets(module, root):
            if target is None:
                found.append(f"{module.name} imports from above the extension")
            elif ROOMS.index(room_of(target)) > ROOMS.index(module.room):
                found.append(f"{module.name} imports {'.'.join(target) or 'the extension'}, which is above it")
    return found


def relative_targets(module: Module, root: Path) -> Iterator[tuple[str, ...] | None]:
    """Yield the path of each module that is imported relatively; None for one outside the extension."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ImportFrom) or node.level == 0:
            continue
        keep = len(module.package) - (node.level - 1)
        if keep < 0:
            yield None
            continue
        base = module.package[:keep] + tuple(node.module.split(".") if node.module else ())
        for alias in node.names:
            # The name of the extension is no code of it: preferences are found by it.
            if not (base == () and alias.name == "__package__"):
                yield (*base, alias.name) if is_module(root.joinpath(*base, alias.name)) else base


def is_module(path: Path) -> bool:
    return path.is_dir() or path.with_suffix(".py").exists()


def absolute_imports(root: Path) -> list[str]:
    """Find our own code imported absolutely: inside Blender there is no such top-level package."""
    return [
        f"{module.name} imports {name} absolutely"
        for module in modules(root)
        for name in imported_names(module.tree)
        if name in OWN_PACKAGES
    ]


def blender_imports(root: Path) -> list[str]:
    """Find Blender's modules where only plain Python may be."""
    return [
        f"{module.name} imports {name}, but has to work without Blender"
        for module in modules(root)
        for name in imported_names(module.tree)
        if name in BLENDER_MODULES and module.room not in BLENDER_ROOMS
    ]


def slow_imports(root: Path) -> list[str]:
    return [
        f"{module.name} imports {name}, which belongs into core/service"
        for module in modules(root)
        for name in imported_names(module.tree)
        if name in SLOW_MODULES and module.room != SLOW_ROOM
    ]


def long_files(root: Path) -> list[str]:
    return [
        f"{file.relative_to(root).as_posix()} has more than {MAX_LINES} lines"
        for file in all_scripts(root)
        if len(file.read_text(encoding="utf-8").splitlines()) > MAX_LINES
    ]


def missing_headers(root: Path) -> list[str]:
    found = []
    for file in all_scripts(root):
        lines = file.read_text(encoding="utf-8").splitlines()
        start = 1 if lines and lines[0].startswith("#!") else 0
        if tuple(lines[start : start + len(HEADER)]) != HEADER:
            found.append(f"{file.relative_to(root).as_posix()} lacks the licence header")
    return found


def missing_docstrings(root: Path) -> list[str]:
    return [
        f"{file.relative_to(root).as_posix()} does not say what it is for"
        for file in all_python_files(root)
        if not ast.get_docstring(parse(file))
    ]


def swallowed_errors(root: Path) -> list[str]:
    """Find `except ...: pass`. What may be ignored is said with contextlib.suppress, or in a log line."""
    return [
        f"{file.relative_to(root).as_posix()}:{node.lineno} swallows an error"
        for file in all_python_files(root)
        for node in ast.walk(parse(file))
        if isinstance(node, ast.ExceptHandler) and all(is_nothing(statement) for statement in node.body)
    ]


def is_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def search_path_edits(root: Path) -> list[str]:
    """Find any use of sys.path: Blender reports an extension that changes it, and tests need no such trick."""
    return [
        f"{file.relative_to(root).as_posix()}:{node.lineno} uses sys.path"
        for file in all_python_files(root)
        for node in ast.walk(parse(file))
        if isinstance(node, ast.Attribute)
        and node.attr == "path"
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
    ]


# What can only be seen by importing


def names_outside_blender(root: Path) -> list[str]:
    """Name the modules of core that have to work without Blender, as `core.x.y`."""
    names = []
    for module in modules(root):
        if module.room not in BLENDER_ROOMS:
            parts = Path(module.name).with_suffix("").parts
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def import_errors(root: Path, names: Sequence[str], blocked: str) -> str:
    """Import the modules in a fresh Python in which `blocked` cannot be imported; return the traceback, or nothing."""
    code = "import importlib, sys; sys.modules[sys.argv[1]] = None; [importlib.import_module(n) for n in sys.argv[2:]]"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, blocked, *names],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=IMPORT_LIMIT,
        check=False,
    )
    return done.stdout if done.returncode else ""
