"""A list of the themes; the one under the cursor is shown at once, escape brings the old one back."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.theme_files import ThemeFile, ThemeFileError, find_themes, read_theme

_SECONDS_BETWEEN_LOOKS = 1.0


class ThemePicker(ModalScreen[str]):
    """The result is the name of the chosen theme, or `""` when all stays as it was."""

    DEFAULT_CSS = """
    ThemePicker { align: right top; background: transparent; }
    ThemePicker > Vertical {
        width: 40; max-width: 100%; height: auto; max-height: 100%;
        border: round $edge-active; background: $surface;
        border-title-color: $foreground; border-subtitle-color: $dim-text;
    }
    ThemePicker OptionList, ThemePicker OptionList:focus {
        height: auto; background-tint: transparent; border: none; padding: 0 1; background: $surface;
    }
    ThemePicker Static { height: auto; padding: 0 1; color: $diag-warning; display: none; }
    ThemePicker Static.-shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "keep", "keep the old one"),
        Binding("j", "next", show=False),
        Binding("k", "previous", show=False),
    ]

    def __init__(self, user_folder: str) -> None:
        super().__init__()
        self._user_folder = user_folder
        self._files: dict[str, ThemeFile] = {}
        self._before = ""

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = "Theme"
            frame.border_subtitle = "enter takes it, esc the old one"
            yield OptionList()
            yield Static(markup=False)

    def on_mount(self) -> None:
        self._before = self.app.theme
        self.look()
        self.query_one(OptionList).focus()
        self.set_interval(_SECONDS_BETWEEN_LOOKS, self.look)

    def look(self) -> None:
        """Reads the theme files again if any has changed, and shows their themes as they are now."""
        files = find_themes(self._user_folder)
        if files == self._files:
            return
        self._files = files
        problems = register_themes(self.app, files)
        bad = {name for name, _ in problems}
        names = [name for name in files if name not in bad]
        options = self.query_one(OptionList)
        current = self._highlighted_name() or self.app.theme
        with self.prevent(OptionList.OptionHighlighted):
            options.clear_options()
            options.add_options(Option(name.removeprefix("outcrop-"), id=name) for name in names)
            if current in names:
                options.highlighted = names.index(current)
        notice = self.query_one(Static)
        notice.update("\n".join(["These cannot be used:", *(text for _, text in problems)]))
        notice.set_class(bool(problems), "-shown")

    def _highlighted_name(self) -> str:
        option = self.query_one(OptionList).highlighted_option
        return option.id or "" if option is not None else ""

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_id:
            self.app.theme = event.option_id

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_id or "")

    def action_keep(self) -> None:
        self.app.theme = self._before
        self.dismiss("")

    def action_next(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_previous(self) -> None:
        self.query_one(OptionList).action_cursor_up()


def register_themes(app: App[Any], files: dict[str, ThemeFile]) -> list[tuple[str, str]]:
    """Makes the themes known to the app; the result is the name of each bad file and what is wrong."""
    problems: list[tuple[str, str]] = []
    for name, file in files.items():
        try:
            theme = read_theme(file)
        except ThemeFileError as error:
            problems += [
                (name, f"{os.path.basename(it.path)}:{it.line}: {it.message}") for it in error.problems
            ]
            continue
        if app.get_theme(name) != theme:
            app.register_theme(theme)
            if app.theme == name:
                app.mutate_reactive(App.theme)
    return problems
