# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A loopback stand-in for the TokenLab 3D service. Needs aiohttp; bpy is not allowed except in make_models.py."""
