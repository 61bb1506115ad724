"""Sections of facts in a scrolling view, with a cursor on one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.bindings import bindings_for
from tui.format import Glyphs
from tui.model.facts import Fact, FactLine, Section, all_facts, lay_out
from tui.model.spans import Span, row_text
from tui.widgets.row_painter import RowPainter
from tui.widgets.task_messages import FileOpened, TaskSelected

_GUTTER = 2


class FactView(ScrollView, can_focus=True):
    """Draws facts by lines. The cursor stays on its number when the facts change."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("facts", "move")]
    DEFAULT_CSS = (
        "FactView { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }"
    )

    class LinkOpened(Message):
        """An address in the facts is to be opened."""

        def __init__(self, address: str) -> None:
            super().__init__()
            self.address = address

    class FilterWanted(Message):
        """The facts are to be narrowed down."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._painter = RowPainter(self)
        self._sections: tuple[Section, ...] = ()
        self._facts: list[Fact] = []
        self._lines: list[FactLine] = []
        self._laid_out_for = -1
        self._ground = Style()
        self.cursor = 0

    def show(self, sections: Sequence[Section], *, from_top: bool = False) -> None:
        """Draw these; `from_top`: they are about something else than those before."""
        sections = tuple(sections)
        if sections == self._sections and not from_top:
            return
        self._sections = sections
        self._facts = all_facts(sections)
        self.cursor = 0 if from_top else max(0, min(self.cursor, len(self._facts) - 1))
        self._lay_out()
        if from_top:
            self.scroll_to(0, 0, animate=False)

    @property
    def current(self) -> Fact | None:
        """The fact under the cursor."""
        return self._facts[self.cursor] if self.cursor < len(self._facts) else None

    @property
    def text(self) -> str:
        """All lines, as they stand."""
        return "\n".join(row_text(line.row) for line in self._lines)

    def render_lines(self, crop: Region) -> list[Strip]:
        self._ground = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        number = y + self.scroll_offset.y
        width = self.size.width
        if number >= len(self._lines):
            return Strip.blank(width, self._ground)
        line = self._lines[number]
        is_current = self.has_focus and line.fact == self.cursor and self._is_first(number)
        mark = ("▸ " if self._glyphs.is_unicode else "> ") if is_current else " " * _GUTTER
        strip = self._painter.strip((Span(mark, "edge-active"), *line.row), width, self._ground)
        return self._selected(strip, number).apply_offsets(0, number)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        text = "\n".join(" " * _GUTTER + row_text(line.row) for line in self._lines)
        return selection.extract(text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def on_resize(self) -> None:
        if self._laid_out_for != self.scrollable_content_region.width:
            self._lay_out()
            if self.has_focus:
                self._move_to(self.cursor)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        number = event.y + self.scroll_offset.y
        if number < len(self._lines) and self._lines[number].fact >= 0:
            self._move_to(self._lines[number].fact)
        self._follow(event.style.meta.get("address", ""), event.style.meta.get("task", ""))
        if event.chain == 2:
            self._open_file()

    def action_open(self) -> None:
        """Go to the task, the address or the file under the cursor."""
        if self.current is not None:
            self._follow(self.current.link, self.current.task)
            self._open_file()

    def action_filter_facts(self) -> None:
        self.post_message(self.FilterWanted())

    def action_move_up(self) -> None:
        self._move_to(self.cursor - 1)

    def action_move_down(self) -> None:
        self._move_to(self.cursor + 1)

    def action_page_up(self) -> None:
        self._move_by_lines(-self.size.height + 1)

    def action_page_down(self) -> None:
        self._move_by_lines(self.size.height - 1)

    def action_top(self) -> None:
        self._move_to(0)
        self.scroll_to(y=0, animate=False)

    def action_bottom(self) -> None:
        self._move_to(len(self._facts) - 1)

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        self._laid_out_for = width
        self._lines = lay_out(self._sections, width - _GUTTER, self._glyphs) if width > _GUTTER else []
        self.virtual_size = Size(width, len(self._lines))
        self.refresh()

    def _is_first(self, number: int) -> bool:
        return number == 0 or self._lines[number - 1].fact != self._lines[number].fact

    def _selected(self, strip: Strip, number: int) -> Strip:
        """The strip with what the mouse has marked."""
        selection = self.text_selection
        span = selection.get_span(number) if selection is not None else None
        if span is None:
            return strip
        start, end = span
        end = strip.cell_length if end == -1 else end
        style = self.screen.get_component_rich_style("screen--selection")
        before, marked, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end)
        return Strip.join([before, marked.apply_style(style), after])

    def _follow(self, address: str, task: str) -> None:
        if address:
            self.post_message(self.LinkOpened(address))
        elif task:
            self.post_message(TaskSelected(task))

    def _open_file(self) -> None:
        if self.current is not None and self.current.opens is not None:
            self.post_message(FileOpened(self.current.opens))

    def _move_by_lines(self, lines: int) -> None:
        places = [number for number, line in enumerate(self._lines) if line.fact == self.cursor]
        if not places:
            return
        step = 1 if lines > 0 else -1
        number = max(0, min(len(self._lines) - 1, places[0] + lines))
        while 0 <= number < len(self._lines) and self._lines[number].fact < 0:
            number += step
        if 0 <= number < len(self._lines):
            self._move_to(self._lines[number].fact)
        else:
            self._move_to(0 if lines < 0 else len(self._facts) - 1)

    def _reveal(self, first: int, last: int) -> None:
        """Scroll as little as shows these lines; of what is higher than the view, the beginning."""
        top = max(self.scroll_offset.y, last - self.size.height + 1)
        self.scroll_to(y=min(top, first), animate=False, force=True)

    def _move_to(self, fact: int) -> None:
        if not self._facts:
            return
        self.cursor = max(0, min(fact, len(self._facts) - 1))
        places = [number for number, line in enumerate(self._lines) if line.fact == self.cursor]
        if places:
            self._reveal(0 if self.cursor == 0 else places[0], places[-1])
        self.refresh()
