"""YAML as the reference reads it: scalars, merge keys, lists, aliases, and what is refused where."""

from __future__ import annotations

import pytest

from engine.definition.yaml_scalars import resolve_plain
from engine.model.run_definition import CommandTask
from tests.definition.conftest import LintText, LoadText

_HEAD = 'base: {image: "host:", config: none}\n'


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        ("", "null", ""),
        ("~", "null", ""),
        ("NULL", "null", ""),
        ("True", "boolean", "true"),
        ("FALSE", "boolean", "false"),
        ("yes", "text", "yes"),
        ("off", "text", "off"),
        ("2024-01-01", "text", "2024-01-01"),
        ("1:30", "text", "1:30"),
        ("1_000", "text", "1_000"),
        ("010", "number", "10"),
        ("0o17", "number", "15"),
        ("0x10", "number", "16"),
        ("0o9", "text", "0o9"),
        ("+5", "number", "5"),
        ("-0", "number", "0"),
        ("1.0", "number", "1"),
        ("-1.50", "number", "-1.5"),
        (".5", "number", "0.5"),
        ("5.", "number", "5"),
        ("1e3", "number", "1000"),
        ("1e21", "number", "1e+21"),
        ("1.25e-7", "number", "1.25e-7"),
        ("0.00001", "number", "0.00001"),
        (".inf", "number", "Infinity"),
        ("-.Inf", "number", "-Infinity"),
        (".nan", "number", "NaN"),
        ("9007199254740991", "number", "9007199254740991"),
        ("9007199254740993", "number", "9007199254740993"),
        ("9" * 5000, "number", "9" * 5000),
        ("-.5.5", "text", "-.5.5"),
        ("1.2.3", "text", "1.2.3"),
    ],
)
def test_plain_scalars_follow_the_core_schema(source: str, kind: str, text: str) -> None:
    assert resolve_plain(source) == (kind, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tasks: [\n", "yaml-syntax 2:1"),
        ("a: b: c\n", "yaml-syntax 1:5"),
        ("tasks:\n\t- key: a\n", "yaml-syntax 2:1"),
        ("tasks:\n  - {key: a, run: ${{ x }}}\n", "yaml-syntax 2:20"),
        ("a: @b\n", "yaml-syntax 1:4"),
        ("a: %b\n", "yaml-syntax 1:4"),
        ("a: `b\n", "yaml-syntax 1:4"),
        ("a: *b*\n", "yaml-syntax 1:4"),
        ('a: "\\q"\n', "yaml-syntax 1:5"),
        ("a: 'x\n", "yaml-syntax 2:1"),
        ("a: b\nc\n", "yaml-syntax 2:1"),
        ("a: - b\n", "yaml-syntax 1:4"),
        ("a: !!str x\n", "yaml-syntax 1:4"),
        ("a: !x {b: c}\n", "yaml-syntax 1:4"),
        ("? [a]\n: b\n", "yaml-syntax 1:3"),
        ("a: \x01\n", "yaml-syntax 1:4"),
        ("a: 1\n---\nb: 2\n", "yaml-syntax 2:1"),
        ("a: 1\na: 2\n", "duplicate-key 2:1"),
        ("{a: 1, a: 2}\n", "duplicate-key 1:8"),
        ("<<: {}\n<<: {}\n", "duplicate-key 2:1"),
        ("a: *b\n", "unresolved-alias 1:4"),
        ("a: &b [*b]\n", "circular-alias 1:8"),
        ("a: &b {c: *b}\n", "circular-alias 1:11"),
        ("a: &b x\n<<: *b\n", "wrong-type 1:7"),
    ],
)
def test_bad_yaml_is_reported_where_it_is(text: str, expected: str, lint_text: LintText) -> None:
    assert expected in lint_text(text)


def test_bytes_that_are_not_utf_8_are_reported_at_their_place(lint_text: LintText) -> None:
    assert lint_text(b"tasks:\n  - key: \xc3\xa9\xff\n") == ["yaml-syntax 2:11"]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + _HEAD + "tasks: [{key: a, run: x}]\n",
        _HEAD.replace("\n", "\r\n") + "tasks:\r\n- key: a\r\n  run: x\r\n",
        "---\n" + _HEAD + "tasks: [{key: a, run: x}]\n...\n",
        "%YAML 1.2\n---\n" + _HEAD + "tasks: [{key: a, run: x}]\n",
        _HEAD + "\t\n  \t# a comment\ntasks: [{key: a, run: x}]\n",
        _HEAD + '"tasks": [{"key": "a", "run": "x"}]\n',
    ],
    ids=["byte order mark", "windows", "document marks", "directive", "tabs on empty lines", "quoted keys"],
)
def test_unusual_but_good_yaml_is_read(text: str, load_text: LoadText) -> None:
    assert load_text(text.encode()).definition is not None


