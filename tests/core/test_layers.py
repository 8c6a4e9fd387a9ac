# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of the rooms (docs/how_it_works.md), the style of the files, and proof that each rule can fail. No bpy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import layers

REPOSITORY = Path(__file__).resolve().parent.parent.parent
REGISTER_PATH = ("core.tasks.engine", "core.tasks.task", "core.service.contract")
"""What enabling the extension imports."""

Rule = Callable[[Path], list[str]]
RULES: tuple[Rule, ...] = (
    layers.unknown_rooms,
    layers.upward_imports,
    layers.absolute_imports,
    layers.blender_imports,
    layers.slow_imports,
    layers.long_files,
    layers.missing_headers,
    layers.missing_docstrings,
    layers.swallowed_errors,
    layers.search_path_edits,
)

GOOD = "\n".join((*layers.HEADER, '"""A module."""', ""))
GOOD_TREE = {
    "__init__.py": GOOD + "import bpy\nfrom . import panels\nfrom .core.blender import session\n",
    "panels/__init__.py": GOOD + "import bpy\nfrom ..operators import generate\nfrom ..core.blender import session\n",
    "operators/__init__.py": GOOD,
    "operators/generate.py": GOOD + "from ..core.blender.session import start\nfrom ..core.text import clean\n",
    "core/__init__.py": GOOD,
    "core/text.py": GOOD + "clean = str.strip\n",
    "core/blender/__init__.py": GOOD,
    "core/blender/session.py": GOOD
    + "import bpy\nfrom ... import __package__\nfrom ..tasks import engine\nstart = engine\n",
    "core/tasks/__init__.py": GOOD,
    "core/tasks/engine.py": GOOD + "from . import jobs\nfrom ..service.contract import Request\n",
    "core/tasks/jobs.py": GOOD + "from ..files import formats\ndef work():\n    from ..service import transport\n",
    "core/service/__init__.py": GOOD,
    "core/service/contract.py": GOOD + "Request = object\n",
    "core/service/transport.py": GOOD + "import requests\nfrom ..files import formats\n",
    "core/files/__init__.py": GOOD,
    "core/files/formats.py": GOOD + "import zipfile\nfrom .. import text\n",
}

# Each breaks one rule: the rule, the file, what is added to it, and what the violation must name.
PLANTED = (
    (layers.unknown_rooms, "core/attic/boxes.py", GOOD, "core/attic"),
    (layers.upward_imports, "core/files/formats.py", "from ..service import contract\n", "core.service.contract"),
    (layers.upward_imports, "core/service/contract.py", "from ..tasks.engine import x\n", "core.tasks.engine"),
    (layers.upward_imports, "core/tasks/engine.py", "from ..blender import session\n", "core.blender.session"),
    (layers.upward_imports, "core/tasks/engine.py", "def f():\n    from .. import blender\n", "core.blender"),
    (layers.upward_imports, "core/blender/session.py", "from ...operators import generate\n", "operators.generate"),
    (layers.upward_imports, "core/blender/session.py", "from ... import panels\n", "panels"),
    (layers.upward_imports, "core/blender/session.py", "from ... import register\n", "the extension"),
    (layers.upward_imports, "operators/generate.py", "from .. import panels\n", "panels"),
    (layers.upward_imports, "operators/generate.py", "from ... import elsewhere\n", "above the extension"),
    (layers.upward_imports, "core/text.py", "from .files import formats\n", "core.files.formats"),
    (layers.absolute_imports, "panels/__init__.py", "import core.tasks.engine\n", "core"),
    (layers.absolute_imports, "core/tasks/jobs.py", "from core.service import contract\n", "core"),
    (layers.absolute_imports, "operators/generate.py", "from tokenlab_3d import panels\n", "tokenlab_3d"),
    (layers.blender_imports, "core/tasks/jobs.py", "def f():\n    import bpy\n", "bpy"),
    (layers.blender_imports, "core/files/formats.py", "from mathutils import Vector\n", "mathutils"),
    (layers.slow_imports, "core/tasks/jobs.py", "def f():\n    import requests.adapters\n", "requests"),
    (layers.slow_imports, "core/blender/session.py", "from urllib3 import util\n", "urllib3"),
    (layers.long_files, "core/text.py", "x = 1\n" * layers.MAX_LINES, "core/text.py"),
    (layers.missing_headers, "core/files/more.py", '"""A module."""\n', "core/files/more.py"),
    (layers.missing_docstrings, "core/files/more.py", "\n".join((*layers.HEADER, "")), "core/files/more.py"),
    (layers.swallowed_errors, "core/text.py", "try:\n    clean()\nexcept ValueError:\n    pass\n", "core/text.py:7"),
    (layers.swallowed_errors, "core/text.py", "try:\n    clean()\nexcept ValueError:\n    ...\n", "core/text.py:7"),
    (layers.search_path_edits, "core/text.py", "import sys\nsys.path.append('/')\n", "core/text.py:6"),
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small extension that follows every rule."""
    for name, text in GOOD_TREE.items():
        write(tmp_path / name, text)
    return tmp_path


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_this_repository_follows(rule: Rule) -> None:
    assert rule(REPOSITORY) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_tree_violates_nothing(rule: Rule, tree: Path) -> None:
    assert rule(tree) == []


@pytest.mark.parametrize(("rule", "name", "text", "named"), PLANTED)
def test_a_planted_violation_is_found(rule: Rule, name: str, text: str, named: str, tree: Path) -> None:
    write(tree / name, GOOD_TREE.get(name, "") + text)
    (violation,) = rule(tree)
    assert named in violation


def test_each_rule_has_a_planted_violation() -> None:
    assert {rule for rule, *_ in PLANTED} == set(RULES)


def test_everything_outside_the_blender_rooms_imports_without_bpy() -> None:
    names = layers.names_outside_blender(REPOSITORY)
    assert set(REGISTER_PATH) <= set(names)
    assert layers.import_errors(REPOSITORY, names, blocked="bpy") == ""


def test_enabling_the_extension_does_not_import_requests() -> None:
    assert layers.import_errors(REPOSITORY, REGISTER_PATH, blocked="requests") == ""


def test_a_hidden_import_of_a_blocked_module_is_found(tree: Path) -> None:
    names = layers.names_outside_blender(tree)
    assert layers.import_errors(tree, names, blocked="bpy") == ""
    # Written so that no reader of source code sees it.
    write(tree / "core/tasks/engine.py", GOOD + "__import__('b' + 'py')\n")
    assert "import of bpy halted" in layers.import_errors(tree, names, blocked="bpy")


def test_the_tests_folder_is_no_package() -> None:
    # With tests/__init__.py pytest takes the repository's root for a package, and imports the extension's __init__.py
    # from here, without Blender.
    assert not (REPOSITORY / "tests" / "__init__.py").exists()
