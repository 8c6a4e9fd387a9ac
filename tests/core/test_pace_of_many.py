# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shorter turn of the campaign `tests.campaigns.pace`: many tasks, one budget, and nobody waits too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns.pace import simulate


@pytest.mark.parametrize("count", [1, 8, 200])
def test_many_tasks_keep_within_the_budget_and_each_completion_is_noticed_in_time(count: int, tmp_path: Path) -> None:
    assert simulate(count, tmp_path, last=500.0, seconds=800.0).problems() == []