def test_written_keys_win_over_merged_ones_wherever_the_merge_stands(load_text: LoadText) -> None:
    definition = load_text(
        """\
        aliases:
          one: &one {timeout: 1m, network: none}
          two: &two {timeout: 2m}
        base: {image: "host:", config: none}
        tasks:
          - {key: before, <<: [*one, *two], run: x}
          - {key: after, timeout: 3m, <<: *one, run: x}
          - {<<: *one, key: own, run: x, timeout: 4m}
        """
    ).definition
    assert definition is not None
    tasks = [task for task in definition.tasks if isinstance(task, CommandTask)]
    assert [task.timeout and task.timeout.constant for task in tasks] == ["2m", "3m", "4m"]
    assert [task.network for task in tasks] == ["none", "none", "none"]


def test_nested_lists_count_as_their_items(load_text: LoadText) -> None:
    definition = load_text(
        """\
        aliases: {common: &common [src, [lib]]}
        base: {image: "host:", config: none}
        tasks:
          - [{key: a, run: x}, [{key: b, run: [x, [y, [z]]]}]]
          - {key: c, run: x, use: [[a], b], filter: [*common, docs]}
        """
    ).definition
    assert definition is not None
    _, b, c = definition.tasks
    assert isinstance(b, CommandTask)
    assert b.run.constant == "x\ny\nz"
    assert c.use == ("a", "b")
    assert isinstance(c.filter.workspace, tuple)
    assert [entry.pattern.constant for entry in c.filter.workspace] == ["src", "lib", "docs"]


def test_a_fault_behind_an_alias_is_placed_where_it_is_written_and_names_the_alias(
    load_text: LoadText,
) -> None:
    found = load_text(
        """\
        aliases:
          env: &env
            A: [x]
        base: {image: "host:", config: none}
        tasks:
          - {key: a, run: x, env: *env}
          - {key: b, run: x, env: *env}
        """
    ).diagnostics
    assert [(d.line, d.column, d.rule) for d in found] == [(3, 8, "wrong-type")]
    assert "`*env` at line 6, `*env` at line 7" in found[0].message


def test_an_empty_value_sits_right_after_its_colon(lint_text: LintText) -> None:
    assert lint_text(_HEAD + "tasks:\n  - key: a\n    run:\n") == ["null-value 4:9"]
    assert lint_text(_HEAD + "tasks: [{key: a, run: }]\n") == ["null-value 2:22"]


def test_an_anchored_value_begins_after_its_anchor(lint_text: LintText) -> None:
    assert lint_text(_HEAD + "tasks: [{key: a, run: x, timeout: &t 5}]\n") == ["wrong-type 2:38"]
    assert lint_text(_HEAD + "tasks: [{key: a, run: x, use: &u # c\n  [zz]}]\n") == ["unknown-task 3:4"]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20)
        ),
        "a: &a {x: 1}\n"
        + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} {{<<: [{', '.join(['*' + chr(97 + i)] * 50)}]}}\n"
            for i in range(20)
        ),
        "a: &a '" + "x" * 1_000_000 + "'\nb: [" + ", ".join(["*a"] * 10_000) + "]\n",
        "a: " + "[" * 100_000,
        "a: " + "{a: " * 100_000,
        "a:\n  " + "- " * 50_000 + "x\n",
    ],
    ids=["lists", "merges", "text", "brackets", "braces", "dashes"],
)
@pytest.mark.timeout(10)
def test_bombs_are_refused_quickly(text: str, lint_text: LintText) -> None:
    assert any(found.startswith("yaml-syntax") for found in lint_text(text))


def test_the_text_of_a_task_is_kept_as_written(load_text: LoadText) -> None:
    definition = load_text(
        """\
        base: {image: "host:", config: none}
        tasks:
          # a comment
          - key: a   # the first
            run: |
              one
                two
          - {key: b, run: x}
        """
    ).definition
    assert definition is not None
    assert [task.raw for task in definition.tasks] == [
        "key: a   # the first\nrun: |\n  one\n    two\n",
        "{key: b, run: x}\n",
    ]
