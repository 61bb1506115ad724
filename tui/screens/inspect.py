"""The Inspect screen: the layers of a place, the files in them, one file; and any two of them compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from engine.api.file_messages import PlaceDetails, WastedPath
from engine.api.messages import Refusal
from engine.explain import printable
from tui.bindings import bindings_for
from tui.bridge import Bridge
from tui.format import Glyphs
from tui.model import inspect_rows
from tui.model.inspected import CHANGES, Inspected, Kind
from tui.model.spans import Row, Span
from tui.screens.exporting import export, export_question
from tui.screens.file_outside import Program, open_outside
from tui.screens.inspect_dialogs import InspectDialogs
from tui.screens.shown_files import ShownFiles
from tui.screens.shown_place import ADDED_UP, ShownPlace
from tui.screens.task_shell import open_shell
from tui.widgets.banner import Banner
from tui.widgets.fact_view import FactView
from tui.widgets.file_preview import FilePreview
from tui.widgets.file_tree import FileTree
from tui.widgets.inspect_panes import InspectPanes
from tui.widgets.layer_list import LayerList
from tui.widgets.prompt_line import PromptLine
from tui.widgets.row_line import RowLine
from tui.widgets.row_list import RowList
from tui.widgets.status_bar import StatusBar

Selector = str | type[Widget]
_OTHER_ROWS = 2  # above and below the panes
_AFTER_THE_PICTURE = 0.5  # seconds
_PATIENCE = 3  # times that, while the picture is not complete
_AT_REST = 0.25
_ORDER_WORDS = {"name": "", "size": "largest first", "change": "most changes first"}
_GONE = "the engine is gone: what is shown stays. S starts it again"


class _Wanted(msgspec.Struct, frozen=True):
    """Where to go once the place is known: a layer, None: its last; compared with what; to which path."""

    position: int | None = None
    before: str | None = None
    path: str | None = None


class InspectScreen(Screen[None]):
    """`clock` gives seconds since the epoch."""

    CSS_PATH = "inspect.tcss"
    AUTO_FOCUS = "FileTree"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("inspect")]

    class Left(Message):
        """Escape, and nothing was left to close."""

    def __init__(self, bridge: Bridge, glyphs: Glyphs, clock: Callable[[], float]) -> None:
        super().__init__()
        self._bridge = bridge
        self._glyphs = glyphs
        self._clock = clock
        self.inspected = Inspected()
        self._wanted = _Wanted()
        self._problem = ""
        self._wants_waste = False
        self._rest: Timer | None = None
        self._dialogs = InspectDialogs(self, bridge.files, glyphs)
        self._place = ShownPlace(bridge, self._came, self._refused, self._facts_came)
        self._head = RowLine(ellipsis=glyphs.ellipsis, id="inspect-head")
        self._notices = RowLine(ellipsis=glyphs.ellipsis, id="inspect-notices")
        self._banner = Banner()
        self.panes = InspectPanes(glyphs, id="inspect-panes")
        self._layer_list, self._file_tree = self.panes.layer_list, self.panes.file_tree
        self._preview = self.panes.preview
        self._files = ShownFiles(bridge.files, self._file_tree, self._preview, self._draw_lines)
        self._prompt = PromptLine()
        self._status = StatusBar(glyphs)
        self._say = self._status.show_notice

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._banner
        yield self._notices
        yield self.panes
        yield self._prompt
        yield self._status

    def on_mount(self) -> None:
        self.panes.expect(self.app.size - Size(0, _OTHER_ROWS))
        self._show_place(is_another=True)

    # What is looked at

    def open(self, state: str, path: str | None = None, *, before: str | None = None) -> None:
        """Look at a place, or a state of it, and there at a path, compared with another state."""
        place, _, position = state.partition("#")
        is_another = place != self.place
        self._wanted = _Wanted(int(position) if position else None, before, path)
        self._place.use(place)
        if is_another:
            self.inspected, self._problem = self.inspected.left(), ""
            self._wants_waste = False
            self._show_place(is_another=True)
        self._place.ask()

    @property
    def place(self) -> str:
        """The text of the place, empty before there is one."""
        return self._place.place

    def again(self) -> None:
        """What is looked at may have changed."""
        self._place.ask()

    def engine_lost(self) -> None:
        """What is there stays."""
        self._banner.say(_GONE)
        self.refresh_bindings()

    def engine_is_back(self) -> None:
        """Ask again for what was not answered."""
        self._banner.say("")
        self._place.ask()
        self._show_files()

    def _came(self, details: PlaceDetails) -> None:
        was, wanted = self.inspected, self._wanted
        self._wanted, self._problem = _Wanted(), ""
        if was.details is not None and inspect_rows.is_same_but_for_counts(was.details, details):
            details = was.details
        inspected = was.at_place(details)
        if wanted.position is not None or wanted.before is not None:
            inspected = inspected.at_state(wanted.position, wanted.before)
        self.inspected = inspected
        if details != was.details:
            self._place.no_waste = ADDED_UP
            self.set_timer(_AFTER_THE_PICTURE, self._ask_for_figures)
        if details != was.details or inspected.view != was.view:
            self._show_place(is_another=was.details is None)
        if wanted.path is not None:
            self.go_to(wanted.path)
        elif was.details is None:
            self._files.go_to_first_change(details.workspace)

    def _ask_for_figures(self, patience: int = _PATIENCE) -> None:
        """What takes the engine longer than the files that one looks at, once these are there."""
        if self._files.details is None and patience:
            self.set_timer(_AFTER_THE_PICTURE, lambda: self._ask_for_figures(patience - 1))
            return
        self._place.ask_for_waste()
        if self.inspected.details is not None and not self.inspected.details.is_counted:
            self._place.ask_for_counts(self._counted)

    def _ask_for_task(self) -> None:
        """What is kept of the task that made the selected layer, once it stays selected."""
        if self._rest is not None:
            self._rest.stop()
        inspected = self.inspected
        self._place.forget_task(inspected.run, inspected.selected)
        self._rest = self.set_timer(
            _AT_REST, lambda: self._place.ask_for_task(inspected.run, inspected.selected)
        )

    def _counted(self, details: PlaceDetails) -> None:
        known = self.inspected.details
        if known is not None and inspect_rows.is_same_but_for_counts(known, details):
            self.inspected = msgspec.structs.replace(self.inspected, details=details)
            self._layer_list.show(details.layers, self._clock(), selected=max(0, self.inspected.layer))
            self._draw_facts()

    def _refused(self, refusal: Refusal) -> None:
        self._problem = " - ".join(filter(None, (refusal.message, refusal.hint)))
        self._say(self._problem, is_error=True)
        self.inspected = self.inspected.left()  # nothing of it stays to be seen under its name
        self._show_place(is_another=True)

    def go_to(self, path: str, line: int | None = None) -> None:
        """Put the cursor on a path, and the preview on a line of it."""
        if self.inspected.filter or self.inspected.is_alone:
            inspected = msgspec.structs.replace(self.inspected.filtered(""), kinds=CHANGES | {"unchanged"})
            self._use(inspected)
        self._files.go_to(path, line)
        self.panes.go_to("files" if line is None else "preview")

    def _use(self, inspected: Inspected) -> None:
        """Be about this from now on."""
        was, self.inspected = self.inspected, inspected
        self._layer_list.mark(inspect_rows.marks(inspected))
        if inspected.layer != was.layer:
            self._layer_list.select(inspected.layer)
            self._ask_for_task()
        if inspected.view != was.view:
            self._show_files()
        self._draw()

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether it would do anything: what would not is neither shown nor offered."""
        match action:
            case "swap_compared":
                return self.inspected.is_comparison
            case "open_in_pager" | "open_in_editor":
                return self._files.is_file
            case "export_files":
                return self._file_tree.current is not None
            case "shell_in_layer":
                return inspect_rows.shell_target(self.inspected) is not None
            case (
                "compare_with" | "mark_layer" | "search_files" | "filter_files" | "layer_alone" | "sort_files"
            ):
                return self.inspected.view is not None
            case _:
                return True

    def action_open_layer(self) -> None:
        self.panes.go_to("files")

    def action_mark_layer(self) -> None:
        before = self.inspected
        self._use(before.marked())
        mark = self.inspected.mark
        if self.inspected.is_comparison:
            self._say("A and B are compared; Esc ends it, x swaps them")
        elif mark is not None:
            self._say(f"A is {printable(mark.words)}; mark another layer, here or of another task, as B")
        else:
            self._say("A is not marked any more")

    def action_swap_compared(self) -> None:
        self._use(self.inspected.swapped())

    def action_compare_with(self) -> None:
        self._dialogs.compare_with(
            self.inspected, lambda other: self._use(self.inspected.compared_with(other))
        )

    def action_waste(self) -> None:
        self._wants_waste = self._place.waste is None
        if self._place.waste is not None:
            self._dialogs.waste(self.inspected, self._place.waste, self._show_wasted)
        else:
            self._say(self._place.no_waste)

    def _facts_came(self) -> None:
        """More is known of the place or the layer; what was asked for too soon is shown now."""
        self._draw_facts()
        if self._wants_waste and self._place.waste is not None and self.app.screen is self:
            self.action_waste()

    def action_filter_files(self) -> None:
        if self.panes.at == "layers":
            self.panes.go_to("files")
        self._prompt.ask("filter", "name contains", self.inspected.filter)

    def action_toggle_added(self) -> None:
        self._toggle("added")

    def action_toggle_changed(self) -> None:
        self._toggle("changed")

    def action_toggle_removed(self) -> None:
        self._toggle("removed")

    def action_toggle_metadata(self) -> None:
        self._toggle("metadata")

    def action_layer_alone(self) -> None:
        self._use(self.inspected.alone())

    def action_sort_files(self) -> None:
        self._use(self.inspected.next_order())

    def action_search_files(self) -> None:
        self._dialogs.search(self.inspected, lambda hit: self.go_to(hit.path, hit.line))

    def action_open_in_pager(self) -> None:
        self._open_outside("pager")

    def action_open_in_editor(self) -> None:
        self._open_outside("editor")

    def action_export_files(self) -> None:
        current = self._file_tree.current
        if current is not None:
            self._prompt.ask("export", *export_question(self.inspected, *current))

    def action_shell_in_layer(self) -> None:
        target = inspect_rows.shell_target(self.inspected)
        if target is None:
            return
        run, task = target

        def ended(code: int) -> None:
            if code != 0:
                self._say(f"the shell in {task} ended with exit code {code}")

        open_shell(self, run, task, ended)

    def action_zoom(self) -> None:
        self.panes.zoom()

    def action_next_tab(self) -> None:
        self._preview.next_mode()

    def action_previous_tab(self) -> None:
        self._preview.previous_mode()

    def action_back(self) -> None:
        less = self.inspected.less()
        if self.inspected.filter:
            self._use(self.inspected.filtered(""))
        elif self.panes.at == "preview" and self._preview.close_search():
            pass
        elif self.panes.zoomed:
            self.panes.zoom()
        elif self.panes.is_alone and self.panes.at != "layers":
            self.panes.go_on(-1)
        elif self.panes.at == "preview":
            self.panes.go_to("files")
        elif less is not None:
            self._use(less)
        else:
            self.post_message(self.Left())

    def action_copy(self) -> None:
        facts = self.panes.facts
        text = self.get_selected_text() or self._preview.copied_text()
        if text is None and facts.has_focus and facts.current is not None:
            text = facts.current.text
        if text is None and self.panes.at == "layers" and self.inspected.selected is not None:
            text = self.inspected.selected.digest or self.inspected.selected.name
        if text is None and self._file_tree.current is not None:
            text = "/" + self._file_tree.current[0]
        if text:
            self.app.copy_to_clipboard(text)
            self._say(f"copied {printable(text)}" if "\n" not in text else "copied")

    def focus_next(self, selector: Selector = "*") -> Widget | None:
        """Tab: where one pane has all the room, the next pane takes it."""
        if not self.panes.is_alone:
            return super().focus_next(selector)
        self.panes.go_on(1)
        return self.focused

    def focus_previous(self, selector: Selector = "*") -> Widget | None:
        """The same, back."""
        if not self.panes.is_alone:
            return super().focus_previous(selector)
        self.panes.go_on(-1)
        return self.focused

    # Messages

    @on(LayerList.Highlighted)
    def _layer_highlighted(self, event: LayerList.Highlighted) -> None:
        event.stop()
        current = self._layer_list.current  # the cursor may have gone on since: it is not to be put back
        if current is not None and event.position == current.position != self.inspected.layer:
            self._use(self.inspected.at_layer(event.position))

    @on(RowList.Chosen)
    def _layer_chosen(self) -> None:
        self.panes.go_to("files")

    @on(FileTree.PagesWanted)
    def _pages_wanted(self, event: FileTree.PagesWanted) -> None:
        event.stop()
        self._files.pages_wanted(event)

    @on(FileTree.Highlighted)
    def _file_highlighted(self, event: FileTree.Highlighted) -> None:
        event.stop()
        self._files.highlighted(event.path, event.row)
        self.refresh_bindings()

    @on(FileTree.Opened)
    def _file_opened(self, event: FileTree.Opened) -> None:
        event.stop()
        self.panes.go_to("preview")

    @on(FileTree.OrderWanted)
    def _order_wanted(self, event: FileTree.OrderWanted) -> None:
        event.stop()
        self._use(msgspec.structs.replace(self.inspected, order=event.order))

    @on(FilePreview.Noticed)
    def _preview_noticed(self, event: FilePreview.Noticed) -> None:
        event.stop()
        self._say(event.text)

    @on(FactView.FilterWanted)
    def _filter_wanted(self, event: FactView.FilterWanted) -> None:
        event.stop()
        self.action_filter_files()

    @on(PromptLine.Typed)
    def _typed(self, event: PromptLine.Typed) -> None:
        event.stop()
        if event.purpose == "filter":
            self._use(self.inspected.filtered(event.text))

    @on(PromptLine.Closed)
    def _prompt_closed(self, event: PromptLine.Closed) -> None:
        event.stop()
        if event.purpose == "filter":
            self._use(self.inspected.filtered(event.text if event.is_accepted else ""))
        elif event.is_accepted and event.text.strip():
            self._export(event.text.strip())
        elif event.is_accepted:
            self._say("nothing was exported: it has no name")
        self.panes.focus_first()

    # How it is done

    def _toggle(self, kind: Kind) -> None:
        self._use(self.inspected.toggled(kind))

    def _open_outside(self, program: Program) -> None:
        found = self._files.content()
        if found is not None:
            open_outside(self, program, *found, self._say)

    def _export(self, destination: str) -> None:
        current = self._file_tree.current
        if current is not None:
            export(self._bridge.files, self.inspected, *current, destination, self._say)

    def _show_wasted(self, wasted: WastedPath) -> None:
        """The path where it was written last."""
        top = max(wasted.layers, default=self.inspected.layer)
        self._use(self.inspected.at_state(top, None))
        self.go_to(wasted.path)

    # What is shown

    def _show_place(self, *, is_another: bool) -> None:
        """The layers, and all that follows from them."""
        if not self.is_mounted:
            return
        details, inspected = self.inspected.details, self.inspected
        layers = () if details is None else details.layers
        self._layer_list.mark(inspect_rows.marks(inspected))
        self._layer_list.show(layers, self._clock(), selected=max(0, inspected.layer))
        self._ask_for_task()
        self._show_files(forgets=is_another)
        self._draw()

    def _show_files(self, *, forgets: bool = False) -> None:
        details = self.inspected.details
        names = () if details is None else tuple(layer.name for layer in details.layers)
        self._files.show(
            self.inspected.view, names, empty=inspect_rows.empty_words(self.inspected), forgets=forgets
        )

    def _draw(self) -> None:
        head, tail = inspect_rows.place_line(self.inspected.details, self.place, self._glyphs)
        if self.inspected.details is None and self.place:
            head = (
                *head,
                Span(f"  {self._problem or 'loading'}", "diag-error" if self._problem else "dim-text"),
            )
        self._head.show(head, tail)
        notices: Row = inspect_rows.notices_line(self.inspected.details, self._glyphs)
        self._notices.show(notices)
        self._notices.display = bool(notices)
        self._draw_lines()
        self._draw_facts()

    def _draw_lines(self) -> None:
        """What the tree shows, in words and numbers."""
        inspected = self.inspected
        self.panes.heading.show(inspect_rows.heading(inspected, self._glyphs))
        self.panes.legend.show(inspect_rows.legend(inspected, self._files.counts, self._glyphs))
        found = self._files.matches
        matches = "" if found is None else f" ({found:,} match{'' if found == 1 else 'es'})"
        filtered = f"name contains `{printable(inspected.filter)}`{matches}" if inspected.filter else ""
        marked = "A is marked" if inspected.mark is not None and not inspected.is_comparison else ""
        self._status.show_state("  ".join(filter(None, (marked, _ORDER_WORDS[inspected.order], filtered))))
        self.refresh_bindings()

    def _draw_facts(self) -> None:
        inspected = self.inspected
        sections = inspect_rows.layer_sections(
            inspected.selected,
            inspected.details,
            self._place.task,
            self._place.waste,
            self._clock(),
            self._glyphs,
        )
        self.panes.facts.show(sections, from_top=True)
        self.refresh_bindings()
