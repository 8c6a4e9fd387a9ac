# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture that the asset host has for whoever wants to send a URL. bpy is not allowed here."""

from __future__ import annotations

from aiohttp import web

from ..tiny_pictures import png

PICTURES_PATH = "/pictures/"
PICTURE = png(64, 48)


def picture_reply(request: web.Request) -> web.Response:
    """The picture, or the part of it that was asked for."""
    wanted = request.http_range
    if wanted.start is None and wanted.stop is None:
        return web.Response(body=PICTURE, content_type="image/png")
    part = PICTURE[wanted]
    start = wanted.start or 0
    headers = {"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(PICTURE)}"}
    return web.Response(status=206, body=part, content_type="image/png", headers=headers)
