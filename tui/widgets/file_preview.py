"""One file as one wants to see it: its text, what changed in it, its bytes, what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from engine.api.file_messages import FileDetails, FilePage
from engine.explain import printable
from tui.bindings import bindings_for
from tui.format import Glyphs
from tui.model.facts import filtered
from tui.model.file_row_cells import cut_left
from tui.model.preview.content import Content
from tui.model.preview.file_info import change_of, change_span, info_sections, shown_name
from tui.model.preview.preparing import Body, Room, body_of, colours_of
from tui.model.preview.subject import MODES, Mode, Subject, Versions, first_mode, modes_of, versions_of
from tui.model.preview.text_sheet import TextSheet
from tui.model.spans import Row, Span, row_cells
from tui.widgets.fact_view import FactView
from tui.widgets.log_threads import in_thread
from tui.widgets.preview_pane import PreviewPane
from tui.widgets.preview_search import PreviewSearch
from tui.widgets.prompt_line import PromptLine
from tui.widgets.row_line import RowLine

_SECONDS_OF_SILENCE = 0.15  # before one says that a file is being read


class FilePreview(Vertical):
    """`show` says what to look at.

    The keys of the group "preview" work on it wherever the focus is in it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("preview")]
    DEFAULT_CSS = """
    FilePreview { height: 1fr; width: 1fr; }
    FilePreview > .preview-line { padding: 0 1; }
    FilePreview > .preview-body { height: 1fr; }
    """

    class ModeChanged(Message):
        """Another mode is shown."""

        def __init__(self, mode: Mode) -> None:
            super().__init__()
            self.mode = mode

    class Noticed(Message):
        """Something to tell, such as that nothing matches."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.mode: Mode = "info"
        self.modes: tuple[Mode, ...] = ("info",)
        self._wanted: Mode | None = None  # what the user chose last
        self._glyphs = glyphs
        self._shows_all_lines = False
        self._subject = Subject(None, None, None)
        self._versions: Versions | None = None
        self._listing: FilePage | None = None
        self._body = Body()
        self._has_failed = False
        self._words = ""
        self._goes_to: int | None = None
        self._title = RowLine(ellipsis=glyphs.ellipsis, id="preview-title", classes="preview-line")
        self._tabs = RowLine(ellipsis=glyphs.ellipsis, id="preview-tabs", classes="preview-line")
        self._pane = PreviewPane(glyphs, id="preview-pane")
        self._facts = FactView(glyphs, id="preview-facts")
        self._prompt = PromptLine(id="preview-prompt")
        self._search = PreviewSearch(self, self._pane, glyphs, self._draw_tabs, self._say)
        self._filter = ""

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._tabs
        for body in (self._pane, self._facts):
            body.add_class("preview-body")
            yield body
        self._facts.display = False
        yield self._prompt

    def on_mount(self) -> None:
        self._draw()

    def on_unmount(self) -> None:
        self._subject.close()

    # What is shown

    @property
    def body(self) -> Widget:
        """What has the focus when the preview has it."""
        return self._facts if self._facts.display else self._pane

    @property
    def path(self) -> str | None:
        """The path that is looked at."""
        return None if self._subject.details is None else self._subject.details.path

    def show(
        self,
        details: FileDetails | None,
        after: Content | None = None,
        before: Content | None = None,
        *,
        line: int | None = None,
        words: str = "",
    ) -> None:
        """Look at another path; None: at none, and `words` are said instead.

        `after`, `before`: the bytes there, if it is (or was) a file; they are read in threads only, and
        closed by the preview. `line`: to go to, from 1. What is shown already stays as it is.
        """
        subject = Subject(details, after, before)
        if (
            subject.is_same(self._subject)
            and line is None
            and self._versions is not None
            and not self._has_failed
        ):
            subject.close()
            return
        self.workers.cancel_node(self)
        self._pane.hold()
        self._subject.close()
        self._subject = subject
        self._has_failed = False
        self._versions, self._listing = None, None
        self._words = words
        self._goes_to = line
        if after is None and before is None:
            self._found(self._subject, Versions())
            return
        self._draw_title()
        self.set_timer(_SECONDS_OF_SILENCE, partial(self._say_reading, self._subject))
        self._in_thread("look", lambda _: versions_of(self._subject), self._found)

    def listing(self, page: FilePage) -> None:
        """The entries of the directory that is looked at, the biggest first."""
        details = self._subject.details
        if details is not None and page.path == details.path:
            self._listing = page
            if self.mode == "info":
                self._show_facts(from_top=False)

    def open_mode(self, mode: Mode) -> None:
        """Show this mode, if there is one of the present file; the next files too."""
        if mode in self.modes:
            self._wanted = mode
            self._open(mode)

    def next_mode(self) -> None:
        """Show the mode to the right; after the last one the first."""
        self.open_mode(self.modes[(self.modes.index(self.mode) + 1) % len(self.modes)])

    def previous_mode(self) -> None:
        """Show the mode to the left."""
        self.open_mode(self.modes[self.modes.index(self.mode) - 1])

    def close_search(self) -> bool:
        """Search for nothing any more; False if nothing was searched for."""
        if not self._search.typed and not self._filter:
            return False
        self._search.begin("")
        self._filter_facts("")
        return True

    def copied_text(self) -> str | None:
        """The fact under the cursor, when facts have the focus; else None."""
        current = self._facts.current if self._facts.has_focus else None
        return None if current is None else current.text

    def on_row_line_pressed(self, event: RowLine.Pressed) -> None:
        event.stop()
        for mode in MODES:
            if event.task == mode:
                self.open_mode(mode)

    def on_resize(self, event: events.Resize) -> None:
        self._draw_title()
        if self._body.for_room and self._versions is not None:
            self._make(self.mode, keeps_place=True)

    # Searching

    def action_find_in_file(self) -> None:
        self._prompt.ask("file", "search", self._search.typed)

    def action_find_next(self) -> None:
        self._search.step(1)

    def action_find_previous(self) -> None:
        self._search.step(-1)

    def action_wrap_file(self) -> None:
        self._pane.wrap = not self._pane.wrap

    def action_all_lines(self) -> None:
        self._shows_all_lines = not self._shows_all_lines
        if self.mode == "diff":
            self._make("diff")

    def on_fact_view_filter_wanted(self, event: FactView.FilterWanted) -> None:
        event.stop()
        self._prompt.ask("facts", "filter", self._filter)

    def on_prompt_line_typed(self, event: PromptLine.Typed) -> None:
        event.stop()
        self._look_for(event.purpose, event.text)

    def on_prompt_line_closed(self, event: PromptLine.Closed) -> None:
        event.stop()
        self._look_for(event.purpose, event.text if event.is_accepted else "")
        self.body.focus()

    def _look_for(self, purpose: str, text: str) -> None:
        if purpose == "facts":
            self._filter_facts(text)
        else:
            self._search.begin(text)

    def _filter_facts(self, text: str) -> None:
        self._filter = text
        self._facts.show([filtered(section, text) for section in self._body.sections])

    def _say(self, text: str) -> None:
        self.post_message(self.Noticed(text))

    def on_preview_pane_grown(self, event: PreviewPane.Grown) -> None:
        event.stop()
        self._draw_tabs()

    def on_preview_pane_failed(self, event: PreviewPane.Failed) -> None:
        event.stop()
        self._has_failed = True
        self._draw_tabs()

    # Reading

    def _in_thread(
        self,
        group: str,
        work: Callable[[Callable[[], bool]], object],
        then: Callable[[Subject, object], None],
    ) -> None:
        """Read something of the present subject; what comes of it counts only while that is shown."""
        subject = self._subject

        def came(result: object) -> None:
            if subject is self._subject:
                then(subject, result)

        def failed(error: OSError) -> None:
            if subject is self._subject:
                self._unreadable(error)

        in_thread(self, group, work, came, failed)

    def _say_reading(self, subject: Subject) -> None:
        if subject is self._subject and self._versions is None:
            self._show_pane(Body(), "reading…" if self._glyphs.is_unicode else "reading...")

    def _unreadable(self, error: OSError) -> None:
        self._versions = Versions()
        self._has_failed = True
        self.modes = ("file", "info") if self._subject.details is not None else ("info",)
        self.mode = "file" if "file" in self.modes else "info"
        self._show_pane(Body(), f"cannot be read: {printable(error.strerror or str(error))}")

    def _found(self, subject: Subject, versions: object) -> None:
        assert isinstance(versions, Versions)
        self._versions = versions
        self.modes = modes_of(subject, versions)
        self._open(first_mode(subject, self.modes, self._wanted))

    def _open(self, mode: Mode) -> None:
        is_another, self.mode = mode != self.mode, mode
        if mode == "info":
            self._show_facts(from_top=True)
        else:
            self._make(mode)
        self._draw()
        if is_another:
            self.post_message(self.ModeChanged(mode))

    def _make(self, mode: Mode, *, keeps_place: bool = False) -> None:
        """Have a thread make what a mode shows."""
        subject, versions = self._subject, self._versions
        if versions is None:
            return
        has_colours = not self.ancestors_with_self[-1].has_pseudo_class("nocolor")
        width, height = self.size.width, max(1, self.size.height - 2)
        room = Room(width, height, self._glyphs, has_colours, self._shows_all_lines)

        def made(_: Subject, body: object) -> None:
            assert isinstance(body, Body)
            if self.mode == mode:
                self._show_pane(body, body.words, keeps_place=keeps_place)

        self._in_thread("make", lambda cancelled: body_of(subject, versions, mode, room, cancelled), made)

    # Drawing

    def _show_pane(self, body: Body, words: str = "", *, keeps_place: bool = False) -> None:
        self._body = body
        self._filter = ""
        if body.sections:
            self._swap(self._facts)
            self._facts.show(body.sections, from_top=not keeps_place)
            self._pane.show(None)
        else:
            self._swap(self._pane)
            self._pane.show(body.sheet, words, keeps_place=keeps_place)
        self._search.restart()
        self._go_to_line(body)
        self._colour(body)
        self._draw()

    def _go_to_line(self, body: Body) -> None:
        """To the line that was asked for, once: long lines take more than one of the sheet."""
        sheet, line = body.sheet, self._goes_to
        if line is None or not isinstance(sheet, TextSheet):
            return
        self._goes_to = None

        def found(_: Subject, place: object) -> None:
            if self._pane.sheet is sheet and isinstance(place, int):
                self._pane.go_to(place)

        self._in_thread("line", lambda cancelled: sheet.place_of(line - 1, cancelled), found)

    def _colour(self, body: Body) -> None:
        sheet, subject, versions = body.sheet, self._subject, self._versions
        version = None if versions is None else versions.shown
        if isinstance(sheet, TextSheet) and version is not None and not sheet.colours:
            self._in_thread(
                "colour",
                lambda cancelled: colours_of(subject, version, sheet, cancelled),
                lambda *_: self._pane.redraw(),
            )

    def _show_facts(self, *, from_top: bool) -> None:
        details = self._subject.details
        if details is None:
            self._show_pane(Body(), self._words)
            return
        body = Body(sections=info_sections(details, self._glyphs, self._listing))
        self._show_pane(body, keeps_place=not from_top)

    def _swap(self, body: Widget) -> None:
        if body is self.body:
            return
        had_focus = self.has_focus_within
        for widget in (self._pane, self._facts):
            widget.display = widget is body
        if had_focus:
            self.screen.set_focus(body)  # at once: later it might take the focus away from a prompt

    def _draw(self) -> None:
        self._draw_title()
        self._draw_tabs()

    def _draw_tabs(self) -> None:
        row: list[Span] = []
        details = self._subject.details
        for mode in self.modes if details is not None else ():
            if row:
                row.append(Span(f" {self._glyphs.bar} ", "edge"))
            is_open = mode == self.mode
            text = f"[{mode}]" if is_open and not self._glyphs.is_unicode else mode
            row.append(Span(text, "edge-active" if is_open else "dim-text", bold=is_open, task=mode))
        self._tabs.show(tuple(row), self._note())

    def _note(self) -> Row:
        """Beside the tabs: where the search is, else what the file is."""
        if self._search.words:
            return (Span(self._search.words, "edge-active"),)
        versions, sheet, note = self._versions, self._pane.sheet, self._body.note
        version = None if versions is None else versions.shown
        if isinstance(sheet, TextSheet) and version is not None:
            if self._pane.is_waiting:
                return (Span(f"reading {sheet.index.known * 100 // max(1, version.size)}%", "edge-active"),)
            more = "" if self._pane.is_whole else "+"
            note = f"{sheet.lines:,}{more} line{'' if sheet.lines == 1 else 's'}, {note}"
        if note and versions is not None and versions.after is None and self.mode != "info":
            note = f"as it was: {note}"
        return (Span(note, "dim-text"),) if note else ()

    def _draw_title(self) -> None:
        details = self._subject.details
        if details is None:
            self._title.show(())
            return
        change = change_of(details)
        tail: Row = ()
        if change is not None:
            tail = (Span(" "), change_span(change, self._glyphs))
        room = self._title.size.width - row_cells(tail) - 1
        name = cut_left("/" + shown_name(details.path), room, self._glyphs.ellipsis)
        self._title.show((Span(name, bold=True),), tail)
