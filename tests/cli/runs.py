"""A run told by its events, for tests of what is shown of it."""

from __future__ import annotations

from engine.events import (
    CacheHit,
    CacheMiss,
    Event,
    Message,
    RunFinished,
    RunStarted,
    TaskDescription,
    TaskFinished,
    TaskOutput,
    TaskPhase,
    TaskSkipped,
    TaskStarted,
)

RUN = "0123456789abcdef0123456789abcdef"
KEY = "9f2c" * 16


def started(*tasks: str, kinds: dict[str, str] | None = None) -> RunStarted:
    descriptions = tuple(
        TaskDescription(task=task, kind=(kinds or {}).get(task, "command"))  # type: ignore[arg-type]  # a test's word
        for task in tasks
    )
    return RunStarted(
        at=1000.0,
        run=RUN,
        definition="/p/outcrop.yml",
        title="outcrop.yml",
        cpus=2,
        memory=1 << 30,
        tasks=descriptions,
    )


def hit(task: str, saved: float = 41.0) -> list[Event]:
    return [
        CacheHit(
            at=1000.5,
            run=RUN,
            task=task,
            cache_key=KEY,
            layer="aa",
            produced_by=f"{RUN}/{task}",
            saved_seconds=saved,
        ),
        TaskFinished(at=1000.5, run=RUN, task=task, result="succeeded", cause="cache_hit"),
    ]


def began(task: str, reason: str = "first run", cores: tuple[int, ...] = ()) -> list[Event]:
    return [
        CacheMiss(at=1001.0, run=RUN, task=task, cache_key=KEY, reason=reason),
        TaskStarted(at=1001.0, run=RUN, task=task, attempt=1, cores=cores),
        TaskPhase(at=1001.2, run=RUN, task=task, phase="mount", seconds=0.2),
    ]


def output(task: str, text: str, stream: str = "stdout") -> TaskOutput:
    return TaskOutput(at=1002.0, run=RUN, task=task, stream=stream, offset=0, text=text)


def ended(task: str, exit_code: int = 0, cause: str = "executed", *messages: Message) -> TaskFinished:
    return TaskFinished(
        at=1003.4,
        run=RUN,
        task=task,
        result="succeeded" if cause == "executed" and exit_code == 0 else "failed",
        cause=cause,
        exit_code=exit_code if cause == "executed" else None,
        seconds=1.2,
        messages=messages,
    )


def skipped(task: str, because_of: str) -> TaskSkipped:
    return TaskSkipped(at=1003.5, run=RUN, task=task, because_of=because_of)


def finished(result: str = "succeeded", saved: float = 0.0, cause: str | None = None) -> RunFinished:
    return RunFinished(
        at=1004.0,
        run=RUN,
        result=result,  # type: ignore[arg-type]  # a test's word
        seconds=4.0,
        saved_seconds=saved,
        counts={},
        cause=cause,
    )
