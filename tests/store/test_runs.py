"""What is kept of runs, and how a user names them."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from engine.model.errors import StoreError, UsageError
from engine.model.records import TaskRecord
from engine.store.runs import new_run_id
from engine.store.store import Store
from tests.store.test_garbage import add_run


def task_record(task: str, result: str = "succeeded") -> TaskRecord:
    return TaskRecord(
        task=task,
        result=result,
        cache_key=None,
        record=None,
        layers=(),
        own_layer=None,
        is_host_base=True,
        script="",
        shell=(),
        environment={},
        user="",
        workspace="",
        network="host",
        filter=None,
    )


def test_runs_are_found_as_the_user_names_them(store: Store) -> None:
    with pytest.raises(UsageError, match="no run yet"):
        store.runs.resolve("latest")
    ids = [new_run_id(1_700_000_000.0 + seconds) for seconds in range(3)]
    for number, run in enumerate(ids):
        add_run(store, run, f"/definition-{number % 2}")
    assert store.runs.ids() == ids[::-1]
    assert store.runs.resolve("latest").run == ids[2]
    assert store.runs.resolve("-1").run == ids[1]
    assert store.runs.resolve(ids[0][:-2]).run == ids[0]
    for wrong in ("-3", "2023", "x"):
        with pytest.raises(UsageError):
            store.runs.resolve(wrong)
    last = store.runs.last("/definition-0")
    assert last is not None
    assert last.run == ids[2]
    before = store.runs.last("/definition-0", before=ids[2])
    assert before is not None
    assert before.run == ids[0]
    assert store.runs.last("/nothing") is None


def test_what_is_no_run_is_passed_over(store: Store) -> None:
    run = add_run(store, new_run_id(1_700_000_000.0), "/definition").run
    folder = os.path.join(store.root, "runs-v1")
    os.mkdir(os.path.join(folder, ".hidden"))
    with open(os.path.join(folder, "zzz"), "w"):
        pass
    assert store.runs.ids() == [run]
    assert store.runs.resolve("latest").run == run


def test_the_last_record_of_a_task_counts(store: Store) -> None:
    run = add_run(store, "1", "/a")
    run.write_task(task_record("a", "failed"))
    run.write_task(task_record("b"))
    run.write_task(task_record("a"))
    run.close()
    with open(os.path.join(run.path, "tasks.jsonl"), "ab") as file:
        file.write(b'{"task":"b","resu')  # the engine was killed here
    found = run.read_task("a")
    assert found is not None
    assert found.result == "succeeded"
    assert run.read_task("b") is not None
    assert run.read_task("c") is None
    assert run.task_names() == ("a", "b")


def test_a_record_that_is_taken_back_counts_no_longer(store: Store) -> None:
    run = add_run(store, "1", "/a")
    run.write_tasks([task_record("a"), task_record("ab"), task_record("b", "failed")])
    run.forget_tasks(["a", "b"])
    run.write_task(task_record("b"))
    run.close()
    assert run.read_task("a") is None
    assert run.task_names() == ("ab", "b")
    assert list(run.read_tasks()) == ["ab", "b"]
    assert run.read_tasks({"a", "b"}).keys() == {"b"}


def test_records_take_no_more_room_the_more_often_they_are_written(store: Store) -> None:
    run = add_run(store, "1", "/a")
    path = Path(run.path) / "tasks.jsonl"
    largest = 0
    for number in range(3000):
        record = msgspec.structs.replace(task_record(f"t{number % 10}"), script=f"{number} " + "x" * 1000)
        run.write_task(record)
        largest = max(largest, path.stat().st_size)
    run.forget_tasks(["t3"])
    run.close()
    assert largest < 2 << 20
    assert {name: record.script.split()[0] for name, record in run.read_tasks().items()} == {
        f"t{number % 10}": str(number) for number in range(2990, 3000) if number != 2993
    }


def test_a_damaged_run_is_left_out(store: Store) -> None:
    add_run(store, "1", "/a")
    Path(add_run(store, "2", "/a").path, "run.json").write_bytes(b"{")
    assert [record.run for record in store.runs.records()] == ["1"]
    with pytest.raises(StoreError):
        store.runs.directory("2").read()


def test_long_task_paths_have_files_too(store: Store) -> None:
    run = add_run(store, "1", "/a")
    names = ["x" * 300, "x" * 301]
    paths = {run.log_path(name) for name in names}
    assert len(paths) == 2
    for path in paths:
        Path(path).write_text("x")
