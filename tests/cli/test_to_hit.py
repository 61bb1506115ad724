"""What it would take that a task is a hit."""

from __future__ import annotations

import subprocess

import pytest

from engine.explain import Change, Part
from engine.past.to_hit import Missed, to_hit
from tests.program import Program

_THEN = "or nothing: the next run with the same inputs hits"


def change(part: Part, name: str, before: str | None, after: str | None) -> Change:
    kind = "added" if before is None else "removed" if after is None else "changed"
    return Change(part=part, name=name, change=kind, before=before, after=after)  # type: ignore[arg-type]


def sentences(*changes: Change, reason: str = "changed", **more: bool) -> tuple[str, ...]:
    missed = Missed(reason=reason, changes=changes, **{"succeeded": True, "had_result": True, **more})
    return to_hit(missed, lambda path, before: f"git checkout -- {path}" if path == "known" else None)


@pytest.mark.parametrize(
    "changed, sentence",
    [
        (change("script", "3", "old", "new"), "put back line 3 of the script: `old`"),
        (change("script", "3", None, "new"), "take line 3 out of the script: `new`"),
        (
            change("script", "3", "old", None),
            "put the line back into the script that was line 3: `old`",
        ),
        (change("script", "3–5000", None, None), "put back lines 3–5000 of the script"),
        (change("environment", "MODE", "a", "b"), "set `MODE` back to `a`"),
        (change("environment", "MODE", None, "b"), "unset `MODE`"),
        (
            change("environment", "MODE", "\x1b[31m" + "x" * 99, "b"),
            f"set `MODE` back to `\\x1b[31m{'x' * 51}…`",
        ),
        (change("file", "known", "file 0644", "file 0755"), "restore known (`git checkout -- known`)"),
        (change("file", "known", "file 0644", None), "bring back known (`git checkout -- known`)"),
        (change("file", "other\n", "file 0644", "file 0755"), "restore other\\n as it was"),
        (change("file", "known", None, "file 0644"), "remove known"),
        (change("artifact", "a.b.c", "1", "2"), "let `a.b` give the same artifact `c` as before"),
        (
            change("base", "base", "1", "2"),
            "let the base be what it was: the same image or, with `host:`, the same packages",
        ),
        (
            change("system", "deps", "1", "2"),
            "let `deps` leave the same files as before (`outcrop why deps`)",
        ),
        (change("system", "deps", "1", None), "use `deps` again"),
        (change("system", "deps", None, "1"), "leave out `deps`"),
        (change("system", "order of layers", "a, b", "b, a"), "use the tasks in the order of before: `a, b`"),
        (change("network", "network", "host", "none"), "set the network back to `host`"),
        (change("outputs", "outputs", "{}", "[]"), "declare the same `outputs` as before"),
    ],
)
def test_each_difference_has_its_way_back(changed: Change, sentence: str) -> None:
    assert sentences(changed) == (sentence, _THEN)


@pytest.mark.parametrize(
    "reason, sentence",
    [
        ("cache: false", "remove `cache: false` from the task"),
        ("--no-cache", "run it without `--no-cache`"),
        ("breakpoint", "run it without a breakpoint"),
        ("first run", "nothing: the next run with the same inputs hits"),
    ],
)
def test_a_reason_has_its_answer(reason: str, sentence: str) -> None:
    assert sentences(reason=reason) == (sentence,)


def test_of_what_was_collected_nothing_has_to_be_done() -> None:
    (sentence,) = sentences(reason="no longer in the cache")
    assert sentence.startswith("nothing: the result of the last time has been collected")


def test_there_may_be_no_result_to_go_back_to() -> None:
    changed = change("environment", "A", "a", "b")
    (sentence,) = sentences(changed, had_result=False)
    assert sentence.startswith("nothing: there is no result of the last time")
    assert sentences(changed, had_result=False, succeeded=False) == (
        "it has to succeed: failures are not cached",
    )


def test_of_many_files_some_are_named() -> None:
    files = [change("file", f"f{number}", "file", None) for number in range(8)]
    found = sentences(*files)
    assert len(found) == 7
    assert found[5] == "and the same for 3 more of file"


@pytest.mark.namespaces
def test_git_is_asked_for_the_version_that_was_there(outcrop: Program) -> None:
    outcrop.define("""
base: {image: "host:", config: none}
tasks:
  - {key: code, call: outcrop/workspace 1.0.0, with: {path: src}}
  - {key: build, use: code, run: cat *}
""")
    source = outcrop.project / "src"
    source.mkdir()
    for name in ("staged", "committed", "lost", "kept"):
        (source / name).write_text(f"{name}\n")

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        subprocess.run(("git", *identity, *arguments), cwd=outcrop.project, check=True, capture_output=True)

    git("init", "--quiet")
    git("add", "src/staged", "src/committed", "src/kept")
    git("commit", "--quiet", "--message", "x")
    assert outcrop("run").exit_code == 0
    for name in ("staged", "committed", "lost"):
        (source / name).write_text("other\n")
    git("add", "src/committed")
    assert outcrop("run").exit_code == 0
    assert outcrop("why", "build", "--json").json["to_hit"] == [
        "restore committed (`git checkout HEAD -- src/committed`)",
        "restore lost as it was",
        "restore staged (`git checkout -- src/staged`)",
        _THEN,
    ]
