# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that the simulator can do wrong goes without an expectation; a few of them are run here as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns.fault_expectations import EXPECTATIONS
from tests.campaigns.faults import SITUATIONS, Variant
from tests.simulator.faults import FAULTS
from tests.simulator.process import SimulatorProcess

QUICK = (
    "create-402",
    "create-429",
    "create-307-foreign",
    "create-504-after-task",
    "image-not-data-url",
    "key-revoked",
    "picture-html",
    "picture-redirect-loop",
)


def test_every_fault_has_an_expectation_and_every_expectation_a_fault() -> None:
    names = [expected.name for expected in EXPECTATIONS]
    assert len(names) == len(set(names)) >= 80
    assert {name.partition(":")[0] for name in names} >= set(FAULTS)
    assert {name for name in names if name.partition(":")[0] not in FAULTS} <= set(SITUATIONS)


@pytest.mark.parametrize("name", QUICK)
def test_what_is_expected_of_a_fault_is_seen(name: str, simulator: SimulatorProcess, tmp_path: Path) -> None:
    (expected,) = (item for item in EXPECTATIONS if item.name == name)
    seen = Variant(expected, simulator, tmp_path).run()
    assert seen.agrees(expected), f"{seen}"
