"""Bytes that can be asked for in ranges, as HTTP answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from engine.api.answers import STREAMS
from engine.api.byte_range import NotSatisfiable, byte_range

_CHUNK = 1 << 18
_BYTES = "application/octet-stream"


async def ranged(request: web.Request, size: int, read: Callable[[int, int], bytes]) -> web.StreamResponse:
    """All `size` bytes, or the range that is asked for; `read(offset, length)` blocks, in a thread."""
    headers = {"Outcrop-Size": str(size), "Accept-Ranges": "bytes", "Content-Type": _BYTES}
    try:
        wanted = byte_range(request.headers.get("Range"), size)
    except NotSatisfiable:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    begin, end = wanted or (0, size)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    response = web.StreamResponse(status=200 if wanted is None else 206, headers=headers)
    response.content_length = end - begin
    request[STREAMS] = True
    await response.prepare(request)
    while begin < end and request.method != "HEAD":
        data = await asyncio.to_thread(read, begin, min(_CHUNK, end - begin))
        if not data:  # begun again by another attempt: the answer is cut
            raise ConnectionResetError
        begin += len(data)
        await response.write(data)
    return response
