"""An app with the project's themes, and a screen that has something to do for a good part of the actions."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Static

from tui.active_actions import active_actions
from tui.bindings import bindings_for
from tui.format import Glyphs
from tui.palette import ActionPalette
from tui.screens.help import HelpScreen
from tui.screens.theme_picker import ThemePicker
from tui.theme import ROLE_CLASSES, ROLE_CSS, ROLES
from tui.theme_files import DEFAULT_THEME, find_themes, shipped_theme
from tui.widgets.status_bar import StatusBar


class GraphPane(Static, can_focus=True):
    """Stands for the graph."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("graph", "move")]

    def action_move_down(self) -> None:
        self.screen.done.append("move_down")  # type: ignore[attr-defined]


class LogPane(Static, can_focus=True):
    """Stands for the log."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("log", "move")]


class WorkScreen(Screen[object]):
    """Writes down which actions were run; `impossible` ones are refused for now."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("run")]
    DEFAULT_CSS = "WorkScreen Vertical { height: auto; } GraphPane, LogPane { height: auto; }"

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self.impossible = {"cancel_task"}

    def compose(self) -> ComposeResult:
        with Vertical():
            yield GraphPane("\n".join(f"[${role}]◆ {role}[/]" for role in ROLES), id="graph")
            yield LogPane("the log", id="log")
        yield StatusBar(Glyphs())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in self.impossible

    def action_retry(self) -> None:
        self.done.append("retry")

    def action_cancel_task(self) -> None:
        self.done.append("cancel_task")

    def action_next_error(self) -> None:
        self.done.append("next_error")

    def action_filter(self) -> None:
        self.done.append("filter")

    def action_search(self) -> None:
        self.done.append("search")

    def action_wrap(self) -> None:
        self.done.append("wrap")

    def action_view_cycle(self) -> None:
        self.done.append("view_cycle")

    def action_zoom(self) -> None:
        self.done.append("zoom")


class ThemedApp(App[object]):
    """Begins with a work screen under the default theme."""

    COMPONENT_CLASSES = ROLE_CLASSES
    CSS = ROLE_CSS
    ENABLE_COMMAND_PALETTE = False  # Textual's own would take ctrl+p
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("everywhere")]

    def __init__(
        self,
        keymap: dict[str, str] | None = None,
        *,
        theme: str = DEFAULT_THEME,
        user_folder: str = "",
        ansi_color: bool | None = None,
    ) -> None:
        super().__init__(ansi_color=ansi_color)
        self._user_folder = user_folder
        self.work = WorkScreen()
        self.chosen: list[str | None] = []
        self.register_theme(shipped_theme(theme))
        self.theme = theme
        self.set_keymap(keymap or {})

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return shipped_theme().variables

    def on_mount(self) -> None:
        self.push_screen(self.work)

    def action_help(self) -> None:
        self.push_screen(HelpScreen(active_actions(self.screen)))

    def action_palette(self) -> None:
        self.push_screen(ActionPalette())

    def action_change_theme(self) -> None:
        self.push_screen(ThemePicker(self._user_folder), self.chosen.append)


def shipped_names() -> list[str]:
    return list(find_themes(""))
