"""The interface: puts screens, bridge, keys and colours together; what to do is decided elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar, assert_never

import msgspec
from textual.app import App
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.message import Message

from engine.api.messages import Refusal, RunSummary
from engine.model.request import RunRequest
from tui.active_actions import active_actions
from tui.appearance import Appearance
from tui.bindings import bindings_for
from tui.bridge import Answered, Arrival, Bridge, Came, Crashed, EngineLost, Noticed, StreamEnded
from tui.format import Glyphs
from tui.palette import ActionProvider
from tui.screens import confirm
from tui.screens.help import HelpScreen
from tui.screens.history import HistoryScreen
from tui.screens.run import RunScreen
from tui.screens.steering import RunWanted
from tui.screens.theme_picker import ThemePicker, register_themes
from tui.settings import SettingsError, save_theme
from tui.theme_files import DEFAULT_THEME, find_themes, shipped_theme

_DRAIN_SECONDS = 1 / 20


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What to show first: a run, with the request that started it if one did, or else the history."""

    run: str | None = None
    request: RunRequest | None = None
    notices: tuple[str, ...] = ()


class OutcropApp(App[None]):
    """`clock` gives seconds since the epoch."""

    TITLE = "outcrop"
    COMMANDS: ClassVar[set[type[ActionProvider]]] = {ActionProvider}  # type: ignore[assignment]
    ENABLE_COMMAND_PALETTE = False  # the key is ours, from the table
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
        super().__init__(ansi_color=look.theme.is_ansi)
        self._bridge = bridge
        self._opening = opening
        self._look = look
        self._drained_at = 0.0
        self._is_draining = False
        self._leaves_at_end = False
        self._glyphs = Glyphs(is_unicode=look.is_unicode)
        self.run_screen = RunScreen(bridge, self._glyphs, clock)
        self.history_screen = HistoryScreen(bridge, self._glyphs, clock, self._open_past)
        self.engine_is_lost = False

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return shipped_theme().variables

    def on_mount(self) -> None:
        self._use_settings()
        self._bridge.open(self._wake)
        self.add_mode("run", lambda: self.run_screen)
        self.add_mode("history", lambda: self.history_screen)
        if self._opening.run is not None:
            self.run_screen.open_run(self._opening.run, self._opening.request, is_news=True)
        self.switch_mode("history" if self._opening.run is None else "run")
        for notice in self._opening.notices:
            self.notify(notice, markup=False)

    def _use_settings(self) -> None:
        look = self._look
        problems = register_themes(self, find_themes(look.themes_folder))
        is_known = look.theme.name in self.available_themes
        self.theme = look.theme.name if is_known else DEFAULT_THEME
        self.set_keymap(look.settings.keymap.changed)
        notices = [*look.settings.notices, *(text for _, text in problems)]
        if not is_known:
            notices.append(f"there is no theme `{look.theme.name}`")
        if notices:
            self.notify("\n".join(notices), severity="warning", markup=False, timeout=15)

    # What comes from the engine

    def _wake(self) -> None:
        """In any thread."""
        self.post_message(self.Arrived())

    def on_outcrop_app_arrived(self) -> None:
        """Take it at once, but not more often than so many times a second."""
        if self._is_draining:
            return
        self._is_draining = True
        wait = self._drained_at + _DRAIN_SECONDS - time.monotonic()
        if wait <= 0:
            self._drain()
        else:
            self.set_timer(wait, self._drain)

    def _drain(self) -> None:
        arrivals, has_more = self._bridge.drain()
        for arrival in arrivals:
            self._take(arrival)
        self.run_screen.apply()
        self._drained_at = time.monotonic()
        self._is_draining = has_more
        if has_more:
            self.set_timer(_DRAIN_SECONDS, self._drain)

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
            self.run_screen.end("killed")
        if self._leaves_at_end:
            self.exit()

    def _noticed(self, noticed: Noticed) -> None:
        if self.history_screen.is_mounted:
            self.history_screen.notice(noticed.notice)

    def _engine_lost(self, lost: EngineLost) -> None:
        self.engine_is_lost = True
        self.run_screen.end("engine_gone")
        if self._leaves_at_end:
            self.exit()
        elif lost.stopped:
            self.notify("the engine was stopped", markup=False)
        self.refresh_bindings()

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "start_engine":
            return self.engine_is_lost
        return True

    def action_help(self) -> None:
        path = self._look.settings_path
        actions = active_actions(self.screen)
        self.push_screen(HelpScreen(actions, is_unicode=self._glyphs.is_unicode, settings_path=path))

    def action_palette(self) -> None:
        self.push_screen(CommandPalette(placeholder="an action"))

    def action_change_theme(self) -> None:
        def chosen(name: str | None) -> None:
            if not name:
                return
            try:
                save_theme(self._look.settings_path, name)
            except SettingsError as error:
                self.notify(str(error), severity="warning", markup=False)

        self.push_screen(ThemePicker(self._look.themes_folder), chosen)

    def action_show_run(self) -> None:
        self.switch_mode("run")

    def action_show_history(self) -> None:
        self.switch_mode("history")

    def _open_past(self, summary: RunSummary) -> None:
        shown = self.run_screen.shown
        if shown is None or shown.run != summary.run:
            self.run_screen.open_run(summary.run)
        self.switch_mode("run")

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
            self.refresh_bindings()

    def on_run_wanted(self, event: RunWanted) -> None:
        self._start(event.request)

    def _start(self, request: RunRequest) -> None:
        def began(run: str) -> None:
            self.run_screen.open_run(run, request, is_news=True)
            self.switch_mode("run")

        def start() -> None:
            self._engine_answers()
            self._bridge.start(request, began, self._refused)

        if self.engine_is_lost:
            self._bridge.reconnect(start, self._refused)
        else:
            start()

    async def action_quit(self) -> None:
        """Leave; asks first while the shown run goes on and could be stopped."""
        shown = self.run_screen.shown
        if shown is None or not shown.is_steerable or self._leaves_at_end:
            self.exit()
        else:
            self.push_screen(confirm.leave(len(shown.model.state.running)), self._leave)

    def _leave(self, choice: str | None) -> None:
        shown = self.run_screen.shown
        if choice == "leave" or (choice == "stop" and (shown is None or not shown.is_live)):
            self.exit()
        elif choice == "stop" and shown is not None:
            self._leaves_at_end = True
            self._bridge.cancel(shown.run, None, self._refused)
            self.notify("stopping the run…", markup=False)

    def _refused(self, refusal: Refusal) -> None:
        self._leaves_at_end = False
        text = "\n".join(
            (refusal.message, *filter(None, (refusal.hint,)), *(it.text for it in refusal.problems))
        )
        self.notify(text, severity="error", markup=False)
