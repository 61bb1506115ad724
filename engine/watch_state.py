"""Where a watched run is: which cycle, what began it, what came of the last one; a value made from events."""

from __future__ import annotations

from typing import Union

import msgspec

from engine.events import (
    CycleFinished,
    CycleStarted,
    DefinitionBroken,
    DefinitionChanged,
    Result,
    WatchEnded,
    WatchStarted,
)

WatchEvent = Union[WatchStarted, WatchEnded, CycleStarted, CycleFinished, DefinitionChanged, DefinitionBroken]


class WatchState(msgspec.Struct, frozen=True, kw_only=True):
    """`is_on`: the run waits for changes. `cycle`: the number of the last one that has begun, 0 before.

    `since`: when the cycle in progress began, None while the run waits. `changed`, `count`: what began it.
    `result`, `seconds`, `counts`, `affected`: of the last cycle that has finished. `problems`: of the
    definition as it is written now, none while it is in force.
    """

    paths: tuple[str, ...] = ()
    is_on: bool = True
    is_polling: bool = False
    warning: str = ""
    cycle: int = 0
    since: float | None = None
    changed: tuple[str, ...] = ()
    count: int = 0
    result: Result = "no_result"
    seconds: float = 0.0
    counts: dict[str, int] = {}
    affected: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def after(state: WatchState | None, event: WatchEvent) -> WatchState:
    """The state once this has happened; any order of events is taken, as of a damaged log."""
    known = WatchState() if state is None else state
    replace = msgspec.structs.replace
    match event:
        case WatchStarted():
            return replace(
                known, paths=event.paths, is_on=True, is_polling=event.is_polling, warning=event.warning
            )
        case WatchEnded():
            return replace(known, is_on=False)
        case CycleStarted():
            return replace(known, cycle=event.cycle, since=event.at, changed=event.changed, count=event.count)
        case CycleFinished():
            return replace(
                known,
                cycle=event.cycle,
                since=None,
                result=event.result,
                seconds=event.seconds,
                counts=event.counts,
                affected=event.affected,
            )
        case DefinitionChanged():
            return replace(known, problems=())
        case DefinitionBroken():
            return replace(known, problems=event.problems)
