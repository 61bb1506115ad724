"""A failure at a glance: the line, the last output, the files."""

from __future__ import annotations

import msgspec

from engine.api.file_messages import FileChange, FileChanges, FileRow
from engine.layer_files.change_words import ChangeCounts
from engine.model.script_failure import ScriptFailure
from engine.progress.sentences import signal_words
from tests.tui.fakes_runs import details_of, failed_task, some_tasks
from tui.format import Glyphs
from tui.model.facts import Section
from tui.model.failure_facts import Failure, failure_sections
from tui.model.script_spans import plain_rows
from tui.model.spans import row_text

GLYPHS = Glyphs(is_unicode=True)
SCRIPT = "\n".join(f"step {number}" for number in range(1, 21))


def sections(failed_at: ScriptFailure | None = None, failure: Failure | None = None) -> dict[str, Section]:
    task = msgspec.structs.replace(failed_task(), failed_at=failed_at)
    details = msgspec.structs.replace(details_of(), script=SCRIPT)
    found = failure_sections(task, some_tasks(), details, plain_rows(SCRIPT), failure, GLYPHS)
    return {section.title: section for section in found}


def texts(section: Section) -> list[str]:
    return [row_text(fact.value) for fact in section.facts]


def test_the_line_that_failed_is_marked_among_its_neighbours() -> None:
    found = sections(ScriptFailure(line=8, command="make x", definition_line=30))
    assert "line 8 of the script: make x" in texts(found[""])
    lines = texts(found["script"])
    assert lines[3] == "✖  8 step 8"
    assert [line.split()[-1] for line in lines] == [str(number) for number in range(5, 12)]
    assert found["script"].note == "line 37 of the definition"


def test_a_signal_is_called_by_its_name() -> None:
    for exit_code, words in {139: "139 is 128 + 11: a process was ended by SIGSEGV", 3: "", 255: ""}.items():
        assert signal_words(exit_code) == words
        task = msgspec.structs.replace(failed_task(), exit_code=exit_code)
        found = failure_sections(task, some_tasks(), details_of(), (), None, GLYPHS)
        assert texts(found[0])[1:] == list(filter(None, [words]))


def test_a_line_that_the_script_does_not_have_is_not_made_up() -> None:
    assert "script" not in sections(ScriptFailure(line=21))
    assert "script" not in sections(None)


def test_a_file_that_the_script_read_in_is_named() -> None:
    found = sections(ScriptFailure(line=2, command="false", file="lib.sh", file_line=9))
    assert "line 2 of the script, in lib.sh:9: false" in texts(found[""])


def test_the_last_lines_of_the_log_are_shown_without_control_characters() -> None:
    tail = b"".join(b"line %d\n" % number for number in range(40)) + b"\x1b[31merror: no\x1b[0m\x07\n"
    output = sections(failure=Failure(run="r", task="unit-2", attempt=2, tail=tail))["last output"]
    assert texts(output)[-2:] == ["line 39", "error: no"]
    assert len(output.facts) == 14
    assert [fact.value[0].role for fact in output.facts][-2:] == ["", "diag-error"]


def test_silence_and_what_is_still_awaited_are_said() -> None:
    assert texts(sections()["last output"]) == ["loading…"]
    silent = sections(failure=Failure(run="r", task="unit-2", attempt=2))["last output"]
    assert texts(silent) == ["it said nothing"]


def test_hostile_names_are_shown_harmlessly_and_the_rest_is_counted() -> None:
    row = FileRow("x", "file", 0o644, 0, 0, 2048, 1)
    changes = FileChanges(
        offset=0,
        changes=(FileChange("a\x1b[31m\nb", "added", None, row), FileChange("gone", "removed", row, None)),
        counts=ChangeCounts(added=30, removed=1),
    )
    failure = Failure(run="r", task="unit-2", attempt=2, changes=changes)
    files = sections(failure=failure)["files it changed before"]
    assert files.note == "+30 −1"
    first, second, more = texts(files)
    assert "\x1b" not in first
    assert "\n" not in first
    assert (second, more) == ("− gone  2.0K  removed", "and 29 more")
    assert files.facts[0].opens is not None
    assert files.facts[0].opens.path == "a\x1b[31m\nb"
