"""The line of a log that says best what went wrong: a guess by what tools print when they fail."""

from __future__ import annotations

import re
from collections.abc import Callable

from tui.model.ansi import plain
from tui.model.log_source import LogSource

_CHUNK = 1 << 20
_LONGEST_LINE = 512
NONE, WEAK, STRONG = 0, 1, 2

# A line without any of these, in lower case, is no error.
_WORDS = (
    "error", "fail", "panic", "fatal", "traceback", "exception", "err!", "***", "not found", "e   ",
    "segmentation", "no such file", "permission denied", "✗", "✖", "not ok", "abort", "cannot", "undefined",
    "killed", "refused", "denied", "unable",
)  # fmt: skip
_SOME_WORD = re.compile("|".join(map(re.escape, _WORDS)))

# What comes before the message: a time, the name of a program or of a level in brackets.
_TIME = r"(?:\[?\d[\d:.,TZ/+-]*(?: \d[\d:.,Z+-]*)?\]?[ \t]+)?"
_STRONG = re.compile(
    rf"""^\s*{_TIME}(?:
        Traceback\ \(most\ recent | panic:\s | fatal(?:\ error)?:\s | FATAL\b | npm\ (?:ERR!|error)\s
        | E\ {{3}}\S | ---\ FAIL: | FAIL(?:ED)?(?::|\s|$) | not\ ok\ \d | \#\#\[error\] | ::error
        | (?:\x5b)?(?:error|ERROR|Error)(?:\x5bE\d+\x5d)?(?:\x5d|:|\s) | \*\*\*\ | BUILD\ FAILED | FAILURE:
        | [\w.$]*(?:Error|Exception):\s | Exception\ in\ thread | AssertionError\b
        | Segmentation\ fault | Killed$ | ✗\s | ✖\s | ✘\s | ×\s | \S+:\d+(?::\d+)?:\ (?:fatal\ )?error\b
        | \S+\(\d+(?:,\d+)?\):\ (?:fatal\ )?error\b | \S+:\d+:\d+\ -\ error\b | \S+\.go:\d+:\d+:\s
        | thread\ '.*'\ panicked | make(?:\x5b\d+\x5d)?:\ \*\*\*
        | (?:/\S*|\w+):\ (?:line\ \d+:\ |\d+:\ )?.*
            (?:not\ found|No\ such\ file|[Pp]ermission\ denied|cannot\ )
        | E:\s | ERR!?\s
        | (?:curl|ld|collect2|gcc|g\+\+|cc|clang|rustc|tar|cp|mv|rm|wget|git):\ .*(?:error|cannot|fail)
    )""",
    re.VERBOSE,
)
_WEAK = re.compile(
    r"\b(?:errors?|fail(?:ed|ure|s)?|fatal|exception|panic(?:ked)?|aborted|undefined reference)\b", re.I
)
# Where such a word means that all is well, or that it is a name.
_HARMLESS = re.compile(
    r"""\b(?:0|no|zero|without)\s+(?:\w+\s+)?(?:errors?|fail\w*)\b
    | \b(?:errors?|failures?|failed)\s*[:=]\s*0\b
    | -W(?:no-)?error | \b(?:errors?|fail\w*|fatal|exception)[./_:-]\w | \bok$
    | [\w./_-](?:error|fail\w*|exception)s?[./_-] | [/_-](?:errors?|fail\w*|exceptions?)\b
    | \bcontinue-on-error | \b(?:if|on|expect(?:ed|s)?|ignor\w+|handles?)\b.*\berror
    | \bpass(?:ed|es)?\b.*\b0\ fail | \bwarning:""",
    re.VERBOSE | re.I,
)


def likeness(line: str) -> int:
    """How much a plain line looks like an error: `NONE`, `WEAK` or `STRONG`."""
    line = line[:_LONGEST_LINE]
    if _SOME_WORD.search(line.lower()) is None:
        return NONE
    if _STRONG.match(line):
        return STRONG if not _HARMLESS.match(line.strip()) else NONE
    if line.lstrip().startswith("+ "):
        return NONE  # a shell that prints what it is going to do
    return WEAK if _WEAK.search(line) and not _HARMLESS.search(line) else NONE


def first_error(source: LogSource, until: int, is_cancelled: Callable[[], bool]) -> int | None:
    """The first line that surely reports an error, else the first that may; None when there is none.

    For a thread: it reads the log up to the offset `until`. OSError when that cannot be read.
    """
    offset, number, weak = 0, 0, None
    while offset < until and not is_cancelled():
        data = source.read(offset, min(_CHUNK, until - offset))
        end = data.rfind(b"\n") + 1
        if 0 < end < len(data) and offset + len(data) < until:
            data = data[:end]
        if not data:
            break
        for place, line in _candidates(data.decode("utf-8", "replace")):
            found = likeness(line)
            if found == STRONG:
                return number + place
            if found == WEAK and weak is None:
                weak = number + place
        number += data.count(b"\n")
        offset += len(data)
    return weak


def _candidates(text: str) -> list[tuple[int, str]]:
    """The lines, with their numbers, that hold one of the words."""
    lower = text.lower()
    if not any(word in lower for word in _WORDS):
        return []
    return [(number, line) for number, line in enumerate(plain(text).split("\n")) if line]
