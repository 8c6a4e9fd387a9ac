# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Placeholder."""

from __future__ import annotations


def missing_window() -> str:
    return "not written yet"
