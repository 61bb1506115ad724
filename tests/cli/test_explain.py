"""The difference between two executions in words."""

from __future__ import annotations

import msgspec
import pytest

from engine.explain import changes, file_changes, printable, short_reason
from engine.file_tree import Entry
from engine.model.records import CacheKeyRecord

RECORD = CacheKeyRecord(
    script="one\ntwo\nthree",
    outputs="{}",
    shell="null",
    user="0",
    workspace_directory="var/mint-workspace",
    platform="debian 13 x86_64",
    network="host",
    environment={"MODE": "debug", "LANG": "C"},
    system=(("base", "b1"), ("deps", "d1"), ("tools", "t1")),
    workspace="w1",
    artifacts={"build.report": "r1"},
)


def file(content: str, mode: int = 0o644) -> Entry:
    return Entry(kind="file", mode=mode, uid=0, gid=0, size=len(content), digest=content)


def changed(**fields: object) -> CacheKeyRecord:
    return msgspec.structs.replace(RECORD, **fields)


@pytest.mark.parametrize(
    "after, reason",
    [
        (changed(script="one\nTWO\nthree"), "changed script line 2"),
        (changed(script="zero\none\ntwo\nthree"), "added script line 1"),
        (changed(script="one\nthree"), "removed script line 2"),
        (changed(script="1\n2\n3"), "changed script line 1 and 2 others"),
        (changed(environment={"MODE": "release", "LANG": "C"}), "changed variable MODE"),
        (changed(environment={"MODE": "debug"}), "removed variable LANG"),
        (changed(system=(("base", "b2"), ("deps", "d1"), ("tools", "t1"))), "changed base"),
        (changed(system=(("base", "b1"), ("deps", "d2"), ("tools", "t1"))), "changed layer of deps"),
        (changed(system=(("base", "b1"), ("deps", "d1"))), "removed layer of tools"),
        (changed(system=(("base", "b1"), ("tools", "t1"), ("deps", "d1"))), "changed order of layers"),
        (changed(artifacts={"build.report": "r2"}), "changed artifact build.report"),
        (changed(user="1000"), "changed user"),
        (changed(network="none"), "changed network"),
        (changed(outputs="[]"), "changed outputs"),
        (changed(workspace_directory="src"), "changed workspace directory"),
        (
            changed(network="none", user="7", environment={}),
            "removed variable LANG and 1 other, changed user and 1 more",
        ),
        (RECORD, "no longer in the cache"),
    ],
)
def test_a_reason_names_what_differs(after: CacheKeyRecord, reason: str) -> None:
    assert short_reason(RECORD, after) == reason


def test_without_an_execution_before_it_is_the_first() -> None:
    assert short_reason(None, RECORD) == "first run"


def test_a_task_that_was_renamed_is_no_difference() -> None:
    assert changes(RECORD, changed(system=(("base", "b1"), ("install", "d1"), ("tools", "t1")))) == ()


def test_files_are_named_and_the_others_counted() -> None:
    before = {"src/a.py": file("1"), "src/b.py": file("1"), "same": file("s"), "gone": file("g")}
    after = {"src/a.py": file("2"), "src/b.py": file("1", 0o755), "same": file("s"), "new": file("n")}
    found = file_changes(before, after)
    assert [(change.name, change.change) for change in found] == [
        ("gone", "removed"),
        ("new", "added"),
        ("src/a.py", "changed"),
        ("src/b.py", "changed"),
    ]
    assert found[3].before == "file 0644 0:0 1 bytes 1"
    assert short_reason(RECORD, changed(workspace="w2"), found) == "removed file gone and 3 others"


def test_a_touched_file_is_no_difference() -> None:
    before = {"a": file("1")}
    assert file_changes(before, {"a": msgspec.structs.replace(before["a"], mtime_ns=5)}) == ()


def test_a_huge_script_is_compared_as_a_whole() -> None:
    before, after = ("\n".join(f"{word} {number}" for number in range(50_000)) for word in ("a", "b"))
    (change,) = changes(changed(script=before), changed(script=after))
    assert change.name == "1–50000"


def test_odd_names_are_printable() -> None:
    assert printable("a\nb\x1b\udcff é") == "a\\nb\\x1b\\xff é"
