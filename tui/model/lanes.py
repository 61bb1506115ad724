"""Which task held which core from when to when: one lane a core, filled as the events come."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Literal

import msgspec

from engine.events import Event, RunFinished, RunStarted, TaskFinished, TaskRetried, TaskStarted

COLOURS = 8
ZOOMS = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_LIVE_ZOOMS = ZOOMS[:3]


class Segment(msgspec.Struct, kw_only=True):
    """A task on one lane; `end` None while it goes on. Times are seconds since the epoch.

    `state`: `running`, then what became of it, as the glyphs name it; `moved` when it goes on in another
    lane. `colour`: 1 to 8, the same for all segments of a task.
    """

    task: str
    start: float
    end: float | None = None
    state: str = "running"
    is_pinned: bool = False
    is_continued: bool = False
    colour: int = 1


class Lane(msgspec.Struct, kw_only=True):
    """One core and its segments, in the order of time, none over another."""

    core: int
    segments: list[Segment] = msgspec.field(default_factory=list)
    is_core_certain: bool = False

    @property
    def open(self) -> Segment | None:
        """The segment that goes on."""
        return self.segments[-1] if self.segments and self.segments[-1].end is None else None

    def between(self, start: float, end: float) -> Sequence[Segment]:
        """The segments of which some part lies in this time."""
        first = bisect_right(self.segments, start, key=_start)
        last = bisect_left(self.segments, end, key=_start)
        if first and _end(self.segments[first - 1]) >= start:
            first -= 1
        # Tasks of no length share their start with others; all of those count.
        while first and self.segments[first - 1].start == start:
            first -= 1
        return self.segments[first:last]


class Lanes:
    """The lanes of a run. An event costs the same however many came before it.

    A task that is not pinned is drawn in a free lane, the highest, because cores are reserved from the
    lowest on; it stays there unless that core is reserved for another. `unplaced` are the running
    tasks for which no lane is left.
    """

    def __init__(self) -> None:
        self.lanes: list[Lane] = []
        self.unplaced: dict[str, None] = {}
        self._places: dict[str, tuple[int, ...]] = {}
        self._last_places: dict[str, tuple[int, ...]] = {}
        self._lane_of_core: dict[int, int] = {}
        self._colours: dict[str, int] = {}

    def take(self, event: Event) -> bool:
        """Take in what has happened; True when a lane has changed."""
        match event:
            case RunStarted():
                self.lanes = [Lane(core=core) for core in range(event.cpus)]
            case TaskStarted():
                self._start(event)
            case TaskRetried():
                return self._retry(event)
            case TaskFinished():
                return self._end(event.task, event.at, _state(event))
            case RunFinished():
                for task in (*self._places, *self.unplaced):
                    self._end(task, event.at, "cancelled")
            case _:
                return False
        return True

    def _start(self, event: TaskStarted) -> None:
        self._colours.setdefault(event.task, len(self._colours) % COLOURS + 1)
        self._end(event.task, event.at, "retried")
        if not event.cores:
            self._place(event.task, event.at, is_continued=False)
            return
        chosen = tuple(dict.fromkeys(map(self._lane, event.cores)))
        displaced: list[str] = []
        for index in chosen:
            there = self.lanes[index].open
            if there is not None:
                displaced.append(there.task)
                self._end(there.task, event.at, "moved", refill=False)
            self._open(index, event.task, event.at, is_pinned=True)
        self._places[event.task] = self._last_places[event.task] = chosen
        for task in displaced:
            self._place(task, event.at, is_continued=True)

    def _place(self, task: str, at: float, *, is_continued: bool) -> None:
        free = next((i for i in reversed(range(len(self.lanes))) if self.lanes[i].open is None), None)
        if free is None:
            self.unplaced[task] = None
            return
        self._open(free, task, at, is_continued=is_continued)
        self._places[task] = self._last_places[task] = (free,)

    def _retry(self, event: TaskRetried) -> bool:
        """The attempt before has ended already, as a failure, or ends with this."""
        self._end(event.task, event.at, "retried")
        for index in self._last_places.get(event.task, ()):
            segments = self.lanes[index].segments
            last = next((segment for segment in reversed(segments[-2:]) if segment.task == event.task), None)
            if last is not None and last.end is not None:
                last.state = "retried"
        return True

    def _open(
        self, index: int, task: str, at: float, *, is_pinned: bool = False, is_continued: bool = False
    ) -> None:
        segments = self.lanes[index].segments
        segments.append(
            Segment(
                task=task,
                start=max(at, _end(segments[-1])) if segments else at,
                is_pinned=is_pinned,
                is_continued=is_continued,
                colour=self._colours[task],
            )
        )

    def _end(self, task: str, at: float, state: str, *, refill: bool = True) -> bool:
        if task in self.unplaced:
            del self.unplaced[task]
            return True
        places = self._places.pop(task, ())
        for index in places:
            segment = self.lanes[index].segments[-1]
            segment.end, segment.state = max(at, segment.start), state
        if refill:
            for _ in places:
                if waiting := next(iter(self.unplaced), None):
                    del self.unplaced[waiting]
                    self._place(waiting, at, is_continued=True)
        return bool(places)

    def _lane(self, core: int) -> int:
        """The lane of a core; the run says only how many there are, so a number that is new claims a lane."""
        index = self._lane_of_core.get(core)
        if index is not None:
            return index
        if core < len(self.lanes) and not self.lanes[core].is_core_certain:
            index = core
        else:
            index = next((i for i, lane in enumerate(self.lanes) if not lane.is_core_certain), None)
        if index is None:
            index = len(self.lanes)
            self.lanes.append(Lane(core=core))
        self.lanes[index].core, self.lanes[index].is_core_certain = core, True
        self._lane_of_core[core] = index
        return index


Direction = Literal["left", "right", "up", "down"]


def neighbour(lanes: Sequence[Lane], task: str | None, direction: Direction) -> str | None:
    """The task before or after `task` on its core, or on the next core at that time; None at the edge.

    From none it goes to the one that started last.
    """
    found = [
        (segment.start, number, segment)
        for number, lane in enumerate(lanes)
        for segment in lane.segments
        if task is None or segment.task == task
    ]
    if not found:
        return None
    _, number, here = max(found, key=lambda item: (item[0], -item[1]))
    if task is None:
        return here.task
    if direction in ("left", "right"):
        ahead = lanes[number].segments[:: -1 if direction == "left" else 1]
        rest = ahead[ahead.index(here) :]
        return next((segment.task for segment in rest if segment.task != task), None)
    beyond = _lanes_beyond(lanes, number, direction)
    return next(filter(None, (_at_that_time(lane, here) for lane in beyond)), None)


def _lanes_beyond(lanes: Sequence[Lane], number: int, direction: Direction) -> Sequence[Lane]:
    return lanes[number + 1 :] if direction == "down" else lanes[:number][::-1]


def _at_that_time(lane: Lane, here: Segment) -> str | None:
    """The task that was on a lane when `here` began, or the nearest to that."""
    others = [segment for segment in lane.segments if segment.task != here.task]
    if not others:
        return None
    return min(
        others, key=lambda it: (max(it.start - here.start, here.start - _end(it), 0.0), -it.start)
    ).task


def window(now: float, zoom: float, ended_at: float | None) -> tuple[float, float]:
    """The time to show: the last `zoom` seconds until now, or until the end of a run that is over."""
    end = now if ended_at is None else ended_at
    return end - zoom, end


def fitting_zoom(elapsed: float, *, is_over: bool) -> float:
    """Seconds to show: a minute at most while a run goes on, ten of one that is over."""
    if is_over:
        return min(max(elapsed, ZOOMS[0]), ZOOMS[-1])
    return next((zoom for zoom in _LIVE_ZOOMS if zoom >= elapsed), _LIVE_ZOOMS[-1])


def _state(event: TaskFinished) -> str:
    if event.cause in ("cancelled", "obsolete"):
        return "cancelled"
    if event.result == "failed":
        return "failed"
    return "cached" if event.cause == "cache_hit" else "ok"


def _start(segment: Segment) -> float:
    return segment.start


def _end(segment: Segment) -> float:
    return float("inf") if segment.end is None else segment.end
