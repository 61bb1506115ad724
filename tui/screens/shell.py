"""A shell in a pane, for where the terminal cannot be lent to it: in a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.widgets.terminal_pane import Process, TerminalPane

_LEAVE = "ctrl+q"


class ShellScreen(ModalScreen[int | None]):
    """Gives the exit code, or None when it was left before the end or could not start.

    `title` says where the shell is. `ours`: exit codes that mean that it did not come about; what was
    said of it then stays to be read.
    """

    CSS_PATH = "shell.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding(_LEAVE, "leave", priority=True)]

    def __init__(
        self,
        title: str,
        start: Callable[[int, int], Process],
        ours: tuple[int, ...],
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self._title = title
        self._ours = ours
        self._clock = clock
        self._began = clock()
        self._ended: int | None = None
        self._is_over = False
        self._heading = Static(markup=False, id="shell-heading")
        self._pane = TerminalPane(start, frozenset((_LEAVE,)))

    def compose(self) -> ComposeResult:
        yield self._heading
        yield self._pane

    def on_mount(self) -> None:
        self._say(f"{self._title}   exit, or ctrl+q, goes back")
        self._pane.focus()

    def action_leave(self) -> None:
        """Hang up; what runs in the shell is told."""
        self.dismiss(self._ended)

    @on(TerminalPane.Ended)
    def _has_ended(self, event: TerminalPane.Ended) -> None:
        event.stop()
        self._ended = event.exit_code
        if event.exit_code in self._ours and self._clock() - self._began < 2:
            self._stay(f"{self._title}   exit code {event.exit_code}; any key goes back")
        else:
            self.dismiss(event.exit_code)

    @on(TerminalPane.Failed)
    def _has_failed(self, event: TerminalPane.Failed) -> None:
        event.stop()
        self._stay(f"{self._title}   cannot be started: {event.error.strerror}; any key goes back")

    def on_key(self) -> None:
        if self._is_over:
            self.dismiss(self._ended)

    def _stay(self, text: str) -> None:
        self._is_over = True
        self._pane.can_focus = False
        self.set_focus(None)
        self._say(text)

    def _say(self, text: str) -> None:
        self._heading.update(text)
