# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files on disk: formats, archives, pictures, the library's folders. No bpy here."""
