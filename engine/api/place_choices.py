"""Which places one may look at or compare with: tasks of a run, of other runs of its definition, images."""

from __future__ import annotations

import time
from collections.abc import Iterator

from engine.api.file_messages import PlaceChoice
from engine.inspection.image_place import registered_images
from engine.inspection.place import NotFound
from engine.inspection.places import Places
from engine.model.errors import StoreError, UsageError
from engine.model.records import RunRecord
from engine.store.runs import RunDirectory
from engine.store.store import Store

_OTHER_RUNS = 5
_OTHER_RUNS_OF_ONE_TASK = 30
_LOOKED_AT = 300  # run records, for others of the same definition
_MOST = 2_000


def place_choices(store: Store, places: Places, run: str | None, task: str | None) -> list[PlaceChoice]:
    """Those of a run first, then those of the runs before and after it, the newest first, then images.

    `task`: of other runs only this one. NotFound when there is no such run.
    """
    found: list[PlaceChoice] = []
    if run is not None:
        try:
            directory = store.runs.resolve(run)
            record = directory.read()
        except UsageError as error:
            raise NotFound(error.message, error.hint) from error
        found += _tasks(directory, record, "this run")
        for other, other_record in _others(store, record, _OTHER_RUNS_OF_ONE_TASK if task else _OTHER_RUNS):
            found += [
                choice
                for choice in _tasks(other, other_record, "run of")
                if task is None or choice.title == task
            ]
            if len(found) > _MOST:
                break
    found += [
        PlaceChoice(place=f"image:{image}", title=title, detail="image")
        for image, title in registered_images(store)
    ]
    return found[:_MOST]


def _others(store: Store, record: RunRecord, limit: int) -> Iterator[tuple[RunDirectory, RunRecord]]:
    count = 0
    for run in store.runs.ids()[:_LOOKED_AT]:
        if run == record.run or count == limit:
            continue
        directory = store.runs.directory(run)
        try:
            other = directory.read()
        except StoreError:
            continue
        if other.definition == record.definition:
            count += 1
            yield directory, other


def _tasks(directory: RunDirectory, record: RunRecord, which: str) -> list[PlaceChoice]:
    """The tasks of a run that have files."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.started_at))
    return [
        PlaceChoice(place=f"task:{directory.run}/{task}", title=task, detail=f"{which} {when}")
        for task in directory.task_names()
    ]
