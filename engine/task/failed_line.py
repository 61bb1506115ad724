r"""Where a script failed: noted by its shell at its end, else read from what it said last.

Bash notes the command and where it stands, when it ends because of one (a trap on ERR) or with a bad status
(a trap on EXIT); busybox's ash the line. A script that sets such a trap itself takes ours away, and nothing
else of what it does changes: functions and subshells do not inherit them, they write to a file that only the
engine reads, and say nothing, also with `set -x`. Other shells and languages name the line in their message.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice

import msgspec

from engine.model.errors import UserError
from engine.model.script_failure import ScriptFailure
from engine.task import hostile_files

NAME = "failed-at"  # of the file, in the run folder
_SCRIPT = "/run/outcrop/script"
_FILE = f"/run/outcrop/{NAME}"

_FRAMES = r'${FUNCNAME[@]+"${FUNCNAME[@]}"} "" "${BASH_LINENO[@]}" "" "${BASH_SOURCE[@]}"'
_ON_ERROR = (
    rf'{{ case $- in *e*) builtin printf "%s\0" error "$?" "$LINENO" "$BASH_COMMAND" {_FRAMES} "" end'
    rf" >|{_FILE} || :; esac; }} 2>/dev/null"
)
_ON_EXIT = (
    rf'{{ case $? in 0) ;; *) builtin printf "%s\0" exit "$?" "" "$BASH_COMMAND" {_FRAMES} "" end'
    rf" >>{_FILE} || :; esac; }} 2>/dev/null"
)
_ON_EXIT_OF_ASH = (
    rf'{{ case $? in 0) ;; *) printf "%s\0" ash "$?" "$LINENO" end >|{_FILE} || :; esac; }} 2>/dev/null'
)
_PRELUDE = f"""\
if [ -n "${{BASH_VERSION-}}" ]; then
case $- in *r*) ;; *) trap '{_ON_ERROR}' ERR; trap '{_ON_EXIT}' EXIT ;; esac
elif [ -z "${{KSH_VERSION-}}${{ZSH_VERSION-}}" ] && [ -n "${{LINENO-}}" ]; then
trap '{_ON_EXIT_OF_ASH}' EXIT
fi
"""
_TELLING = frozenset(("sh", "ash", "bash", "busybox"))  # shells; what else is called `sh` is found out there
_KNOWN_BY = frozenset(("BASH_VERSION", "KSH_VERSION", "ZSH_VERSION", "LINENO"))

_LEADS_ASIDE = re.compile(
    r"(?:^|[;&|(]|\s)(?:\.|source)\s|(?<!\|)\|(?!\|)|(?:^|[;&|]|do|then)\s*\(", re.MULTILINE
)
_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")
_SHELL_SAYS = re.compile(re.escape(_SCRIPT) + r": (?:[^\s:]+ )?(\d{1,7}): ")
_MENTION = re.compile(re.escape(_SCRIPT) + r'(?:", line |:| line )(\d{1,7})\b')
_MOST_NOTES, _MOST_WORDS = 16, 4_000
_LAST_WORDS = 40  # lines of a log in which a language names the line
_LOG_BYTES = 1 << 14
_LONGEST = 200  # characters of a command that are kept
_MOST_LINES = 50  # that one command goes over


def prelude(shell: tuple[str, ...], variables: Mapping[str, str]) -> str:
    """What a shell does before the script, so that it notes where that fails; "" for one that can't."""
    is_able = os.path.basename(shell[0]) in _TELLING and not _KNOWN_BY & variables.keys()
    return _PRELUDE if is_able else ""


def noted(folder: str) -> bytes:
    """What the shell has noted in the run folder; nothing of what is not as it was made."""
    try:
        return hostile_files.read(folder, NAME, NAME, hostile_files.MEBIBYTE)
    except UserError:
        return b""


