"""The paths of the engine's HTTP interface that are about files, and what answers there.

Nothing but files of layers of the store and of images that were registered in it is served: what is asked
for must be an entry of a place, and is opened beneath its layer. Everything runs in threads of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar

from aiohttp import web

from engine.api.answers import STREAMS, answer, not_found, number_of, word_of
from engine.api.content_search import found_lines
from engine.api.file_answers import FileAnswers, PageQuestion
from engine.api.file_messages import Order
from engine.api.messages import Refusal
from engine.api.ranges import ranged
from engine.api.refused import RefusedError
from engine.api.run_states import RunStates
from engine.explain import printable
from engine.inspection.place import NotFound
from engine.inspection.places import Places
from engine.layer_files.changes import WORDS
from engine.layer_files.names import from_wire
from engine.store.store import Store

_THREADS = 4
_STREAMS_AT_ONCE = 4
_MOST_ROWS = 2_000
_ORDERS: tuple[Order, ...] = ("name", "size", "change")
_ROWS = 500
_LINES = {"Content-Type": "application/x-ndjson"}
_TAR = {"Content-Type": "application/x-tar"}

Value = TypeVar("Value")


class FilesRoutes:
    """The handlers."""

    def __init__(self, store: Store, states: RunStates) -> None:
        self._places = Places(store, states.of)
        self._answers = FileAnswers(store, self._places)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="files")
        # What may wait for a disk or for an image to be unpacked, so that no page waits for it.
        self._slow_threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="contents")
        self._streams = asyncio.Semaphore(_STREAMS_AT_ONCE)

    def table(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [
            web.get("/v1/place", self.place),
            web.get("/v1/files", self.page),
            web.get("/v1/file", self.file),
            web.get("/v1/file/content", self.content),
            web.get("/v1/changes", self.changes),
            web.get("/v1/names", self.names),
            web.get("/v1/contents", self.contents),
            web.get("/v1/waste", self.waste),
            web.get("/v1/choices", self.choices),
            web.get("/v1/tar", self.tar),
        ]

    def close(self) -> None:
        """End the processes that were started."""
        for threads in (self._threads, self._slow_threads):
            threads.shutdown(wait=False, cancel_futures=True)
        self._places.close()

    async def place(self, request: web.Request) -> web.StreamResponse:
        place = word_of(request, "place")
        if _is_set(request, "counts", default=True):
            return answer(await self._slowly(self._answers.place, place))
        return await self._answered(partial(self._answers.place, counts=False), place)

    async def page(self, request: web.Request) -> web.StreamResponse:
        question = PageQuestion(
            state=word_of(request, "state"),
            before=request.query.get("before"),
            path=_path_of(request),
            offset=number_of(request, "offset") or 0,
            limit=_limit_of(request),
            order=_order_of(request),
            descending=_is_set(request, "descending"),
            changes=_changes_of(request),
            name=from_wire(request.query.get("name", "")),
            around=_optional_name(request, "around"),
        )
        return await self._answered(self._answers.page, question)

    async def file(self, request: web.Request) -> web.StreamResponse:
        return await self._answered(
            self._answers.file, word_of(request, "state"), request.query.get("before"), _path_of(request)
        )

    async def content(self, request: web.Request) -> web.StreamResponse:
        path = _path_of(request)
        opened = await self._slowly(self._answers.content, word_of(request, "state"), path)
        try:
            return await ranged(request, opened.size, opened.read)
        finally:
            opened.close()

    async def changes(self, request: web.Request) -> web.StreamResponse:
        return await self._answered(
            self._answers.changes,
            word_of(request, "state"),
            request.query.get("before"),
            _path_of(request),
            number_of(request, "offset") or 0,
            _limit_of(request),
        )

    async def names(self, request: web.Request) -> web.StreamResponse:
        return await self._answered(
            partial(
                self._answers.names,
                is_regex=_is_set(request, "regex"),
                ignore_case=not _is_set(request, "case"),
            ),
            word_of(request, "state"),
            request.query.get("before"),
            from_wire(word_of(request, "pattern")),
            number_of(request, "offset") or 0,
            _limit_of(request),
        )

    async def contents(self, request: web.Request) -> web.StreamResponse:
        order, files = await self._in_thread(
            partial(
                self._answers.search,
                is_regex=_is_set(request, "regex"),
                ignore_case=not _is_set(request, "case"),
                changed_only=_is_set(request, "changed_only"),
            ),
            word_of(request, "state"),
            request.query.get("before"),
            _path_of(request),
            word_of(request, "pattern"),
        )
        async with self._streams:
            response = await _begun(request, _LINES)
            async with aclosing(found_lines(order, files)) as lines:
                async for line in lines:
                    await response.write(line)
        return response

    async def waste(self, request: web.Request) -> web.StreamResponse:
        return answer(await self._slowly(self._answers.waste, word_of(request, "place")))

    async def choices(self, request: web.Request) -> web.StreamResponse:
        return await self._answered(
            self._answers.choices, request.query.get("run"), request.query.get("task")
        )

    async def tar(self, request: web.Request) -> web.StreamResponse:
        chunks = await self._in_thread(
            partial(self._answers.tar, changed_only=_is_set(request, "changed_only")),
            word_of(request, "state"),
            request.query.get("before"),
            _path_of(request),
        )
        async with self._streams:
            response = await _begun(request, _TAR)
            while (chunk := await self._slowly(next, chunks, None)) is not None:
                await response.write(chunk)
        return response

    async def _answered(self, ask: Callable[..., object], *arguments: object) -> web.Response:
        return answer(await self._in_thread(ask, *arguments))

    async def _in_thread(self, ask: Callable[..., Value], *arguments: Any) -> Value:
        return await _in(self._threads, ask, *arguments)

    async def _slowly(self, ask: Callable[..., Value], *arguments: Any) -> Value:
        return await _in(self._slow_threads, ask, *arguments)


async def _in(threads: ThreadPoolExecutor, ask: Callable[..., Value], *arguments: Any) -> Value:
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, ask, *arguments)
    except NotFound as error:
        raise not_found(error) from error


async def _begun(request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    request[STREAMS] = True
    await response.prepare(request)
    return response


def _path_of(request: web.Request) -> str:
    """A path relative to the root, as an entry has it: nothing is left out of it, nothing resolved."""
    path = from_wire(request.query.get("path", ""))
    if path and any(name in ("", ".", "..") for name in path.split("/")):
        raise RefusedError(Refusal(kind="not_found", message=f"there is no `{printable(path)}`"))
    return path


def _order_of(request: web.Request) -> Order:
    text = request.query.get("order", "name")
    for order in _ORDERS:
        if text == order:
            return order
    words = ", ".join(f"`{order}`" for order in _ORDERS)
    raise RefusedError(Refusal(kind="usage", message=f"there is no order `{text}`", hint=f"one of {words}"))


def _optional_name(request: web.Request, name: str) -> str | None:
    text = request.query.get(name)
    return None if text is None else from_wire(text)


def _limit_of(request: web.Request) -> int:
    limit = number_of(request, "limit")
    return _ROWS if limit is None else min(limit, _MOST_ROWS)


def _is_set(request: web.Request, name: str, *, default: bool = False) -> bool:
    text = request.query.get(name, "1" if default else "0")
    if text not in ("0", "1", "true", "false"):
        raise RefusedError(Refusal(kind="usage", message=f"`{name}={text}` is neither `1` nor `0`"))
    return text in ("1", "true")


def _changes_of(request: web.Request) -> frozenset[str] | None:
    text = request.query.get("changes")
    if text is None:
        return None
    words = frozenset(text.split(",")) - {""}
    if not words <= frozenset(WORDS):
        hint = f"some of {', '.join(f'`{word}`' for word in WORDS)}"
        raise RefusedError(Refusal(kind="usage", message=f"`changes={text}` names no change", hint=hint))
    return words
