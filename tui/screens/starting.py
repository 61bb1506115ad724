"""Asks what to run, and starts it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from textual.app import App

from engine.api.messages import DefinitionSummary, Refusal
from engine.model.request import RunRequest
from tui.bridge import Bridge
from tui.format import Glyphs
from tui.model.shown_run import ShownRun


class Starting:
    """`answers` is called when the engine does, before anything is started; `began` with the new run.

    Of each definition the last choices are kept, to be offered again.
    """

    def __init__(
        self,
        app: App[None],
        bridge: Bridge,
        glyphs: Glyphs,
        answers: Callable[[], None],
        began: Callable[[RunRequest, str], None],
        refused: Callable[[Refusal], None],
    ) -> None:
        self._app = app
        self._bridge = bridge
        self._glyphs = glyphs
        self._answers = answers
        self._began = began
        self._refused = refused
        self._last_requests: dict[str, RunRequest] = {}  # by definition

    def ask(self, shown: ShownRun | None, start: Callable[[RunRequest], None]) -> None:
        """Offer the definitions from here upwards, and that of the shown run."""
        current = None if shown is None or shown.summary is None else shown.summary.definition

        def found(definitions: Sequence[DefinitionSummary]) -> None:
            if current is None or any(it.path == current for it in definitions):
                self._choose(definitions, current, start)
            else:
                self._bridge.definition(current, partial(add_current, definitions), self._refused)

        def add_current(others: Sequence[DefinitionSummary], one: DefinitionSummary) -> None:
            self._choose((one, *others), one.path, start)

        self._bridge.definitions(os.getcwd(), found, self._refused)

    def start(self, request: RunRequest, *, engine_is_lost: bool) -> None:
        """Start a run; where the engine is lost, start that first."""

        def start() -> None:
            self._answers()
            self._bridge.start(request, partial(self._began, request), self._refused)

        if engine_is_lost:
            self._bridge.reconnect(start, self._refused)
        else:
            start()

    def _choose(
        self,
        definitions: Sequence[DefinitionSummary],
        current: str | None,
        start: Callable[[RunRequest], None],
    ) -> None:
        from tui.screens.start_run import StartRunScreen  # late: the first picture must not wait for it

        self._app.clear_notifications()  # they would cover it, and what they said has been seen

        def chosen(request: RunRequest | None) -> None:
            if request is not None:
                start(request)

        screen = StartRunScreen(definitions, self._glyphs, self._last_requests, current)
        self._app.push_screen(screen, chosen)
