"""When the result of a watched run turns from green to red or back: what is worth telling who looks away."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from engine.events import CycleFinished

_NEWS_SECONDS = 15.0


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A cycle gave another result than the one before; `at` is seconds since the epoch."""

    at: float
    is_green: bool
    cycle: int
    seconds: float

    def is_news(self, now: float) -> bool:
        """Whether it has only just happened: who attaches to a run gets all of its past."""
        return now - self.at < _NEWS_SECONDS


class Turns:
    """`latest` is the last turn that nobody has taken.

    A cycle in which nothing has failed but what someone has cancelled is no turn.
    """

    def __init__(self) -> None:
        self._was_green: bool | None = None
        self._latest: Turn | None = None

    def take(self, items: Iterable[object], has_failed: Callable[[], bool]) -> None:
        """Take in what has happened; `has_failed` says whether something has, by now."""
        finished = [item for item in items if type(item) is CycleFinished and item.result != "no_result"]
        for item in finished:
            is_green = item.result == "succeeded"
            if not is_green and item is finished[-1] and not has_failed():
                continue
            if self._was_green is not None and is_green != self._was_green:
                self._latest = Turn(at=item.at, is_green=is_green, cycle=item.cycle, seconds=item.seconds)
            self._was_green = is_green

    def pop(self) -> Turn | None:
        """The last turn, once."""
        latest, self._latest = self._latest, None
        return latest