def log_end(path: str) -> bytes:
    """The last bytes of a log."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LOG_BYTES))
            return file.read(_LOG_BYTES)
    except OSError:
        return b""


def find(
    script: str, shell: tuple[str, ...], exit_code: int, note: bytes, said: bytes
) -> ScriptFailure | None:
    """Where the script ended with this status; None when it can't be told.

    `note`: see `noted`; the script may have written there as well. `said`: the end of its log.
    """
    lines = script.split("\n")
    found = _from_notes(lines, exit_code, note)
    if found is not None and found.is_exact:
        return found.failure
    line = _from_log(shell, said)
    if line is not None and 1 <= line <= len(lines):
        start, command = _statement(lines, line)
        return ScriptFailure(line=start, command=command)
    return None if found is None else found.failure


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """`is_exact`: the shell named the line, or a command that is no mistake of its own; else it is a guess
    from the command that ran last, and a message of the shell says more."""

    failure: ScriptFailure
    is_exact: bool


class _Note(msgspec.Struct, frozen=True, kw_only=True):
    """What bash noted. Frames are innermost first: `called_at[i]` is the line in `sources[i + 1]`."""

    kind: str
    status: int
    line: int | None
    command: str
    functions: tuple[str, ...]
    called_at: tuple[int, ...]
    sources: tuple[str, ...]


def _from_notes(lines: list[str], exit_code: int, note: bytes) -> _Found | None:
    words = note.decode("utf-8", "replace").split("\0")
    if words[:1] == ["ash"]:
        by_ash = _from_ash(lines, exit_code, words)
        return None if by_ash is None else _Found(failure=by_ash, is_exact=False)
    read = islice(_notes(words[:_MOST_WORDS]), _MOST_NOTES)
    notes = {found.kind: found for found in read if found.status == exit_code}
    error, end = notes.get("error"), notes.get("exit")
    if error is not None and (end is None or end.command == error.command or not _is_exit(end.command)):
        at_error = _of_error(lines, error)
        return None if at_error is None else _Found(failure=at_error, is_exact=True)
    at_end = None if end is None else _of_exit(lines, end)
    return None if end is None or at_end is None else _Found(failure=at_end, is_exact=_is_exit(end.command))


def _from_ash(lines: list[str], exit_code: int, words: list[str]) -> ScriptFailure | None:
    """The line is that of the last command that the shell did not leave to another process, perhaps in a file
    that it read in: it counts only in a script without pipes, subshells and such files."""
    text = "\n".join(lines)
    if words[1:2] != [str(exit_code)] or words[3:4] != ["end"] or _LEADS_ASIDE.search(text):
        return None
    line = _number(words[2])
    if line is None or not 1 <= line <= len(lines):
        return None
    start, command = _statement(lines, line)
    return ScriptFailure(line=start, command=command)


def _notes(words: list[str]) -> Iterator[_Note]:
    while len(words) > 4 and words[0] in ("error", "exit") and "end" in words:
        try:
            after_functions = words.index("", 4)
            after_lines = words.index("", after_functions + 1)
            end = words.index("end", after_lines + 1)
        except ValueError:
            return
        called_at = tuple(_number(word) or 0 for word in words[after_functions + 1 : after_lines])
        sources = tuple(words[after_lines + 1 : end - 1])
        if len(called_at) == len(sources):
            yield _Note(
                kind=words[0],
                status=_number(words[1]) or 0,
                line=_number(words[2]),
                command=words[3],
                functions=tuple(words[4:after_functions]),
                called_at=called_at,
                sources=sources,
            )
        words = words[end + 1 :]


def _of_error(lines: list[str], note: _Note) -> ScriptFailure | None:
    depth = _script_frame(note)
    if depth is None:
        return None
    line = note.line if depth == 0 else note.called_at[depth - 1]
    if line is None or not 1 <= line <= len(lines):
        return None
    if depth:
        return ScriptFailure(
            line=line, command=_short(note.command), file=note.sources[0], file_line=note.line
        )
    start, command = _statement(lines, line, note.command)
    return ScriptFailure(line=start, command=command)


def _of_exit(lines: list[str], note: _Note) -> ScriptFailure | None:
    """Only the command is known, and the lines of the calls that led to it."""
    depth = _script_frame(note)
    command = _short(note.command)
    if depth is None or not command:
        return None
    if depth:
        line = note.called_at[depth - 1]
        is_there = 1 <= line <= len(lines)
        return ScriptFailure(line=line, command=command, file=note.sources[0]) if is_there else None
    function = note.functions[0] if len(note.functions) > 1 else ""
    first, last = _body(lines, function) if function else (1, len(lines))
    places = [number for number in range(first, last + 1) if _holds(lines[number - 1], note.command)]
    if len(places) == 1:
        start, statement = _statement(lines, places[0])
        return ScriptFailure(line=start, command=statement)
    if function and 1 <= note.called_at[0] <= len(lines):
        return ScriptFailure(line=note.called_at[0], command=command)
    return ScriptFailure(line=None, command=command)


def _script_frame(note: _Note) -> int | None:
    """How many frames inside of the script's own the command was: of files that it read in."""
    for depth, source in enumerate(note.sources):
        if source == _SCRIPT:
            return depth
    return None


