"""A failure at a glance: where the script failed, what it said last, the files it changed before; pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.api.file_messages import FileChange, FileChanges
from engine.api.messages import TaskDetails
from engine.explain import printable
from engine.layer_files.change_words import ChangeCounts
from engine.progress.log_lines import clean
from engine.progress.sentences import signal_words
from engine.run_state import TaskState
from tui.format import (
    Glyphs,
    change_glyph,
    change_role,
    duration_text,
    role_of,
    size_text,
    state_of,
    task_words,
)
from tui.model.facts import Fact, FilePlace, Section, fact
from tui.model.first_error import NONE, likeness
from tui.model.inspected import task_place
from tui.model.spans import Row, Span
from tui.model.task_facts import message_section

TAIL_BYTES = 1 << 14
MOST_CHANGES = 20
NO_CHANGES = FileChanges(offset=0, changes=())
_OUTPUT_LINES = 14
_AROUND = 3


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of a failed task: the end of its log, and the first of the paths that it changed."""

    run: str
    task: str
    attempt: int
    tail: bytes = b""
    changes: FileChanges | None = None

    @property
    def place(self) -> str:
        """Its files."""
        return task_place(self.run, self.task)


def failure_sections(
    task: TaskState,
    tasks: dict[str, TaskState],
    details: TaskDetails | None,
    script: Sequence[Row],
    failure: Failure | None,
    glyphs: Glyphs,
) -> tuple[Section, ...]:
    """`script`: the rows of the script in `details`; `failure` None while it is not there yet."""
    sections = [
        _headline(task, tasks, details, glyphs),
        message_section(task.messages or (details.messages if details else ()), glyphs),
        _script_section(task, details, script, glyphs),
        _output_section(failure),
        _files_section(failure, details, glyphs),
    ]
    return tuple(section for section in sections if section.facts)


def _headline(
    task: TaskState, tasks: dict[str, TaskState], details: TaskDetails | None, glyphs: Glyphs
) -> Section:
    words = task_words(task, tasks, 0.0)
    if task.seconds and task.cause != "timed_out":
        words += f" after {duration_text(task.seconds)}"
    facts = [Fact("", (Span(f"{glyphs.glyph(state_of(task))} ", role_of("failed")), Span(words, bold=True)))]
    by_signal = signal_words(task.exit_code)
    if by_signal:
        facts.append(Fact("", (Span(by_signal),)))
    place = _failed_place(task)
    if place:
        facts.append(Fact("", (Span(place),)))
    if details is not None and details.starts_from:
        words = "it went on from where a failed attempt and its shells had left off: never cached"
        facts.append(fact("", words, "diag-warning"))
    return Section("", tuple(facts))


def _failed_place(task: TaskState) -> str:
    """`line 3: go test ./...`, and where that stands in the definition."""
    failed = task.failed_at
    if failed is None:
        return ""
    words = "" if failed.line is None else f"line {failed.line} of the script"
    if failed.file:
        words += f"{', ' if words else ''}in {printable(failed.file)}"
        words += f":{failed.file_line}" if failed.file_line else ""
    if not words:
        return printable(failed.command)
    return f"{words}: {printable(failed.command)}" if failed.command else words


def _script_section(
    task: TaskState, details: TaskDetails | None, script: Sequence[Row], glyphs: Glyphs
) -> Section:
    """The lines around the one that failed, that one marked."""
    failed = task.failed_at
    line = None if failed is None else failed.line
    if failed is None or line is None or details is None or not 1 <= line <= len(script):
        return Section("", ())
    first, last = max(1, line - _AROUND), min(len(script), line + _AROUND)
    width = len(str(last))
    facts = []
    for number in range(first, last + 1):
        is_failed = number == line
        mark = glyphs.glyph("failed") if is_failed else " "
        role = role_of("failed") if is_failed else "dim-text"
        row = (Span(f"{mark} {number:>{width}} ", role, bold=is_failed), *script[number - 1])
        facts.append(Fact("", row))
    note = f"of {len(script)} lines" if len(script) > len(facts) else ""
    if failed.definition_line:
        note = f"line {failed.definition_line + line - 1} of the definition"
    return Section("script", tuple(facts), note)


def _output_section(failure: Failure | None) -> Section:
    if failure is None:
        return Section("last output", (fact("", "loading…", "dim-text"),))
    lines = failure.tail.decode("utf-8", "replace").rstrip("\n").split("\n")
    is_cut = len(failure.tail) >= TAIL_BYTES or len(lines) > _OUTPUT_LINES
    shown = [clean(line) for line in lines[-_OUTPUT_LINES:]]
    if not any(line.strip() for line in shown):
        return Section("last output", (fact("", "it said nothing", "dim-text"),))
    facts = tuple(fact("", line, "diag-error" if likeness(line) != NONE else "") for line in shown)
    return Section("last output", facts, f"last {len(facts)} lines of the log" if is_cut else "")


def _files_section(failure: Failure | None, details: TaskDetails | None, glyphs: Glyphs) -> Section:
    changes = None if failure is None else failure.changes
    if failure is None or changes is None:
        counts = None if details is None else details.own_changes
        words = "" if counts is None else counts_text(counts, glyphs) or "none"
        return Section("files it changed before", (fact("", words),) if words else ())
    facts = [_change_fact(change, failure.place, glyphs) for change in changes.changes[:MOST_CHANGES]]
    missing = changes.counts.total - len(facts)
    if missing > 0:
        facts.append(fact("", f"and {missing} more", "dim-text"))
    if not facts:
        facts.append(fact("", "none", "dim-text"))
    return Section("files it changed before", tuple(facts), counts_text(changes.counts, glyphs))


def counts_text(counts: ChangeCounts, glyphs: Glyphs) -> str:
    """`+3 ~1 −2`; empty when nothing has changed."""
    pairs = (
        ("added", counts.added),
        ("changed", counts.changed),
        ("removed", counts.removed),
        ("metadata", counts.metadata),
    )
    return " ".join(
        f"{change_glyph(change, is_unicode=glyphs.is_unicode)}{count}" for change, count in pairs if count
    )


def _change_fact(change: FileChange, place: str, glyphs: Glyphs) -> Fact:
    glyph = change_glyph(change.change, is_unicode=glyphs.is_unicode)
    row = change.after or change.before
    size = "" if row is None or row.kind == "directory" else f"  {size_text(row.bytes)}"
    word = "" if change.change in ("added", "changed") else f"  {change.change}"
    value = (
        Span(f"{glyph} ", change_role(change.change)),
        Span(printable(change.path)),
        Span(size + word, "dim-text"),
    )
    return Fact("", value, copied=change.path, opens=FilePlace(state=place, path=change.path))
