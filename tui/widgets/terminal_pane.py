"""A terminal in a pane: what a program draws there, and the keys that go to it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import ClassVar, Protocol

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.model.terminal_keys import bytes_of
from tui.model.terminal_screen import TerminalScreen
from tui.widgets.log_styles import LogStyles

_FED_AT_ONCE = 1 << 16
_READ_AHEAD = 1 << 20
_WHEEL_ROWS = 3


class Process(Protocol):
    """The program and its terminal, as `tui.terminal_process` has it; `read` and `wait` block."""

    def read(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def resize(self, columns: int, rows: int) -> None: ...
    def end(self) -> None: ...
    def wait(self) -> int: ...


class TerminalPane(Widget, can_focus=True):
    """`start` is called with the size in cells once that is known. Takes every key but those left out.

    What was written goes to the emulation in small pieces, so that a flood of output delays no key.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+pageup", "back", show=False),
        Binding("shift+pagedown", "forward", show=False),
    ]
    DEFAULT_CSS = "TerminalPane { height: 1fr; width: 1fr; }"

    class Ended(Message):
        """The program has ended."""

        def __init__(self, exit_code: int) -> None:
            super().__init__()
            self.exit_code = exit_code

    class Failed(Message):
        """The program cannot be started."""

        def __init__(self, error: OSError) -> None:
            super().__init__()
            self.error = error

    class _Written(Message):
        """There is something to draw."""

    def __init__(self, start: Callable[[int, int], Process], left_out: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._start = start
        self._left_out = left_out
        self._process: Process | None = None
        self._terminal = TerminalScreen(80, 24, self._type)
        self._written: deque[bytes] = deque()
        self._waiting = threading.Condition()
        self._has_ended = False
        self._back = 0  # lines that the view is scrolled back
        self._colours: LogStyles | None = None
        self._cursor: tuple[int, int] | None = None

    @property
    def text(self) -> str:
        """What is on its screen."""
        return self._terminal.text()

    def on_resize(self, event: events.Resize) -> None:
        size = event.size
        if not size.width or not size.height:
            return
        self._terminal.resize(size.width, size.height)
        if self._process is not None:
            self._process.resize(size.width, size.height)
        elif not self._has_ended:
            self._begin(size)
        self.refresh()

    def on_unmount(self) -> None:
        if self._process is not None:
            self._process.end()
            with self._waiting:
                self._has_ended = True
                self._waiting.notify_all()

    def on_key(self, event: events.Key) -> None:
        if event.key in self._bindings.key_to_bindings or event.key in self._left_out:
            return
        data = bytes_of(event.key, event.character, application=self._terminal.has_application_keys)
        event.stop()
        event.prevent_default()
        if data is not None:
            self._scroll_back(-self._back)
            self._type(data)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        data = event.text.replace("\r\n", "\r").replace("\n", "\r").encode("utf-8", "replace")
        if self._terminal.wants_marked_pastes:
            data = b"\x1b[200~" + data.replace(b"\x1b", b"") + b"\x1b[201~"
        self._type(data)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll_back(_WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll_back(-_WHEEL_ROWS)

    def action_back(self) -> None:
        self._scroll_back(max(1, self.size.height - 1))

    def action_forward(self) -> None:
        self._scroll_back(-max(1, self.size.height - 1))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._colours = None

    def render_line(self, y: int) -> Strip:
        styles = self._styles()
        width = self.size.width
        number = y - self._back
        if y >= self._terminal.rows or number < -self._terminal.kept:
            return Strip.blank(width, styles.base)
        segments = [Segment(text, styles.style(style)) for text, style in self._terminal.row(number) if text]
        strip = Strip(segments).adjust_cell_length(width, styles.base)
        cursor = self._terminal.cursor
        if cursor is not None and cursor[1] == number and self.has_focus and not self._has_ended:
            return _with_cursor(strip, cursor[0])
        return strip

    def on_terminal_pane__written(self, event: _Written) -> None:
        """Feed some of it, and let keys come in between."""
        event.stop()
        with self._waiting:
            taken = 0
            while self._written and taken < _FED_AT_ONCE:
                data = self._written.popleft()
                taken += len(data)
                kept = self._terminal.kept
                self._terminal.feed(data)
                self._back += (self._terminal.kept - kept) if self._back else 0
            has_more = bool(self._written)
            self._waiting.notify_all()
        self._back = min(self._back, self._terminal.kept)
        self._refresh_changed()
        if has_more:
            self.call_later(self.post_message, self._Written())

    def _begin(self, size: Size) -> None:
        try:
            self._process = self._start(size.width, size.height)
        except OSError as error:
            self._has_ended = True
            self.post_message(self.Failed(error))
            return
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()

    def _read(self, process: Process) -> None:
        """In a thread: until its end."""
        while data := process.read():
            with self._waiting:
                self._waiting.wait_for(lambda: self._has_ended or sum(map(len, self._written)) < _READ_AHEAD)
                was_empty = not self._written
                self._written.append(data)
            if was_empty:
                self.post_message(self._Written())
        code = process.wait()
        self._has_ended = True
        self.post_message(self.Ended(code))

    def _type(self, data: bytes) -> None:
        if self._process is not None and not self._has_ended:
            self._process.write(data)

    def _scroll_back(self, rows: int) -> None:
        wanted = max(0, min(self._terminal.kept, self._back + rows))
        if wanted != self._back:
            self._back = wanted
            self.refresh()

    def _refresh_changed(self) -> None:
        """Only the rows that differ, and those where the cursor was and is."""
        rows = set(self._terminal.dirty)
        self._terminal.dirty.clear()
        for cursor in (self._cursor, self._terminal.cursor):
            if cursor is not None:
                rows.add(cursor[1])
        self._cursor = self._terminal.cursor
        if self._back:
            self.refresh()
            return
        width = self.size.width
        self.refresh(*(Region(0, row, width, 1) for row in rows if 0 <= row < self.size.height))

    def _styles(self) -> LogStyles:
        if self._colours is None:
            self._colours = LogStyles(self.rich_style, self.background_colors[1])
        return self._colours


def _with_cursor(strip: Strip, column: int) -> Strip:
    before, under, after = (
        strip.crop(0, column),
        strip.crop(column, column + 1),
        strip.crop(column + 1),
    )
    return Strip.join([before, under.apply_style(Style(reverse=True)), after])
