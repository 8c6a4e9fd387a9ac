# SPDX-FileCopyrightText: 2026 TokenLab 3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the asset host. bpy is not allowed here."""

from __future__ import annotations

import asyncio

from aiohttp import web

from .answers import DRIP_SECONDS, html, reset, silence
from .registry import AnswerHook, Moment, Stage, define_answer

SLOW_PIECES = 20
SLOW_PAUSE_SECONDS = 0.1
DRIPPED_BYTES = 1_000_000


def _refusal(status: int) -> AnswerHook:
    async def answer(moment: Moment) -> web.StreamResponse:
        grant = moment.the_task.grant
        if grant is not None:
            # The next status call then names a fresh address.
            moment.the_task.refused_grants.add(grant.token)
        return web.Response(
            status=status, text="<Error><Code>ExpiredToken</Code></Error>", content_type="application/xml"
        )

    return answer


async def _refuse_the_first_address(moment: Moment) -> web.StreamResponse | None:
    grant = moment.the_task.grant
    if grant is None or grant.number > 1:
        return None
    return await _refusal(403)(moment)


async def _redirect(moment: Moment) -> web.StreamResponse:
    path = moment.request.rel_url.raw_path.replace("/3d/", "/elsewhere/", 1)
    return web.Response(status=302, headers={"Location": f"{path}?{moment.request.rel_url.raw_query_string}"})


async def _redirect_loop(moment: Moment) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": str(moment.request.rel_url)})


async def _begin(moment: Moment, announced: int) -> web.StreamResponse:
    reply = web.StreamResponse(headers={"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"})
    reply.content_length = announced
    # As the whole file would have them (aiohttp's FileResponse), so that a download can go on with the rest of it.
    status = moment.the_asset.stat()
    reply.etag = f"{status.st_mtime_ns:x}-{status.st_size:x}"
    reply.last_modified = status.st_mtime
    await reply.prepare(moment.request)
    return reply


async def _truncated(moment: Moment) -> web.StreamResponse:
    """An orderly end in the middle, as when a proxy gives up."""
    data = moment.the_asset.read_bytes()
    reply = await _begin(moment, len(data))
    await reply.write(data[: len(data) // 2])
    moment.withhold()
    if moment.request.transport is not None:
        moment.request.transport.close()
    return reply


async def _reset_at_half(moment: Moment) -> web.StreamResponse:
    data = moment.the_asset.read_bytes()
    reply = await _begin(moment, len(data))
    await reply.write(data[: len(data) // 2])
    # A reset throws away what is still on its way; let the half arrive.
    await asyncio.sleep(0.1)
    await reset(moment)
    return reply


async def _drip(moment: Moment) -> web.StreamResponse:
    """A byte now and then, for as long as anybody listens, of a file that is said to be large."""
    moment.withhold()
    reply = await _begin(moment, DRIPPED_BYTES)
    while True:
        await reply.write(b"x")
        await asyncio.sleep(DRIP_SECONDS)


async def _wrong_length(moment: Moment) -> web.StreamResponse:
    """Looks complete, but only the file itself knows that its end is missing."""
    data = moment.the_asset.read_bytes()
    return web.Response(body=data[: len(data) * 2 // 3], content_type="application/octet-stream")


async def _wrong_type(moment: Moment) -> web.StreamResponse:
    return web.Response(body=moment.the_asset.read_bytes(), content_type="text/plain")


async def _slow(moment: Moment) -> web.StreamResponse:
    data = moment.the_asset.read_bytes()
    reply = await _begin(moment, len(data))
    step = len(data) // SLOW_PIECES + 1
    for start in range(0, len(data), step):
        await reply.write(data[start : start + step])
        await asyncio.sleep(SLOW_PAUSE_SECONDS)
    await reply.write_eof()
    return reply


_ASSET_FAULTS: tuple[tuple[str, str, AnswerHook], ...] = (
    (
        "asset-403-once",
        "A task's first address is refused; the next one works.",
        _refuse_the_first_address,
    ),
    ("asset-400", "Downloads are refused with 400.", _refusal(400)),
    ("asset-403", "Downloads are refused with 403.", _refusal(403)),
    ("asset-404", "Downloads end in a 404.", _refusal(404)),
    ("asset-410", "Downloads end in a 410.", _refusal(410)),
    ("asset-500", "Downloads end in a 500.", _refusal(500)),
    ("asset-redirect", "Downloads are redirected to another path.", _redirect),
    ("asset-redirect-loop", "Downloads are redirected to themselves.", _redirect_loop),
    ("asset-truncated", "The connection ends after half of the announced bytes.", _truncated),
    ("asset-wrong-length", "The announced length is two thirds of the file's.", _wrong_length),
    ("asset-html", "Downloads get 200 with an HTML page.", html(200, "Welcome")),
    ("asset-wrong-content-type", "Downloads are called text/plain.", _wrong_type),
    ("asset-slow", "A download takes two seconds.", _slow),
    ("asset-never-answers", "Downloads are never answered.", silence),
    ("asset-drips", "A download drips for ever.", _drip),
    ("asset-reset-at-half", "The connection is reset after half of the bytes.", _reset_at_half),
)

for _name, _description, _hook in _ASSET_FAULTS:
    define_answer(_name, _description, Stage.ASSET, _hook)
