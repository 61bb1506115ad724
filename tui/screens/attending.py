"""Which task of a run is selected: the one that the user chose, or else where something happens."""

from __future__ import annotations

from collections.abc import Callable

from textual.screen import Screen

from tui.model import attention
from tui.model.selection import Selection
from tui.model.shown_run import ShownRun

_REST_SECONDS = 0.5  # before it moves by itself again: nobody reads faster


class Attending:
    """`moved` is called whenever another task is selected, by the user or by itself."""

    def __init__(self, screen: Screen[None], clock: Callable[[], float], moved: Callable[[], None]) -> None:
        self._screen = screen
        self._clock = clock
        self._moved = moved
        self._shown: ShownRun | None = None
        self._selection = Selection()
        self._is_resting = False  # the selection has just moved by itself

    @property
    def task(self) -> str | None:
        """The one that is selected."""
        return self._selection.task

    @property
    def is_chosen(self) -> bool:
        """Whether by the user; the selection then moves no more by itself."""
        return self._selection.is_chosen

    def begin(self, shown: ShownRun, *, is_again: bool) -> None:
        """Be about this run; what was chosen in the one before is so in it, where it is that one again."""
        self._shown = shown
        self._selection = self._selection.again() if is_again else Selection()

    def select(self, task: str | None) -> None:
        """The user means this task; one that there is not any more is not selected."""
        is_there = self._shown is not None and task in self._shown.model.state.tasks
        if (is_there or task is None) and self._selection.choose(task):
            self._moved()

    def hold(self) -> bool:
        """Who acts on a task means it: stay there. False if it was only just selected, by no hand."""
        return self._selection.hold(self._clock())

    def release(self) -> None:
        """Follow what happens again."""
        self._selection.release()
        self.follow(at_once=True)

    def follow(self, *, at_once: bool = False) -> None:
        """Until the user has selected something, go where something happens; not too often but `at_once`."""
        shown = self._shown
        if shown is not None and self.is_chosen and self.task not in shown.model.state.tasks:
            self._selection = self._selection.again()  # it was removed; back to it when it comes back
        if shown is None or self.is_chosen or (self._is_resting and not at_once):
            return
        state, wanted = shown.model.state, self._selection.wanted
        if wanted in state.tasks:
            self.select(wanted)
        elif self._selection.follow(attention.to_watch(state, self.task), self._clock()):
            self._is_resting = True
            self._screen.set_timer(_REST_SECONDS, self._rested)
            self._moved()

    def _rested(self) -> None:
        self._is_resting = False
        self.follow()
