"""The grammar of expressions, what they evaluate to, and what is an error where."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition import evaluate
from engine.definition.evaluate import STARTED_AT, MissingInput
from engine.definition.expressions import ExpressionError, parse_exact, parse_template
from engine.definition.patterns import search
from engine.model.errors import UserError
from engine.model.expression import Access, Binary, Literal, Name, Template

_SCOPE = {
    "init": {
        "name": "demo",
        "empty": "",
        "zero": "0",
        "false": "false",
        "n": "7",
        "commit-sha": "abc",
        "7": "seven",
    },
    "tasks": {"unit": {"succeeded": True, "failed": False, "values": {"x": "y"}, "artifacts": {}}},
    "list": ["a", "b"],
    STARTED_AT: 1_700_000_000.0,
}


def _value(expression: str) -> str:
    return evaluate.text(parse_template("${{ " + expression + " }}"), _SCOPE)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("init.name", "demo"),
        ("init['name']", "demo"),
        ('init["na" == "x" ? "no" : "name"]', "demo"),
        ("init.commit-sha", "abc"),
        ("init['7']", "seven"),
        ("init[7]", "seven"),
        ("(init).name", "demo"),
        ("list[1]", "b"),
        ("'a'", "a"),
        ('"it\'s"', "it's"),
        ("1.0", "1"),
        ("-1.5e2", "-150"),
        ("1e21", "1e+21"),
        ("true", "true"),
        ("null", ""),
        ("!init.empty", "true"),
        ("!init['false']", "true"),
        ("!init.zero", "false"),
        ("!0", "true"),
        ("!null", "true"),
        ("init.empty || init.name", "demo"),
        ("init.name || init.missing", "demo"),
        ("init.name && init.n", "7"),
        ("init.empty && init.missing", ""),
        ("init.name == 'demo'", "true"),
        ("true == 'true'", "true"),
        ("null == ''", "true"),
        ("7 == init.n", "true"),
        ("1.0 == '1'", "true"),
        ("init.name != 'demo'", "false"),
        ("init.n > 6.5 && init.n <= 7", "true"),
        ("'10' > '9'", "true"),
        ("init.n < 7 || init.n >= 7", "true"),
        ("init.name ? 'a' : init.missing", "a"),
        ("init.empty ? init.missing : init.n ? 'b' : 'c'", "b"),
        ("false && false || true", "true"),
        ("init.name =~ '^d.*o$'", "true"),
        ("init.name =~ 'em'", "true"),
        ("init.name !~ 'x'", "true"),
        ("starts-with(init.name, 'de')", "true"),
        ("ends-with(init.name, 'de')", "false"),
        ("contains(init.name, 'em')", "true"),
        ("date('%Y-%m-%d %s %%s')", "2023-11-14 1700000000 %s"),
        ("init?.missing", ""),
        ("init?.missing?.more.still", ""),
        ("init.missing?.more", ""),
        ("nothing?.x", ""),
        ("init?['name']", "demo"),
        ("tasks.unit.succeeded", "true"),
        ("tasks.unit.values?.missing", ""),
        ("init.name == '}}'", "false"),
    ],
)
def test_an_expression_has_its_value(expression: str, expected: str) -> None:
    assert _value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("init.missing", "there is no init parameter `missing`"),
        ("tasks.unit.values.z", "the task `unit` has no value `z`"),
        ("tasks.none.values.z", "`tasks` has no member `none`"),
        ("init.name.x", "`init.name` is no map and has no member `x`"),
        ("init", "a map stands where text is needed"),
        ("list", "a list stands where text is needed"),
        ("nothing.x", "there is no context `nothing` here"),
        ("init.name < 3", "`<` compares numbers, and `demo` is not one"),
        ("init.name =~ init.bad || init.name =~ '('", "there is no init parameter `bad`"),
        ("'a' =~ '('", "the pattern `(` is not valid: missing ), unterminated subpattern at position 0"),
    ],
)
def test_what_has_no_value_is_an_error_in_words(expression: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        _value(expression)
    assert caught.value.message == message


def test_a_missing_init_parameter_is_told_apart() -> None:
    with pytest.raises(MissingInput) as caught:
        _value("init.nam")
    assert (caught.value.context, caught.value.name, caught.value.hint) == (
        "init",
        "nam",
        "did you mean `name`?",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain $x {{ }}", "plain $x {{ }}"),
        ("a${{ init.n }}b${{init.n}}", "a7b7"),
        (r"\${{ init.n }}", "${{ init.n }}"),
        (r"\\${{ init.n }}", "\\7"),
        (r"\\\${{ init.n }}", r"\${{ init.n }}"),
        (r"\n \\ ${{ init.n }}", r"\n \\ 7"),
        ("${{\n init.n\n}}", "7"),
        ("", ""),
    ],
)
def test_text_around_expressions_is_kept(text: str, expected: str) -> None:
    assert evaluate.text(parse_template(text), _SCOPE) == expected


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("${{ }}", 0),
        ("ab ${{ init.x", 3),
        ("${{ 'abc }}", 4),
        ("${{ a == b == c }}", 11),
        ("${{ !!a }}", 5),
        ("${{ a + b }}", 6),
        ("${{ a and b }}", 6),
        ("${{ a ? b }}", 10),
        ("${{ (a }}", 7),
        ("${{ a) }}", 5),
        ("${{ f(a,) }}", 8),
        ("${{ a. }}", 7),
        ("${{ a.null }}", 6),
        ("${{ a.2b }}", 6),
        ("${{ 01 }}", 5),
        ("${{ [a] }}", 4),
        ("${{ {a: b} }}", 4),
        ("${{ true.x }}", 8),
        ("${{ a.f(b) }}", 6),
        ("${{ " + "(" * 200 + "a" + ")" * 200 + " }}", 104),
    ],
)
def test_a_bad_expression_is_placed(text: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_template(text)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    "text", ["x", "x ${{ a }}", "${{ a }} x", "${{ a }}${{ b }}", "${{ a }}\n", "${{ a\n}}"]
)
def test_an_exact_expression_stands_alone_on_one_line(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_exact(text)


def test_names_may_begin_like_literals() -> None:
    assert parse_exact("${{ truest.nullable }}") == Access(Name("truest"), Literal("nullable"))


def test_a_long_chain_of_or_is_a_shallow_tree() -> None:
    expression = parse_exact("${{ " + " || ".join(f"x.a{i}" for i in range(5000)) + " }}")
    depth = 0
    while isinstance(expression, Binary):
        expression, depth = expression.right, depth + 1
    assert depth < 20
    assert evaluate.truth(parse_exact("${{ " + "null || " * 5000 + "'x' }}"), {})


@pytest.mark.timeout(5)
def test_a_catastrophic_pattern_ends_as_an_error() -> None:
    with pytest.raises(UserError, match="takes too long"):
        search("(a+)+$", "a" * 40 + "b")


@given(st.text(alphabet=string.printable + "${}\\é", max_size=60))
def test_parsing_never_fails_but_in_its_own_words(text: str) -> None:
    offset = 0
    try:
        assert isinstance(parse_template(text), Template)
    except ExpressionError as error:
        offset = error.offset
    assert 0 <= offset <= len(text)


@given(st.text(max_size=40).filter(lambda text: "${{" not in text and not text.endswith("\\")))
def test_text_without_expressions_is_itself(text: str) -> None:
    assert evaluate.text(parse_template(text), {}) == text


@given(st.text(alphabet="abc\\ ", max_size=12))
def test_an_escaped_expression_is_literal(before: str) -> None:
    quoted = before.rstrip("\\") + "\\" * 3
    assert evaluate.text(parse_template(quoted + "${{ x }}"), {}) == before.rstrip("\\") + "\\${{ x }}"
