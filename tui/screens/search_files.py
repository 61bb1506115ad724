"""The dialog that searches names and contents of a whole filesystem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input

from engine.api.file_messages import FoundNames
from engine.api.files_client import Found
from engine.api.messages import Refusal
from tui.format import Glyphs
from tui.model.file_search import FileSearch, Hit, name_pattern
from tui.model.search_pattern import search_pattern
from tui.model.spans import Row, Span
from tui.widgets.choice_list import ChoiceList
from tui.widgets.dialog_box import DialogBox
from tui.widgets.row_line import RowLine


class SearchSource(Protocol):
    """What searches; `then` and `refused` are called later, in the thread of the interface."""

    def names(
        self,
        state: str,
        pattern: str,
        then: Callable[[FoundNames], None],
        refused: Callable[[Refusal], None],
        *,
        before: str | None = None,
        is_regex: bool = False,
        ignore_case: bool = True,
        offset: int = 0,
    ) -> None:
        """Paths whose names match; only the newest question is answered."""

    def contents(
        self,
        state: str,
        pattern: str,
        then: Callable[[Sequence[Found]], None],
        refused: Callable[[Refusal], None],
        *,
        before: str | None = None,
        is_regex: bool = False,
        ignore_case: bool = True,
        changed_only: bool = False,
    ) -> Callable[[], None]:
        """Lines that match, in batches; gives a way to stop."""


class SearchFilesScreen(ModalScreen[Hit | None]):
    """The result is what was chosen. `search` is kept by whoever opened it, and shown again as it was."""

    DEFAULT_CSS = """
    SearchFilesScreen { align: center middle; }
    SearchFilesScreen > DialogBox { width: 120; height: 90%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", priority=True),
        Binding("tab", "mode", "names or contents", priority=True),
        Binding("ctrl+l", "changed_only", "changed only", priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-12)", show=False, priority=True),
        Binding("pagedown", "move(12)", show=False, priority=True),
    ]

    def __init__(self, search: FileSearch, source: SearchSource, where: str, glyphs: Glyphs) -> None:
        super().__init__()
        self._search = search
        self._source = source
        self._where = where
        self._glyphs = glyphs
        self._stop: Callable[[], None] | None = None
        self._modes = RowLine(ellipsis=glyphs.ellipsis, id="search-modes")
        self._list = ChoiceList(glyphs, self._row, id="found")

    def compose(self) -> ComposeResult:
        with DialogBox("Search", "Tab names or contents - Enter opens - Esc leaves"):
            yield self._modes
            yield Input(self._search.typed, compact=True)
            yield self._list

    def on_mount(self) -> None:
        field = self.query_one(Input)
        field.focus()
        field.cursor_position = len(field.value)
        if not self._search.is_answered and self._search.mode == "names":
            self._ask()
        elif self._search.mode == "contents" and self._search.is_asking:
            self._ask()  # it was stopped when the dialog was left
        self._draw()
        self._list.move_to(self._search.cursor)

    def on_unmount(self) -> None:
        self._end()

    # Actions

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_mode(self) -> None:
        self._end()
        self._search.mode = "contents" if self._search.mode == "names" else "names"
        self._search.problem = ""
        if self._search.mode == "names":
            self._ask()
        self._draw()

    def action_changed_only(self) -> None:
        if self._search.mode == "contents":
            self._end()
            self._search.changed_only = not self._search.changed_only
            self._draw()

    def action_move(self, rows: int) -> None:
        self._list.move_to(self._list.cursor + rows)

    # What happens

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value == self._search.typed:
            return
        self._search.typed = event.value
        self._end()
        if self._search.mode == "names":
            self._ask()
        self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._search.mode == "contents" and self._search.typed and not self._search.is_answered:
            self._ask()
            self._draw()
        else:
            self._choose()

    def on_row_list_chosen(self) -> None:
        self._choose()

    def on_row_list_highlighted(self, event: ChoiceList.Highlighted) -> None:
        event.stop()
        self._search.cursor = max(0, event.index)
        missing = self._search.missing
        if missing is not None and not self._search.is_asking:
            self._ask_names(missing)

    def _choose(self) -> None:
        hit = self._search.hit(self._list.cursor) if self._search.is_answered else None
        if hit is not None:
            self.dismiss(hit)

    # How it is done

    def _ask(self) -> None:
        search = self._search
        search.begin()
        if not search.typed or search.view is None:
            return
        if search.mode == "names":
            self._ask_names(0)
            return
        pattern, question = search_pattern(search.typed), search.question

        def came(found: Sequence[Found]) -> None:
            search.put_lines(question, found)
            self._changed()

        self._stop = self._source.contents(
            search.view.state,
            search.typed,
            came,
            lambda refusal: self._refused(question, refusal),
            before=search.view.before,
            is_regex=pattern.expression is not None,
            ignore_case=pattern.ignores_case,
            changed_only=search.changed_only,
        )

    def _ask_names(self, offset: int) -> None:
        search = self._search
        if search.view is None:
            return
        pattern, question = name_pattern(search.typed), search.question
        search.is_asking = True

        def came(found: FoundNames) -> None:
            search.put_names(question, found)
            self._changed()

        self._source.names(
            search.view.state,
            pattern.pattern,
            came,
            lambda refusal: self._refused(question, refusal),
            before=search.view.before,
            is_regex=pattern.is_regex,
            ignore_case=pattern.ignore_case,
            offset=offset,
        )

    def _end(self) -> None:
        if self._stop is not None:
            self._stop()
            self._stop = None

    def _refused(self, question: tuple[object, ...], refusal: Refusal) -> None:
        self._search.refuse(question, refusal.message)
        self._changed()

    def _changed(self) -> None:
        if self.is_attached:
            self._draw()

    # What is shown

    def _draw(self) -> None:
        search = self._search
        row: list[Span] = []
        for mode in ("names", "contents"):
            is_on = mode == search.mode
            text = mode if self._glyphs.is_unicode or not is_on else f"[{mode}]"
            row.append(Span(text, "edge-active" if is_on else "dim-text", bold=is_on))
            row.append(Span(f" {self._glyphs.bar} " if mode == "names" else "", "edge"))
        if search.mode == "contents":
            words = "only what changed" if search.changed_only else "all files"
            row.append(Span(f"   ^l {words}", "dim-text"))
        self._modes.show(tuple(row), (Span(self._where, "dim-text"),))
        count = len(search) if search.is_answered else 0
        self._list.show(
            (Span(search.words, "diag-error" if search.problem else "dim-text"),), count, search.cursor
        )
        self._list.refresh()

    def _row(self, index: int, is_current: bool) -> Row:
        width = self._list.scrollable_content_region.width
        return self._search.row(index, width, self._glyphs, is_current=is_current)
