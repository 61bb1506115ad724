"""Chunks of a task's output become whole lines that are safe to print.

A line that was overwritten by carriage returns (a progress bar) is printed as it looked at its
end. Control characters are removed; colours are kept where they are wanted, and never reach the
next line of another task. A line without an end is cut at 64 Ki characters, so memory stays bounded.
"""

from __future__ import annotations

import functools
import re

LONGEST_LINE = 1 << 16
_TAB = 8


class _Patterns:
    """Compiled when the first odd line comes: most runs have none, and compiling takes a millisecond."""

    def __init__(self) -> None:
        control = r"\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u2028\u2029"
        # Escape sequences: CSI, OSC and the other string types, two-character ones; also when cut short.
        self.escape = re.compile(
            r"\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?"
        )
        self.colour = re.compile(r"\x1b\[[0-9;:]*m")
        self.control = re.compile(f"[{control}\x1b]")
        self.control_not_escape = re.compile(f"[{control}]")


@functools.cache
def _patterns() -> _Patterns:
    return _Patterns()


def clean(line: str, colour: bool = False) -> str:
    """One line, its end removed, as it may be printed: no control character but kept colours."""
    if line.isprintable():
        return line
    if "\r" in line:
        line = _overwritten(line)
    patterns = _patterns()
    if not colour or "\x1b" not in line:
        return patterns.control.sub("", patterns.escape.sub("", line).expandtabs(_TAB))
    kept = patterns.escape.sub(lambda match: match[0] if patterns.colour.fullmatch(match[0]) else "", line)
    return patterns.control_not_escape.sub("", kept.expandtabs(_TAB))


def colours_in(line: str) -> list[str]:
    """The colour sequences of a line that are in force at its end."""
    active: list[str] = []
    for sequence in _patterns().colour.findall(line):
        if sequence in ("\x1b[m", "\x1b[0m"):
            active.clear()
        else:
            active.append(sequence)
    return active[-4:]


def _overwritten(line: str) -> str:
    """What a line with carriage returns shows in the end; the last non-empty part, not a mix of parts."""
    for part in reversed(line.split("\r")):
        if part:
            return part
    return ""


class LogLines:
    """The output of one stream of a task; `feed` returns the lines that are whole now."""

    def __init__(self, colour: bool = False) -> None:
        self.colour = colour
        self.last = ""
        self._partial = ""
        self._active: list[str] = []

    def feed(self, text: str) -> list[str]:
        """Take in a chunk; the lines that it completes, cleaned, without their ends."""
        text = self._partial + text
        *lines, self._partial = text.split("\n")
        if self._partial:
            self._shorten_partial(lines)
        if not lines:
            return []
        lines = self._cleaned(lines)
        self.last = next((line for line in reversed(lines) if line), self.last)
        return lines

    def finish(self) -> list[str]:
        """The rest: a last line that had no end, or nothing."""
        partial, self._partial = self._partial, ""
        return self._cleaned([partial]) if partial else []

    @property
    def current(self) -> str:
        """The line that the task is at, without colours: also one that is still without an end."""
        return clean(self._partial) or clean(self.last)

    def _shorten_partial(self, lines: list[str]) -> None:
        overwritten = self._partial.rfind("\r", 0, -1)
        if overwritten >= 0:
            self._partial = self._partial[overwritten + 1 :]
        while len(self._partial) > LONGEST_LINE:
            lines.append(self._partial[:LONGEST_LINE])
            self._partial = self._partial[LONGEST_LINE:]

    def _cleaned(self, lines: list[str]) -> list[str]:
        if not self.colour:
            return lines if "".join(lines).isprintable() else [clean(line) for line in lines]
        return [self._coloured(line) for line in lines]

    def _coloured(self, line: str) -> str:
        before = "".join(self._active)
        cleaned = clean(line, colour=True)
        if "\x1b" not in cleaned:
            return f"{before}{cleaned}\x1b[0m" if before and cleaned else cleaned
        self._active = colours_in(before + cleaned)
        return f"{before}{cleaned}\x1b[0m"
