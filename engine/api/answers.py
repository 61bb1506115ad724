"""Values and refusals as HTTP answers; every failure of a request becomes one here."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from engine.api.engine_log import note
from engine.api.messages import Refusal, RefusalKind
from engine.api.refused import RefusedError
from engine.model.errors import OutcropError
from engine.worker_messages import refusal_of

STREAMS = web.RequestKey("streams", bool)

_STATUS: dict[RefusalKind, int] = {
    "definition": 400,
    "usage": 400,
    "machine": 503,
    "store": 503,
    "not_found": 404,
    "conflict": 409,
    "internal": 500,
}
_JSON = "application/json"
_FORBIDDEN = 403

Value = TypeVar("Value")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(value: object) -> web.Response:
    """A value as JSON."""
    return web.Response(body=msgspec.json.encode(value), content_type=_JSON)


def refused(refusal: Refusal, status: int | None = None) -> web.Response:
    """A refusal, with the status of its kind."""
    return web.Response(
        body=msgspec.json.encode(refusal), status=status or _STATUS[refusal.kind], content_type=_JSON
    )


def not_found(error: OutcropError) -> RefusedError:
    """What a path names is not there."""
    return RefusedError(Refusal(kind="not_found", message=error.message, hint=error.hint))


async def body_of(request: web.Request, kind: type[Value]) -> Value:
    """The value that was sent; RefusedError when it is no such thing. An empty body is an empty object."""
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"the request is not understood: {error}"
        raise RefusedError(Refusal(kind="usage", message=message)) from error


def number_of(request: web.Request, name: str) -> int | None:
    """A number of the query that is not negative; None when there is none, RefusedError when it is none."""
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise RefusedError(Refusal(kind="usage", message=f"`{name}={text}` is no number"))
    return int(text)


def word_of(request: web.Request, name: str) -> str:
    """A word of the query that must be there; RefusedError when it is not."""
    text = request.query.get(name)
    if not text:
        raise RefusedError(Refusal(kind="usage", message=f"the parameter `{name}` is missing"))
    return text


async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The answer of the handler, or why there is none."""
    try:
        return await handler(request)
    except RefusedError as error:
        return refused(error.refusal)
    except OutcropError as error:
        return refused(refusal_of(error))
    except web.HTTPException as error:
        kind: RefusalKind = "not_found" if error.status == 404 else "usage"
        return refused(Refusal(kind=kind, message=f"{request.path}: {error.reason}"), error.status)
    except ConnectionError:
        raise  # whoever asked has left
    except Exception as error:  # the last resort: one bad request ends no engine
        note(f"{request.method} {request.path} failed\n{traceback.format_exc()}")
        if STREAMS in request:
            raise  # an answer is under way: it is cut
        hint = "the traceback is in the log of the engine"
        message = f"internal error: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
        return refused(Refusal(kind="internal", message=message, hint=hint))


def only_for(uid: int, allowed: tuple[int, ...]) -> web.Response | None:
    """The refusal of a user that is none of these."""
    if uid in allowed:
        return None
    message = "this engine serves only its own user"
    return refused(Refusal(kind="usage", message=message), _FORBIDDEN)
