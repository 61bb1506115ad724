"""How the interface looks: the user's settings and themes, and what the terminal can show."""

from __future__ import annotations

import os

import msgspec

from engine.terminal.console import Console
from tui.settings import Settings, read_settings, settings_folder, settings_path
from tui.theme_choice import ThemeChoice, chosen_theme
from tui.theme_files import DEFAULT_THEME


class Appearance(msgspec.Struct, frozen=True, kw_only=True):
    """`settings_path` and `themes_folder` need not exist."""

    settings: Settings = Settings()
    settings_path: str = ""
    themes_folder: str = ""
    theme: ThemeChoice = ThemeChoice(name=DEFAULT_THEME)
    is_unicode: bool = True


def appearance(console: Console) -> Appearance:
    """That of this terminal and this user; to be asked before the app is made."""
    if not os.environ.get("NO_COLOR"):
        os.environ.pop("NO_COLOR", None)  # empty it means nothing (no-color.org), but not to Textual
    path = settings_path(console.environment)
    settings = read_settings(path)
    return Appearance(
        settings=settings,
        settings_path=path,
        themes_folder=os.path.join(settings_folder(console.environment), "themes"),
        theme=chosen_theme(settings.theme, console.environment),
        is_unicode=console.is_unicode and not settings.is_ascii,
    )