def _body(lines: list[str], function: str) -> tuple[int, int]:
    """The first and last line of a function as it is usually written; all lines where it isn't found."""
    begin = re.compile(rf"(\s*)(?:function\s+{re.escape(function)}\b|{re.escape(function)}\s*\(\s*\))")
    for number, line in enumerate(lines, 1):
        match = begin.match(line)
        if match:
            end = re.compile(rf"{match[1]}[}})]")
            last = next(
                (later for later in range(number + 1, len(lines) + 1) if end.match(lines[later - 1])), 0
            )
            return number, last or number
    return 1, len(lines)


def _statement(lines: list[str], line: int, command: str = "") -> tuple[int, str]:
    """(line on which the statement begins, its text on one line) for one that ends, or stands, on `line`.

    `command`: as bash prints it, which counts a command of several lines by its last one.
    """
    first = line
    if command and not _holds(lines[line - 1], command):
        above = range(line - 1, max(0, line - _MOST_LINES), -1)
        begin = _begin(command)
        found = next((number for number in above if lines[number - 1].lstrip().startswith(begin)), None)
        if found is not None:
            return found, _short(command)
    while first > 1 and line - first < _MOST_LINES and _goes_on(lines[first - 2]):
        first -= 1
    last = line
    while last < len(lines) and last - first < _MOST_LINES and lines[last - 1].endswith("\\"):
        last += 1
    return first, _short(" ".join(text.rstrip().removesuffix("\\") for text in lines[first - 1 : last]))


def _begin(command: str) -> str:
    """What a line begins with on which this command does."""
    word = (command.split(maxsplit=1) or [command])[0]
    return word[: word.index("(") + 1] if "(" in word else word


def _goes_on(line: str) -> bool:
    """Whether a command goes on on the next line."""
    text = line.rstrip()
    return line.endswith("\\") or (
        text.endswith("|") and not text.endswith("||") and not text.startswith("#")
    )


def _holds(line: str, command: str) -> bool:
    """Whether a command, as bash prints it, stands in a line; spaces do not count."""
    wanted = " ".join(command.split("\n", 1)[0].split())
    text = " ".join(line.split())
    if wanted.replace(" ", "") == text.replace(" ", ""):
        return True
    at = text.find(wanted) if wanted and not text.startswith("#") else -1
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(wanted) : at + len(wanted) + 1]
        if not (before.isalnum() or before in tuple("_-./$")) and not (
            after.isalnum() or after in tuple("_-./")
        ):
            return True
        at = text.find(wanted, at + 1)
    return False


def _is_exit(command: str) -> bool:
    return command.split(" ", 1)[0] == "exit"


def _from_log(shell: tuple[str, ...], end: bytes) -> int | None:
    """The line that the last words name; a shell's count only where they are the very last."""
    said = _ESCAPES.sub(b"", end).decode("utf-8", "replace").rstrip().split("\n")[-_LAST_WORDS:]
    match = _SHELL_SAYS.match(said[-1])
    if match:
        return int(match[1])
    if os.path.basename(shell[0]) in (*_TELLING, "dash", "ksh", "mksh", "zsh"):
        return None
    numbers = [int(found[1]) for text in said for found in _MENTION.finditer(text)]
    return numbers[-1] if numbers else None


def _number(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 8 else None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
