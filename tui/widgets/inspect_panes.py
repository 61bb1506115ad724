"""The panes of the Inspect screen: layers with facts about one of them, files, one file; what of it shows."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.events import Resize
from textual.geometry import Size
from textual.widget import Widget

from tui.format import Glyphs
from tui.model.inspect_layout import LOW, NARROW, PANE_WORDS, PANES, WIDE, Pane, pane_after, panes
from tui.model.spans import Span
from tui.widgets.fact_view import FactView
from tui.widgets.file_preview import FilePreview
from tui.widgets.file_tree import FileTree
from tui.widgets.layer_list import LayerList
from tui.widgets.row_line import RowLine


class InspectPanes(Container):
    """Keeps zoom and focus through every change of size."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self._glyphs = glyphs
        self.layer_list = LayerList(glyphs)
        self.facts = FactView(glyphs, id="layer-facts")
        self.heading = RowLine(ellipsis=glyphs.ellipsis, id="files-heading")
        self.legend = RowLine(ellipsis=glyphs.ellipsis, id="files-legend")
        self.file_tree = FileTree(glyphs)
        self.preview = FilePreview(glyphs)
        self.zoomed: Pane | None = None
        self.at: Pane = "files"
        self._tabs = RowLine(id="inspect-tabs")
        self._sides: dict[Pane, Vertical] = {}
        self._expected = Size(0, 0)

    def compose(self) -> ComposeResult:
        yield self._tabs
        with Vertical(id="layers-side") as self._sides["layers"]:
            yield self.layer_list
            yield self.facts
        with Vertical(id="files-side") as self._sides["files"]:
            yield self.heading
            yield self.legend
            yield self.file_tree
        with Vertical(id="preview-side") as self._sides["preview"]:
            yield self.preview

    def expect(self, size: Size) -> None:
        """Arrange the panes for the size that the first layout will give them."""
        self._expected = size
        self._arrange()

    def on_resize(self, event: Resize) -> None:
        if event.size:
            self._arrange()

    def on_descendant_focus(self) -> None:
        for pane, side in self._sides.items():
            if side.has_focus_within and pane != self.at:
                self.at = pane
                self._arrange()

    def on_row_line_pressed(self, event: RowLine.Pressed) -> None:
        event.stop()
        for pane in PANES:
            if event.task == pane:
                self.go_to(pane)

    @property
    def is_narrow(self) -> bool:
        return self._room.width < NARROW

    @property
    def is_alone(self) -> bool:
        """Whether one pane has all the room."""
        return len(self.shown) == 1

    @property
    def shown(self) -> frozenset[Pane]:
        return panes(self.at, self.zoomed, width=self._room.width, height=self._room.height)

    def go_to(self, pane: Pane) -> None:
        """Work in this pane: it is shown, and has the focus."""
        self.at = pane
        if self.zoomed is not None:
            self.zoomed = pane
        self._arrange()
        self.screen.set_focus(self._main(pane))  # at once: what is typed next belongs to it

    def go_on(self, step: int) -> None:
        """To the next pane, or with -1 to the one before."""
        self.go_to(pane_after(self.at, step))

    def zoom(self) -> None:
        """Give the pane the whole screen, or take it back."""
        self.zoomed = None if self.zoomed else self.at
        self._arrange()

    def focus_first(self) -> None:
        """Put the focus where one works."""
        self.screen.set_focus(self._main(self.at))

    def _main(self, pane: Pane) -> Widget:
        if pane == "preview":
            return self.preview.body
        return self.layer_list if pane == "layers" else self.file_tree

    @property
    def _room(self) -> Size:
        return self.size or self._expected

    def _arrange(self) -> None:
        if not self._sides:
            return
        focused = self.screen.focused
        shown = self.shown
        for pane, side in self._sides.items():
            side.display = pane in shown
            side.border_title = "" if len(shown) < len(PANES) else PANE_WORDS[pane].lower()
        is_low = self._room.height < LOW
        self.facts.display = not is_low
        self.legend.display = not is_low
        self.set_class(self.is_narrow, "-narrow")
        self.set_class(self._room.width >= WIDE, "-wide")
        self._tabs.display = len(shown) < len(PANES)
        self._draw_tabs()
        if (
            focused is not None
            and focused in self.walk_children()
            and not self._sides[self.at].has_focus_within
        ):
            self.screen.set_focus(self._main(self.at))

    def _draw_tabs(self) -> None:
        row: list[Span] = []
        for pane in PANES:
            if row:
                row.append(Span(f" {self._glyphs.bar} ", "edge"))
            is_open = pane == self.at
            name = PANE_WORDS[pane]
            text = f"[{name}]" if is_open and not self._glyphs.is_unicode else name
            row.append(Span(text, "edge-active" if is_open else "dim-text", bold=is_open, task=pane))
        self._tabs.show(tuple(row))
