"""Runs of other processes: each beginning and end is told once, and nothing that was over before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.api.messages import Notice, RunBegan, RunEnded
from engine.api.other_runs import OtherRuns
from engine.model.records import RunRecord
from engine.store.store import Store

DEFINITION = "/p/outcrop.yml"


def this_process() -> str:
    fields = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()
    return f"{os.getpid()}-{fields[19]}"


class Folder:
    """A store in which runs come and go, and what is told of them."""

    def __init__(self, root: Path) -> None:
        self.store = Store.open(str(root))
        self.ours: set[str] = set()
        self.told: list[Notice] = []
        self.others = OtherRuns(self.store, self.ours, self.told.append)

    def make(self, run: str) -> None:
        os.makedirs(self.store.runs.directory(run).path)

    def write(self, run: str, result: str | None = None, process: str = "") -> None:
        record = RunRecord(
            run=run,
            definition=DEFINITION,
            title="",
            targets=(),
            init={},
            started_at=1.0,
            result=result,
            process=process or this_process(),
        )
        self.store.runs.directory(run).write(record)

    def add(self, run: str, result: str | None = None, process: str = "") -> None:
        self.make(run)
        self.write(run, result, process)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def began(run: str) -> RunBegan:
    return RunBegan(run=run, definition=DEFINITION)


def ended(run: str, *, is_killed: bool = False) -> RunEnded:
    return RunEnded(run=run, definition=DEFINITION, is_killed=is_killed)


def test_a_run_that_begins_and_ends_is_told_once(folder: Folder) -> None:
    assert folder.others.look() == []
    folder.make("01")
    assert folder.others.look() == []  # nothing is known of it
    folder.write("01")
    assert folder.others.look() == [began("01")]
    assert folder.others.look() == []
    folder.write("01", "succeeded")
    assert folder.others.look() == [ended("01")]
    assert folder.others.look() == []


def test_a_run_that_was_over_between_two_looks_is_told_all_the_same(folder: Folder) -> None:
    assert folder.others.look() == []
    folder.add("01", "failed")
    assert folder.others.look() == [began("01"), ended("01")]


def test_of_what_was_there_before_only_what_goes_on_is_told(folder: Folder) -> None:
    folder.add("01", "succeeded")
    folder.add("02", process="1-1")
    folder.add("03")
    assert folder.others.look() == [began("03")]


def test_a_run_whose_process_died_or_whose_files_are_gone_was_killed(folder: Folder) -> None:
    assert folder.others.look() == []
    folder.add("01")
    folder.add("02")
    assert len(folder.others.look()) == 2
    folder.write("01", process="1-1")
    os.unlink(os.path.join(folder.store.runs.directory("02").path, "run.json"))
    assert sorted(folder.others.look(), key=lambda it: getattr(it, "run", "")) == [
        ended("01", is_killed=True),
        ended("02", is_killed=True),
    ]


def test_the_engine_tells_of_its_own_runs_itself(folder: Folder) -> None:
    assert folder.others.look() == []
    folder.ours.add("01")
    folder.add("01")
    assert folder.others.look() == []
    folder.add("02")
    assert folder.others.look() == [began("02")]
    folder.ours.add("02")  # it was seen before its process had told so
    folder.write("02", "succeeded")
    assert folder.others.look() == []


def test_a_directory_without_a_record_is_given_up(folder: Folder) -> None:
    assert folder.others.look() == []
    folder.make("01")
    for _ in range(40):
        assert folder.others.look() == []
    folder.write("01")
    assert folder.others.look() == []
