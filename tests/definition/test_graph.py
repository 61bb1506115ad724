"""Dependencies, unknown tasks, circles and the order of `use` (reference §6, §7)."""

from __future__ import annotations

import pytest

from engine.model.run_definition import Dependencies
from tests.definition.conftest import LintText, LoadText

_HEAD = 'base: {image: "host:", config: none}\ntasks:\n'


def _tasks(*tasks: str) -> str:
    return _HEAD + "".join(f"  - {{{task}}}\n" for task in tasks)


def _dependencies(load_text: LoadText, *tasks: str) -> Dependencies:
    """Of the last of these tasks."""
    definition = load_text(_tasks(*tasks)).definition
    assert definition is not None
    return definition.tasks[-1].dependencies


_OTHERS = ("key: a, run: x", "key: b, run: x", "key: c, run: x", "key: d, run: x")


@pytest.mark.parametrize(
    ("keys", "succeed", "finish"),
    [
        ("use: [b, a]", ("a", "b"), ()),
        ("use: a, after: [a, c]", ("a", "c"), ()),
        ('after: "${{ a.failed || b.succeeded }}"', (), ("a", "b")),
        ('if: "${{ a.skipped }}"', (), ("a",)),
        ('env: {X: "${{ tasks.a.values.x }}"}', ("a",), ()),
        ('env: {X: "${{ tasks.a.artifacts.x }}"}', ("a",), ()),
        ('env: {X: "${{ tasks.a.id }}"}', (), ("a",)),
        ('env: {X: "${{ init.y ? tasks.a.values.x : tasks.b.values.x }}"}', ("a", "b"), ()),
        ('env: {X: "${{ tasks.a.values.x }}"}, after: "${{ a.succeeded || a.failed }}"', (), ("a",)),
        ('env: {X: "${{ tasks.a.values.x }}"}, if: "${{ tasks.a.failed }}"', (), ("a",)),
        ('env: {X: "${{ tasks.a.values.x }}"}, after: "${{ b.failed }}"', ("a",), ("b",)),
        ('use: a, if: "${{ a.succeeded }}"', ("a",), ()),
        ("env: {X: \"${{ tasks['a'].values.x }}\"}", ("a",), ()),
        ('filter: {"${{ tasks.d.artifacts.x }}": [y]}', ("d",), ()),
        ('timeout: "${{ tasks.c.values.x }}", cache: "${{ tasks.b.values.y }}"', ("b", "c"), ()),
        ('retry: {count: 1, if: "${{ tasks.a.values.x }}"}', ("a",), ()),
        ('run: "${{ tasks?.nothing.values.x }}"', (), ()),
    ],
)
def test_a_task_waits_for_what_it_names(
    keys: str, succeed: tuple[str, ...], finish: tuple[str, ...], load_text: LoadText
) -> None:
    run = "" if "run:" in keys else "run: x, "
    found = _dependencies(load_text, *_OTHERS, f"key: last, {run}{keys}")
    assert found == Dependencies(must_succeed=succeed, must_finish=finish)


