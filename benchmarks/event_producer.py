"""Says ten thousand events a second on a thousand tasks, as a run of this process in the store.

`python -m benchmarks.event_producer DEFINITION SECONDS` prints when, by the monotonic clock, the last
event was written.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import get_args

import msgspec

from engine import events
from engine.event_log import EventLog
from engine.events import Event
from engine.model.records import RunRecord
from engine.store.runs import new_run_id
from engine.store.store import Store
from engine.store.work_directory import process_name

_TASKS = 1000
_RATE = 10_000
_BATCH_SECONDS = 0.02
_PHASES = get_args(events.Phase)


def main() -> None:
    """A second of events is one attempt of every task; the last one succeeds."""
    definition, seconds = sys.argv[1], int(sys.argv[2])
    now = time.time()
    run = new_run_id(now)
    with Store.open() as store:
        store.work_directory()
        record = RunRecord(
            run=run,
            definition=definition,
            title="",
            targets=(),
            init={},
            started_at=now,
            process=process_name(),
        )
        directory = store.runs.create(record)
        log = EventLog(directory.events_path)
        _say_evenly(log, _events(run, definition, seconds))
        log.close()
        print(time.monotonic())
        directory.write(
            msgspec.structs.replace(record, finished_at=time.time(), result="succeeded", cause=None)
        )
        directory.close()


def _say_evenly(log: EventLog, stream: Iterator[Event]) -> None:
    begin = time.monotonic()
    for said, event in enumerate(stream, start=1):
        log.append(event)
        if said % int(_RATE * _BATCH_SECONDS) == 0:
            log.flush()
            time.sleep(max(0.0, begin + said / _RATE - time.monotonic()))


def _events(run: str, definition: str, rounds: int) -> Iterator[Event]:
    names = [f"t{number}" for number in range(_TASKS)]
    tasks = tuple(
        events.TaskDescription(task=name, kind="command", use=(names[index - 40],) if index >= 40 else ())
        for index, name in enumerate(names)
    )
    yield events.RunStarted(
        at=time.time(), run=run, definition=definition, title="", cpus=8, memory=1 << 34, tasks=tasks
    )
    for attempt in range(1, rounds + 1):
        for name in names:
            yield from _attempt(run, name, attempt, is_last=attempt == rounds)
    yield events.RunFinished(
        at=time.time(),
        run=run,
        result="succeeded",
        seconds=float(rounds),
        saved_seconds=0.0,
        counts={"executed": _TASKS},
    )


def _attempt(run: str, task: str, attempt: int, *, is_last: bool) -> Iterator[Event]:
    """Ten events: it starts, goes through its phases, and is tried again unless it is the last."""
    now = time.time()
    yield events.TaskStarted(at=now, run=run, task=task, attempt=attempt, cores=(attempt % 8,))
    for phase in _PHASES:
        yield events.TaskPhase(at=now, run=run, task=task, phase=phase, seconds=0.01)
    yield events.TaskFinished(
        at=now,
        run=run,
        task=task,
        result="succeeded" if is_last else "failed",
        cause="executed",
        exit_code=0 if is_last else 1,
        seconds=0.07,
    )
    if not is_last:
        yield events.TaskRetried(at=now, run=run, task=task, attempt=attempt + 1, reason="exit 1")


if __name__ == "__main__":
    main()
