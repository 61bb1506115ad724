"""One run of a small monorepo, second by second, with what an engine keeps of it: for pictures of screens.

Hits, misses, a second attempt, a task that waits for cores, and a failure in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from engine.api.messages import (
    ComparedTask,
    Comparison,
    DefinitionSummary,
    Estimates,
    InitParameter,
    Problem,
    RunSummary,
    TaskDetails,
    TaskFigures,
)
from engine.events import (
    CacheHit,
    CacheMiss,
    CycleFinished,
    CycleStarted,
    DefinitionBroken,
    Event,
    Message,
    RunFinished,
    RunStarted,
    TaskDescription,
    TaskFinished,
    TaskPhase,
    TaskRetried,
    TaskSkipped,
    TaskStarted,
    WatchStarted,
)
from engine.explain import Change
from engine.model.script_failure import ScriptFailure
from engine.usage import Usage
from tests.tui.fakes import FakeEngine
from tests.tui.fakes_runs import MINUTE, details_of, run_summary
from tests.tui.synthetic import START, description, synthetic_usage

RUN = "01a1e0b72c00" + "5" * 20
DEFINITION = "/home/me/project/ci.yml"
END = 38.0
TASKS = (
    description("~base-image", kind="system"),
    description("code", kind="package"),
    description("go-deps", "code"),
    description("web-deps", "code"),
    description("protobuf", "code"),
    description("go-lint", "go-deps"),
    description("api", "go-deps", "protobuf"),
    description("unit-1", "go-deps", "protobuf"),
    description("unit-2", "go-deps", "protobuf"),
    description("unit-3", "go-deps", "protobuf"),
    description("web-lint", "web-deps"),
    description("web", "web-deps", "protobuf"),
    description("web-unit", "web-deps"),
    description("docs", "web-deps"),
    description("api-image", "api", after=("unit-1", "unit-2", "unit-3")),
    description("web-image", "web", after=("web-unit",)),
    description("end-to-end", "api-image", "web-image"),
    description("deploy", after=("end-to-end", "go-lint", "web-lint")),
)
_READY = {"docs": 1.2, "unit-3": 5.3, "web": 5.3}  # they wait for cores
_KEY = "9f2c61d0" * 8
_COVERAGE = "\n".join(
    f"\x1b[32mok\x1b[0m   example.com/project/{name}\t0.{seconds}s  coverage: {seconds / 2:.1f}%"
    for name, seconds in (("lexer", 123), ("printer", 147), ("store", 151), ("api", 164), ("api/client", 182))
)
LOG = f"""\
$ go test -cover ./...
go: downloading golang.org/x/sync v0.10.0
{_COVERAGE}
=== RUN   TestParse
=== RUN   TestParse/empty
=== RUN   TestParse/nested
    parse_test.go:41: want 3, got 2
