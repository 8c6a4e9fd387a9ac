# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the host that a picture's URL leads to, which is not the service. bpy is not allowed here."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ..picture_host import PICTURE, PICTURES_PATH
from .answers import html, reset, silence
from .registry import AnswerHook, Moment, Stage, define_answer

SLOW_SECONDS = 2.0
LARGE_BYTES = 8 * 1024 * 1024


def _status(status: int) -> AnswerHook:
    async def answer(_moment: Moment) -> web.StreamResponse:
        return web.Response(status=status, text="no", content_type="text/plain")

    return answer


def _content(body: bytes, content_type: str) -> AnswerHook:
    """The whole body, whatever range was asked for."""

    async def answer(_moment: Moment) -> web.StreamResponse:
        return web.Response(body=body, content_type=content_type)

    return answer


def _redirect(location: str) -> AnswerHook:
    async def answer(_moment: Moment) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": location})

    return answer


async def _redirect_once(moment: Moment) -> web.StreamResponse | None:
    return None if moment.request.query else await _redirect("?redirected=1")(moment)


async def _first_byte_untyped(_moment: Moment) -> web.StreamResponse:
    headers = {"Content-Range": f"bytes 0-0/{len(PICTURE)}", "Content-Type": "application/octet-stream"}
    return web.Response(status=206, body=PICTURE[:1], headers=headers)


async def _slow(_moment: Moment) -> None:
    await asyncio.sleep(SLOW_SECONDS)


_PICTURE_FAULTS: tuple[tuple[str, str, AnswerHook], ...] = (
    ("picture-404", "The picture at an image URL is a 404.", _status(404)),
    ("picture-410", "The picture at an image URL is a 410.", _status(410)),
    ("picture-403", "The picture at an image URL is refused with 403.", _status(403)),
    ("picture-500", "The host of an image URL ends in a 500.", _status(500)),
    ("picture-html", "An image URL leads to an HTML page.", html(200, "Welcome")),
    ("picture-json", "An image URL leads to JSON.", _content(b'{"url": "elsewhere"}', "application/json")),
    ("picture-model", "An image URL leads to a 3D model.", _content(b"glTF\2\0\0\0", "model/gltf-binary")),
    ("picture-gif", "An image URL leads to a GIF.", _content(b"GIF89a\1\0\1\0\0\0\0;", "image/gif")),
    ("picture-untyped", "The host of an image URL calls nothing a picture.", _first_byte_untyped),
    (
        "picture-ignores-range",
        "The host of an image URL knows no ranges and sends 8 MB.",
        _content(PICTURE + bytes(LARGE_BYTES), "application/octet-stream"),
    ),
    ("picture-slow", "The host of an image URL takes two seconds.", _slow),
    ("picture-never-answers", "The host of an image URL never answers.", silence),
    ("picture-reset", "The host of an image URL resets the connection.", reset),
    ("picture-redirect", "An image URL leads on to the picture.", _redirect_once),
    ("picture-redirect-loop", "An image URL leads to itself.", _redirect(PICTURES_PATH + "picture.png")),
    ("picture-redirect-forbidden", "An image URL leads on to another protocol.", _redirect("ftp://192.0.2.1/a.png")),
)

for _name, _description, _hook in _PICTURE_FAULTS:
    define_answer(_name, _description, Stage.PICTURE, _hook)
