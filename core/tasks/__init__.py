# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a task: record, journal, engine, threads, pacing. No bpy here."""
