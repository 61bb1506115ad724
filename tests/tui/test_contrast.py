"""The colours of every shipped theme: readable, and told apart by people who see fewer of them."""

from __future__ import annotations

from itertools import combinations

import pytest
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import Theme

from tests.tui.themed_app import shipped_names
from tui.theme import LANE_ROLES, ROLES
from tui.theme_files import shipped_theme

NAMES = [name for name in shipped_names() if not shipped_theme(name).ansi]
EACH = pytest.mark.parametrize("name", NAMES)
LINES = ("edge", "edge-active", *LANE_ROLES)
TEXTS = (
    *(role for role in ROLES if role not in (*LINES, "match", "selected")),
    "foreground",
    "accent",
    "text",
    "text-muted",
    "text-error",
    "text-warning",
    "text-success",
    "text-accent",
    "text-primary",
    "text-secondary",
    "footer-key-foreground",
    "footer-description-foreground",
)
GROUNDS = ("background", "surface", "panel", "selected-background")
STATES = ("task-ok", "task-failed", "task-cached", "task-running", "task-cancelled")

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB.
SIGHTS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}
# CIE76: about 2.3 is just noticeable side by side; apart from each other, as here, more is needed.
DISTANCES = {"outcrop-colour-blind": 20.0}
USUAL_DISTANCE = 9.0


def resolved(theme: Theme) -> dict[str, Color]:
    """Every variable that is a colour, as the app would resolve it."""
    values = {**theme.to_color_system().generate(), **theme.variables}
    return {name: Color.parse(value) for name, value in values.items() if value.startswith("#")}


def linear(color: Color) -> list[float]:
    parts = (color.r / 255, color.g / 255, color.b / 255)
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def luminance(color: Color) -> float:
    """Relative luminance, WCAG 2.2."""
    red, green, blue = linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: Color, second: Color) -> float:
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def lab(rgb: list[float]) -> list[float]:
    """CIELAB of linear sRGB, white D65."""
    red, green, blue = (min(max(part, 0.0), 1.0) for part in rgb)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)]


def seen(color: Color, sight: str) -> list[float]:
    rgb = linear(color)
    return [sum(weight * part for weight, part in zip(row, rgb, strict=True)) for row in SIGHTS[sight]]


def in_256_colours(color: Color) -> Color:
    return Color.from_rich_color(color.rich_color.downgrade(ColorSystem.EIGHT_BIT))


def test_black_on_white_is_the_greatest_contrast() -> None:
    assert contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)


@EACH
@pytest.mark.parametrize("ground", GROUNDS)
def test_text_is_readable(name: str, ground: str) -> None:
    colors = resolved(shipped_theme(name))
    least = 7.0 if name == "outcrop-high-contrast" else 4.5
    ratios = {role: round(contrast(colors[role], colors[ground]), 2) for role in TEXTS}
    assert {role: ratio for role, ratio in ratios.items() if ratio < least} == {}


@EACH
@pytest.mark.parametrize("ground", GROUNDS)
def test_lines_and_bars_are_visible(name: str, ground: str) -> None:
    colors = resolved(shipped_theme(name))
    ratios = {role: round(contrast(colors[role], colors[ground]), 2) for role in LINES}
    assert {role: ratio for role, ratio in ratios.items() if ratio < 3} == {}


@EACH
def test_what_is_selected_or_found_is_readable_on_its_own_ground(name: str) -> None:
    colors = resolved(shipped_theme(name))
    assert contrast(colors["selected"], colors["selected-background"]) >= 4.5
    assert contrast(colors["match"], colors["match-background"]) >= 4.5
    assert contrast(colors["block-cursor-foreground"], colors["block-cursor-background"]) >= 4.5


@EACH
def test_a_lane_bears_a_label_in_the_colour_of_the_ground(name: str) -> None:
    colors = resolved(shipped_theme(name))
    assert min(contrast(colors["background"], colors[lane]) for lane in LANE_ROLES) >= 4.5


@EACH
@pytest.mark.parametrize("ground", GROUNDS)
def test_text_stays_readable_with_256_colours(name: str, ground: str) -> None:
    colors = resolved(shipped_theme(name))
    below = in_256_colours(colors[ground])
    ratios = {role: round(contrast(in_256_colours(colors[role]), below), 2) for role in TEXTS}
    assert {role: ratio for role, ratio in ratios.items() if ratio < 4.5} == {}


@EACH
@pytest.mark.parametrize("sight", SIGHTS)
def test_states_are_told_apart_without_red_or_green(name: str, sight: str) -> None:
    colors = resolved(shipped_theme(name))
    least = DISTANCES.get(name, USUAL_DISTANCE)
    for first, second in combinations(STATES, 2):
        one, other = lab(seen(colors[first], sight)), lab(seen(colors[second], sight))
        distance = sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5
        assert distance >= least, (first, second, round(distance, 1))


# xterm's: of the usual palettes the one with the brightest blue and the darkest red.
XTERM = {
    "black": (0, 0, 0),
    "red": (205, 0, 0),
    "green": (0, 205, 0),
    "yellow": (205, 205, 0),
    "blue": (0, 0, 238),
    "magenta": (205, 0, 205),
    "cyan": (0, 205, 205),
    "bright_red": (255, 0, 0),
    "bright_green": (0, 255, 0),
    "bright_yellow": (255, 255, 0),
    "bright_magenta": (255, 0, 255),
    "bright_cyan": (0, 255, 255),
}


@pytest.mark.parametrize("name", [name for name in shipped_names() if shipped_theme(name).ansi])
def test_the_terminals_own_colours_are_readable_on_its_own_ground(name: str) -> None:
    theme = shipped_theme(name)
    ground, text = (0, 0, 0), (255, 255, 255)
    palette = XTERM | {"default": text if theme.dark else ground}
    below = Color(*(ground if theme.dark else text))
    for role in ROLES:
        if role not in ("match", "selected"):
            color = Color(*palette[theme.variables[role].removeprefix("ansi_")])
            assert contrast(color, below) >= 4, role
    assert contrast(Color(*palette["black"]), Color(*palette["yellow"])) >= 4.5
