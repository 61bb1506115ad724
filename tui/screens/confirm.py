"""A question with a few answers, each with its key; escape takes none."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from engine.events import PausePoint

BREAKPOINTS: dict[PausePoint, str] = {
    "before": "before its script",
    "after": "after its script",
    "on-failure": "when its script has failed",
}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer; `key` is a letter that gives it at once."""

    id: str
    key: str
    words: str


class ChoiceScreen(ModalScreen[str]):
    """Asks `title`; the result is the id of the choice, or `""` when there was none."""

    DEFAULT_CSS = """
    ChoiceScreen { align: center middle; }
    ChoiceScreen > Vertical {
        width: auto; min-width: 40; max-width: 90%; height: auto; max-height: 90%;
        padding: 0 1; border: round $edge-active; background: $surface;
    }
    ChoiceScreen #question { width: auto; max-width: 100%; padding: 0 1; }
    ChoiceScreen #detail { width: auto; max-width: 100%; padding: 0 1; color: $dim-text; }
    ChoiceScreen OptionList {
        width: auto; height: auto; border: none; padding: 0; margin-top: 1; background: $surface;
    }
    ChoiceScreen OptionList:focus { border: none; background-tint: transparent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "none", "stay"),
        Binding("j", "next", show=False),
        Binding("k", "previous", show=False),
    ]

    def __init__(self, title: str, choices: tuple[Choice, ...], detail: str = "") -> None:
        super().__init__()
        self._title = title
        self._detail = detail
        self._choices = choices

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._title, id="question", markup=False)
            if self._detail:
                yield Static(self._detail, id="detail", markup=False)
            yield OptionList(
                *(
                    Option(Content.assemble(f" {choice.key} ", (f" {choice.words} ", "")), id=choice.id)
                    for choice in self._choices
                )
            )

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    def on_key(self, event: Key) -> None:
        for choice in self._choices:
            if event.character == choice.key:
                event.stop()
                self.dismiss(choice.id)
                return

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_id or "")

    def action_none(self) -> None:
        self.dismiss("")

    def action_next(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_previous(self) -> None:
        self.query_one(OptionList).action_cursor_up()


def leave(running: int) -> ChoiceScreen:
    """Leaving while tasks run: `stop`, `leave` or nothing."""
    tasks = "a task runs" if running == 1 else f"{running} tasks run" if running else "the run goes on"
    return ChoiceScreen(
        f"Leave while {tasks}?",
        (
            Choice(id="leave", key="l", words="leave it running; `outcrop` comes back to it"),
            Choice(id="stop", key="s", words="stop the run"),
            Choice(id="", key="c", words="stay here"),
        ),
    )


def leave_watching() -> ChoiceScreen:
    """Leaving a run that waits for changes: `stop`, `leave` or nothing."""
    return ChoiceScreen(
        "Stop watching?",
        (
            Choice(id="stop", key="s", words="stop watching; the run ends as it is"),
            Choice(id="leave", key="l", words="leave it watching; `outcrop` comes back to it"),
            Choice(id="", key="c", words="stay here"),
        ),
    )


def cancel_run(running: int, waiting: int) -> ChoiceScreen:
    """Cancelling a run of which more than one task dies: `cancel` or nothing."""
    found = [f"{count} {words}" for count, words in ((running, "running"), (waiting, "waiting")) if count]
    return ChoiceScreen(
        f"Cancel the run, and with it {' and '.join(found)} tasks?",
        (
            Choice(id="cancel", key="x", words="cancel the run"),
            Choice(id="", key="c", words="let it go on"),
        ),
    )


def run_again(task: str | None) -> ChoiceScreen:
    """Running again without cache: `task`, `all` or nothing."""
    one = (
        (Choice(id="task", key="t", words=f"execute `{task}` again, the rest from the cache"),)
        if task
        else ()
    )
    return ChoiceScreen(
        "Run again without cache?",
        (
            *one,
            Choice(id="all", key="a", words="execute every task again"),
            Choice(id="", key="c", words="neither"),
        ),
    )


def breakpoint_at(task: str, present: tuple[PausePoint, ...], *, has_begun: bool) -> ChoiceScreen:
    """Where a task is to pause: one of `BREAKPOINTS`, `none` to pause nowhere, or nothing."""
    keys = {"before": "b", "after": "a", "on-failure": "f"}
    choices = [
        Choice(id=where, key=keys[where], words=f"{words}{'   (set)' if where in present else ''}")
        for where, words in BREAKPOINTS.items()
        if not (has_begun and where == "before")
    ]
    if present:
        choices.append(Choice(id="none", key="n", words="nowhere any more"))
    choices.append(Choice(id="", key="c", words="leave it as it is"))
    detail = "It waits there until you let it go on; meanwhile a shell can enter."
    return ChoiceScreen(f"Where is `{task}` to pause?", tuple(choices), detail)
