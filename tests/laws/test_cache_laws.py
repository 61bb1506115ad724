"""The cache laws, one by one, on real sandboxes: what is a hit, what is not, and what `outcrop why` says."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.runs.project import WORKSPACE, Project

pytestmark = pytest.mark.namespaces


def test_nothing_changed_or_only_touched_is_all_hits(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    project.write("a.txt", "a")
    project.write("deep/b.txt", "b")
    project.write("empty/.keep").unlink()
    (project.source / "link").symlink_to("a.txt")
    project.define(
        f"""
        {WORKSPACE}
        - {{key: filtered, use: code, filter: [deep], run: "find . | sort"}}
        - {{key: all, use: [code, filtered], run: "find . | sort; date +%N > /stamp"}}
        - {{key: last, after: all, run: "true"}}
        """
    )
    every = {"code", "filtered", "all", "last"}
    first = project.passes()
    assert first.executed == every
    assert first.output("filtered").split() == [".", "./deep", "./deep/b.txt"]
    assert first.output("all").split() == [".", "./a.txt", "./deep", "./deep/b.txt", "./empty", "./link"]
    assert set(first.misses.values()) == {"first run"}

    assert project.passes().hits == every
    for path in (*project.source.rglob("*"), project.source):
        os.utime(path, (1, 1), follow_symlinks=False)
    assert project.passes().hits == every
    assert project.why("all")["result"] == "hit"
    assert project.why("all")["produced_by"] == f"{first.run}/all"


def test_a_filtered_task_runs_again_exactly_when_what_it_sees_has_changed(project: Project) -> None:
    for name in ("in/a", "in/b", "in/c", "in/d", "in/sub/e", "out/f", "out/g", "top"):
        project.write(name, name)
    project.define(
        f"""
        {WORKSPACE}
        - {{key: t, use: code, filter: [in], run: "find . -type f | sort"}}
        """
    )
    assert project.passes().executed == {"code", "t"}

    def changed_inside(name: str, change: str) -> None:
        seen = project.passes()
        assert seen.executed == {"code", "t"}, name
        noun = f"{change} file {name}"
        assert seen.misses["t"].startswith(noun)
        assert ("file", name, change) in project.changes("t")

    def changed_outside() -> None:
        seen = project.passes()
        assert (seen.executed, seen.hits) == ({"code"}, {"t"})

    source = project.source
    project.write("out/f", "other")
    changed_outside()
    project.write("in/a", "other")
    changed_inside("in/a", "changed")
    (source / "out/f").chmod(0o755)
    changed_outside()
    (source / "in/a").chmod(0o755)
    changed_inside("in/a", "changed")
    (source / "out/f").rename(source / "out/h")
    changed_outside()
    (source / "in/b").rename(source / "in/b2")
    changed_inside("in/b", "removed")
    assert ("file", "in/b2", "added") in project.changes("t")
    (source / "out/h").unlink()
    changed_outside()
    (source / "in/c").unlink()
    changed_inside("in/c", "removed")
    project.write("out/new", "")
    changed_outside()
    project.write("in/new", "")
    changed_inside("in/new", "added")
    (source / "out/g").unlink()
    (source / "out/g").symlink_to("new")
    changed_outside()
    (source / "in/d").unlink()
    (source / "in/d").symlink_to("new")
    changed_inside("in/d", "changed")
    (source / "in/d").unlink()
    (source / "in/d").symlink_to("b2")
    changed_inside("in/d", "changed")
    (source / "in/dir").mkdir()
    changed_inside("in/dir", "added")
    (source / "in/dir").chmod(0o700)
    changed_inside("in/dir", "changed")
    shutil.rmtree(source / "out")
    changed_outside()


def test_the_same_bytes_again_are_hits_downstream_through_the_whole_filesystem(project: Project) -> None:
    project.write("in", "1")
    project.define(
        f"""
        {WORKSPACE}
        - key: build
          use: code
          run: |
            wc -c < in > out
            rm in
            mkdir -p /opt/tool /etc/made
            echo system > /opt/tool/file
            ln -s file /opt/tool/link
            ln /opt/tool/file /opt/tool/hard
            chown 7:8 /opt/tool/file
            chmod 4755 /opt/tool/file
            rm /etc/group
            mkfifo /opt/tool/pipe
        - {{key: consumer, use: build, run: "cat out /opt/tool/link"}}
        - {{key: last, use: consumer, filter: [out], run: "true"}}
        """
    )
    project.passes()
    project.write("in", "2")
    seen = project.passes()
    assert seen.executed == {"code", "build"}
    assert seen.hits == {"consumer", "last"}
    project.write("in", "longer")
    assert project.passes().executed == {"code", "build", "consumer", "last"}
    assert ("file", "out", "changed") in project.changes("consumer")


def test_a_change_outside_the_workspace_reaches_all_who_use_it(project: Project) -> None:
    tasks = """
        - {{key: system, run: "echo {} > /etc/thing"}}
        - {{key: filtered, use: system, filter: [], run: "cat /etc/thing"}}
        """
    project.define(tasks.format("one"))
    project.passes()
    project.define(tasks.format("two"))
    seen = project.passes()
    assert seen.output("filtered") == "two"
    assert seen.misses["filtered"] == "changed layer of system"
    assert project.changes("filtered") == {("system", "system", "changed")}
    assert project.changes("system") == {("script", "1", "changed")}


def test_a_hidden_file_does_not_exist_and_consumers_see_everything(project_in_both_modes: Project) -> None:
    project = project_in_both_modes
    for name in ("keep/shown", "keep/hidden", "gone/all", "top"):
        project.write(name, name)
    project.define(
        f"""
        {WORKSPACE}
        - {{key: more, use: code, run: "echo later > keep/late; echo later > gone/late; mkdir keep/void"}}
        - key: filtered
          use: more
          filter: [keep/shown]
          run: |
            test -e keep/shown
            for path in keep/hidden keep/late keep/void gone gone/all gone/late top; do
              test ! -e $path
              test ! -L $path
              (cat $path) && exit 9 || true
            done
            test "$(ls -A keep)" = shown
            test "$(ls -A)" = keep
            echo mine > keep/hidden-not
            echo mine > own
            rm keep/shown
        - key: consumer
          use: filtered
          run: |
            test ! -e keep/shown
            for path in keep/hidden keep/late keep/void gone/all gone/late top keep/hidden-not own; do
              test -e $path
            done
            cat keep/hidden; echo; cat gone/late own
        - {{key: nothing, use: more, filter: [], run: "test -z \\"$(ls -A)\\""}}
        """
    )
    seen = project.passes()
    assert seen.output("consumer").split() == ["keep/hidden", "later", "mine"]


def test_a_file_put_where_a_hidden_one_is_replaces_it(project: Project) -> None:
    project.write("d/hidden", "old")
    project.write("f", "old")
    project.define(
        f"""
        {WORKSPACE}
        - {{key: blind, use: code, filter: [], run: "echo new > f; echo file > d"}}
        - {{key: consumer, use: blind, run: "cat f d"}}
        """
    )
    assert project.passes().output("consumer").split() == ["new", "file"]


def test_equal_work_is_done_once_by_whatever_route(project: Project, tmp_path: Path) -> None:
    project.write("a", "a")
    script = "cat a; date +%N > /made"
    project.define(
        f"""
        {WORKSPACE}
        - {{key: one, use: code, run: "{script}"}}
        - {{key: two, use: code, run: "{script}"}}
        - {{key: both, use: [one, two], run: "cat /made"}}
        """
    )
    first = project.passes()
    assert len(first.executed & {"one", "two"}) == 1
    assert len(first.hits & {"one", "two"}) == 1

    project.define(
        f"""
        - {{key: sources, call: outcrop/workspace 1.0.0, with: {{path: src}}}}
        - {{key: other, use: sources, run: "{script}"}}
        """,
        name="another.yml",
    )
    seen = project.passes("another.yml")
    assert seen.hits == {"sources", "other"}

    elsewhere = project.copy(tmp_path / "elsewhere")
    elsewhere.write("a", "a")
    elsewhere.define(
        f"""
        {WORKSPACE}
        - {{key: theirs, use: code, run: "{script}"}}
        """
    )
    assert elsewhere.passes().hits == {"code", "theirs"}

    # the same bytes through another task than the package
    elsewhere.define(
        f"""
        - {{key: written, run: "printf a > a"}}
        - {{key: theirs, use: written, run: "{script}"}}
        """
    )
    seen = elsewhere.passes()
    assert "theirs" in seen.hits, seen.explain()


def test_two_processes_do_equal_work_once(project: Project, tmp_path: Path) -> None:
    """Each run waits for the other where both need the same; a fifo outside tells that it began."""
    script = "echo began; sleep 0.5; date +%N > /made"
    other = project.copy(tmp_path / "other")
    for checkout in (project, other):
        checkout.define(f'- {{key: t, run: "{script}"}}')
    project.define('- {key: warm, run: "true"}', name="warm.yml")
    project.passes("warm.yml")
    first = project.program.start("run", "--progress", "json", cwd=project.directory)
    second = project.program.start("run", "--progress", "json", cwd=other.directory)
    ends = []
    for process in (first, second):
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        events = [json.loads(line) for line in out.splitlines()]
        ends += [
            event["cause"] for event in events if event["type"] == "task_finished" and event["task"] == "t"
        ]
    assert sorted(ends) == ["cache_hit", "executed"]


_PARTS = """
- {key: up, run: "echo v > $RWX_ENV/FROM_UP; echo x > $RWX_CACHE_KEY_EXCLUDED_ENV/NOT_IN_KEY"}
# a comment
- key: t
  use: up
  env: {MODE: debug}
  run: |
    echo $MODE
    whoami
