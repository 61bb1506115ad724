"""The interface: puts screens, bridge, keys and colours together; what to do is decided elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, assert_never

import msgspec
from textual.app import App
from textual.binding import BindingType
from textual.message import Message
from textual.screen import ModalScreen
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.theme import Theme

from engine.api.messages import Refusal, RunSummary
from engine.model.request import RunRequest
from tui.active_actions import active_actions
from tui.appearance import Appearance
from tui.ascii_terminal import ASCII_CSS, PlainScrollBarRender
from tui.bindings import bindings_for
from tui.bridge import Bridge
from tui.format import Glyphs
from tui.inbox import Answered, Arrival, Came, Crashed, EngineLost, Noticed, StreamEnded
from tui.notifications import Notifications
from tui.screens import confirm
from tui.screens.run import RunScreen
from tui.screens.starting import Starting
from tui.screens.steering import RunWanted
from tui.screens.watching import Turned
from tui.stylesheet import RememberedStylesheet
from tui.theme import ROLE_CLASSES, ROLE_CSS
from tui.theme_files import DEFAULT_THEME, ThemeFileError, find_themes, read_theme, shipped_theme

if TYPE_CHECKING:
    from tui.screens.history import HistoryScreen
    from tui.screens.inspect import InspectScreen
    from tui.screens.inspecting import Inspecting
    from tui.widgets.task_messages import FileOpened

_DRAIN_SECONDS = 1 / 20  # from what came to what comes, at least
_PAUSE_FOR_FRAME = 2.0  # times what it took to draw
_LONGEST_PAUSE = 0.4  # seconds
_AT_EASE = 1.5  # seconds after the start
_BETWEEN_IMPORTS = 0.05
_WANTED_SOON = ("tui.model.preview.preparing", "tui.widgets.inspect_panes", "tui.screens.inspecting")
# Textual's own is black and white reversed: not to be seen on a dark terminal of 16 colours.
_CURSOR_CSS = """
Input:ansi > .input--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
"""


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What to show first: a place to inspect, a run, with the request that started it, or the history."""

    place: str | None = None
    run: str | None = None
    request: RunRequest | None = None
    notices: tuple[str, ...] = ()


