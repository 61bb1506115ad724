"""A search for names or contents in a whole filesystem: what was asked, and what has been found so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from engine.api.file_messages import FoundLine, FoundName, FoundNames, SearchProgress
from engine.explain import printable
from engine.progress.width import cells, cut
from tui.format import Glyphs, change_role, size_text
from tui.model.inspected import FilesView
from tui.model.search_pattern import SearchPattern, search_pattern
from tui.model.spans import Row, Span

Mode = Literal["names", "contents"]
_GLOB = re.compile(r"[\w\-./* ?@+~,=]*[*?][\w\-./* ?@+~,=]*")
_PLAIN = re.compile(r"[^\\^$|()\[\]{}*?]*")
_BEFORE_MATCH = 20  # cells of a line that stay before its first match


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen: a path, and a line of it, from 1."""

    path: str
    line: int | None = None


class NamePattern(msgspec.Struct, frozen=True, kw_only=True):
    """As the engine's search for names takes it."""

    pattern: str
    is_regex: bool
    ignore_case: bool


def name_pattern(typed: str) -> NamePattern:
    """Plain text, `*.js`, `src/*/main.?s`, or a regular expression. Capitals make case count."""
    ignore_case = typed == typed.lower()
    if _PLAIN.fullmatch(typed):
        return NamePattern(pattern=typed, is_regex=False, ignore_case=ignore_case)
    if _GLOB.fullmatch(typed) and ".*" not in typed and ".?" not in typed:
        has_folders = "/" in typed
        some, one = ("[^/]*", "[^/]") if has_folders else (".*", ".")
        text = "".join(some if it == "*" else one if it == "?" else re.escape(it) for it in typed.lstrip("/"))
        start = "^" if not has_folders or typed.startswith("/") else "(^|/)"
        return NamePattern(pattern=f"{start}{text}$", is_regex=True, ignore_case=ignore_case)
    found = search_pattern(typed)
    is_regex = found.expression is not None
    return NamePattern(pattern=typed, is_regex=is_regex, ignore_case=found.ignores_case)


class FileSearch:
    """One search. `view`: the files that are searched. It is kept while the dialog is closed."""

    def __init__(self) -> None:
        self.mode: Mode = "names"
        self.typed = ""
        self.changed_only = False
        self.view: FilesView | None = None
        self.cursor = 0
        self.problem = ""
        self._names: list[FoundName | None] = []
        self._lines: list[FoundLine] = []
        self._asked: tuple[object, ...] | None = None  # for contents
        self._pattern: SearchPattern | None = None
        self.progress: SearchProgress | None = None
        self.is_asking = False

    def __len__(self) -> int:
        return len(self._names if self.mode == "names" else self._lines)

    @property
    def question(self) -> tuple[object, ...]:
        """What is to be searched as it is now; two searches with the same one find the same."""
        return (self.mode, self.typed, self.changed_only, self.view)

    @property
    def is_answered(self) -> bool:
        """Whether what is found, or being found, is that of the present question."""
        return self._asked == self.question

    def begin(self) -> None:
        """The present question is asked: nothing is found yet."""
        self._asked = self.question
        self._pattern = search_pattern(self.typed) if self.mode == "contents" else None
        self._names, self._lines = [], []
        self.progress, self.problem, self.cursor = None, "", 0
        self.is_asking = bool(self.typed)

    def put_names(self, question: tuple[object, ...], found: FoundNames) -> None:
        """A page of names; of another question it is dropped."""
        if question != self._asked:
            return
        self.is_asking = False
        if len(self._names) != found.total:
            self._names = (self._names + [None] * found.total)[: found.total]
        self._names[found.offset : found.offset + len(found.found)] = found.found

    def put_lines(self, question: tuple[object, ...], found: Sequence[FoundLine | SearchProgress]) -> None:
        """Lines as they are found."""
        if question != self._asked:
            return
        for one in found:
            if isinstance(one, SearchProgress):
                self.progress = one
                self.is_asking = not one.done
            else:
                self._lines.append(one)

    def refuse(self, question: tuple[object, ...], problem: str) -> None:
        """It can't be done."""
        if question == self._asked:
            self.is_asking, self.problem = False, problem

    @property
    def missing(self) -> int | None:
        """Where the first page of names that is not there begins, near the cursor."""
        if self.mode != "names":
            return None
        near = range(max(0, self.cursor - 50), min(len(self._names), self.cursor + 100))
        return next((index for index in near if self._names[index] is None), None)

    def hit(self, index: int) -> Hit | None:
        """What a row leads to."""
        if not 0 <= index < len(self):
            return None
        if self.mode == "contents":
            line = self._lines[index]
            return Hit(path=line.path, line=line.number)
        name = self._names[index]
        return None if name is None else Hit(path=name.path)

    @property
    def words(self) -> str:
        """How far it is, and what it has found; what to do when nothing was asked."""
        if self.problem:
            return self.problem
        if not self.typed:
            kind = "names, like `main` or `*.js`" if self.mode == "names" else "text in files"
            return f"type what to search: {kind}"
        if not self.is_answered:
            return "Enter searches the contents of all files" if self.mode == "contents" else "searching"
        if self.mode == "names":
            return "searching" if self.is_asking else _counted(len(self._names), "name")
        found = _counted(len(self._lines), "line")
        note = f"; {self._pattern.note}" if self._pattern is not None and self._pattern.note else ""
        progress = self.progress
        if progress is None:
            return f"searching{note}"
        if not progress.done:
            files = f"{progress.files:,} of {progress.files_in_all:,} files"
            return f"{found}; searched {files}, {size_text(progress.bytes)}{note}"
        cut_short = ", there are more" if progress.is_cut else ""
        skipped = f"; {progress.skipped:,} binary or too large" if progress.skipped else ""
        return f"{found}{cut_short} in {progress.files:,} files{skipped}{note}"

    def row(self, index: int, width: int, glyphs: Glyphs, *, is_current: bool) -> Row:
        """A row of what was found."""
        mark = Span(("▸ " if glyphs.is_unicode else "> ") if is_current else "  ", "edge-active")
        if self.mode == "contents":
            return (mark, *self._line_row(self._lines[index], width - 2))
        found = self._names[index]
        if found is None:
            return (mark, Span(glyphs.ellipsis, "dim-text"))
        folder, slash, name = found.path.rpartition("/")
        tail = "/" if found.kind == "directory" else f"  {size_text(found.bytes)}" if found.bytes else ""
        word = f"  {found.change}" if found.change else ""
        return (
            mark,
            Span(printable(folder + slash), "dim-text"),
            Span(printable(name), bold=True),
            Span(tail, "dim-text"),
            Span(word, change_role(found.change)),
        )

    def _line_row(self, found: FoundLine, width: int) -> Row:
        place = f"{printable(found.path)}:{found.number}: "
        room = max(20, width // 2)
        if cells(place) > room:
            place = "…" + place[-room + 1 :]
        text = printable(found.text.expandtabs(4))
        spans = [] if self._pattern is None else self._pattern.spans(text)
        skipped = max(0, spans[0][0] - _BEFORE_MATCH) if spans and cells(text) + cells(place) > width else 0
        stripped = len(text) - len(text.lstrip())
        skipped = max(skipped, min(stripped, spans[0][0] if spans else stripped))
        row = [Span(place + ("…" if skipped > stripped else ""), "dim-text")]
        at = skipped
        for start, end in spans:
            row += [Span(text[at:start]), Span(text[start:end], "match")]
            at = end
        row.append(Span(cut(text[at:], width, "…")))
        return tuple(row)


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}" if count else f"no {word} matches"