def test_dependencies_are_in_the_order_of_the_file(load_text: LoadText) -> None:
    found = _dependencies(
        load_text, *_OTHERS, 'key: last, run: "${{ tasks.d.id }} ${{ tasks.c.id }}", use: [b, a]'
    )
    assert found == Dependencies(must_succeed=("a", "b"), must_finish=("c", "d"))


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        (("key: a, run: x, use: a",), "cycle 3:27"),
        (('key: a, run: "${{ tasks.a.values.x }}"',), "cycle 3:19"),
        (("key: a, run: x, use: b", "key: b, run: x, after: a"), "cycle 3:27"),
        (("key: z, run: x", "key: a, run: x, use: b", "key: b, run: x, after: a"), "cycle 4:27"),
        (("key: a, run: x, use: zz",), "unknown-task 3:27"),
        (("key: a, run: x, use: b.c", "key: b, run: x"), "unknown-task 3:27"),
        (('key: a, run: x, after: "${{ zz.failed }}"',), "unknown-task 3:29"),
        (('key: a, run: x, after: "${{ b }}"', "key: b, run: x"), "unknown-member 3:29"),
        (('key: a, run: x, after: "${{ b.done }}"', "key: b, run: x"), "unknown-member 3:29"),
        (('key: a, run: x, if: "${{ b.values.x }}"', "key: b, run: x"), "unknown-member 3:26"),
        (('key: a, run: "${{ b.succeeded }}"', "key: b, run: x"), "unknown-context 3:19"),
        (('key: a, run: "${{ tasks.b.output.x }}"', "key: b, run: x"), "unknown-member 3:19"),
        (('key: a, run: "${{ tasks.b.artifacts.x }}"', "key: b, run: x"), "unknown-artifact 3:19"),
        (("key: a, run: x, use: p", "key: p, run: x, app: {endpoint: e, port: 8080}"), "unknown-task 3:27"),
        (("key: a, run: x, use: p", 'key: p, call: "${{ run.dir }}/y.yml", target: t'), "unknown-task 3:27"),
        (("key: a, run: x, use: p.p-0", "key: p, run: x, parallel: 2"), "unknown-task 3:27"),
        (("key: a, run: x, use: [b, b]", "key: b, run: x"), "use-order 3:31"),
        (("key: a, run: x, use: [c, b]", "key: b, run: x", "key: c, run: x, use: b"), "use-order 3:31"),
        (("key: a, run: x, filter: [b]",), "bad-filter 3:30"),
        (("key: run, run: x", 'key: a, run: x, if: "${{ run.failed }}"'), "shadowed-name 4:26"),
    ],
)
def test_a_mistake_in_the_graph_is_found(tasks: tuple[str, ...], expected: str, lint_text: LintText) -> None:
    assert expected in lint_text(_tasks(*tasks))


def test_the_right_order_of_use_is_no_warning(lint_text: LintText) -> None:
    assert lint_text(_tasks("key: b, run: x", "key: c, run: x, use: b", "key: a, run: x, use: [b, c]")) == []


def test_a_circle_is_shown_with_how_each_task_waits(load_text: LoadText) -> None:
    found = load_text(
        _tasks("key: a, run: x, use: b", 'key: b, run: "${{ tasks.c.values.x }}"', "key: c, run: x, after: a")
    ).diagnostics
    assert [diagnostic.rule for diagnostic in found] == ["cycle"]
    assert "`a` (use) → `b` (run) → `c` (after) → `a`" in found[0].message


def test_every_knot_is_reported_once(lint_text: LintText) -> None:
    tasks = [f"key: {key}, run: x, use: {other}" for key, other in ("ab", "ba", "cd", "dc", "ea")]
    assert lint_text(_tasks(*tasks)) == ["cycle 3:27", "cycle 5:27"]


def test_a_near_miss_is_suggested(load_text: LoadText) -> None:
    found = load_text(_tasks("key: version, run: x", "key: a, run: x, use: verison")).diagnostics
    assert found[0].hint == "did you mean `version`?"


@pytest.mark.parametrize("shape", ["chain", "reversed", "circle", "unknown", "star"])
@pytest.mark.timeout(60)
def test_ten_thousand_tasks_load(shape: str, load_text: LoadText) -> None:
    count = 10_000
    lines = [_HEAD]
    for number in range(count):
        use = {
            "chain": f"t{number - 1}" if number else "[]",
            "reversed": f"t{number + 1}" if number < count - 1 else "[]",
            "circle": f"t{(number + 1) % count}",
            "unknown": f"u{number}",
            "star": "[" + ", ".join(f"t{other}" for other in range(count - 1)) + "]"
            if number == count - 1
            else "[]",
        }[shape]
        lines.append(f"  - {{key: t{number}, run: x, use: {use}}}\n")
    loaded = load_text("".join(lines))
    rules = {diagnostic.rule for diagnostic in loaded.diagnostics}
    assert rules == {"circle": {"cycle"}, "unknown": {"unknown-task"}}.get(shape, set())