class OutcropApp(App[None]):
    """`clock` gives seconds since the epoch."""

    TITLE = "outcrop"
    ENABLE_COMMAND_PALETTE = False  # the key is ours, from the table
    SELECT_AUTO_SCROLL_LINES = 2  # at the edges of a log: a selection can begin there, and does not run away
    SELECT_AUTO_SCROLL_SPEED = 10.0  # rows a second
    COMPONENT_CLASSES = ROLE_CLASSES
    CSS = ROLE_CSS + ASCII_CSS + _CURSOR_CSS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("everywhere")]

    class Arrived(Message):
        """Something came from the engine."""

    def __init__(
        self,
        bridge: Bridge,
        opening: Opening,
        look: Appearance = Appearance(),  # noqa: B008  # frozen
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._defaults = shipped_theme().variables  # asked for while Textual's own part is made
        super().__init__(ansi_color=look.theme.is_ansi)
        self.stylesheet = RememberedStylesheet(self.get_css_variables())
        self._bridge = bridge
        self._opening = opening
        self._look = look
        self._drained_at = 0.0
        self._pause = _DRAIN_SECONDS
        self._is_draining = False
        self._leaves_at_end = False
        self._came_from_history = False
        self._glyphs = Glyphs(is_unicode=look.is_unicode)
        self.run_screen = RunScreen(bridge, self._glyphs, clock)
        self._clock = clock
        self._starting = Starting(
            self, bridge, self._glyphs, self._engine_answers, self._began, self._refused
        )
        self._history: HistoryScreen | None = None
        self._inspecting: Inspecting | None = None
        self.engine_is_lost = False
        self.notifications = Notifications(look.settings.notify, self._write, os.environ)
        self._tells_focus = False
        self.set_class(not look.is_unicode, "-ascii")
        ScrollBar.renderer = ScrollBarRender if look.is_unicode else PlainScrollBarRender
        self._problems = list(look.settings.notices)
        self._is_opening = True
        self.add_mode("run", self._run_screen_in_time)
        self.add_mode("history", self._history_screen)
        self.add_mode("inspect", self._inspect_screen)
        self._use_theme(look.theme.name, look.themes_folder)
        self.set_keymap(look.settings.keymap.changed)
        if opening.run is not None:  # its events come while Textual starts
            self.run_screen.open_run(opening.run, opening.request, is_news=opening.place is None)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return self._defaults

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, self._draw_all)
        self._bridge.open(self._wake)
        self.set_timer(_AT_EASE, lambda: self._import_ahead(_WANTED_SOON))
        self.call_later(self._open_first_screen)  # while it mounts the app, Textual draws and shows nothing
        for notices in (self._opening.notices, self._problems):
            if notices:  # one for all of them: each by itself would cover half of a small screen
                self.notify("\n".join(notices), severity="warning", markup=False, timeout=15)

    def _open_first_screen(self) -> None:
        if self._opening.place is not None:
            self._inspect().screen.open(self._opening.place)
            self.switch_mode("inspect")
        else:
            self.switch_mode("history" if self._opening.run is None else "run")
        self._is_opening = False

    def _import_ahead(self, modules: Sequence[str]) -> None:
        """What a key would have to wait for, one after the other, so that no key waits for this either."""
        if modules:
            import_module(modules[0])
            self.set_timer(_BETWEEN_IMPORTS, lambda: self._import_ahead(modules[1:]))

    def delay_update(self, delay: float = 0.05) -> None:
        """Keep the picture until the next screen has one; the first screen has nothing to wait for."""
        if not self._is_opening:
            super().delay_update(delay)

    def _run_screen_in_time(self) -> RunScreen:
        """With what has come of the run so far, so that it is in the first picture."""
        for arrival in self._bridge.drain()[0]:
            if isinstance(arrival, Came):
                self.run_screen.take(arrival)
            else:
                self.call_later(self._take, arrival)
        return self.run_screen

    def _use_theme(self, name: str, folder: str) -> None:
        """Before the first picture; the other themes are read when they can be chosen."""
        files = find_themes(folder)
        if name not in files:
            self._problems.append(f"there is no theme `{name}`")
            name = DEFAULT_THEME
        try:
            theme = read_theme(files[name])
        except ThemeFileError as error:
            self._problems.append(str(error))
            theme = shipped_theme()
        self.register_theme(theme)
        self.theme = theme.name

    def _draw_all(self, _: Theme) -> None:
        """Also what differs from the theme before in nothing but roles."""
        for screen in self.screen_stack:
            for node in screen.walk_children(with_self=True):
                node.refresh()

    # What comes from the engine

    def _wake(self) -> None:
        """In any thread."""
        self.post_message(self.Arrived())

    def on_outcrop_app_arrived(self) -> None:
        """Take it at once, but not more often than so many times a second."""
        if self._is_draining:
            return
        self._is_draining = True
        wait = self._drained_at + self._pause - time.monotonic()
        if wait <= 0:
            self._drain()
        else:
            self.set_timer(wait, self._drain)

    def _drain(self) -> None:
        if not self.is_running or not self._screen_stack:
            return  # it is being closed
        began = time.monotonic()
        arrivals, has_more = self._bridge.drain()
        for arrival in arrivals:
            self._take(arrival)
        self.run_screen.apply()
        if self._inspecting is not None:
            self._inspecting.run_changed(self.run_screen.shown)
        self.screen.call_after_refresh(self._drawn, began)
        # Only the stream of a run can flood the screen; who asked for something waits for the answer.
        is_stream = any(isinstance(arrival, Came) for arrival in arrivals)
        self._drained_at = time.monotonic() if is_stream else 0.0
        self._is_draining = has_more
        if has_more:
            self.set_timer(self._pause, self._drain)

    def _drawn(self, began: float) -> None:
        """What came has been drawn; the longer that took, the later the next of it: keys come first."""
        took = time.monotonic() - began
        self._pause = min(max(_DRAIN_SECONDS, took * _PAUSE_FOR_FRAME), _LONGEST_PAUSE)

    def _take(self, arrival: Arrival) -> None:
        match arrival:
            case Came():
                self.run_screen.take(arrival)
            case StreamEnded():
                self._run_ended(arrival)
            case Noticed():
                self._noticed(arrival)
            case EngineLost():
                self._engine_lost(arrival)
            case Answered():
                arrival.tell()
            case Crashed():
                raise arrival.error
            case _:
                assert_never(arrival)

    def _run_ended(self, ended: StreamEnded) -> None:
        shown = self.run_screen.shown
        if shown is None or shown.run != ended.run:
            return
        if not ended.is_whole:
            self.run_screen.end("killed" if ended.is_kept else "not_kept")
        if self._leaves_at_end:
            self.exit()

    def _noticed(self, noticed: Noticed) -> None:
        if self._history is not None and self._history.is_mounted:
            self._history.notice(noticed.notice)

    def _engine_lost(self, lost: EngineLost) -> None:
        self.engine_is_lost = True
        self.run_screen.end("engine_gone")
        if self._inspecting is not None:
            self._inspecting.screen.engine_lost()
        if self._leaves_at_end:
            self.exit()
        elif lost.stopped:
            self.notify("the engine was stopped", markup=False)
        self.refresh_bindings()

    # Who looks away

    def on_app_blur(self) -> None:
        self._tells_focus = True

    def on_app_focus(self) -> None:
        self._tells_focus = True

    def on_turned(self, event: Turned) -> None:
        """Of a terminal that never told whether it has the focus, nobody knows that somebody looks."""
        is_looked_at = self._tells_focus and self.app_focus
        glyph = self._glyphs.glyph("ok" if event.turn.is_green else "failed")
        self.notifications.tell(glyph, event.words, is_looked_at=is_looked_at)

    def _write(self, sequences: str) -> None:
        """To the terminal, between two frames; never into a pipe or a browser."""
        if self._driver is not None and not self.is_headless and not self.is_web and _is_terminal():
            self._driver.write(sequences)

    def give_terminal_back(self) -> None:
        """After `run`: what the terminal has that is not its own is taken away."""
        closing = self.notifications.closing()
        output = sys.__stderr__
        if closing and output is not None and output.isatty():
            output.write(closing)
            output.flush()

    # Actions. What only some of them need is imported by them: the first picture must not wait for it.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "start_engine":
                return self.engine_is_lost
            case "show_run":
                return self.run_screen.shown is not None and self.current_mode != "run"
            case "show_history":
                return self.current_mode != "history"
            case "show_inspect":
                is_there = self._inspecting is not None or self.run_screen.selected is not None
                return is_there and self.current_mode != "inspect"
            case "inspect_task":
                return self.run_screen.selected is not None
            case _:
                return True

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen

        path = self._look.settings_path
        actions = active_actions(self.screen)
        self.push_screen(HelpScreen(actions, is_unicode=self._glyphs.is_unicode, settings_path=path))

    def action_palette(self) -> None:
        from tui.palette import ActionPalette

        self.push_screen(ActionPalette())

    def action_change_theme(self) -> None:
        from tui.screens.theme_picker import ThemePicker
        from tui.settings import SettingsError, save_theme

        def chosen(name: str | None) -> None:
            if not name:
                return
            try:
                save_theme(self._look.settings_path, name)
            except SettingsError as error:
                self.notify(str(error), severity="warning", markup=False)

        self.push_screen(ThemePicker(self._look.themes_folder), chosen)

    def action_picture(self) -> None:
        """Write the screen as it is into a file of its own."""
        name = time.strftime("outcrop-%Y%m%d-%H%M%S.svg", time.localtime(self._clock()))
        picture = self.export_screenshot(title="outcrop")
        try:
            with open(name, "x", encoding="utf-8") as file:
                file.write(picture)
        except OSError as error:
            text = f"{os.path.abspath(name)} cannot be written: {error.strerror}"
            self.notify(text, severity="error", markup=False)
        else:
            self.notify(f"saved {os.path.abspath(name)}", markup=False)

    def action_show_run(self) -> None:
        self.switch_mode("run")

    def action_show_history(self) -> None:
        self.switch_mode("history")

    def action_show_inspect(self) -> None:
        self._inspect().show_selected(self.run_screen.shown, self.run_screen.selected)

    def action_inspect_task(self) -> None:
        self._inspect().show_selected(self.run_screen.shown, self.run_screen.selected, always=True)

    def on_file_opened(self, event: FileOpened) -> None:
        self._inspect().show(event.place)

    def on_inspect_screen_left(self) -> None:
        self._inspect().go_back()

    def _inspect(self) -> Inspecting:
        from tui.screens.inspecting import Inspecting

        if self._inspecting is None:
            self._inspecting = Inspecting(self, self._bridge, self._glyphs, self._clock)
            if self.engine_is_lost:
                self._inspecting.screen.engine_lost()
        return self._inspecting

    def _inspect_screen(self) -> InspectScreen:
        return self._inspect().screen

    def _history_screen(self) -> HistoryScreen:
        from tui.screens.history import HistoryScreen

        self._history = HistoryScreen(self._bridge, self._glyphs, self._clock, self._open_past)
        return self._history

    def _open_past(self, summary: RunSummary) -> None:
        shown = self.run_screen.shown
        if shown is None or shown.run != summary.run:
            self.run_screen.open_run(summary.run)
        self._came_from_history = True
        self.switch_mode("run")

    def on_run_screen_left(self) -> None:
        """Escape, with nothing left to close: back to the list that it was opened from."""
        if self._came_from_history:
            self.switch_mode("history")

    def action_start_run(self) -> None:
        self._starting.ask(self.run_screen.shown, self._start)

    def action_start_engine(self) -> None:
        """Start it, and the run that it took with it; what is shown of a past run stays."""
        shown = self.run_screen.shown
        request = None if shown is None or shown.course != "engine_gone" else shown.again()
        if request is None:
            self._bridge.reconnect(self._engine_answers, self._refused)
        else:
            self._start(request)

    def _engine_answers(self) -> None:
        if self.engine_is_lost:
            self.engine_is_lost = False
            self.run_screen.engine_is_back()
            if self._inspecting is not None:
                self._inspecting.screen.engine_is_back()
            self.refresh_bindings()

    def on_run_wanted(self, event: RunWanted) -> None:
        self._start(event.request)

    def _start(self, request: RunRequest) -> None:
        self._starting.start(request, engine_is_lost=self.engine_is_lost)

    def _began(self, request: RunRequest, run: str) -> None:
        self.run_screen.open_run(run, request, is_news=True)
        self._came_from_history = False
        self.switch_mode("run")

    async def action_quit(self) -> None:
        """Leave; asks first while the shown run goes on and could be stopped. In a shell: leave that."""
        if isinstance(self.screen, ModalScreen):
            from tui.screens.shell import ShellScreen  # late: its emulation takes long to import

            if isinstance(self.screen, ShellScreen):
                self.screen.action_leave()
                return
        shown = self.run_screen.shown
        if shown is None or not shown.is_steerable or self._leaves_at_end:
            self.exit()
        elif shown.is_idle:
            self.push_screen(confirm.leave_watching(), self._leave)
        else:
            self.push_screen(confirm.leave(len(shown.model.state.running)), self._leave)

    def action_help_quit(self) -> None:
        """Ctrl-C, where nothing is selected that it could copy: what it means in a terminal."""
        self.call_later(self.action_quit)

    def _leave(self, choice: str | None) -> None:
        shown = self.run_screen.shown
        if choice == "leave" or (choice == "stop" and (shown is None or not shown.is_live)):
            self.exit()
        elif choice == "stop" and shown is not None:
            self._leaves_at_end = True
            if shown.is_idle:
                self.run_screen.watching.stop(shown)
            else:
                self._bridge.cancel(shown.run, None, self._refused)
            self.notify("stopping the run…", markup=False)

    def _refused(self, refusal: Refusal) -> None:
        self._leaves_at_end = False
        text = "\n".join(
            (refusal.message, *filter(None, (refusal.hint,)), *(it.text for it in refusal.problems))
        )
        self.notify(text, severity="error", markup=False)


def _is_terminal() -> bool:
    """Whether what Textual draws on is a terminal."""
    return sys.__stderr__ is not None and sys.__stderr__.isatty()
