"""What an engine says about files, from the other side; part of `EngineClient`, as `files`.

Places, states and paths are written as in `engine.api.file_messages`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypedDict, TypeVar, Union

import msgspec

from engine.api.file_messages import (
    FileChanges,
    FileDetails,
    FilePage,
    FoundLine,
    FoundNames,
    Order,
    PlaceChoice,
    PlaceDetails,
    SearchProgress,
    Waste,
)
from engine.api.http_client import HttpClient, query
from engine.api.log_over_http import Answer
from engine.api.messages import Refusal

ROWS_AT_ONCE = 500
_NOTHING_THERE = 416
_READS_WITHIN = 600.0  # seconds; a layer of an image may have to be unpacked first

Value = TypeVar("Value")
Found = Union[FoundLine, SearchProgress]
Progress = Callable[[int, int], None]  # (files written, bytes written)


class PageOptions(TypedDict, total=False):
    """What else may be asked of a page, as by `FilesClient.page`."""

    before: str | None
    offset: int
    limit: int
    order: Order
    descending: bool
    changes: Collection[str] | None
    name: str
    around: str | None


class NameOptions(TypedDict, total=False):
    """What else may be asked of names, as by `FilesClient.names`."""

    before: str | None
    is_regex: bool
    ignore_case: bool
    offset: int
    limit: int


class ContentOptions(TypedDict, total=False):
    """What else may be asked of contents, as by `FilesClient.contents`."""

    before: str | None
    is_regex: bool
    ignore_case: bool
    changed_only: bool


class FilesClient:
    """Files of tasks and images, page by page; any thread may call.

    `before`: the state that is compared with; None: the state one layer below.
    """

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def place(self, place: str, *, counts: bool = True) -> PlaceDetails:
        """A place and its layers. Without `counts` what they changed is told only where it is known."""
        return self._get("place", PlaceDetails, place=place, counts=int(counts))

    def page(
        self,
        state: str,
        path: str = "",
        *,
        before: str | None = None,
        offset: int = 0,
        limit: int = ROWS_AT_ONCE,
        order: Order = "name",
        descending: bool = False,
        changes: Collection[str] | None = None,
        name: str = "",
        around: str | None = None,
    ) -> FilePage:
        """What a directory shows. `changes`: the only ones to show, `unchanged` too; None: all.

        `name`: a part of the name, or of the path where it has a "/"; directories with matches below stay.
        `around`: a name in the directory; the page is the one that holds it, whatever `offset` says.
        """
        return self._get(
            "files",
            FilePage,
            state=state,
            path=path,
            before=before,
            offset=offset,
            limit=limit,
            order=order,
            descending=_flag(descending),
            changes=None if changes is None else ",".join(sorted(changes)),
            name=name or None,
            around=around,
        )

    def file(self, state: str, path: str, *, before: str | None = None) -> FileDetails:
        """All that is known of one path."""
        return self._get("file", FileDetails, state=state, path=path, before=before)

    def content(self, state: str, path: str) -> ContentOverHttp:
        """The bytes of a file, read in ranges."""
        asked = "/v1/file/content" + query(state=state, path=path)
        return ContentOverHttp(
            lambda method, headers: self._http.exchange(method, asked, headers, _READS_WITHIN)
        )

    def changes(
        self,
        state: str,
        path: str = "",
        *,
        before: str | None = None,
        offset: int = 0,
        limit: int = ROWS_AT_ONCE,
    ) -> FileChanges:
        """What differs between two states below a path, sorted by path."""
        return self._get(
            "changes", FileChanges, state=state, path=path, before=before, offset=offset, limit=limit
        )

    def names(
        self,
        state: str,
        pattern: str,
        *,
        before: str | None = None,
        is_regex: bool = False,
        ignore_case: bool = True,
        offset: int = 0,
        limit: int = ROWS_AT_ONCE,
    ) -> FoundNames:
        """Paths whose names match."""
        return self._get(
            "names",
            FoundNames,
            state=state,
            pattern=pattern,
            before=before,
            regex=_flag(is_regex),
            case=_flag(not ignore_case),
            offset=offset,
            limit=limit,
        )

    def contents(
        self,
        state: str,
        pattern: str,
        path: str = "",
        *,
        before: str | None = None,
        is_regex: bool = False,
        ignore_case: bool = True,
        changed_only: bool = False,
    ) -> Iterator[Found]:
        """Lines of files that match, as they are found; the last thing said is a progress that is done.

        To close the iterator ends the search.
        """
        asked = query(
            state=state,
            path=path,
            pattern=pattern,
            before=before,
            regex=_flag(is_regex),
            case=_flag(not ignore_case),
            changed_only=_flag(changed_only),
        )
        decode = msgspec.json.Decoder(Found).decode
        for chunk in self._http.lines("/v1/contents" + asked):
            for line in chunk.splitlines():
                yield decode(line)

    def waste(self, place: str) -> Waste:
        """What space is wasted by the layers of a place."""
        return self._get("waste", Waste, place=place)

    def choices(self, run: str | None = None, task: str | None = None) -> Sequence[PlaceChoice]:
        """The places that one may look at, those of a run first; of other runs only those of `task`."""
        return self._get("choices", list[PlaceChoice], run=run, task=task)

    def export(
        self,
        state: str,
        path: str,
        destination: str,
        progress: Progress | None = None,
        *,
        before: str | None = None,
        changed_only: bool = False,
    ) -> tuple[str, ...]:
        """Write a file or a directory with all that lies in it to `destination`, which must not exist.

        What could not be made, and why. MachineError when it exists or can't be written.
        """
        from engine.api.unpacking import unpack  # late: tar is slow to import

        asked = query(state=state, path=path, before=before, changed_only=_flag(changed_only))
        return unpack(self._http.chunks("/v1/tar" + asked), destination, progress or _ignore)

    def _get(self, word: str, kind: type[Value], **values: Any) -> Value:
        return msgspec.json.decode(self._http.call("GET", f"/v1/{word}" + query(**values)), type=kind)


class ContentOverHttp:
    """The bytes of one file; nothing is open between two calls. OSError when they can't be had."""

    def __init__(self, exchange: Callable[[str, dict[str, str]], Answer]) -> None:
        self._exchange = exchange
        self._size: int | None = None

    def size(self) -> int:
        """How many there are."""
        if self._size is None:
            status, headers, _ = self._exchange("HEAD", {})
            if status >= 400:  # an answer to HEAD cannot say why
                _check(*self._part(0, 1))
                _check(status, b"")
            self._size = int(headers.get("Outcrop-Size", "0"))
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on; fewer at the end."""
        if length <= 0:
            return b""
        status, data = self._part(offset, length)
        if status == _NOTHING_THERE:
            return b""
        _check(status, data)
        return data

    def close(self) -> None:
        """Nothing is open between two calls."""

    def _part(self, offset: int, length: int) -> tuple[int, bytes]:
        status, _, data = self._exchange("GET", {"Range": f"bytes={offset}-{offset + length - 1}"})
        return status, data


def _check(status: int, data: bytes) -> None:
    if status < 400:
        return
    try:
        refusal = msgspec.json.decode(data, type=Refusal)
    except msgspec.DecodeError:
        raise OSError(f"the engine answers {status}") from None
    raise OSError(refusal.message)


def _flag(value: bool) -> str | None:
    return "1" if value else None


def _ignore(files: int, size: int) -> None:
    pass
