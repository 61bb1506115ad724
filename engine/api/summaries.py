"""Runs as rows of the history, from their records alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Container

from engine.api.engine_folder import UNSEEN
from engine.api.messages import RunSummary
from engine.model.errors import StoreError
from engine.model.records import RunRecord
from engine.past.past_run import is_running
from engine.store.runs import RunDirectory
from engine.store.store import Store
from engine.watch_state import WatchState

WatchOf = Callable[[RunDirectory], WatchState | None]

_RESULTS = ("running", "succeeded", "failed", "no_result")


def summary(
    directory: RunDirectory, record: RunRecord, ours: Container[str], watch_of: WatchOf | None = None
) -> RunSummary:
    """One run; `ours` are the runs in progress of this engine.

    Of one that goes on its events tell of cycles, by `watch_of`: its record does not yet.
    """
    is_killed = record.result is None and not is_running(record.process)
    result = "no_result" if is_killed else record.result or "running"
    cause = record.cause
    if result not in _RESULTS:  # of a newer version: as a cause it is told as it is
        result, cause = "no_result", result
    ended = record.finished_at
    cycles, cycle_result, cycle_seconds = record.cycles, record.cycle_result, record.cycle_seconds
    cycle_since, is_watching = None, False
    watch = watch_of(directory) if watch_of is not None and result == "running" else None
    if watch is not None:
        cycles, cycle_result, cycle_since = watch.cycle, watch.result, watch.since
        cycle_seconds = None if watch.result == "no_result" else watch.seconds
        is_watching = watch.is_on and watch.since is None
    return RunSummary(
        run=record.run,
        definition=record.definition,
        title=record.title,
        started_at=record.started_at,
        seconds=None if ended is None else round(ended - record.started_at, 3),
        result=result,  # type: ignore[arg-type]  # one of those
        cause=cause,
        counts=record.counts,
        saved_seconds=record.saved_seconds,
        targets=record.targets,
        init=record.init,
        failed=record.failed,
        missed=record.missed,
        is_killed=is_killed,
        is_ours=record.run in ours,
        is_unseen=os.path.exists(os.path.join(directory.path, UNSEEN)),
        git_branch=record.git_branch,
        git_sha=record.git_sha,
        request=record.request,
        cycles=cycles,
        cycle_result=cycle_result if cycle_result in _RESULTS else None,  # type: ignore[arg-type]  # one of those
        cycle_seconds=cycle_seconds,
        cycle_since=cycle_since,
        is_watching=is_watching,
    )


def summaries(
    store: Store,
    limit: int | None,
    before: str | None,
    definition: str | None,
    ours: Container[str],
    watch_of: WatchOf,
) -> list[RunSummary]:
    """Runs, the newest first: at most `limit`, older than the run `before`, of one definition."""
    found: list[RunSummary] = []
    for run in store.runs.ids():
        if limit is not None and len(found) >= limit:
            break
        if before is not None and run >= before:
            continue
        directory = store.runs.directory(run)
        try:
            record = directory.read()
        except StoreError:
            continue
        if definition is None or record.definition == definition:
            found.append(summary(directory, record, ours, watch_of))
    return found


def mark_unseen(directory: RunDirectory) -> None:
    """The run has ended and nobody looked on."""
    try:
        os.close(
            os.open(os.path.join(directory.path, UNSEEN), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        )
    except OSError:
        pass  # a mark is no result: a full disk or a collected run is no fault here


def mark_seen(directory: RunDirectory) -> None:
    """Somebody looks at the run."""
    try:
        os.unlink(os.path.join(directory.path, UNSEEN))
    except OSError:
        pass
