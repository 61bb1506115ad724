"""Opens the Inspect screen, for the selected task or where it was, and keeps it in step with a run."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App

from engine.api.file_messages import PlaceDetails
from engine.api.messages import Refusal
from tui.bridge import Bridge
from tui.format import Glyphs
from tui.model.facts import FilePlace
from tui.model.inspected import input_state, run_and_task, task_place
from tui.model.shown_run import ShownRun
from tui.screens.inspect import InspectScreen

_MODE = "inspect"


class Inspecting:
    """Switches to the screen, a mode of the app, and back."""

    def __init__(self, app: App[None], bridge: Bridge, glyphs: Glyphs, clock: Callable[[], float]) -> None:
        self._app = app
        self._bridge = bridge
        self.screen = InspectScreen(bridge, glyphs, clock)
        self._mode_before = ""
        self._came_for: str | None = None  # the selected task that was asked for last
        self._seen: tuple[object, ...] = ()

    def show_selected(self, shown: ShownRun | None, task: str | None, *, always: bool = False) -> None:
        """The selected task of the run; without `always` only if another one was when it was shown last."""
        if shown is not None and task is not None:
            place = task_place(shown.run, task)
            if (always or place != self._came_for) and place != self.screen.place:
                self.screen.open(place)
            self._came_for = place
            self._seen = self._state_in(shown)
        self._go_there()

    def show(self, wanted: FilePlace) -> None:
        """A file of some state, perhaps compared with another one."""
        if wanted.is_input and wanted.before is not None:
            self._show_inputs(wanted, wanted.before)
        else:
            self.screen.open(wanted.state, wanted.path, before=wanted.before)
        self._go_there()

    def go_back(self) -> None:
        """To the screen that it was opened from."""
        if self._mode_before:
            self._app.switch_mode(self._mode_before)

    def _show_inputs(self, wanted: FilePlace, before: str) -> None:
        """What two tasks started from, once it is known which of their layers those are."""

        def came(found: PlaceDetails) -> None:
            states.append(input_state(found))
            if len(states) == 2:
                self.screen.open(states[0], wanted.path, before=states[1])
            else:
                self._bridge.files.place(before, came, refused, latest="inputs")

        def refused(refusal: Refusal) -> None:
            self.screen.notify(refusal.message, severity="error", markup=False)

        states: list[str] = []
        self._bridge.files.place(wanted.state, came, refused, latest="inputs")

    def run_changed(self, shown: ShownRun | None) -> None:
        """Something happened in the run: when it was to the task that is looked at, ask again."""
        state = self._state_in(shown)
        if state != self._seen:
            had_one, self._seen = bool(self._seen), state
            if had_one and state:
                self.screen.again()

    def _go_there(self) -> None:
        if self._app.current_mode != _MODE:
            self._mode_before = self._app.current_mode
            self._app.switch_mode(_MODE)

    def _state_in(self, shown: ShownRun | None) -> tuple[object, ...]:
        """What decides which layers the task on the screen has; empty when it is not of this run."""
        run, name = run_and_task(self.screen.place)
        if shown is None or name is None or shown.run != run:
            return ()
        task = shown.model.state.tasks.get(name)
        return () if task is None else (self.screen.place, task.attempt, task.done, task.cache_key)
