"""Between the engine and the screens, about files; part of the bridge, as `files`.

Every method returns at once; `then` or `refused` is called where the app drains its bridge. Of the
questions with the same `latest` only the newest is answered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar, Unpack

from engine.api.client import EngineClient
from engine.api.file_messages import (
    FileChanges,
    FileDetails,
    FilePage,
    FoundNames,
    PlaceChoice,
    PlaceDetails,
    SearchProgress,
    Waste,
)
from engine.api.files_client import (
    ROWS_AT_ONCE,
    ContentOptions,
    ContentOverHttp,
    Found,
    NameOptions,
    PageOptions,
    Progress,
)
from engine.api.messages import Refusal

_BATCH_SECONDS = 0.05
_BATCH = 500

Answer = TypeVar("Answer")
Refused = Callable[[Refusal], None]


class Asking(Protocol):
    """What the bridge does for it."""

    def ask(
        self,
        question: Callable[[EngineClient], Answer],
        then: Callable[[Answer], None],
        refused: Refused,
        latest: str = "",
    ) -> None:
        """One question, one answer."""

    def tell(self, tell: Callable[[], None]) -> None:
        """Let the app call this; from any thread."""

    @property
    def client(self) -> EngineClient:
        """The engine as it is now."""


class FilesBridge:
    """Files of tasks and images as the screens see them."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._names: _InTurn[FoundNames] = _InTurn(asking)

    def place(
        self,
        place: str,
        then: Callable[[PlaceDetails], None],
        refused: Refused,
        latest: str = "",
        *,
        counts: bool = True,
    ) -> None:
        """A place and its layers. Without `counts` what they changed is told only where it is known."""
        self._asking.ask(lambda client: client.files.place(place, counts=counts), then, refused, latest)

    def page(
        self,
        state: str,
        path: str,
        then: Callable[[FilePage], None],
        refused: Refused,
        *,
        latest: str = "",
        **options: Unpack[PageOptions],
    ) -> None:
        """What a directory shows."""
        self._asking.ask(lambda client: client.files.page(state, path, **options), then, refused, latest)

    def file(
        self,
        state: str,
        path: str,
        then: Callable[[FileDetails], None],
        refused: Refused,
        *,
        before: str | None = None,
        latest: str = "",
    ) -> None:
        """All that is known of one path."""
        self._asking.ask(lambda client: client.files.file(state, path, before=before), then, refused, latest)

    def content(self, state: str, path: str) -> ContentOverHttp:
        """The bytes of a file. Its methods block: for threads."""
        return self._asking.client.files.content(state, path)

    def changes(
        self,
        state: str,
        then: Callable[[FileChanges], None],
        refused: Refused,
        *,
        path: str = "",
        before: str | None = None,
        offset: int = 0,
        limit: int = ROWS_AT_ONCE,
        latest: str = "",
    ) -> None:
        """What differs between two states."""

        def ask(client: EngineClient) -> FileChanges:
            return client.files.changes(state, path, before=before, offset=offset, limit=limit)

        self._asking.ask(ask, then, refused, latest)

    def names(
        self,
        state: str,
        pattern: str,
        then: Callable[[FoundNames], None],
        refused: Refused,
        **options: Unpack[NameOptions],
    ) -> None:
        """Paths whose names match. One question comes with every letter: a new one waits until the one
        before has ended, and of those that wait only the newest is asked."""
        self._names.ask(lambda client: client.files.names(state, pattern, **options), then, refused)

    def contents(
        self,
        state: str,
        pattern: str,
        then: Callable[[Sequence[Found]], None],
        refused: Refused,
        *,
        path: str = "",
        **options: Unpack[ContentOptions],
    ) -> Callable[[], None]:
        """Lines of files that match, in batches; the last one ends with a progress that is done.

        Gives a way to stop: nothing comes after that.
        """
        stopped = threading.Event()

        def search(client: EngineClient) -> None:
            found = client.files.contents(state, pattern, path, **options)
            for batch in _batches(found, stopped):
                self._asking.tell(lambda batch=batch: None if stopped.is_set() else then(batch))  # type: ignore[misc]

        def refuse(refusal: Refusal) -> None:
            if not stopped.is_set():
                refused(refusal)

        self._asking.ask(search, lambda _: None, refuse)
        return stopped.set

    def waste(self, place: str, then: Callable[[Waste], None], refused: Refused, latest: str = "") -> None:
        """What space is wasted by the layers of a place."""
        self._asking.ask(lambda client: client.files.waste(place), then, refused, latest)

    def choices(
        self,
        run: str | None,
        then: Callable[[Sequence[PlaceChoice]], None],
        refused: Refused,
        latest: str = "",
        *,
        task: str | None = None,
    ) -> None:
        """The places that one may look at, those of a run first; of other runs only those of `task`."""
        self._asking.ask(lambda client: client.files.choices(run, task), then, refused, latest)

    def export(
        self,
        state: str,
        path: str,
        destination: str,
        then: Callable[[Sequence[str]], None],
        refused: Refused,
        *,
        progress: Callable[[int, int], None] | None = None,
        before: str | None = None,
        changed_only: bool = False,
    ) -> None:
        """Write a file or a directory to `destination`, which must not exist.

        `then` is told what could not be made, and why.
        `progress`, too, is called where the app drains: files and bytes written.
        """
        told = None if progress is None else _Seldom(progress, self._asking.tell)

        def ask(client: EngineClient) -> Sequence[str]:
            return client.files.export(
                state, path, destination, told, before=before, changed_only=changed_only
            )

        self._asking.ask(ask, then, refused)


def _batches(found: Iterator[Found], stopped: threading.Event) -> Iterator[list[Found]]:
    """What was found, as much as comes within a moment; it ends, and lets go of the engine, once stopped."""
    batch: list[Found] = []
    sent = time.monotonic()
    for one in found:
        if stopped.is_set():
            break
        batch.append(one)
        is_due = len(batch) >= _BATCH or time.monotonic() - sent >= _BATCH_SECONDS
        if is_due or isinstance(one, SearchProgress):
            yield batch
            batch, sent = [], time.monotonic()
    if batch and not stopped.is_set():
        yield batch


class _InTurn(Generic[Answer]):
    """Asks one question after the other, and of those that come meanwhile only the newest."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._is_asking = False
        self._newest: Callable[[], None] | None = None

    def ask(
        self, question: Callable[[EngineClient], Answer], then: Callable[[Answer], None], refused: Refused
    ) -> None:
        """As `Asking.ask`; only the newest question is answered."""

        def begin() -> None:
            self._asking.ask(
                question,
                lambda answer: self._ended(lambda: then(answer)),
                lambda refusal: self._ended(lambda: refused(refusal)),
            )

        if self._is_asking:
            self._newest = begin
        else:
            self._is_asking = True
            begin()

    def _ended(self, tell: Callable[[], None]) -> None:
        newest, self._newest = self._newest, None
        if newest is not None:
            newest()
        else:
            self._is_asking = False
            tell()


class _Seldom:
    """Passes progress on a few times a second."""

    def __init__(self, progress: Progress, tell: Callable[[Callable[[], None]], None]) -> None:
        self._progress = progress
        self._tell = tell
        self._told = 0.0

    def __call__(self, files: int, size: int) -> None:
        now = time.monotonic()
        if now - self._told >= _BATCH_SECONDS:
            self._told = now
            self._tell(lambda: self._progress(files, size))
