"""What a shell has noted, and what it said last, is read with care: the script may have written both."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.task import failed_line

_BASH, _PYTHON = ("bash", "-l", "-e"), ("python3",)
_SCRIPT = "/run/outcrop/script"


def _note(kind: str, status: int, line: str, command: str, *sources: str) -> bytes:
    words = (kind, str(status), line, command, "", *("0" for _ in sources), "", *sources, "", "end", "")
    return "\0".join(words).encode()


def test_a_note_counts_only_with_the_status_that_the_script_ended_with() -> None:
    note = _note("error", 1, "2", "false", _SCRIPT)
    found = failed_line.find("true\nfalse", _BASH, 1, note, b"")
    assert found is not None and found.line == 2
    assert failed_line.find("true\nfalse", _BASH, 2, note, b"") is None


def test_an_exit_after_an_error_that_was_survived_is_what_counts() -> None:
    notes = _note("error", 1, "1", "false", _SCRIPT) + _note("exit", 1, "", "exit 1", _SCRIPT)
    found = failed_line.find("false\nexit 1", _BASH, 1, notes, b"")
    assert found is not None and (found.line, found.command) == (2, "exit 1")


def test_lines_that_the_script_does_not_have_are_not_told() -> None:
    for line in ("0", "3", "-1", "99999999", "x", ""):
        assert failed_line.find("a\nb", _BASH, 1, _note("error", 1, line, "b", _SCRIPT), b"") is None
    assert failed_line.find("a\nb", _BASH, 1, b"", f"{_SCRIPT}: line 3: no".encode()) is None
    called = "\0".join(("exit", "1", "", "c", "f", "main", "", "9", "0", "", _SCRIPT, _SCRIPT, "", "end", ""))
    found = failed_line.find("a\nb", _BASH, 1, called.encode(), b"")
    assert found is not None and (found.line, found.command) == (None, "c")


def test_only_the_last_words_of_a_shell_count() -> None:
    said = f"{_SCRIPT}: line 1: nope: command not found\n".encode()
    found = failed_line.find("nope\nfalse", _BASH, 127, b"", said)
    assert found is not None and found.line == 1
    assert failed_line.find("nope\nfalse", _BASH, 1, b"", said + b"more\n") is None


def test_other_languages_name_the_line_innermost_last() -> None:
    said = f'  File "{_SCRIPT}", line 4, in <module>\n  File "{_SCRIPT}", line 2, in f\nValueError\n'.encode()
    found = failed_line.find("def f():\n  raise ValueError\n\nf()", _PYTHON, 1, b"", said)
    assert found is not None and (found.line, found.command) == (2, "raise ValueError")


def test_long_commands_are_cut() -> None:
    found = failed_line.find("x" * 9999, _BASH, 1, _note("error", 1, "1", "x" * 9999, _SCRIPT), b"")
    assert found is not None and len(found.command) == 200


_WORDS = st.lists(
    st.sampled_from(["error", "exit", "ash", "end", "", "1", "2", " ", "f", _SCRIPT, "a | b", "\n"])
)


@given(st.one_of(st.binary(), _WORDS.map(lambda words: "\0".join(words).encode())), st.text(), st.binary())
def test_whatever_was_written_there_does_no_harm(note: bytes, script: str, said: bytes) -> None:
    found = failed_line.find(script, _BASH, 1, note, said)
    assert found is None or found.line is None or 1 <= found.line <= script.count("\n") + 1


def test_a_flood_of_notes_is_read_quickly() -> None:
    flood = _note("error", 3, "1", "false", _SCRIPT) * 20_000
    assert failed_line.find("false", _BASH, 1, flood, b"") is None
