"""What to start next, and on which cores: pure, from what is ready, what is running and what the machine has.

The task with the longest way still to go behind it (by past durations) goes first. A task that
does not fit yet is not overtaken for good: those behind it start only when they are expected to
have ended by the time it would fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

UNKNOWN_SECONDS = 1.0


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What may be given to tasks: core numbers, and memory in bytes."""

    cores: tuple[int, ...]
    memory: int


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What a task wants; `cpus` None counts as one core and is not pinned; `memory` in bytes."""

    task: str
    cpus: int | None = None
    memory: int = 0
    seconds: float | None = None
    remaining: float = 0.0


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """What a running task holds, and for how many more seconds by its past."""

    task: str
    slots: int
    cores: tuple[int, ...] = ()
    memory: int = 0
    seconds_left: float | None = None


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict: start this task now, holding this."""

    task: str
    reservation: Reservation


def clamped(demand: Demand, machine: Machine) -> Demand:
    """The demand, at most what the machine has."""
    cpus = None if demand.cpus is None else min(demand.cpus, len(machine.cores))
    return msgspec.structs.replace(demand, cpus=cpus, memory=min(demand.memory, machine.memory))


def starts(ready: Iterable[Demand], running: Iterable[Reservation], machine: Machine) -> tuple[Start, ...]:
    """The tasks to start now, most urgent first. The sum of what is held never exceeds the machine."""
    held = list(running)
    verdicts: list[Start] = []
    wait: float | None = None
    # Among equals the wide ones go first: they pack worse when left for later.
    for demand in sorted(ready, key=lambda item: (-item.remaining, -(item.cpus or 1))):
        wanted = clamped(demand, machine)
        if not _fits(wanted, held, machine):
            if wait is None:
                wait = _seconds_until_fit(wanted, held, machine)
            continue
        if wait is not None and (demand.seconds is None or demand.seconds > wait):
            continue
        reservation = _reserve(wanted, held, machine)
        held.append(reservation)
        verdicts.append(Start(task=demand.task, reservation=reservation))
    return tuple(verdicts)


def _free(held: Sequence[Reservation], machine: Machine) -> tuple[int, int]:
    slots = len(machine.cores) - sum(item.slots for item in held)
    return slots, machine.memory - sum(item.memory for item in held)


def _fits(demand: Demand, held: Sequence[Reservation], machine: Machine) -> bool:
    slots, memory = _free(held, machine)
    return (demand.cpus or 1) <= slots and demand.memory <= memory


def _reserve(demand: Demand, held: Sequence[Reservation], machine: Machine) -> Reservation:
    taken = {core for item in held for core in item.cores}
    free = [core for core in machine.cores if core not in taken]
    return Reservation(
        task=demand.task,
        slots=demand.cpus or 1,
        cores=tuple(free[: demand.cpus]) if demand.cpus is not None else (),
        memory=demand.memory,
        seconds_left=demand.seconds,
    )


def _seconds_until_fit(demand: Demand, held: Sequence[Reservation], machine: Machine) -> float:
    """When enough will be free, if everything takes as long as it did before."""
    left = sorted(held, key=lambda item: item.seconds_left or UNKNOWN_SECONDS)
    while left:
        first = left.pop(0)
        if _fits(demand, left, machine):
            return first.seconds_left or UNKNOWN_SECONDS
    return 0.0


def remaining_seconds(
    tasks: Sequence[str],
    needed_by: Mapping[str, Sequence[str]],
    seconds_of: Callable[[str], float | None],
) -> dict[str, float]:
    """For each task the seconds from its start to the end of the longest path behind it.

    `tasks` in an order in which every task comes after what it needs.
    """
    remaining: dict[str, float] = {}
    for task in reversed(tasks):
        behind = max((remaining[consumer] for consumer in needed_by.get(task, ())), default=0.0)
        own = seconds_of(task)
        remaining[task] = behind + (UNKNOWN_SECONDS if own is None else own)
    return remaining
