"""When the result of a watched run turns from green to red or back: what is worth telling who looks away."""

from __future__ import annotations

from collections.abc import Iterable

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
    """`latest` is the last turn that nobody has taken."""

    def __init__(self) -> None:
        self._was_green: bool | None = None
        self._latest: Turn | None = None

    def take(self, items: Iterable[object]) -> None:
        """Take in what has happened."""
        for item in items:
            if type(item) is not CycleFinished or item.result == "no_result":
                continue
            is_green = item.result == "succeeded"
            if self._was_green is not None and is_green != self._was_green:
                self._latest = Turn(at=item.at, is_green=is_green, cycle=item.cycle, seconds=item.seconds)
            self._was_green = is_green

    def pop(self) -> Turn | None:
        """The last turn, once."""
        latest, self._latest = self._latest, None
        return latest