\x1b[31m--- FAIL: TestParse (0.01s)\x1b[0m
    --- PASS: TestParse/empty (0.00s)
    \x1b[31m--- FAIL: TestParse/nested (0.01s)\x1b[0m
FAIL\texample.com/project/parse\t0.214s
ok   example.com/project/walk\t0.093s  coverage: 88.0% of statements
FAIL
"""
LOG_OF_A_RUNNING_TASK = """\
$ npm test
> web@1.4.0 test
> vitest run

\x1b[32m✓\x1b[0m src/format.test.ts (12 tests) 41ms
\x1b[32m✓\x1b[0m src/graph.test.ts (31 tests) 212ms
src/store.test.ts …
"""


def told(until: float = END) -> list[Event | Usage]:
    """What has happened in the first `until` seconds, with a sample of usage a second."""
    said = [event for event in _events() if event.at <= START + until]
    return [*said, *synthetic_usage(said, until=START + until)]


def watched(until: float) -> list[Event | Usage]:
    """The same run, watched: it is red at 38 s; what is saved at 60 s makes it green at 71 s; at 80 s the
    definition can't be run.
    """
    said: list[Event] = [event for event in _events() if not isinstance(event, RunFinished)]
    affected = ("code", "go-lint", "api", "unit-2", "api-image")
    said[1:1] = [
        WatchStarted(at=START, run=RUN, paths=("/home/me/project",)),
        CycleStarted(at=START, run=RUN, cycle=1),
    ]
    said += [
        _cycle_finished(1, END, END, "failed", {"executed": 10, "cache_hit": 3, "failed": 1, "skipped": 3}),
        CycleStarted(at=START + 60, run=RUN, cycle=2, changed=("src/parse.go",), count=1),
        *(
            TaskRetried(at=START + 60, run=RUN, task=task, attempt=1, reason="its files have changed")
            for task in affected
        ),
        *_executed("code", 60.0, 0.4, (0,), "changed file src/parse.go"),
        *_executed("unit-2", 60.4, 8.0, (7,), "changed file src/parse.go"),
        *_executed("api", 60.4, 9.0, (0, 1), "changed file src/parse.go"),
        *_executed("go-lint", 60.4, 4.0, (2, 3), "changed file src/parse.go"),
        *_executed("api-image", 69.4, 1.6, (0, 1), "layer of api changed"),
    ]
    said.sort(key=lambda event: event.at)
    said.append(_cycle_finished(2, 71.0, 11.0, "succeeded", {"executed": 5}, *affected))
    problem = (
        f"{DEFINITION}:31:7: error: `rum` is not a key of a task [unknown-key]\n  hint: did you mean `run`?"
    )
    said.append(DefinitionBroken(at=START + 80, run=RUN, problems=(problem,)))
    kept = [event for event in said if event.at <= START + until]
    return [*kept, *synthetic_usage(kept, until=START + min(until, END))]


def _cycle_finished(
    cycle: int, at: float, seconds: float, result: str, counts: dict[str, int], *affected: str
) -> CycleFinished:
    return CycleFinished(
        at=START + at,
        run=RUN,
        cycle=cycle,
        result="failed" if result == "failed" else "succeeded",
        seconds=seconds,
        counts=counts,
        affected=affected,
    )


def of_nothing() -> list[Event | Usage]:
    """A run of a definition without tasks."""
    finished = RunFinished(at=START, run=RUN, result="succeeded", seconds=0.0, saved_seconds=0.0, counts={})
    return [_started(()), finished]


def _events() -> list[Event]:
    found: list[Event] = [
        _started(TASKS),
        _finished(0.0, "~base-image", 0.0, cause="cache_hit"),
        *_executed("code", 0.0, 1.2, (0,), "changed file src/parse.go"),
        *_hit("go-deps", 1.2, 48.3),
        *_hit("web-deps", 1.2, 73.9),
        *_executed("protobuf", 1.2, 4.1, (0, 1), "changed file api/service.proto and 2 others"),
        *_executed("go-lint", 1.2, 9.6, (2, 3), "changed file src/parse.go"),
        *_hit("web-lint", 1.2, 8.8),
        *_executed("web-unit", 1.2, 21.7, (4,), "first run"),
        *_executed("docs", 22.9, 3.1, (4,), "changed file docs/index.md"),
        *_executed("api", 5.3, 19.4, (0, 1), "layer of protobuf changed"),
        *_executed("unit-1", 5.3, 6.2, (5, 6), "layer of protobuf changed"),
        *_executed("unit-2", 5.3, 8.4, (7,), "changed file src/parse.go", exit_code=1, more_tries=True),
        *_executed("unit-3", 10.8, 14.0, (2, 3), "layer of protobuf changed"),
        *_executed("web", 11.5, 17.3, (5, 6), "changed variable NODE_ENV"),
        TaskRetried(at=START + 13.7, run=RUN, task="unit-2", attempt=2, reason="exit 1, retried"),
        *_executed("unit-2", 14.2, 12.4, (7,), "", exit_code=1, attempt=2),
        TaskSkipped(at=START + 26.6, run=RUN, task="api-image", because_of="unit-2"),
        TaskSkipped(at=START + 26.6, run=RUN, task="end-to-end", because_of="api-image"),
        TaskSkipped(at=START + 26.6, run=RUN, task="deploy", because_of="end-to-end"),
        *_executed("web-image", 28.8, 9.2, (0, 1), "layer of web changed"),
    ]
    # What is ready waits from the moment on at which all it needs was there.
    found = [_ready_at(event, _READY) for event in found]
    found.sort(key=lambda event: event.at)
    counts = {"executed": 10, "cache_hit": 3, "failed": 1, "skipped": 3, "cancelled": 0}
    found.append(
        RunFinished(
            at=START + END,
            run=RUN,
            result="failed",
            cause="failed",
            seconds=END,
            saved_seconds=131.0,
            counts=counts,
        )
    )
    return found


def _started(tasks: tuple[TaskDescription, ...]) -> RunStarted:
    return RunStarted(
        at=START, run=RUN, definition=DEFINITION, title="ci", cpus=8, memory=16 << 30, tasks=tasks
    )


def _ready_at(event: Event, moments: dict[str, float]) -> Event:
    if isinstance(event, CacheMiss) and event.task in moments:
        return msgspec.structs.replace(event, at=START + moments[event.task])
    return event


def _hit(task: str, at: float, saved: float) -> list[Event]:
    return [
        CacheHit(
            at=START + at,
            run=RUN,
            task=task,
            cache_key=_KEY,
            layer=_KEY,
            produced_by=f"{_run_id(41)}/{task}",
            saved_seconds=saved,
        ),
        _finished(at, task, 0.0, cause="cache_hit"),
    ]


def _executed(
    task: str,
    at: float,
    seconds: float,
    cores: tuple[int, ...],
    reason: str,
    *,
    exit_code: int = 0,
    attempt: int = 1,
    more_tries: bool = False,
) -> list[Event]:
    events: list[Event] = []
    if attempt == 1:
        events.append(CacheMiss(at=START + at, run=RUN, task=task, cache_key=_KEY, reason=reason))
    events.append(TaskStarted(at=START + at, run=RUN, task=task, attempt=attempt, cores=cores))
    if more_tries:
        return events
    end = START + at + seconds
    events += [
        TaskPhase(at=end, run=RUN, task=task, phase="inputs", seconds=0.2),
        TaskPhase(at=end, run=RUN, task=task, phase="run", seconds=seconds - 0.4),
        TaskPhase(at=end, run=RUN, task=task, phase="commit", seconds=0.1),
        _finished(at + seconds, task, seconds, exit_code=exit_code, cores=len(cores)),
    ]
    return events


def _finished(
    at: float, task: str, seconds: float, *, cause: str = "executed", exit_code: int = 0, cores: int = 1
) -> TaskFinished:
    failure = Message(type="error", message="want 3, got 2", file="src/parse_test.go", line=41)
    was_executed = cause == "executed"
    return TaskFinished(
        at=START + at,
        run=RUN,
        task=task,
        result="failed" if exit_code else "succeeded",
        cause=cause,
        exit_code=exit_code if was_executed else None,
        seconds=seconds,
        failed_at=ScriptFailure(line=3, command='go test ./... --mode "$MODE"', definition_line=88)
        if exit_code
        else None,
        cpu_seconds=round(seconds * cores * 0.8, 1) if was_executed else None,
        max_rss=412 << 20 if was_executed else None,
        layer_bytes=3 << 20 if was_executed else 0,
        messages=(failure,) if exit_code else (),
    )


# What the engine keeps


class StoryEngine(FakeEngine):
    """An engine that knows this run, some before it, and a few definitions."""

    def __init__(self) -> None:
        super().__init__()
        self.logs = {"unit-2": LOG.encode(), "web-unit": LOG_OF_A_RUNNING_TASK.encode()}

    def details(self, run: str, task: str) -> TaskDetails:
        known = super().details(run, task)
        if task not in {it.task for it in TASKS}:
            return known
        return msgspec.structs.replace(
            details_of(task), log_bytes=known.log_bytes, workspace="/work", compared_with=_run_id(41)
        )

    def run(self, run: str) -> RunSummary:
        known = super().run(run)
        return msgspec.structs.replace(known, definition=DEFINITION, failed=("unit-2",))

    def runs(
        self, limit: int | None = None, before: str | None = None, definition: str | None = None
    ) -> Sequence[RunSummary]:
        return past_runs() if self._runs else []

    def compare(self, run: str, other: str) -> Comparison:
        by_name = {it.run: it for it in past_runs()}
        return Comparison(before=by_name[other], after=by_name[run], tasks=_compared())

    def estimates(self, definition: str) -> Estimates:
        return Estimates(seconds={"api": 18.0, "web": 16.0, "web-unit": 22.0, "unit-2": 12.0, "unit-3": 13.0,
            "api-image": 9.0, "web-image": 9.0, "end-to-end": 31.0, "deploy": 4.0})  # fmt: skip

    def definitions(self, directory: str) -> Sequence[DefinitionSummary]:
        sha, environment = InitParameter(name="sha", default=None), InitParameter(name="env", default="test")
        broken = Problem(
            file="nightly.yml",
            line=13,
            column=18,
            severity="error",
            text="nightly.yml:13:18: unknown task `npn`; did you mean `npm`?",
        )
        tasks = tuple(it.task for it in TASKS if it.kind != "system")
        return [
            DefinitionSummary(path=DEFINITION, tasks=tasks, init=(sha, environment)),
            DefinitionSummary(path="/home/me/project/.rwx/nightly.yml", problems=(broken,)),
        ]


def _run_id(number: int) -> str:
    return f"01a1e0{number:04}00" + f"{number:04}" * 5


def past_runs() -> list[RunSummary]:
    """Newest first: one in progress, failed, killed, cancelled, of another file, succeeded."""
    few = {"executed": 6, "cache_hit": 8, "failed": 2, "skipped": 3, "cancelled": 0}
    missed = (("code", "changed file src/parse.go"),)
    parts: list[dict[str, object]] = [
        {"result": "running", "seconds": None, "counts": {"cache_hit": 3}, "is_ours": True},
        {"result": "failed", "seconds": 63.0, "counts": few, "failed": ("unit-2", "go-lint"),
         "is_unseen": True, "missed": missed},
        {"seconds": 58.0, "missed": (("web", "changed file web/index.ts"),)},
        {"result": "no_result", "seconds": None, "is_killed": True},
        {"result": "no_result", "cause": "cancelled", "seconds": 12.0, "counts": {"cancelled": 3}},
        {"definition": "/home/me/project/.rwx/nightly.yml", "title": "nightly", "seconds": 3600.0},
        {"missed": (("go-deps", "changed file go.sum"),), "seconds": 118.0, "saved_seconds": 40.0},
        {"seconds": 50.0, "missed": missed},
        {"seconds": 54.0, "missed": (("web", "changed variable NODE_ENV"),)},
        {"seconds": 171.0, "saved_seconds": 0.0, "counts": {"executed": 16},
         "missed": (("code", "first run"),)},
    ]  # fmt: skip
    ages = (0.3, 3, 9, 17, 66, 500, 1300, 1500, 3000, 30000)
    return [
        run_summary(
            0, run=_run_id(42 - index), definition=DEFINITION, started_at=START - ages[index] * MINUTE
        )
        if not part
        else msgspec.structs.replace(
            run_summary(0, run=_run_id(42 - index), definition=DEFINITION),
            started_at=START - ages[index] * MINUTE,
            **part,
        )
        for index, part in enumerate(parts)
    ]


def _compared() -> tuple[ComparedTask, ...]:
    def figures(state: str, seconds: float, reason: str | None = None) -> TaskFigures:
        return TaskFigures(state=state, seconds=seconds, reason=reason)

    def change(part: Literal["file", "environment"], name: str, before: str, after: str) -> Change:
        return Change(part=part, name=name, change="changed", before=before, after=after)

    hit = figures("cached", 0.0)
    changed = "changed file src/parse.go"
    source = change("file", "src/parse.go", "6120 bytes", "6208 bytes")
    mode = change("environment", "NODE_ENV", "test", "production")
    rows = (
        ("code", figures("ok", 1.1), figures("ok", 1.2, changed), (source,)),
        ("go-deps", hit, hit, ()),
        ("web-deps", hit, hit, ()),
        ("web", hit, figures("ok", 17.3, "changed variable NODE_ENV"), (mode, source)),
        ("unit-2", figures("ok", 20.0), figures("failed", 12.4, changed), (source,)),
        ("go-lint", None, figures("failed", 9.6, "first run"), ()),
        ("docs", figures("ok", 2.0), None, ()),
    )
    return tuple(
        ComparedTask(task=task, before=before, after=after, changes=changes)
        for task, before, after, changes in rows
    )
