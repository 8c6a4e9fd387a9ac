# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TokenLab service over HTTP. No bpy here; `transport` and its `connections` alone import requests."""