"""


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("whoami", "id -u", ("script", "2", "changed")),
        ("MODE: debug", "MODE: release", ("environment", "MODE", "changed")),
        ("MODE: debug", "MODE: debug, MORE: x", ("environment", "MORE", "added")),
        ("echo v >", "echo w >", ("environment", "FROM_UP", "changed")),
        ("echo x >", "echo nobody > $RWX_IMAGE/user; echo x >", ("user", "user", "changed")),
        (
            "echo x >",
            "echo /tmp > $RWX_IMAGE/workspace; echo x >",
            ("system", "workspace directory", "changed"),
        ),
        ("echo x >", "echo /bin/sh -e > $RWX_IMAGE/shell; echo x >", ("shell", "shell", "changed")),
        ("use: up", "use: up\n  network: none", ("network", "network", "changed")),
        (
            "use: up",
            "use: up\n  outputs: {artifacts: [{key: a, path: .}]}",
            ("outputs", "outputs", "changed"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_changed_input_is_a_miss(project: Project, old: str, new: str, part: tuple[str, str, str]) -> None:
    assert old in _PARTS
    project.define(_PARTS)
    project.passes()
    project.define(_PARTS.replace(old, new, 1))
    seen = project.passes()
    assert "t" in seen.executed
    assert part in project.changes("t"), project.why("t")


def test_another_base_is_a_miss(project: Project, tmp_path: Path) -> None:
    project.define('- {key: t, run: "true"}')
    project.passes()
    root = tmp_path / "root"
    shutil.copytree(json.loads(project.base)["image"].removeprefix("rootfs:"), root, symlinks=True)
    other = Project(
        program=project.program,
        base=json.dumps({"image": f"rootfs:{root}", "config": "none"}),
        directory=project.directory,
    )
    other.define('- {key: t, run: "true"}')
    assert other.passes().hits == {"t"}, "an equal base elsewhere is the same"
    (root / "etc/new").write_text("")
    seen = other.passes()
    assert seen.misses == {"t": "changed base"}
    assert {change[0] for change in other.changes("t")} == {"base"}


def test_names_positions_comments_and_limits_change_nothing(project: Project) -> None:
    project.define(_PARTS)
    project.passes()
    project.define(
        """
        - key: renamed # the key, the position and the limits
          run: |
            echo $MODE
            whoami
          use: first
          agent: {cpus: 1, memory: 1gb}
          timeout: 5m
          retry: 2
          terminate-grace-period-seconds: 3
          env: {MODE: debug, SECRET: {value: other, cache-key: excluded}}
        - key: first
          run: echo v > $RWX_ENV/FROM_UP; echo x > $RWX_CACHE_KEY_EXCLUDED_ENV/NOT_IN_KEY
        """
    )
    assert project.passes().hits == {"first", "renamed"}


def test_what_did_not_succeed_is_never_a_hit(project: Project) -> None:
    project.define(
        """
        - {key: fails, run: "echo out; exit 3"}
        - {key: slow, run: "echo out; sleep 100", timeout: 1s}
        - {key: user-error, run: "echo x > $RWX_ENV/not-a-name"}
        """
    )
    for _ in range(2):
        seen = project.run()
        assert seen.exit_code == 1
        assert seen.failed == {"fails", "slow", "user-error"}
        assert seen.hits == set()
        assert seen.ends["slow"]["cause"] == "timed_out"
        assert seen.ends["user-error"]["cause"] == "user_error"
    assert seen.misses["fails"] == "did not succeed the last time"


def test_cache_false_neither_reads_nor_writes(project: Project) -> None:
    tasks = """
        - {{key: never, cache: {cache}, run: "echo same > /file"}}
        - {{key: consumer, use: never, run: "true"}}
        """
    project.define(tasks.format(cache="false"))
    assert project.passes().executed == {"never", "consumer"}
    seen = project.passes()
    assert seen.executed == {"never"}
    assert seen.hits == {"consumer"}
    assert seen.misses["never"] == "cache: false"
    project.define(tasks.format(cache="true"))
    assert "never" in project.passes().executed, "nothing was written"
    project.define(tasks.format(cache="\"${{ init.x == 'y' }}\""))
    assert "never" in project.passes("--init", "x=n").executed, "nothing is read"
    assert "never" in project.passes("--init", "x=y").hits


def test_a_result_older_than_its_ttl_is_replaced(project: Project) -> None:
    project.define('- {key: t, cache: {ttl: 2 mins}, run: "true"}')
    key = project.passes().of("cache_miss", "t")[0]["cache_key"]
    assert project.passes().hits == {"t"}
    _make_older(project.entry_file(key), seconds=100)
    assert project.passes().hits == {"t"}
    _make_older(project.entry_file(key), seconds=30)
    seen = project.passes()
    assert seen.misses == {"t": "ttl has expired"}
    assert project.why("t")["reason"] == "ttl has expired"
    assert project.passes().hits == {"t"}


def _make_older(entry: Path, seconds: float) -> None:
    content = json.loads(entry.read_text())
    content["entry"]["created_at"] -= seconds
    entry.write_text(json.dumps(content))


def test_no_cache_executes_again_and_the_rest_hits(project: Project) -> None:
    project.define(
        """
        - {key: a, run: "echo a > /a"}
        - {key: b, use: a, run: "cat /a"}
        """
    )
    project.passes()
    seen = project.passes("--no-cache=a")
    assert (seen.executed, seen.hits) == ({"a"}, {"b"})
    assert seen.misses["a"] == "--no-cache"
    assert project.passes("--no-cache").executed == {"a", "b"}
    assert project.passes().hits == {"a", "b"}


def test_the_last_used_task_wins_and_a_conflict_of_two_independent_ones_is_told(project: Project) -> None:
    project.define(
        """
        - {key: a, run: "echo a > /same; echo equal > /equal; echo a > mine; mkdir /d; echo a > /only-a"}
        - {key: b, run: "echo b > /same; echo equal > /equal; echo b > mine; mkdir /d; echo b > /only-b"}
        - {key: ab, use: [a, b], run: "cat /same mine"}
        - {key: ba, use: [b, a], run: "cat /same mine"}
        - {key: filtered, use: [a, b], filter: [], run: "cat /same"}
        - {key: after-ab, use: ab, run: "cat /same"}
        - {key: on-top, use: a, run: "echo c > /same"}
        - {key: related, use: [a, on-top], run: "cat /same"}
        """
    )
    for seen in (project.passes(), project.passes()):
        if not seen.hits:
            assert seen.output("ab").split() == ["b", "b"]
            assert seen.output("ba").split() == ["a", "a"]
            assert seen.output("related") == "c"
        (warning,) = seen.messages("ab", "warning")
        assert "`a`" in warning
        assert "`b`" in warning
        assert "`same`" in warning or "/same" in warning
        assert "equal" not in warning
        (warning,) = seen.messages("ba", "warning")
        assert len(seen.messages("filtered", "warning")) == 1
        for task in ("a", "b", "after-ab", "on-top", "related"):
            assert seen.messages(task) == [], task
