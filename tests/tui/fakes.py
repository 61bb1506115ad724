"""An engine in memory: runs whose events a test says one by one, and a record of what was asked of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import cached_property

from engine import events, usage
from engine.api.client import EngineClient, EngineGone, RefusedError
from engine.api.log_over_http import LogOverHttp
from engine.api.messages import (
    Alive,
    DefinitionSummary,
    EngineStops,
    Estimates,
    Notice,
    Refusal,
    RunSummary,
    TaskDetails,
)
from engine.events import CycleStarted, Event, PausePoint, RunFinished, RunStarted
from engine.model.request import RunRequest
from engine.usage import Usage
from tests.tui.fake_files import FakeFiles
from tests.tui.synthetic import START


class FakeEngine(EngineClient):
    """`asked` lists commands as (name, run, tasks or flag). After `die` every call raises EngineGone."""

    def __init__(self, refusal: Refusal | None = None) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.refusal = refusal
        self.logs: dict[str, bytes] = {}
        self.is_ours = True
        self._runs: dict[str, _FakeRun] = {}
        self._notices: list[Notice] = [Alive()]
        self._changed = threading.Condition()
        self._is_dead = False

    def add(self, run: str, *items: Event | Usage) -> None:
        """A run that has come so far."""
        self._runs[run] = _FakeRun()
        self.say(run, *items)

    def say(self, run: str, *items: Event | Usage) -> None:
        """This happens in the run."""
        with self._changed:
            fake = self._runs[run]
            for item in items:
                if isinstance(item, Usage):
                    fake.usage += usage.encode(item)
                else:
                    fake.events += events.encode(item)
                    fake.all.append(item)
                    fake.is_over = fake.is_over or isinstance(item, RunFinished)
            self._changed.notify_all()

    def kill(self, run: str) -> None:
        """The process of the run dies."""
        with self._changed:
            self._runs[run].is_over = True
            self._changed.notify_all()

    def forget(self, run: str) -> None:
        """The run is collected."""
        with self._changed:
            del self._runs[run]

    def damage(self, run: str) -> None:
        """The second half of its stored events is gone."""
        with self._changed:
            lines = self._runs[run].events.splitlines(keepends=True)
            self._runs[run].events = b"".join(lines[: len(lines) // 2])

    def notice(self, notice: Notice) -> None:
        """The engine has this to say."""
        with self._changed:
            self._notices.append(notice)
            self._changed.notify_all()

    def die(self) -> None:
        """The engine's process dies: every stream is cut."""
        with self._changed:
            self._is_dead = True
            self._changed.notify_all()

    def notices(self) -> Iterator[Notice]:
        said = 0
        while True:
            with self._changed:
                while not self._is_dead and len(self._notices) <= said:
                    self._changed.wait()
                self._check()
                new, said = self._notices[said:], len(self._notices)
            yield from new
            if EngineStops() in new:
                return

    def events(self, run: str, offset: int = 0, usage_offset: int = 0) -> Iterator[bytes]:
        fake = self._run(run)
        while True:
            with self._changed:
                while not (self._is_dead or fake.is_over or fake.has_more(offset, usage_offset)):
                    self._changed.wait()
                self._check()
                new = fake.events[offset:], fake.usage[usage_offset:]
                is_over = fake.is_over
            offset, usage_offset = offset + len(new[0]), usage_offset + len(new[1])
            if new[0] or new[1]:
                yield new[0] + new[1]
            if is_over and not (new[0] or new[1]):
                return

    def start(self, request: RunRequest) -> str:
        self._ask("start", request)
        run = f"{len(self._runs):032x}"
        self.add(run)
        return run

    def cancel(self, run: str, tasks: Sequence[str] | None = None) -> None:
        self._ask("cancel", run, tasks)

    def retry(self, run: str, tasks: Sequence[str] | None = None, *, from_here: bool = False) -> None:
        self._ask("retry from here" if from_here else "retry", run, tasks)

    def keep_going(self, run: str, enabled: bool) -> None:
        self._ask("keep_going", run, enabled)

    def watch(self, run: str, enabled: bool) -> None:
        self._ask("watch", run, enabled)

    def break_at(self, run: str, task: str, where: PausePoint | None = "before") -> None:
        self._ask("break_at", run, (task, where))

    def proceed(self, run: str, tasks: Sequence[str] | None = None) -> None:
        self._ask("proceed", run, tasks)

    def run(self, run: str) -> RunSummary:
        said = self._run(run).all
        started = next((event for event in said if isinstance(event, RunStarted)), None)
        finished = next((event for event in said if isinstance(event, RunFinished)), None)
        return RunSummary(
            run=run,
            definition="/project/outcrop.yml",
            title="outcrop" if started is None else started.title,
            started_at=START if started is None else started.at,
            seconds=None if finished is None else finished.seconds,
            result="running" if finished is None else finished.result,
            cause=None if finished is None else finished.cause,
            counts={} if finished is None else finished.counts,
            saved_seconds=0.0,
            is_ours=self.is_ours,
            cycles=max((event.cycle for event in said if isinstance(event, CycleStarted)), default=0),
        )

    def runs(
        self, limit: int | None = None, before: str | None = None, definition: str | None = None
    ) -> Sequence[RunSummary]:
        return [self.run(run) for run in sorted(self._runs, reverse=True)][:limit]

    def details(self, run: str, task: str) -> TaskDetails:
        self._check()
        return TaskDetails(task=task, script=f"make {task}", log_bytes=len(self.logs.get(task, b"")))

    def log(self, run: str, task: str) -> LogOverHttp:
        return _MemoryLog(self.logs.get(task, b""))

    @cached_property
    def files(self) -> FakeFiles:
        """Files in memory; a test adds them."""
        return FakeFiles()

    def estimates(self, definition: str) -> Estimates:
        return Estimates(seconds={})

    def definitions(self, directory: str) -> Sequence[DefinitionSummary]:
        return [DefinitionSummary(path="/project/outcrop.yml", tasks=("build", "test"))]

    def definition(self, path: str) -> DefinitionSummary:
        return DefinitionSummary(path=path, tasks=("build", "test"))

    def close(self) -> None:
        self.die()

    def _ask(self, *what: object) -> None:
        self._check()
        self.asked.append(what)
        if self.refusal is not None:
            raise RefusedError(self.refusal)

    def _run(self, run: str) -> _FakeRun:
        self._check()
        if run not in self._runs:
            raise RefusedError(Refusal(kind="not_found", message=f"there is no run `{run}`"))
        return self._runs[run]

    def _check(self) -> None:
        if self._is_dead:
            raise EngineGone("the engine does not answer")


class _FakeRun:
    def __init__(self) -> None:
        self.events = b""
        self.usage = b""
        self.all: list[Event] = []
        self.is_over = False

    def has_more(self, offset: int, usage_offset: int) -> bool:
        return len(self.events) > offset or len(self.usage) > usage_offset


class _MemoryLog(LogOverHttp):
    def __init__(self, data: bytes) -> None:
        self._data = data

    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]

    def times(self, offset: int = 0) -> bytes:
        return b""

    def close(self) -> None:
        pass
