"""How long a run will still take, from how long its tasks took before: the scheduler, played ahead."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

import msgspec

from engine.events import TaskDescription
from engine.run_state import RunState, TaskState
from engine.terminal.units import clock_text

_CONTAINERS = ("embedded-run", "parallel")
# A task that takes longer than before is expected to go on for a tenth of what it took so far.
_OVERTIME = 0.1
_MOST_OFTEN = 1.0
_ADOPTED = 0.5


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds` still to go; `is_complete` False when nobody knows how long some task takes."""

    seconds: float
    is_complete: bool = True


def remaining(state: RunState, estimates: Mapping[str, float], now: float) -> Estimate:
    """What is still to go at the time `now` (seconds since the epoch) on the cores of the run.

    Tasks that have ended, hits among them, cost nothing; one of unknown duration counts as nothing too.
    """
    if state.started is None:
        return Estimate(seconds=0.0, is_complete=False)
    pending = {name: state.tasks[name] for name in state.tasks if name in state.not_done}
    known = True
    costs: dict[str, float] = {}
    for name, task in pending.items():
        known = known and (name in estimates or not _is_executed(task))
        costs[name] = _cost(task, estimates.get(name, 0.0), now)
    return Estimate(seconds=_play(pending, costs, max(1, state.started.cpus)), is_complete=known)


def _is_executed(task: TaskState) -> bool:
    return task.description.kind not in (*_CONTAINERS, "system") or task.execution == "running"


def _cost(task: TaskState, seconds: float, now: float) -> float:
    if task.description.kind in _CONTAINERS:
        return 0.0
    if task.execution != "running" or task.started_at is None:
        return seconds
    so_far = max(0.0, now - task.started_at)
    return seconds - so_far if so_far < seconds else so_far * _OVERTIME if seconds else 0.0


def _play(pending: Mapping[str, TaskState], costs: Mapping[str, float], cpus: int) -> float:
    """The time until the last of them has ended, when the one with the longest way behind it goes first."""
    needs, consumers = _edges(pending)
    behind = _behind(pending, costs, needs, consumers)
    ready = [
        (pending[name].execution != "running", -behind[name], name) for name in pending if not needs[name]
    ]
    heapq.heapify(ready)
    ending: list[tuple[float, str, int]] = []
    free, now = cpus, 0.0
    while ready or ending:
        # The head of the queue waits until it fits, and the others wait with it: near enough.
        while ready and (not ready[0][0] or _width(pending[ready[0][2]], cpus) <= free):
            name = heapq.heappop(ready)[2]
            width = _width(pending[name], cpus) if costs[name] > 0 else 0
            free -= width
            heapq.heappush(ending, (now + costs[name], name, width))
        now, ended, width = heapq.heappop(ending)
        free += width
        for consumer in consumers[ended]:
            needs[consumer] -= 1
            if not needs[consumer]:
                heapq.heappush(ready, (pending[consumer].execution != "running", -behind[consumer], consumer))
    return now


def _width(task: TaskState, cpus: int) -> int:
    if task.description.kind in (*_CONTAINERS, "system"):
        return 0
    return min(task.description.cpus or 1, cpus)


def _edges(pending: Mapping[str, TaskState]) -> tuple[dict[str, int], dict[str, list[str]]]:
    """How many others each waits for, and who waits for it."""
    needs = dict.fromkeys(pending, 0)
    consumers: dict[str, list[str]] = {name: [] for name in pending}
    for name, task in pending.items():
        for needed in needed_tasks(task.description, pending):
            needs[name] += 1
            consumers[needed].append(name)
    for name in pending:
        parent = name.rpartition(".")[0]
        if parent in pending:  # a container ends after what is in it
            needs[parent] += 1
            consumers[name].append(parent)
    return needs, consumers


def needed_tasks(description: TaskDescription, among: Mapping[str, object]) -> tuple[str, ...]:
    """The tasks `among` these that it waits for, each once; a path into a task stands for that task."""
    found: dict[str, None] = {}
    for path in (*description.use, *description.after):
        needed = path if path in among else path.partition(".")[0]
        if needed in among and needed != description.task:
            found[needed] = None
    return tuple(found)


def _behind(
    pending: Mapping[str, TaskState],
    costs: Mapping[str, float],
    needs: Mapping[str, int],
    consumers: Mapping[str, Iterable[str]],
) -> dict[str, float]:
    """For each task the seconds from its start to the end of the longest path behind it."""
    left = dict(needs)
    order = [name for name in pending if not left[name]]
    for name in order:
        for consumer in consumers[name]:
            left[consumer] -= 1
            if not left[consumer]:
                order.append(consumer)
    behind: dict[str, float] = {}
    for name in reversed(order):
        behind[name] = costs[name] + max(
            (behind.get(consumer, 0.0) for consumer in consumers[name]), default=0
        )
    return behind


class Forecast:
    """The length of the whole run as it is shown: computed once a second at most, without wild jumps."""

    def __init__(self) -> None:
        self._seconds: float | None = None
        self._is_complete = False
        self._computed_at = float("-inf")
        self._began: float | None = None

    def text(
        self, state: RunState, estimates: Mapping[str, float], now: float, began: float | None = None
    ) -> str:
        """`~1:58` for the whole run; `~1:58+` when that is the least it takes; `~?` when nothing is known.

        `began`: since when it is counted, if not from the start of the run.
        """
        if state.started is None:
            return "~?"
        began = state.started.at if began is None else began
        if began != self._began:
            self._began, self._seconds, self._computed_at = began, None, float("-inf")
        if abs(now - self._computed_at) >= _MOST_OFTEN:
            self._computed_at = now
            self._renew(remaining(state, estimates, now), max(0.0, now - began))
        if self._seconds is None:
            return "~?"
        elapsed = max(0.0, now - began)
        return f"~{clock_text(max(self._seconds, elapsed))}{'' if self._is_complete else '+'}"

    def _renew(self, estimate: Estimate, elapsed: float) -> None:
        self._is_complete = estimate.is_complete
        if not estimate.is_complete and estimate.seconds <= 0.0:
            self._seconds = None
            return
        total = elapsed + estimate.seconds
        if self._seconds is not None:
            total = self._seconds + _ADOPTED * (total - self._seconds)
        self._seconds = max(total, elapsed)
