"""`outcrop files find` and `grep` on the real program."""

from __future__ import annotations

import pytest

from tests.program import Program

pytestmark = pytest.mark.namespaces


def test_names_are_found_wherever_they_are(project: Program) -> None:
    assert project("files", "find", "deps", "ECON").stdout == ""
    assert project("files", "find", "unit", "ECON").exit_code == 1
    found = project("files", "find", "unit", "SECOND", "-i", "--json")
    assert (found.exit_code, [(one["path"], one["type"]) for one in found.json]) == (
        0,
        [("src/second", "file")],
    )


def test_a_pattern_with_a_star_is_a_whole_name_or_path(project: Program) -> None:
    assert project("files", "find", "deps", "?", "lib").stdout == "lib/a\n"
    assert project("files", "find", "deps", "src/*").stdout.split() == ["src/a", "src/first", "src/second"]
    assert project("files", "find", "deps", "*.none").exit_code == 1


def test_options_may_stand_between_the_words(project: Program) -> None:
    assert project("files", "find", "deps", "--run", "latest", "?", "lib").stdout == "lib/a\n"


def test_only_the_own_layer_is_searched_where_asked(project: Program) -> None:
    assert project("files", "find", "build", "a", "--layer").stdout.split() == ["binary"]


def test_lines_are_found_with_their_numbers(project: Program) -> None:
    assert project("files", "grep", "deps", "^a s.c").stdout == "lib/a:1:a second\nsrc/a:1:a second\n"
    assert project("files", "grep", "deps", "A SECOND", "lib", "-i", "--json").json == [
        {"path": "lib/a", "line": 1, "text": "a second"}
    ]
    assert project("files", "grep", "deps", "a second", "--layer").stdout == "lib/a:1:a second\n"
    assert project("files", "grep", "deps", "A SECOND").exit_code == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("find", "deps"), "needs a pattern"),
        (("grep", "deps"), "needs a pattern"),
        (("grep", "deps", "("), "is not valid"),
        (("grep", "deps", "(a+)+"), "could take forever"),
        (("grep", "deps", "a", "nowhere"), "there is no `nowhere`"),
        (("find", "report", "a"), "did not run"),
    ],
)
def test_what_makes_no_sense_is_bad_usage(project: Program, arguments: tuple[str, ...], message: str) -> None:
    done = project("files", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
