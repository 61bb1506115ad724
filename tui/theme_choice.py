"""Which theme to begin with: the user's, or what suits the terminal."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tui.theme_files import DEFAULT_THEME, LIGHT_TERMINAL_THEME, LIGHT_THEME, TERMINAL_THEME


class ThemeChoice(msgspec.Struct, frozen=True, kw_only=True):
    """`is_ansi` is for `App(ansi_color=…)`: True with NO_COLOR, when no colour code may be sent."""

    name: str
    is_ansi: bool | None = None


def chosen_theme(wanted: str | None, environ: Mapping[str, str]) -> ThemeChoice:
    """The theme for a terminal with this environment; `wanted` is the one of the settings.

    To be asked before the App is made: Textual takes NO_COLOR out of the environment.
    """
    if environ.get("NO_COLOR"):
        return ThemeChoice(name=TERMINAL_THEME, is_ansi=True)
    if wanted is not None:
        return ThemeChoice(name=wanted)
    if not _has_many_colours(environ):
        return ThemeChoice(name=LIGHT_TERMINAL_THEME if _is_light(environ) else TERMINAL_THEME)
    return ThemeChoice(name=LIGHT_THEME if _is_light(environ) else DEFAULT_THEME)


def _has_many_colours(environ: Mapping[str, str]) -> bool:
    """Whether 256 colours or more reach the terminal: Rich's own rule, as it is Rich that reduces them."""
    system = environ.get("TEXTUAL_COLOR_SYSTEM", "auto")
    if system != "auto":
        return system in ("256", "truecolor")
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return True
    return environ.get("TERM", "").strip().lower().rpartition("-")[2] in ("256color", "kitty")


def _is_light(environ: Mapping[str, str]) -> bool:
    """Whether COLORFGBG (`15;0`, set by rxvt, Konsole and others) names a light background."""
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return background in ("7", "15")
