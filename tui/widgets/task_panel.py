"""What is known about the selected task: its log and, on further tabs, its facts."""

from __future__ import annotations

from typing import Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from engine.api.messages import TaskDetails
from engine.run_state import TaskState
from tui.format import Glyphs
from tui.model.facts import Section, filtered, note
from tui.model.failure_facts import Failure, failure_sections
from tui.model.script_spans import highlighted_rows, plain_rows
from tui.model.spans import Row, Span
from tui.model.task_facts import environment_section, given_section, info_sections, users_of
from tui.model.task_reasons import why_sections
from tui.model.task_title import title_row
from tui.widgets.fact_view import FactView
from tui.widgets.prompt_line import PromptLine
from tui.widgets.row_line import RowLine

Tab = Literal["failure", "log", "info", "env", "why"]
TABS: tuple[Tab, ...] = ("failure", "log", "info", "env", "why")
_LINES_AT_ONCE = 40  # what is longer is coloured in a thread


class TaskPanel(Vertical):
    """Title, tabs and body. Facts are drawn only when their tab is looked at.

    `log` is the widget of the tab of that name. A failed task has one more tab, and opens on it, until
    another is chosen by hand. The owner is told of that by `TabChanged`.
    """

    DEFAULT_CSS = """
    TaskPanel { height: 1fr; width: 1fr; }
    TaskPanel > #task-title { padding: 0 1; }
    TaskPanel > #task-tabs { padding: 0 1; }
    TaskPanel > .task-body { height: 1fr; }
    """

    class TabChanged(Message):
        """Another tab is shown."""

        def __init__(self, tab: Tab) -> None:
            super().__init__()
            self.tab = tab

    class _Coloured(Message):
        """The script of a task in colours has been made."""

        def __init__(self, details: TaskDetails, rows: list[Row]) -> None:
            super().__init__()
            self.details = details
            self.rows = rows

    def __init__(self, log: Widget, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.tab: Tab = "log"
        self.run = ""  # whose task it is, as its owner says
        self._log = log
        self._glyphs = glyphs
        self._shown: TaskState | None = None
        self._tasks: dict[str, TaskState] = {}
        self._details: TaskDetails | None = None
        self._failure: Failure | None = None
        self._is_read = False  # the log of this failed task was chosen by hand
        self._script: list[Row] = []
        self._users: tuple[str, ...] = ()
        self._users_of: tuple[str, int] = ("", 0)
        self._now = 0.0
        self._frame = 0
        self._is_stale = True
        self._title = RowLine(ellipsis=glyphs.ellipsis, id="task-title")
        self._tabs = RowLine(id="task-tabs")
        self._prompt = PromptLine(id="task-filter")
        self._filter = ""
        self._views: dict[Tab, FactView] = {
            tab: FactView(glyphs, id=f"task-{tab}") for tab in TABS if tab != "log"
        }

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._tabs
        self._log.add_class("task-body")
        yield self._log
        for view in self._views.values():
            view.add_class("task-body")
            view.display = False
            yield view
        yield self._prompt

    def on_mount(self) -> None:
        self._draw_tabs()
        self._draw_title()

    @property
    def task_key(self) -> str | None:
        """The key of the task that is shown."""
        return None if self._shown is None else self._shown.description.task

    @property
    def body(self) -> Widget:
        """The widget of the present tab."""
        return self._log if self.tab == "log" else self._views[self.tab]

    def show(self, task: TaskState | None, tasks: dict[str, TaskState]) -> None:
        """Be about this task of these; calls with the same task bring what has changed since."""
        is_another = self.task_key != (None if task is None else task.description.task)
        had_failed = self.has_failed and not is_another
        self._shown, self._tasks = task, tasks
        self._is_stale = True
        if is_another:
            self._details, self._script = None, []
        if is_another or not self.has_failed:
            self._failure, self._is_read = None, False
        self._settle_tab(is_news=self.has_failed and not had_failed)
        if is_another:
            self._draw_body(from_top=True)
        self._draw_title()

    @property
    def has_failed(self) -> bool:
        """Whether there is a failure of the task itself to look at; not where its process was lost."""
        task = self._shown
        return task is not None and task.done and task.failed and task.cause not in ("lost", "cancelled")

    def failure(self, failure: Failure) -> None:
        """What was found of the failure; that of another task or attempt is ignored."""
        if self._shown is None or (failure.task, failure.attempt) != (self.task_key, self._shown.attempt):
            return
        self._failure = failure
        self._draw_body()

    def _settle_tab(self, *, is_news: bool) -> None:
        """A failed task opens on its failure, unless its log is being read; no other task has that tab."""
        if self.has_failed and is_news and self.tab == "log" and not self._is_read:
            if not self._log.has_focus:
                self._turn_to("failure")
        elif self.tab == "failure" and not self.has_failed:
            self._turn_to("log")
        self._draw_tabs()

    def details(self, details: TaskDetails | None) -> None:
        """What the engine keeps of the task; those of another task are ignored."""
        if details is not None and details.task != self.task_key:
            return
        if details is not None and details == self._details:
            return
        had_none, self._details = self._details is None, details
        self._script = []
        if details is not None:
            self._read_script(details)
        self._draw_body(from_top=had_none and self.tab != "log")

    def tick(self, now: float, frame: int = 0) -> None:
        """Time has passed: `now` in seconds since the epoch, `frame` turns the spinner."""
        self._now, self._frame = now, frame
        self._draw_title()
        if self._is_stale:
            self._draw_body()

    @property
    def _tabs_here(self) -> tuple[Tab, ...]:
        return TABS if self.has_failed else TABS[1:]

    def next_tab(self) -> None:
        """Show the tab to the right; after the last one the first."""
        tabs = self._tabs_here
        self.open_tab(tabs[(tabs.index(self.tab) + 1) % len(tabs)])

    def previous_tab(self) -> None:
        """Show the tab to the left."""
        tabs = self._tabs_here
        self.open_tab(tabs[tabs.index(self.tab) - 1])

    def open_tab(self, tab: Tab) -> None:
        """Show this tab, or the log of a task without it; the focus goes with it if it was in the panel."""
        tab = tab if tab in self._tabs_here else "log"
        self._is_read = tab == "log"
        if tab != self.tab:
            self._turn_to(tab)
            self.post_message(self.TabChanged(tab))

    def _turn_to(self, tab: Tab) -> None:
        if tab == self.tab:
            return
        had_focus = self.has_focus_within
        self._prompt.remove_class("-open")
        self.body.display = False
        self.tab = tab
        self.body.display = True
        self._draw_tabs()
        self._draw_body(from_top=True)
        if had_focus:
            self.body.focus()

    def copied_text(self) -> str | None:
        """The fact under the cursor, when facts have the focus; else None."""
        view = self.body
        current = view.current if isinstance(view, FactView) and view.has_focus else None
        return None if current is None else current.text

    def open_filter(self) -> None:
        """Ask for a text that variables must contain."""
        self._prompt.ask("facts", "filter", self._filter)

    def close_filter(self) -> bool:
        """Show all variables again; False if they were."""
        if not self._filter or self.tab != "env":
            return False
        self._filter = ""
        self._draw_body()
        return True

    def on_fact_view_filter_wanted(self) -> None:
        if self.tab == "env":
            self.open_filter()

    def on_prompt_line_typed(self, event: PromptLine.Typed) -> None:
        event.stop()
        self._filter = event.text
        self._draw_body()

    def on_prompt_line_closed(self, event: PromptLine.Closed) -> None:
        event.stop()
        self._filter = event.text if event.is_accepted else ""
        self._draw_body()
        self.body.focus()

    def on_row_line_pressed(self, event: RowLine.Pressed) -> None:
        event.stop()
        for tab in self._tabs_here:
            if event.task == tab:
                self.open_tab(tab)

    def on_task_panel__coloured(self, event: _Coloured) -> None:
        event.stop()
        if event.details is self._details:
            self._script = event.rows
            self._draw_body()

    def _read_script(self, details: TaskDetails) -> None:
        script = details.script or details.raw
        self._script = plain_rows(script)
        if len(self._script) <= _LINES_AT_ONCE and details.script:
            self._script = highlighted_rows(script, details.shell)
        elif details.script:
            self.run_worker(
                lambda: self._colour(details),
                thread=True,
                exclusive=True,
                group="script",
                exit_on_error=False,
            )

    def _colour(self, details: TaskDetails) -> None:
        """In a thread."""
        self.post_message(self._Coloured(details, highlighted_rows(details.script, details.shell)))

    def _draw_title(self) -> None:
        self._title.show(title_row(self._shown, self._tasks, self._now, self._glyphs, self._frame))

    def _draw_tabs(self) -> None:
        row: list[Span] = []
        for tab in self._tabs_here:
            if row:
                row.append(Span(f" {self._glyphs.bar} ", "edge"))
            is_open = tab == self.tab
            name = tab.capitalize()
            text = f"[{name}]" if is_open and not self._glyphs.is_unicode else name
            row.append(Span(text, "edge-active" if is_open else "dim-text", bold=is_open, task=tab))
        self._tabs.show(tuple(row))

    def _draw_body(self, *, from_top: bool = False) -> None:
        if self.tab == "log":
            return
        self._is_stale = False
        self._views[self.tab].show(self._sections(), from_top=from_top)

    def _sections(self) -> tuple[Section, ...]:
        task, details = self._shown, self._details
        if task is None:
            return ()
        if self.tab == "failure":
            return failure_sections(task, self._tasks, details, self._script, self._failure, self._glyphs)
        if self.tab == "info":
            return info_sections(
                task, self._tasks, details, self._script, self._used_by(), self._glyphs, self._now
            )
        if self.tab == "why":
            return why_sections(task, self._tasks, details, self._glyphs, self._now, self.run)
        if details is None:
            return (note("loading…"),)
        if not details.environment:
            return (note("no environment of its own" if task.done else "not prepared yet"),)
        found = (environment_section(details), given_section(details))
        return tuple(filtered(section, self._filter) for section in found if section.facts)

    def _used_by(self) -> tuple[str, ...]:
        key = (self.task_key or "", len(self._tasks))
        if key != self._users_of:
            self._users_of, self._users = key, users_of(key[0], self._tasks)
        return self._users
