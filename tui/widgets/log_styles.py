"""The colours that a task printed become colours which can be read on the theme's background."""

from __future__ import annotations

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import BLACK, WHITE, Color

from tui.model.ansi import DEFAULT, RGB, SgrStyle

_MOST = 4096
_CONTRAST = 4.5
_STEPS = 10

# The sixteen colours that programs name by number, as current terminals draw them.
_PALETTE = (
    "#000000", "#cd3131", "#0dbc79", "#e5e510", "#3b8eea", "#bc3fbc", "#11a8cd", "#e5e5e5",
    "#767676", "#f14c4c", "#23d18b", "#f5f543", "#6cb6ff", "#d670d6", "#29b8db", "#ffffff",
)  # fmt: skip


class LogStyles:
    """Styles for one theme.

    On a background that is the terminal's own, colours are left to the terminal.
    """

    def __init__(self, base: Style, background: Color) -> None:
        self.base = base
        self._background = background
        self.is_native = background.ansi is not None
        self._known: dict[SgrStyle, Style] = {}

    def style(self, style: SgrStyle) -> Style:
        """How text of this style is drawn."""
        found = self._known.get(style)
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._known[style] = self._make(style)
        return found

    def text_on(self, ground: RichColor) -> RichColor | None:
        """The colour of plain text on another ground."""
        if self.base.color is None:
            return None
        return readable(Color.from_rich_color(self.base.color), Color.from_rich_color(ground)).rich_color

    def _make(self, style: SgrStyle) -> Style:
        background = self._rich(style.background)
        colour = self._rich(style.colour)
        if not self.is_native:
            behind = self._background if style.background == DEFAULT else _colour(style.background)
            if colour is not None:
                colour = readable(_colour(style.colour), behind).rich_color
            elif background is not None and self.base.color is not None:
                colour = readable(Color.from_rich_color(self.base.color), behind).rich_color
        return self.base + Style(
            color=colour,
            bgcolor=background,
            bold=style.bold or None,
            dim=style.dim or None,
            italic=style.italic or None,
            underline=style.underline or None,
            reverse=style.reverse or None,
            strike=style.strike or None,
        )

    def _rich(self, colour: int) -> RichColor | None:
        if colour == DEFAULT:
            return None
        if self.is_native and colour < RGB:
            return RichColor.from_ansi(colour)
        return _colour(colour).rich_color


def _colour(colour: int) -> Color:
    if colour >= RGB:
        return Color(colour >> 16 & 255, colour >> 8 & 255, colour & 255)
    if colour < len(_PALETTE):
        return Color.parse(_PALETTE[colour])
    return Color.from_rich_color(RichColor.from_rgb(*RichColor.from_ansi(colour).get_truecolor()))


def readable(colour: Color, background: Color) -> Color:
    """The nearest colour, towards black or white, which has a contrast of 4.5 to the background."""
    towards = WHITE if contrast(WHITE, background) > contrast(BLACK, background) else BLACK
    for step in range(_STEPS):
        candidate = colour.blend(towards, step / _STEPS)
        if contrast(candidate, background) >= _CONTRAST:
            return candidate
    return towards


def contrast(one: Color, other: Color) -> float:
    """WCAG 2.1, contrast ratio: 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
