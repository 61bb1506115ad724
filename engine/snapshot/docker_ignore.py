"""Which paths a .dockerignore leaves out, as Docker decides it.

Source of the rules: docs.docker.com, "dockerignore file", and moby's patternmatcher: patterns are
anchored at the root, a pattern that matches a directory matches all below it, the last match
decides, and `!` brings a path back even from below a directory that is left out.
"""

from __future__ import annotations

import posixpath
import re
from re import Pattern


class DockerIgnore:
    """The rules as seen from one directory; `matched` tells which patterns match the directory itself."""

    __slots__ = ("_lines", "_matched", "_path")

    def __init__(
        self, lines: tuple[tuple[bool, Pattern[str]], ...], path: str = "", matched: tuple[bool, ...] = ()
    ) -> None:
        self._lines = lines
        self._path = path
        self._matched = matched or (False,) * len(lines)

    @property
    def brings_back(self) -> bool:
        """True when a pattern with `!` may bring back what lies below an ignored directory."""
        return any(is_negated for is_negated, _ in self._lines)

    def ignores(self, name: str) -> bool:
        """True when `name` in this directory is left out."""
        ignored = False
        for (is_negated, _), matches in zip(self._lines, self._match(name), strict=True):
            if matches:
                ignored = not is_negated
        return ignored

    def below(self, name: str) -> DockerIgnore:
        """The rules as seen from the directory `name` in this one."""
        return DockerIgnore(self._lines, f"{self._path}{name}/", self._match(name))

    def _match(self, name: str) -> tuple[bool, ...]:
        path = self._path + name
        return tuple(
            above or expression.match(path) is not None
            for above, (_, expression) in zip(self._matched, self._lines, strict=True)
        )


def parse_docker_ignore(content: str) -> DockerIgnore:
    """The rules of a .dockerignore file at the root; a pattern that does not parse matches nothing."""
    lines = []
    for line in content.removeprefix("\ufeff").splitlines():
        if line.startswith("#"):
            continue
        pattern = line.strip()
        is_negated = pattern.startswith("!")
        pattern = pattern[is_negated:].strip()
        if not pattern:
            continue
        pattern = posixpath.normpath(pattern).lstrip("/")
        if pattern and pattern != ".":
            lines.append((is_negated, _compile(pattern)))
    return DockerIgnore(tuple(lines))


def _compile(pattern: str) -> Pattern[str]:
    out = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*":
            if not pattern.startswith("*", at):
                out.append("[^/]*")
                continue
            at += 1
            if pattern.startswith("/", at):
                at += 1
                out.append("(?:.*/)?")
            else:
                out.append(".*")
        elif character == "?":
            out.append("[^/]")
        elif character == "\\" and at < len(pattern):
            out.append(re.escape(pattern[at]))
            at += 1
        elif character == "[" and "]" in pattern[at + 1 :]:
            end = pattern.index("]", at + 1)
            out.append(_class(pattern[at:end]))
            at = end + 1
        else:
            out.append(re.escape(character))
    return re.compile("".join(out) + r"\Z", re.DOTALL)


def _class(members: str) -> str:
    negated = members.startswith("^")
    quoted = re.sub(r"([\[\]\\&|~])", r"\\\1", members[negated:].replace("\\", ""))
    expression = f"(?!/)[{'^' if negated else ''}{quoted}]"
    try:
        re.compile(expression)
    except re.error:
        return "(?!)"
    return expression
