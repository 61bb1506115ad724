"""The last line of a screen: what is going on at the left, then the keys that work here."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.app import RenderResult
from textual.events import Mount, Resize
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from tui.active_actions import active_actions
from tui.format import Glyphs
from tui.key_names import key_text
from tui.model.footer import GAP, FooterEntry, fitting
from tui.theme import role_style

_NOTICE_SECONDS = 8.0


class StatusBar(Widget):
    """The footer. A click on a key runs its action."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"status-bar--key"}
    DEFAULT_CSS = """
        StatusBar {
            dock: bottom;
            height: 1;
            background: $panel;
            color: $foreground;
        }
        StatusBar > .status-bar--key { color: $accent; text-style: bold; }
    """
    can_focus = False
    auto_links = False  # no underline: the keys are known by their style

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._glyphs = glyphs
        self._state_text = ""
        self._notice = ""
        self._notice_role = ""
        self._notice_timer: Timer | None = None
        self._entries: list[FooterEntry] = []

    def show_state(self, text: str) -> None:
        """Says what holds until it is said otherwise: a filter, a search. Empty: nothing."""
        if text != self._state_text:
            self._state_text = text
            self.refresh()

    def show_notice(self, text: str, *, is_error: bool = False, seconds: float = _NOTICE_SECONDS) -> None:
        """Says something once, instead of the state; it goes after `seconds`, 0 for never."""
        if self._notice_timer is not None:
            self._notice_timer.stop()
            self._notice_timer = None
        self._notice = " ".join(text.split())
        self._notice_role = "diag-error" if is_error else "diag-warning"
        if text and seconds:
            self._notice_timer = self.set_timer(seconds, self.clear_notice)
        self.refresh()

    def clear_notice(self) -> None:
        """Takes the notice away, if there is one."""
        if self._notice:
            self._notice = ""
            self.refresh()

    @property
    def keys(self) -> list[FooterEntry]:
        """The entries that are shown at the present width."""
        left = self._left_width()
        return fitting(self._entries, self.size.width - left - 1, cell_len)

    def update_keys(self) -> None:
        """Looks up again which actions work; follows by itself when focus or bindings change."""
        entries = [
            FooterEntry(
                key=key_text(it.keys[0], is_unicode=self._glyphs.is_unicode),
                words=it.short,
                rank=it.action.rank,
                action=it.action.textual_action,
            )
            for it in active_actions(self.screen)
            if it.action.rank
        ]
        if entries != self._entries:
            self._entries = entries
            self.refresh()

    def _on_mount(self, event: Mount) -> None:
        super()._on_mount(event)
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)
        self.call_after_refresh(self.update_keys)

    def _bindings_updated(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self.update_keys()

    def on_resize(self, event: Resize) -> None:
        self.refresh()

    def _left_text(self) -> str:
        text = self._notice or self._state_text
        room = max(self.size.width - 2, 0)
        if cell_len(text) <= room:
            return text
        while text and cell_len(text) > room - 1:
            text = text[:-1]
        return text + self._glyphs.ellipsis

    def _left_width(self) -> int:
        text = self._left_text()
        return cell_len(text) + 1 + GAP if text else 1

    def render(self) -> RenderResult:
        line = Text(" ", no_wrap=True, end="")
        left = self._left_text()
        if left:
            role = self._notice_role if self._notice else "edge-active"
            line.append(left, role_style(self, role))
            line.append(" " * GAP)
        key_style = self.get_component_rich_style("status-bar--key", partial=True)
        word_style = role_style(self, "dim-text")
        for index, entry in enumerate(self.keys):
            if index:
                line.append(" " * GAP)
            click = Style(meta={"@click": entry.action})
            line.append(entry.key, key_style + click)
            line.append(f" {entry.words}", word_style + click)
        return line
