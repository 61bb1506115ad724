"""Which paths .gitignore files leave out, exactly as git decides it (gitignore(5), git's dir.c).

Bytes, not characters, are matched; the last matching line of the deepest file decides; what is
below an ignored directory cannot come back.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from re import Pattern

from engine.snapshot.wildmatch import compile_wildmatch

_GLOB_SPECIALS = b"*?[\\"


class IgnoreLine:
    """One pattern, relative to the directory of its file."""

    __slots__ = (
        "_expression",
        "_is_plain",
        "_literal",
        "_suffix",
        "is_for_directories",
        "is_for_names",
        "is_negated",
    )

    def __init__(self, pattern: bytes) -> None:
        self.is_negated = pattern.startswith(b"!")
        pattern = pattern[self.is_negated :]
        self.is_for_directories = pattern.endswith(b"/")
        pattern = pattern[: len(pattern) - self.is_for_directories]
        self.is_for_names = b"/" not in pattern
        self._literal = pattern[: _literal_length(pattern)]
        self._suffix: bytes | None = None
        self._expression: Pattern[bytes] | None = None
        rest = pattern[len(self._literal) :]
        if not self.is_for_names:
            self._literal = self._literal.removeprefix(b"/")
            self._expression = compile_wildmatch(rest, in_path=True)
        elif rest.startswith(b"*") and _literal_length(rest[1:]) == len(rest) - 1:
            if not self._literal:
                self._suffix = rest[1:]
            else:
                self._expression = compile_wildmatch(pattern, in_path=False)
        elif rest:
            self._expression = compile_wildmatch(pattern, in_path=False)
        self._is_plain = not rest

    def matches(self, name: bytes, path: bytes, is_directory: bool) -> bool:
        """`path` is relative to the directory of the file, `name` its last segment."""
        if self.is_for_directories and not is_directory:
            return False
        if self.is_for_names:
            if self._is_plain:
                return name == self._literal
            if self._suffix is not None:
                return name.endswith(self._suffix)
            return self._expression is not None and self._expression.match(name) is not None
        if self._is_plain:
            return path == self._literal
        if not path.startswith(self._literal) or self._expression is None:
            return False
        return self._expression.match(path, len(self._literal)) is not None


def parse_git_ignore(content: bytes) -> tuple[IgnoreLine, ...]:
    """The patterns of a .gitignore file, in its order."""
    lines = []
    for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        line = line.removesuffix(b"\r")
        # C strings: what follows a NUL is not there.
        line = line.split(b"\0", 1)[0]
        if line.startswith(b"#"):
            continue
        line = _without_trailing_spaces(line)
        if line:
            lines.append(IgnoreLine(line))
    return tuple(lines)


class GitIgnore:
    """The rules that hold in one directory: those of its own file, of its parents', and from outside.

    levels: (length of the directory's path with its slash, patterns), the strongest first.
    """

    __slots__ = ("_levels", "_path")

    def __init__(self, path: bytes, levels: Sequence[tuple[int, tuple[IgnoreLine, ...]]]) -> None:
        self._path = path
        self._levels = levels

    def with_own(self, lines: tuple[IgnoreLine, ...]) -> GitIgnore:
        """The same directory, its own .gitignore read."""
        return GitIgnore(self._path, [(len(self._path), lines), *self._levels]) if lines else self

    def below(self, name: str) -> GitIgnore:
        """The rules for the directory `name` in this one, before its own file is read."""
        return GitIgnore(self._path + os.fsencode(name) + b"/", self._levels)

    def ignores(self, name: str, is_directory: bool) -> bool:
        """True when `name` in this directory is left out."""
        own = os.fsencode(name)
        path = self._path + own
        for start, lines in self._levels:
            relative = path[start:]
            for line in reversed(lines):
                if line.matches(own, relative, is_directory):
                    return not line.is_negated
        return False


def _literal_length(pattern: bytes) -> int:
    for at, character in enumerate(pattern):
        if character in _GLOB_SPECIALS:
            return at
    return len(pattern)


def _without_trailing_spaces(line: bytes) -> bytes:
    """Spaces at the end do not count, unless quoted by a backslash."""
    last_space: int | None = None
    at = 0
    while at < len(line):
        character = line[at : at + 1]
        if character == b" ":
            if last_space is None:
                last_space = at
        else:
            if character == b"\\":
                at += 1
                if at == len(line):
                    return line
            last_space = None
        at += 1
    return line if last_space is None else line[:last_space]
