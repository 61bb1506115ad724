"""Which paths count as made differently by independent tasks."""

from __future__ import annotations

from engine.execution.layer_conflicts import Branches, RememberedConflicts, conflicts
from engine.execution.layer_order import LayerOrder
from engine.file_tree import Entry

_USES = {
    "a": (),
    "b": (),
    "on-a": ("a",),
    "both": ("a", "b"),
    "merge": ("a", "b"),
    "late": ("both", "on-a"),
    "third": ("on-a", "b"),
}


def _file(digest: str, mode: int = 0o644) -> Entry:
    return Entry(kind="file", mode=mode, uid=0, gid=0, size=1, digest=digest)


def _found(task: str, layers: dict[str, dict[str, Entry]]) -> tuple[str, ...]:
    order = LayerOrder(_USES.__getitem__)
    below = order.below(task)
    given = [(used, used) for used in below if used in layers]
    return conflicts(given, Branches(order, _USES[task]), layers.__getitem__, "work")


def test_both_tasks_the_path_and_the_winner_are_named() -> None:
    layers = {"a": {"etc/x": _file("1"), "same": _file("s")}, "b": {"etc/x": _file("2"), "same": _file("s")}}
    assert _found("merge", layers) == ("`a` and `b` made different content at `/etc/x`; that of `b` is used",)


def test_a_differing_mode_is_different_content() -> None:
    layers = {"a": {"work/x": _file("1")}, "b": {"work/x": _file("1", 0o755)}}
    assert _found("merge", layers) == ("`a` and `b` made different content at `x`; that of `b` is used",)


def test_what_a_task_changed_that_it_was_given_is_no_conflict() -> None:
    assert _found("late", {"a": {"x": _file("1")}, "both": {"x": _file("2")}}) == ()


def test_what_met_further_down_is_not_told_again() -> None:
    assert _found("late", {"a": {"x": _file("1")}, "b": {"x": _file("2")}}) == ()


def test_only_the_last_of_a_branch_counts() -> None:
    layers = {"a": {"x": _file("1")}, "on-a": {"x": _file("2")}, "b": {"x": _file("3")}}
    assert _found("third", layers) == ("`on-a` and `b` made different content at `/x`; that of `b` is used",)


def test_many_paths_are_counted() -> None:
    layers = {name: {f"f{number}": _file(name) for number in range(9)} for name in ("a", "b")}
    (sentence,) = _found("merge", layers)
    assert "`/f0`, `/f1`, `/f2` and 6 more" in sentence


def test_equal_questions_are_answered_from_memory() -> None:
    asked: list[str] = []
    memory: dict[str, str] = {}
    order = LayerOrder(_USES.__getitem__)
    order.below("merge")

    def entries_of(digest: str) -> dict[str, Entry]:
        asked.append(digest)
        return {"x": _file(digest)}

    for _ in range(2):
        found = RememberedConflicts(entries_of, memory.get, memory.__setitem__)
        assert len(found([("a", "1"), ("b", "2")], Branches(order, _USES["merge"]), "work")) == 1
    assert asked == ["1", "2"]
