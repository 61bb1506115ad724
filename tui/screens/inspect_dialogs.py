"""The dialogs of the Inspect screen, and what they are about."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from textual.screen import Screen

from engine.api.file_messages import Waste, WastedPath
from engine.explain import printable
from tui.files_bridge import FilesBridge
from tui.format import Glyphs
from tui.model.file_search import FileSearch, Hit
from tui.model.inspected import Inspected, State
from tui.model.place_choices import Choice, state_of
from tui.screens.compare_with import CompareWithScreen
from tui.screens.search_files import SearchFilesScreen
from tui.screens.waste import WasteScreen


class InspectDialogs:
    """Opens them over one screen. The last search is kept, and shown again."""

    def __init__(self, screen: Screen[None], files: FilesBridge, glyphs: Glyphs) -> None:
        self._screen = screen
        self._files = files
        self._glyphs = glyphs
        self._search = FileSearch()

    def compare_with(self, inspected: Inspected, then: Callable[[State], None]) -> None:
        """Ask what the selected layer is to be compared with."""
        layer, run = inspected.selected, inspected.run
        if layer is None:
            return

        def chosen(choice: Choice | None) -> None:
            if choice is not None:
                then(state_of(inspected, choice))

        dialog = CompareWithScreen(
            inspected,
            printable(layer.name),
            lambda came, refused: self._files.choices(run, came, refused, latest="files.choices"),
            self._glyphs,
        )
        self._screen.app.push_screen(dialog, chosen)

    def waste(self, inspected: Inspected, waste: Waste, then: Callable[[WastedPath], None]) -> None:
        """Show what is wasted; a path of it may be chosen."""
        if inspected.details is None:
            return

        def chosen(wasted: WastedPath | None) -> None:
            if wasted is not None:
                then(wasted)

        self._screen.app.push_screen(WasteScreen(waste, inspected.details, self._glyphs), chosen)

    def search(self, inspected: Inspected, then: Callable[[Hit], None]) -> None:
        """Search names and contents of what is looked at, whatever the tree leaves out."""
        view, state = inspected.view, inspected.state
        if view is None or state is None:
            return
        self._search.view = msgspec.structs.replace(view, name="", order="name", changes=frozenset())

        def chosen(hit: Hit | None) -> None:
            if hit is not None:
                then(hit)

        where = f"all files up to {printable(state.layer)}"
        self._screen.app.push_screen(
            SearchFilesScreen(self._search, self._files, where, self._glyphs), chosen
        )
