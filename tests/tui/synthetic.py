"""Runs that never ran: graphs of several families, and the events that executing them would have said.

`graph(family, tasks, seed)` gives descriptions in definition order; `synthetic_run` the events of a run
of such a graph on a machine of `cpus` cores, cut where a part `progress` of its tasks has ended;
`synthetic_usage` the samples that belong to them. Equal arguments give equal values.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Sequence

from engine.events import (
    CacheHit,
    CacheMiss,
    Event,
    Message,
    RunFinished,
    RunStarted,
    TaskDescription,
    TaskFinished,
    TaskKind,
    TaskPhase,
    TaskRetried,
    TaskSkipped,
    TaskStarted,
)
from engine.run_state import RunState
from engine.usage import TaskUsage, Usage
from tui.model.run_model import RunModel

START = 1_795_000_000.0
RUN = "20261118-120000-synthet"
_GIBIBYTE = 1 << 30
_REASONS = (
    "first run",
    "failed the last time",
    "script changed",
    "file src/parse.go changed",
    "file go.sum changed, and 3 more",
    "environment variable NODE_ENV changed",
    "layer of deps changed",
    "forgotten",
)
_PARTS = (
    "api",
    "web",
    "auth",
    "billing",
    "search",
    "mail",
    "worker",
    "admin",
    "docs",
    "mobile",
    "ledger",
    "feed",
)


def description(
    task: str, *use: str, after: tuple[str, ...] = (), kind: TaskKind = "command"
) -> TaskDescription:
    """A task that uses `use`."""
    return TaskDescription(task=task, kind=kind, use=use, after=after)


def layered(tasks: int, seed: int, density: float = 1.6) -> tuple[TaskDescription, ...]:
    """As many layers as tasks in one; a task uses about `density` of those before it."""
    chance = random.Random(seed)
    width = max(2, round(tasks**0.5))
    layers: list[list[str]] = [[]]
    found: list[TaskDescription] = []
    for number in range(tasks):
        if len(layers[-1]) >= chance.randint(max(1, width // 2), width + width // 2):
            layers.append([])
        name = f"task-{number}"
        use: list[str] = []
        if len(layers) > 1:
            for _ in range(1 + int(chance.expovariate(1 / max(0.1, density - 1)) + 0.5)):
                layer = layers[-2] if chance.random() < 0.8 else chance.choice(layers[:-1])
                use.append(chance.choice(layer))
        found.append(description(name, *dict.fromkeys(use)))
        layers[-1].append(name)
    return tuple(found)


def uniform(tasks: int, seed: int, density: float = 0.1) -> tuple[TaskDescription, ...]:
    """Each pair of tasks is an edge with the probability `density`."""
    chance = random.Random(seed)
    return tuple(
        description(f"n{number}", *(f"n{before}" for before in range(number) if chance.random() < density))
        for number in range(tasks)
    )


def monorepo(tasks: int, seed: int) -> tuple[TaskDescription, ...]:
    """What people write: a checkout, then per part an install, a lint, tests, a build and an image."""
    chance = random.Random(seed)
    found = [
        description("~base-image", kind="system"),
        description("~base-config", kind="system"),
        description("code", kind="package"),
        description("toolchain", "code"),
        description("deps", "toolchain"),
    ]
    number = 0
    builds: list[str] = []
    while len(found) < tasks:
        part = _PARTS[number % len(_PARTS)] + (str(number // len(_PARTS)) if number >= len(_PARTS) else "")
        number += 1
        install = f"{part}-install"
        group = [description(install, "deps"), description(f"{part}-lint", install)]
        shards = chance.choice((1, 1, 1, 3, 8))
        units = [f"{part}-unit-{shard}" for shard in range(shards)] if shards > 1 else [f"{part}-unit"]
        group += [description(unit, install) for unit in units]
        libraries = [chance.choice(builds)] if builds and chance.random() < 0.4 else []
        group.append(description(f"{part}-build", install, *libraries))
        group.append(description(f"{part}-image", f"{part}-build", after=(f"{part}-lint", *units)))
        builds.append(f"{part}-build")
        found += group
    found = found[: max(1, tasks)]
    if len(found) < 8:
        return tuple(found)
    images = tuple(task.task for task in found if task.use and task.task.endswith("-image"))
    return (
        *found[:-2],
        description("integration", *images[:-1]),
        description("deploy", after=("integration",)),
    )


def chain(tasks: int, seed: int = 0) -> tuple[TaskDescription, ...]:
    """Each task uses the one before."""
    del seed
    return tuple(
        description(f"step-{number}", *((f"step-{number - 1}",) if number else ())) for number in range(tasks)
    )


FAMILIES: dict[str, Callable[[int, int], tuple[TaskDescription, ...]]] = {
    "layered": layered,
    "dense": lambda tasks, seed: layered(tasks, seed, density=3.0),
    "uniform": uniform,
    "monorepo": monorepo,
    "chain": chain,
}


def graph(family: str, tasks: int, seed: int = 0) -> tuple[TaskDescription, ...]:
    """`tasks` descriptions of a family of FAMILIES, in definition order."""
    return FAMILIES[family](tasks, seed)


def synthetic_run(
    tasks: int = 200,
    seed: int = 0,
    family: str = "monorepo",
    *,
    progress: float = 0.6,
    cpus: int = 8,
    hits: float = 0.4,
    failures: float = 0.03,
) -> list[Event]:
    """The events of a run until a part `progress` of its tasks has ended (1.0: all, with `run_finished`).

    `hits` and `failures`: parts of the tasks that hit, and of the others that fail.
    """
    return run_of(
        graph(family, tasks, seed), seed, progress=progress, cpus=cpus, hits=hits, failures=failures
    )


def run_of(
    tasks: Sequence[TaskDescription],
    seed: int = 0,
    *,
    progress: float = 0.6,
    cpus: int = 8,
    hits: float = 0.4,
    failures: float = 0.03,
) -> list[Event]:
    """As `synthetic_run`, of a graph that one has."""
    simulation = _Simulation(tasks, random.Random(seed), cpus, hits, failures)
    return simulation.run(progress)


def synthetic_model(
    tasks: int = 200, seed: int = 0, family: str = "monorepo", *, progress: float = 0.6, cpus: int = 8
) -> RunModel:
    """A model that has taken in `synthetic_run` and its samples."""
    events = synthetic_run(tasks, seed, family, progress=progress, cpus=cpus)
    return model_of(events)


def model_of(events: Iterable[Event]) -> RunModel:
    """A model that has taken in these events, and the samples that belong to them."""
    kept = list(events)
    model = RunModel(RUN)
    model.take(kept)
    model.take(synthetic_usage(kept))
    return model


def synthetic_usage(events: Sequence[Event], seed: int = 0, until: float | None = None) -> list[Usage]:
    """A sample a second, from the first event to the last or to `until` (seconds since the epoch).

    Cores with a task are nearly all busy.
    """
    chance = random.Random(seed)
    state, samples, position = RunState(), [], 0
    first = events[0]
    assert isinstance(first, RunStarted)
    for second in range(1, int((until or events[-1].at) - first.at) + 1):
        while position < len(events) and events[position].at <= first.at + second:
            state.apply(events[position])
            position += 1
        busy = [chance.uniform(0.0, 0.08) for _ in range(first.cpus)]
        for task in sorted(state.running):  # its order is another in each process
            for core in state.tasks[task].cores:
                busy[core] = chance.uniform(0.7, 1.0)
        memory = {task: int(chance.uniform(0.05, 0.9) * _GIBIBYTE) for task in sorted(state.running)}
        samples.append(
            Usage(
                at=first.at + second,
                run=first.run,
                busy=tuple(round(part, 3) for part in busy),
                memory=2 * _GIBIBYTE + sum(memory.values()),
                memory_total=first.memory,
                tasks={
                    task: TaskUsage(round(chance.uniform(0.6, 1.0), 2), used) for task, used in memory.items()
                },
            )
        )
    return samples


class _Simulation:
    """A machine with a heap of endings; a task starts when all it needs has succeeded and a core is free."""

    def __init__(
        self, tasks: Sequence[TaskDescription], chance: random.Random, cpus: int, hits: float, failures: float
    ) -> None:
        self.tasks = {task.task: task for task in tasks}
        self.chance = chance
        self.cpus = cpus
        self.hits = hits
        self.failures = failures
        self.now = START
        self.events: list[Event] = []
        self.free = list(range(cpus))
        self.endings: list[tuple[float, str, int, tuple[int, ...], float]] = []
        self.waiting = dict(self.tasks)
        self.queue: list[tuple[str, int]] = []
        self.ended: dict[str, bool] = {}

    def run(self, progress: float) -> list[Event]:
        self.events.append(
            RunStarted(
                at=self.now,
                run=RUN,
                definition="/home/me/project/ci.yml",
                title="ci.yml",
                cpus=self.cpus,
                memory=16 * _GIBIBYTE,
                tasks=tuple(self.tasks.values()),
            )
        )
        wanted = progress * len(self.tasks)
        self.settle()
        while len(self.ended) < wanted and self.endings:
            self.end_one()
            self.settle()
        if progress >= 1.0:
            self.finish_run()
        return self.events

    def settle(self) -> None:
        """Say all that can be said at this moment."""
        changed = True
        while changed:
            changed = False
            for key, task in list(self.waiting.items()):
                needs = (*task.use, *task.after)
                bad = next((need for need in needs if self.ended.get(need) is False), None)
                if bad is not None:
                    self.events.append(TaskSkipped(at=self.now, run=RUN, task=key, because_of=bad))
                    self.ended[key] = False
                elif all(need in self.ended for need in needs):
                    self.decide(key)
                else:
                    continue
                del self.waiting[key]
                changed = True
        while self.queue and self.free:
            self.start(*self.queue.pop(0))

    def decide(self, key: str) -> None:
        cache_key = f"{self.chance.getrandbits(256):064x}"
        if self.tasks[key].kind == "system":
            self.finished(key, "cache_hit", 0.0)
        elif self.chance.random() < self.hits:
            saved = round(self.chance.lognormvariate(2.0, 1.2), 3)
            self.events.append(
                CacheHit(
                    at=self.now,
                    run=RUN,
                    task=key,
                    cache_key=cache_key,
                    layer=cache_key[:40],
                    produced_by=f"20261117-090000-earlier/{key}",
                    saved_seconds=saved,
                )
            )
            self.finished(key, "cache_hit", 0.0)
        else:
            reason = self.chance.choice(_REASONS)
            self.events.append(CacheMiss(at=self.now, run=RUN, task=key, cache_key=cache_key, reason=reason))
            self.queue.append((key, 1))

    def start(self, key: str, attempt: int) -> None:
        wide = min(len(self.free), self.chance.choice((1, 1, 1, 1, 2, 4)))
        cores, self.free = tuple(self.free[:wide]), self.free[wide:]
        self.events.append(TaskStarted(at=self.now, run=RUN, task=key, attempt=attempt, cores=cores))
        seconds = round(self.chance.lognormvariate(1.7, 0.9), 3)
        heapq.heappush(self.endings, (self.now + seconds, key, attempt, cores, seconds))

    def end_one(self) -> None:
        self.now, key, attempt, cores, seconds = heapq.heappop(self.endings)
        self.free = sorted((*self.free, *cores))
        for phase, part in (("inputs", 0.02), ("mount", 0.001), ("run", seconds), ("commit", 0.01)):
            self.events.append(TaskPhase(at=self.now, run=RUN, task=key, phase=phase, seconds=part))  # type: ignore[arg-type]
        lot = self.chance.random()
        if attempt == 1 and lot < 0.05:
            self.finished(key, "executed", seconds, exit_code=1, counts=False)
            self.events.append(
                TaskRetried(at=self.now, run=RUN, task=key, attempt=attempt + 1, reason="exit 1, retried")
            )
            self.queue.append((key, attempt + 1))
        elif lot < 0.05 + self.failures:
            cause = self.chance.choice(("executed", "executed", "timed_out", "cancelled"))
            self.finished(key, cause, seconds, exit_code=1 if cause == "executed" else None)
        else:
            self.finished(key, "executed", seconds, exit_code=0)

    def finished(
        self, key: str, cause: str, seconds: float, exit_code: int | None = None, counts: bool = True
    ) -> None:
        good = cause == "cache_hit" or exit_code == 0
        executed = cause != "cache_hit"
        messages = (
            () if good else (Message(type="error", message="want 3, got 2", file="parse_test.go", line=41),)
        )
        self.events.append(
            TaskFinished(
                at=self.now,
                run=RUN,
                task=key,
                result="succeeded" if good else "failed",
                cause=cause,
                exit_code=exit_code,
                seconds=seconds,
                cpu_seconds=round(seconds * 0.8, 3) if executed else None,
                max_rss=self.chance.randint(8 << 20, 900 << 20) if executed else None,
                layer_bytes=self.chance.randint(1 << 10, 90 << 20) if good and executed else 0,
                messages=messages,
            )
        )
        if counts:
            self.ended[key] = good

    def finish_run(self) -> None:
        state = RunState()
        for event in self.events:
            state.apply(event)
        self.events.append(
            RunFinished(
                at=self.now,
                run=RUN,
                result=state.result,
                seconds=self.now - START,
                saved_seconds=state.saved_seconds,
                counts=state.counts(),
            )
        )
