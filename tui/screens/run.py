"""The run screen: one run, live or past, and the task of it that is selected."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import DescendantFocus, Event, ScreenResume
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.timer import Timer

from engine.api.messages import Estimates, RunSummary
from engine.model.request import RunRequest
from tui.bindings import bindings_for
from tui.bridge import Bridge
from tui.format import Glyphs
from tui.inbox import Came
from tui.model import attention
from tui.model.run_model import Dirty
from tui.model.shown_run import Course, ShownRun
from tui.screens.attending import Attending
from tui.screens.selected_task import SelectedTask
from tui.screens.steering import Steering, is_possible
from tui.screens.watching import Watching
from tui.widgets import log_messages
from tui.widgets.banner import Banner
from tui.widgets.prompt_line import PromptLine
from tui.widgets.run_header import RunHeader
from tui.widgets.run_panes import RunPanes
from tui.widgets.status_bar import StatusBar
from tui.widgets.task_messages import TaskOpened, TaskSelected
from tui.widgets.task_panel import TaskPanel

_TICKS_A_SECOND = 8
_OTHER_ROWS = 2  # above and below the panes


class RunScreen(Screen[None]):
    """Owns the selection and hands it down; what the user asks for goes to the engine through `Steering`."""

    CSS_PATH = "run.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("run")]

    class Left(Message):
        """Escape, and nothing was left to close."""

    def __init__(self, bridge: Bridge, glyphs: Glyphs, clock: Callable[[], float]) -> None:
        super().__init__()
        self._bridge = bridge
        self._clock = clock
        self.shown: ShownRun | None = None
        self.attending = Attending(self, clock, self._selection_moved)
        self._pending = Dirty()
        self.is_ticking = False
        self._ticking: Timer | None = None
        self._drawn_below = 0  # the second in which it was last drawn below a dialog
        self._header = RunHeader(glyphs)
        self.banner = Banner()
        self.panes = RunPanes(glyphs, id="panes")
        self._panel, self._log = self.panes.panel, self.panes.log_view
        self.selected_task = SelectedTask(bridge, self._panel, self._log)
        self._prompt = PromptLine()
        self._status = StatusBar(glyphs)
        self._say = self._status.show_notice
        self._steering = Steering(self, bridge, self._say, self.selected_task.ask_again)
        self.watching = Watching(self, bridge, self._steering, clock)

    def compose(self) -> ComposeResult:
        yield self._header
        yield self.banner
        yield self.panes
        yield self._prompt
        yield self._status

    def on_mount(self) -> None:
        self._ticking = self.set_interval(1 / _TICKS_A_SECOND, self._tick, pause=True)
        self.panes.expect(self.app.size - Size(0, _OTHER_ROWS))
        if self.shown is not None:
            self._pending = Dirty()
            self._show_all()
            self.attending.follow(at_once=True)

    # What is shown

    def open_run(self, run: str, request: RunRequest | None = None, *, is_news: bool = False) -> None:
        """Show this run from its beginning, and follow it if it goes on.

        A task that was chosen in a run of the same definition is so in this one, if it has it.
        """
        is_again = self.shown is not None and self.shown.is_asked_again_by(request)
        self.shown = ShownRun(run, request, is_news=is_news)
        self.attending.begin(self.shown, is_again=is_again)
        self._pending = Dirty()
        self._bridge.follow(run)
        self._bridge.summary(run, self._summary_came, self._steering.refused)
        if self.is_mounted:
            self._show_all()

    def take(self, came: Came) -> None:
        """Take in what came; drawn by the next `apply`."""
        if self.shown is None or came.run != self.shown.run:
            return
        dirty = self.shown.take(came.items, came.offset, came.usage_offset)
        self._pending.include(dirty)
        self.watching.changed(self.shown)

    def apply(self) -> None:
        """Draw what has changed, if this screen is to be seen; below a dialog the clock does it."""
        if self.app.screen is self:
            self._draw()

    def _draw(self) -> None:
        if self.shown is None or not self._pending or not self.is_mounted:
            return
        dirty, self._pending = self._pending, Dirty()
        dirty.keep(self.shown.model.state.tasks)
        with self.app.batch_update():
            self._header.changed(dirty)
            self.panes.changed(dirty)
            self.attending.follow(at_once=dirty.finished or dirty.structure)
            if self.selected in dirty.tasks or dirty.structure:
                self._show_task()
            if dirty.finished:
                self._course_changed()
            elif dirty.tasks or dirty.watch:
                self.banner.say(self.shown.alarm)
                self.refresh_bindings()
                self._let_time_pass()
        if not self.is_ticking:
            self._tick()  # what came may have been waiting, and what it has marked be old by now

    def end(self, course: Course) -> None:
        """The run goes on no more, though its last event was not there."""
        if self.shown is not None and self.shown.course == "live":
            self.shown.end(course)
            self._course_changed()

    def engine_is_back(self) -> None:
        """Go on where the stream was cut."""
        if self.shown is not None and self.shown.course == "engine_gone":
            self.shown.go_on()
            self._bridge.follow(self.shown.run, self.shown.offset, self.shown.usage_offset)
            self._course_changed()
        self.banner.say("")

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether it would do anything: what would not is neither shown nor offered."""
        if action in ("next_match", "previous_match", "matching_only"):
            return bool(self.selected_task.searched)
        return self.shown is None or is_possible(action, self.shown, self.selected)

    def is_on(self, action: str) -> bool:
        """Whether what the action turns on and off is on."""
        if self.shown is None:
            return False
        return (action == "watch" and self.shown.is_watched) or (
            action == "keep_going" and self.shown.keeps_going
        )

    def action_view_cycle(self) -> None:
        self.panes.cycle_view()

    def action_zoom(self) -> None:
        self.panes.zoom(None if self.panes.zoomed else self.panes.focused_pane())

    def action_full_log(self) -> None:
        self._panel.open_tab("log")
        self.panes.zoom(None if self.panes.zoomed == "panel" else "panel")
        self._log.focus()

    def action_back(self) -> None:
        if self.panes.list.filter:
            self._use_text("filter", "")
        elif self._panel.close_filter():
            pass
        elif self.selected_task.searched:
            self._use_text("search", "")
        elif self.panes.zoomed:
            self.panes.zoom(None)
        elif self._panel.has_focus_within:
            self.panes.focus_tasks()
        elif self.shown is not None and self.shown.is_live and self.attending.is_chosen:
            self.attending.release()
            self._say("the selection follows what happens, until you select a task")
        else:
            self.post_message(self.Left())

    def action_cone(self) -> None:
        self.panes.toggle_cone()
        self._show_state()

    def action_failed_only(self) -> None:
        self.panes.toggle_failed()
        self._show_state()

    def action_sort_tasks(self) -> None:
        if not self.panes.list.display:
            self.panes.use_view("rails")
        self.panes.list.cycle_sort()
        self._show_state()

    def action_zoom_graph(self) -> None:
        self.panes.graph.zoom()
        self._show_state()

    def action_toggle_group(self) -> None:
        self.panes.tasks.toggle_group()

    def action_next_error(self) -> None:
        failed = None if self.shown is None else attention.next_failure(self.shown.model.state, self.selected)
        if failed is None:
            self._say("nothing has failed")
            return
        is_shown = failed == self.selected and (self._panel.tab == "failure" or not self._panel.has_failed)
        self.attending.select(failed)
        if is_shown:
            self.selected_task.first_error()
        else:
            self._panel.open_tab("failure")

    def action_retry(self) -> None:
        if self.shown is not None:
            self.attending.hold()
            self._steering.retry(self.shown, self.selected)

    def action_retry_failed(self) -> None:
        if self.shown is not None:
            self._steering.retry(self.shown, None)

    def action_rerun_no_cache(self) -> None:
        if self.shown is not None:
            self._steering.rerun_no_cache(self.shown, self.selected)

    def action_cancel_task(self) -> None:
        if self.shown is None or self.selected is None:
            return
        if self.attending.hold():
            self._steering.cancel_task(self.shown, self.selected)
        else:
            self._say(f"press again to cancel {self.selected}, which was only just selected")

    def action_cancel_run(self) -> None:
        if self.shown is not None:
            self._steering.cancel_run(self.shown)

    def action_watch(self) -> None:
        if self.shown is not None:
            self.watching.toggle(self.shown)

    def action_keep_going(self) -> None:
        if self.shown is not None:
            self._steering.keep_going(self.shown)

    def action_shell(self) -> None:
        self._on_task(self._steering.shell)

    def action_shell_keep(self) -> None:
        self._on_task(lambda shown, task: self._steering.shell(shown, task, "--keep"))

    def action_shell_before(self) -> None:
        self._on_task(lambda shown, task: self._steering.shell(shown, task, "--before"))

    def action_retry_from_here(self) -> None:
        self._on_task(self._steering.retry_from_here)

    def action_breakpoint(self) -> None:
        self._on_task(self._steering.breakpoint)

    def action_proceed(self) -> None:
        self._on_task(self._steering.proceed)

    def _on_task(self, act: Callable[[ShownRun, str], None]) -> None:
        """Do this to the selected task, and stay there."""
        if self.shown is not None and self.selected is not None:
            self.attending.hold()
            act(self.shown, self.selected)

    def action_next_tab(self) -> None:
        self._panel.next_tab()

    def action_previous_tab(self) -> None:
        self._panel.previous_tab()

    def action_filter(self) -> None:
        if not self.panes.list.display:
            self.panes.use_view("rails")
        self._prompt.ask("filter", "filter", self.panes.list.filter)

    def action_search(self) -> None:
        self.attending.hold()
        self._prompt.ask("search", "search", self.selected_task.searched)

    def action_next_match(self) -> None:
        self._log.next_match()

    def action_previous_match(self) -> None:
        self._log.previous_match()

    def action_matching_only(self) -> None:
        self._log.matching_only = not self._log.matching_only

    def action_first_error(self) -> None:
        self.selected_task.first_error()

    def action_follow(self) -> None:
        self._log.follow = not self._log.follow

    def action_wrap(self) -> None:
        self._log.wrap = not self._log.wrap

    def action_timestamps(self) -> None:
        self._log.timestamps = not self._log.timestamps

    def action_lanes_zoom_in(self) -> None:
        self.panes.lanes.zoom_in()

    def action_lanes_zoom_out(self) -> None:
        self.panes.lanes.zoom_out()

    def action_copy(self) -> None:
        text = self.get_selected_text()
        if text is None and self._log.has_focus:
            self._log.copy()
        elif text := text or self._panel.copied_text() or self.selected:
            self._copy(text)

    # Messages

    @on(TaskSelected)
    def _selected_in_a_pane(self, event: TaskSelected) -> None:
        event.stop()
        self.attending.select(event.task)

    @on(TaskOpened)
    def _opened_in_a_pane(self, event: TaskOpened) -> None:
        event.stop()
        self.attending.select(event.task)
        self.panes.zoom(None)
        self._panel.body.focus()

    @on(log_messages.Matches)
    def _matched(self, event: log_messages.Matches) -> None:
        event.stop()
        self.selected_task.matches = event
        self._show_state()

    @on(log_messages.Noticed)
    def _log_noticed(self, event: log_messages.Noticed) -> None:
        event.stop()
        self._say(event.text)

    @on(log_messages.Copied)
    def _log_copied(self, event: log_messages.Copied) -> None:
        event.stop()
        self._copy(event.text)

    @on(PromptLine.Typed)
    def _typed(self, event: PromptLine.Typed) -> None:
        event.stop()
        self._use_text(event.purpose, event.text)

    @on(PromptLine.Closed)
    def _prompt_closed(self, event: PromptLine.Closed) -> None:
        event.stop()
        self._use_text(event.purpose, event.text if event.is_accepted else "")
        if event.purpose == "filter":
            self.panes.list.focus()
        else:
            self._log.focus()

    @on(DescendantFocus)
    @on(log_messages.FollowChanged)
    @on(TaskPanel.TabChanged)
    def _panel_is_used(self, event: Event) -> None:
        """Who reads a task must not have another one put in its place."""
        is_by_hand = not event.follow if isinstance(event, log_messages.FollowChanged) else True
        if is_by_hand and (self._panel.has_focus_within or not isinstance(event, DescendantFocus)):
            self.attending.hold()

    @on(ScreenResume)
    def _resumed(self) -> None:
        self.apply()

    # How it is done

    def _use_text(self, purpose: str, text: str) -> None:
        if purpose == "filter":
            self.panes.list.filter = text
        else:
            self.selected_task.search(text)
        self._show_state()

    def _copy(self, text: str) -> None:
        self.app.copy_to_clipboard(text)
        self._say("copied")

    def _show_state(self) -> None:
        """Say which filters and which search are in force."""
        restriction = "" if self.shown is None else self.shown.restriction
        words = (restriction, self.panes.words, self.selected_task.search_words)
        self._status.show_state("  ".join(filter(None, words)))
        self.refresh_bindings()

    @property
    def selected(self) -> str | None:
        """The task that the actions and the panel are about."""
        return self.attending.task

    @property
    def _is_visible(self) -> bool:
        """Also below a dialog."""
        return self.app.screen is self or isinstance(self.app.screen, ModalScreen)

    def _show_all(self) -> None:
        assert self.shown is not None
        self._header.show(self.shown.model)
        self.panes.show(self.shown.model)
        self._show_task()
        self._course_changed()

    def _selection_moved(self) -> None:
        self.panes.selected = self.selected
        self._show_task()
        self.refresh_bindings()

    def _show_task(self) -> None:
        if self.shown is not None:
            self.selected_task.show(self.shown, self.selected)

    def _summary_came(self, summary: RunSummary, estimates: Estimates) -> None:
        if self.shown is not None and summary.run == self.shown.run:
            self.shown.describe(summary)
            self.shown.model.estimates = estimates.seconds
            self._header.show(self.shown.model)
            self.banner.say(self.shown.alarm)
            self._show_state()

    def _course_changed(self) -> None:
        """The run goes on, or does no more: time passes, or stands."""
        shown = self.shown
        if shown is None or self._ticking is None:
            return
        self._header.changed(Dirty(finished=True))
        self.panes.changed(Dirty(tasks=set(shown.lost), finished=True))
        if self.selected in shown.lost:
            self._show_task()
        self._show_state()
        self._tick()
        self._let_time_pass()
        self.banner.say(shown.alarm)

    def _let_time_pass(self) -> None:
        """Only while something changes with it: a run that waits for changes costs nothing."""
        shown = self.shown
        if shown is None or self._ticking is None:
            return
        wanted = shown.is_live and not (shown.is_idle and not shown.model.fading(self._clock()))
        if wanted != self.is_ticking:
            self.is_ticking = wanted
            (self._ticking.resume if wanted else self._ticking.pause)()

    def _tick(self) -> None:
        shown = self.shown
        if shown is None or not self._is_visible:
            return
        now = self._clock() if shown.is_live else shown.model.last_at
        if self.app.screen is not self:  # whatever changes there, Textual draws all of it, dimmed
            if int(now) == self._drawn_below:
                return
            self._drawn_below = int(now)
            self._draw()
        with self.app.batch_update():
            self._header.tick(self._clock())
            self.panes.tick(now, frame=int(now * _TICKS_A_SECOND))
        if shown.is_idle:
            self._let_time_pass()
