"""`.dockerignore` means to us what it means to Docker."""

from __future__ import annotations

import pytest

from engine.snapshot.docker_ignore import parse_docker_ignore


def _is_ignored(content: str, path: str) -> bool:
    rules = parse_docker_ignore(content)
    *parents, name = path.split("/")
    for parent in parents:
        rules = rules.below(parent)
    return rules.ignores(name)


@pytest.mark.parametrize(
    ("content", "path", "expected"),
    [
        ("a", "a", True),
        ("a", "b/a", False),  # anchored at the root
        ("/a/", "a", True),
        ("./a", "a", True),
        ("a/../b", "b", True),
        ("a", "a/b/c", True),
        ("*.md", "x.md", True),
        ("*.md", "d/x.md", False),
        ("**/*.md", "x.md", True),
        ("**/*.md", "d/e/x.md", True),
        ("a/**", "a", False),
        ("a/**", "a/b", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[ab]x", "bx", True),
        ("[^ab]x", "bx", False),
        ("# comment\na", "# comment", False),
        ("docs\n!docs/README.md", "docs/README.md", False),
        ("docs\n!docs/README.md", "docs/other.md", True),
        ("!a\na", "a", True),
        ("  a  ", "a", True),
        ("\\*", "*", True),
        ("\\*", "a", False),
        ("[", "a", False),
        ("", "a", False),
        (".", "a", False),
    ],
)
def test_patterns(content: str, path: str, expected: bool) -> None:
    assert _is_ignored(content, path) is expected
