"""Runs of a large filesystem, as a store keeps them, without anything having run.

Sizes are claims, but for the files of the last task, which are there to be read.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from benchmarks import inspection
from engine import events
from engine.event_log import EventLog
from engine.events import Event
from engine.file_tree import DIRECTORY, Entry, LayerManifest
from engine.model.records import RunRecord, TaskRecord
from engine.store.runs import new_run_id
from engine.store.store import Store
from engine.store.work_directory import process_name

WORKSPACE = "var/mint-workspace"
LAST = "answers"  # the last task, whose files can be read
FILES = 120
_LINES = 200
_FOLDER = Entry(DIRECTORY, 0o755, 0, 0)


def make_store(home: str, definition: str) -> list[str]:
    """The ids of three runs: of the newest, of one that shares most layers with it, and of one that shares
    none."""
    stacks = inspection.make_store(home)
    with Store.open(home) as store:
        store.work_directory()
        last = [_import_last(store, salt) for salt in range(len(stacks))]
        runs = [_write_run(store, definition, [*stacks[at], last[at]]) for at in (2, 1, 0)]
    return runs[::-1]


def _import_last(store: Store, salt: int) -> str:
    contents = {f"answer{number:03}.py": _text(number, salt) for number in range(FILES)}
    entries = {}
    for name, content in sorted(contents.items()):
        digest = hashlib.sha256(content).hexdigest()
        entries[f"{WORKSPACE}/{name}"] = Entry("file", 0o644, 0, 0, len(content), digest)
    passed = {"": _FOLDER, "var": _FOLDER, WORKSPACE: _FOLDER}

    def write(tree: str) -> None:
        folder = Path(tree, WORKSPACE)
        folder.mkdir(parents=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)

    return store.layers.import_tree(LayerManifest(entries, (), passed), write)


def _text(number: int, salt: int) -> bytes:
    lines = [f"def answer_{number}_{line}(): return {line * salt}\n" for line in range(_LINES)]
    return "".join(lines).encode()


def _write_run(store: Store, definition: str, layers: list[str]) -> str:
    now = time.time()
    run = new_run_id(now)
    record = RunRecord(
        run=run,
        definition=definition,
        title="",
        targets=(),
        init={},
        started_at=now,
        finished_at=now + 1,
        result="succeeded",
        process=process_name(),
    )
    directory = store.runs.create(record)
    names = [*(f"task{number}" for number in range(len(layers) - 1)), LAST]
    for position, name in enumerate(names):
        directory.write_task(_task_record(name, layers[:position], layers[position]))
    log = EventLog(directory.events_path)
    for event in _events(run, definition, names, layers, now):
        log.append(event)
    log.close()
    directory.write(record)
    directory.close()
    time.sleep(0.002)  # ids are of milliseconds, and sort
    return run


def _task_record(name: str, layers: list[str], own: str) -> TaskRecord:
    return TaskRecord(
        task=name,
        result="succeeded",
        cache_key=None,
        record=None,
        layers=tuple(layers),
        own_layer=own,
        is_host_base=False,
        script=f"make {name}",
        shell=("bash", "-l", "-e", "-o", "pipefail"),
        environment={},
        user="root",
        workspace=f"/{WORKSPACE}",
        network="host",
        filter=None,
    )


def _events(run: str, definition: str, names: list[str], layers: list[str], now: float) -> list[Event]:
    tasks = tuple(
        events.TaskDescription(task=name, kind="command", use=tuple(names[max(0, at - 1) : at]))
        for at, name in enumerate(names)
    )
    found: list[Event] = [
        events.RunStarted(
            at=now, run=run, definition=definition, title="", cpus=8, memory=1 << 34, tasks=tasks
        )
    ]
    for name, layer in zip(names, layers, strict=True):
        found.append(events.TaskStarted(at=now, run=run, task=name, attempt=1, cores=()))
        found.append(
            events.TaskFinished(
                at=now, run=run, task=name, result="succeeded", cause="executed", seconds=1.0, layer=layer
            )
        )
    found.append(
        events.RunFinished(
            at=now,
            run=run,
            result="succeeded",
            seconds=1.0,
            saved_seconds=0.0,
            counts={"executed": len(names)},
        )
    )
    return found
