"""What comes from the engine, and the queue in which it waits for the app."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Union

import msgspec

from engine.api.messages import Notice
from tui.model.run_model import Item

_QUEUED_AT_MOST = 100_000


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """Items of a followed run, in their order, and where its events and its samples go on, in bytes."""

    run: str
    items: Sequence[Item]
    offset: int
    usage_offset: int


class StreamEnded(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing more comes of a run. `is_whole`: its last event was there; else its process died.

    `is_kept`: False when there is no such run any more.
    """

    run: str
    is_whole: bool
    is_kept: bool = True


class Noticed(msgspec.Struct, frozen=True, kw_only=True):
    """The engine has something to say."""

    notice: Notice


class EngineLost(msgspec.Struct, frozen=True, kw_only=True):
    """The engine does not answer any more. `stopped`: it was asked to end; else it died."""

    stopped: bool


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A command is done; `tell` hands its answer over."""

    tell: Callable[[], None]


class Crashed(msgspec.Struct, frozen=True, kw_only=True):
    """A thread of the bridge has a bug."""

    error: Exception


Arrival = Union[Came, StreamEnded, Noticed, EngineLost, Answered, Crashed]


class Inbox:
    """Any thread puts something in; the app takes it out.

    Whoever puts something into an empty queue wakes the app: with nothing to do nothing runs.
    """

    def __init__(self) -> None:
        self._wake: Callable[[], None] = lambda: None
        self._arrivals: deque[Arrival] = deque()
        self._items = 0
        self._is_woken = False
        self._changed = threading.Condition()

    def wake_by(self, wake: Callable[[], None]) -> None:
        """Call this from now on when there is something, at once if there is already."""
        with self._changed:
            self._wake = wake
            must_wake = self._is_woken = bool(self._arrivals)
        if must_wake:
            wake()

    def put(self, arrival: Arrival) -> None:
        """Add to the end."""
        with self._changed:
            self._arrivals.append(arrival)
            self._items += _size(arrival)
            must_wake, self._is_woken = not self._is_woken, True
        if must_wake:
            self._wake()

    def take(self, limit: int) -> tuple[list[Arrival], bool]:
        """What has come, about `limit` items of runs at most, and whether there is more."""
        taken: list[Arrival] = []
        with self._changed:
            while self._arrivals and limit > 0:
                arrival = self._arrivals.popleft()
                taken.append(arrival)
                limit -= _size(arrival)
                self._items -= _size(arrival)
            self._is_woken = bool(self._arrivals)
            self._changed.notify_all()
        return taken, self._is_woken

    def wait_for_room(self, is_wanted: Callable[[], bool]) -> bool:
        """Wait while the app is far behind; False when it wants nothing of this any more."""
        with self._changed:
            while is_wanted() and self._items > _QUEUED_AT_MOST:
                self._changed.wait(0.2)
        return is_wanted()


def _size(arrival: Arrival) -> int:
    return len(arrival.items) if isinstance(arrival, Came) else 1
