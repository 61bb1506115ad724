"""Watching, as the run screen has it: turned on and off, its turns told, once said what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from textual.message import Message
from textual.screen import Screen

from tui.bridge import Bridge
from tui.model import attention
from tui.model.shown_run import ShownRun
from tui.model.turns import Turn
from tui.screens.steering import RunWanted, Steering


class Turned(Message):
    """The watched run on the screen has turned from green to red or back. `failed`: the tasks that have."""

    def __init__(self, turn: Turn, title: str, failed: tuple[str, ...]) -> None:
        super().__init__()
        self.turn = turn
        self.title = title
        self.failed = failed

    @property
    def words(self) -> str:
        """Such as `ci: unit failed and 2 more`."""
        if self.turn.is_green:
            return f"{self.title}: all tasks succeed again"
        first = f"{self.failed[0]} failed" if self.failed else "failed"
        more = f" and {len(self.failed) - 1} more" if len(self.failed) > 1 else ""
        return f"{self.title}: {first}{more}"


class Watching:
    """For one screen; what can't be done is said by its steering."""

    def __init__(
        self, screen: Screen[None], bridge: Bridge, steering: Steering, clock: Callable[[], float]
    ) -> None:
        self._screen = screen
        self._bridge = bridge
        self._steering = steering
        self._clock = clock
        self._warned = ""

    def toggle(self, shown: ShownRun) -> None:
        """Watch the run that goes on, or do so no more; of one that has ended, start another that watches."""
        say = self._steering.say
        if not shown.is_live:
            request = shown.again()
            if request is None:
                say("it is not known yet what this run was started with")
            else:
                self._screen.post_message(RunWanted(msgspec.structs.replace(request, watch=True)))
        elif not shown.is_steerable:
            say("this run was started elsewhere: it can only be looked at")
        else:
            enabled = not shown.is_watched
            self._bridge.watch(shown.run, enabled, self._steering.refused)
            say(_words(shown, enabled=enabled))

    def stop(self, shown: ShownRun) -> None:
        """Let a run that waits for changes end as its last cycle did."""
        self._bridge.watch(shown.run, False, self._steering.refused)

    def changed(self, shown: ShownRun) -> None:
        """Something has happened in the run: tell what is news."""
        turn = shown.turns.pop()
        state = shown.model.state
        if turn is not None and shown.is_live and turn.is_news(self._clock()):
            title = "" if state.started is None else state.started.title
            self._screen.post_message(Turned(turn, title or "outcrop", tuple(attention.failures(state))))
        watch = state.watch
        if watch is not None and watch.warning and watch.is_on and self._warned != shown.run:
            self._warned = shown.run
            self._screen.notify(watch.warning, severity="warning", markup=False, timeout=15)


def _words(shown: ShownRun, *, enabled: bool) -> str:
    if enabled:
        return "watching: when a file is saved, what it affects runs again; W ends that"
    return "watching no more" if shown.is_idle else "watching no more: the run ends when its tasks have"
